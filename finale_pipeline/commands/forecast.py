"""`finale forecast`: plans a day, and shows on the past how good forecasts are."""

from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from finale_pipeline.clock import business_day, utc_now
from finale_pipeline.commands import backtest as scoring
from finale_pipeline.commands.common import DAY, actor, answering, pass_connection, pass_warehouse
from finale_pipeline.errors import ConfigError
from finale_pipeline.planning.plan import plan_day
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.adjustments import (
    Kind,
    NewAdjustment,
    Scope,
    adjust,
    listed,
    url_of,
    withdraw,
)
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads.forecasts import outcomes
from finale_pipeline.warehouse.reads.stock import last_day


@click.group()
def command() -> None:
    """Plan a day, or score forecasts on the past."""


def _plan_shown(report: dict[str, Any]) -> str:
    tables = report["tables"]
    return (
        f"Plan of {report['as_of']} by {report['method']}:"
        f" {tables['plan.demand']['read']:,} products,"
        f" {tables['plan.purchase_order_draft_line']['read']:,} to order from"
        f" {report['vendors']:,} vendors, in {report['seconds']:.1f} s."
        + (f"\n{report['method_change']}" if report["method_change"] else "")
    )


@command.command("plan")
@click.option("--on", type=DAY, help="The day to plan; without it, that of the newest stock.")
@answering(_plan_shown)
@pass_connection
def _plan(settings: Settings, connection: Connection, *, on: date | None) -> dict[str, Any]:
    """Forecast a day, and write its purchase plan."""
    now = utc_now()
    as_of = on or last_day(connection) or business_day(now, settings.zone)
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


@command.command("backtest")
@click.option("--orders", type=click.Path(path_type=Path), help="Parquet file to score instead.")
@answering(scoring.shown)
@pass_warehouse
def _backtest(settings: Settings, *, orders: Path | None) -> scoring.Backtest:
    """Score forecasts on the past, and write a report."""
    return scoring.backtest(settings, orders)


def _outcomes_shown(outcomes: dict[str, Any]) -> str:
    if not outcomes["groups"] or not outcomes["groups"][0]["forecasts"]:
        return "No plan is old enough yet: the time that it is about has to pass first."
    lines = [
        f"{'':22}{'forecasts':>10}{'asked':>8}{'held':>8}{'bias':>8}{'error':>8}{'30 days':>9}"
    ]
    lines.extend(
        f"{row['kind']:10} {row['name']:11}{row['forecasts']:>10}"
        + "".join(
            f"{_share(row[name]):>9}" for name in ("asked", "held", "bias", "error", "naive_error")
        )
        for row in outcomes["groups"]
    )
    worse = ", ".join(str(row["sku"]) for row in outcomes["worse"])
    return "\n".join([*lines, f"The mean of 30 days was nearer for: {worse or 'none'}"])


def _share(value: Any) -> str:
    return "-" if value is None else f"{float(value):.1%}"


@command.command("outcomes")
@click.option("--vendor", help="Of one vendor, by name.")
@click.option("--sku", help="Of one product.")
@answering(_outcomes_shown)
@pass_connection
def _outcomes(
    _settings: Settings, connection: Connection, *, vendor: str | None, sku: str | None
) -> dict[str, Any]:
    """Show what the plans of the last weeks said, and what came."""
    result = outcomes(connection, vendor=vendor, sku=sku)
    return {"groups": result.groups, "weeks": result.weeks, "worse": result.worse}


@command.command("adjust")
@click.argument("name")
@click.option("--scope", type=click.Choice(["product", "vendor", "category"]), default="product")
@click.option("--times", metavar="NUMBER", help="Demand is so many times what is expected.")
@click.option("--units", metavar="NUMBER", help="So many units are expected, and no others.")
@click.option("--from", "from_on", type=DAY, help="The first day.")
@click.option("--until", "until_on", type=DAY, help="The last day.")
@click.option("--successor-of", help="SKU whose sales count as its own.")
@click.option("--note", help="Why.")
@pass_connection
def _adjust(
    _settings: Settings,
    connection: Connection,
    *,
    name: str,
    scope: Scope,
    times: str | None,
    units: str | None,
    from_on: date | None,
    until_on: date | None,
    successor_of: str | None,
    note: str | None,
) -> None:
    """Say what is known of demand: a promotion, a planned quantity, a successor.

    NAME is a SKU, or a vendor's or category's name. It counts from the next plan on.
    """
    kind: Kind = "successor" if successor_of else "units" if units is not None else "times"
    adjustment = NewAdjustment(
        scope,
        url_of(connection, scope, name),
        kind,
        _amount(units if units is not None else times),
        from_on,
        until_on,
        url_of(connection, "product", successor_of) if successor_of else None,
        note,
    )
    number = adjust(connection, adjustment, actor=actor(), now=utc_now())
    click.echo(f"Adjustment {number} counts from the next plan on: finale forecast plan")


def _amount(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        raise ConfigError(f"{text} is no number.", step="Write it as 1.5 or 300.") from None


@command.command("adjustments")
@click.option("--withdraw", "number", type=int, help="Take the one of this number back.")
@pass_connection
def _adjustments(_settings: Settings, connection: Connection, *, number: int | None) -> None:
    """List what buyers said of demand, or take one back."""
    if number is not None and not withdraw(connection, number, actor=actor(), now=utc_now()):
        raise ConfigError(
            f"There is no adjustment {number} that holds.",
            step="List them: finale forecast adjustments",
        )
    for row in listed(connection):
        click.echo(f"{row.adjustment_id:>6}  {row.says}  ({row.made_by}) {row.note or ''}")
