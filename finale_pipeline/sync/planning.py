"""The day's plan after what it is made of was read, and what alerts make of it."""

from datetime import date

from finale_pipeline.clock import business_day
from finale_pipeline.planning.plan import PlanReport, plan_day
from finale_pipeline.sync.critical import tell_crossings
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse.reads.stock import last_day

PLANNED = ("active", "full")
"""Strategies after which today is planned anew."""


def plan_today(run: SyncRun) -> PlanReport:
    """Plan the day, then evaluate by the new decisions and send what waits."""
    observed = last_day(run.connection) or date.min
    today = max(business_day(run.clock(), run.settings.zone), observed)
    report = plan_day(run.connection, today, run.settings, now=run.clock())
    tell_crossings(run)
    return report
