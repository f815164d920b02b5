"""The day's plan after what it is made of was read, and what alerts make of it."""

from finale_pipeline.planning.plan import PlanReport, plan_day, present_day
from finale_pipeline.sync.critical import tell_crossings
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse.statistics import gather_missing


def plan_today(run: SyncRun) -> PlanReport:
    """Plan the present day, then evaluate by the new decisions and send what waits.

    The plan has a transaction of its own: should it fail, what was read stays.
    """
    today = present_day(run.connection, run.settings, run.clock())
    gather_missing(run.connection)
    report = plan_day(run.connection, today, run.settings, now=run.clock())
    gather_missing(run.connection)
    tell_crossings(run)
    return report
