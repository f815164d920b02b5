"""`finale forecast`: plans a day, and shows on the past how good forecasts are."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from finale_pipeline.clock import business_day, utc_now
from finale_pipeline.commands import backtest as scoring
from finale_pipeline.commands.common import DAY, answer, json_option, pass_warehouse
from finale_pipeline.planning.plan import plan_day
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import connect, database_url
from finale_pipeline.warehouse.reads.stock import last_day


@click.group()
def command() -> None:
    """Plan a day, or score forecasts on the past."""


@command.command("plan")
@click.option("--on", type=DAY, help="The day to plan; without it, that of the newest stock.")
@json_option
@pass_warehouse
def _plan(settings: Settings, *, on: date | None, as_json: bool) -> None:
    """Forecast a day, and write its purchase plan."""
    answer(plan(settings, on), _plan_shown, as_json=as_json)


@command.command("backtest")
@click.option("--orders", type=click.Path(path_type=Path), help="Parquet file to score instead.")
@json_option
@pass_warehouse
def _backtest(settings: Settings, *, orders: Path | None, as_json: bool) -> None:
    """Score forecasts on the past, and write a report."""
    found = scoring.backtest(settings, orders)
    answer(found.as_dict() if as_json else found, scoring.shown, as_json=as_json)


def plan(settings: Settings, day: date | None) -> dict[str, Any]:
    """Plan a day, today if none is named; return what was done.

    Raises:
        ConfigError: The day is still to come.
    """
    now = utc_now()
    with connect(database_url(settings), name="finale forecast") as connection:
        schema.require_current(connection)
        today = business_day(now, settings.zone)
        as_of = day or last_day(connection) or today
        report = plan_day(connection, as_of, settings, now=now)
    return {
        "as_of": as_of.isoformat(),
        "method": report.method.name,
        "method_change": report.method.change,
        "seconds": round(report.seconds, 3),
        "compute_seconds": round(report.compute_seconds, 3),
        "vendors": report.vendors,
        "tables": {table: counts.as_dict() for table, counts in report.counts.items()},
    }


def _plan_shown(done: dict[str, Any]) -> str:
    """Return what planning a day did, as text."""
    tables = done["tables"]
    return (
        f"Plan of {done['as_of']} by {done['method']}:"
        f" {tables['plan.demand']['read']:,} products,"
        f" {tables['plan.purchase_order_draft_line']['read']:,} to order from"
        f" {done['vendors']:,} vendors, in {done['seconds']:.1f} s."
        + (f"\n{done['method_change']}" if done["method_change"] else "")
    )
