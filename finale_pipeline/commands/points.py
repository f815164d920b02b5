"""`finale points`: Finale's reorder points against ours, and which of them holds."""

from collections.abc import Sequence
from typing import Any, Literal

import click

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import (
    answering,
    open_warehouse,
    pass_connection,
    pass_warehouse,
)
from finale_pipeline.errors import ConfigError
from finale_pipeline.planning.agreements import accept_points
from finale_pipeline.settings import Settings
from finale_pipeline.text import number, plain
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import decisions


@click.group()
def command() -> None:
    """Compare Finale's reorder points with ours, and say which holds."""


def shown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the comparison as a table."""
    lines = [f"{'product':24}{'a day':>9}{'Finale':>10}{'days':>8}{'ours':>10}{'days':>8}  in use"]
    for row in rows:
        days = [
            "-" if row[name] is None else number(row[name])
            for name in ("finale_point_days", "our_point_days")
        ]
        lines.append(
            f"{plain(row['sku'], most=23):24}{row['velocity_units_per_day'] or 0:>9.2f}"
            f"{row['finale_point_units']:>10.1f}{days[0]:>8}"
            f"{row['our_point_units']:>10.1f}{days[1]:>8}"
            f"  {row['point_source'] or 'none'} {row['point_units'] or 0:.1f}"
        )
    return "\n".join(lines) if rows else "No product has a point of Finale's and one of ours."


@command.command("list")
@answering(shown)
@pass_connection
def _list(_settings: Settings, connection: Connection) -> list[dict[str, Any]]:
    """Show both points of every product that has both, and the days of sales that each means."""
    return decisions.point_comparison(connection)


@command.command("accept")
@click.argument("whose", type=click.Choice(["finale", "ours"]))
@click.argument("skus", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Of every product that has both.")
@answering(lambda accepted: f"{len(accepted)} points are the buyer's now.")
@pass_warehouse
def _accept(
    settings: Settings, *, whose: Literal["finale", "ours"], skus: tuple[str, ...], everything: bool
) -> dict[str, Any]:
    """Make Finale's or our points the buyer's own, for some products or for all."""
    if everything == bool(skus):
        raise click.UsageError("Name products, or --all.")
    return accept(settings, whose, None if everything else skus)


def accept(
    settings: Settings, whose: Literal["finale", "ours"], skus: Sequence[str] | None
) -> dict[str, Any]:
    """Accept points, and decide again by them, in one transaction.

    Raises:
        ConfigError: None of the products has both points.
    """
    with open_warehouse(settings) as connection:
        accepted = accept_points(connection, settings, whose, skus, actor="command", now=utc_now())
        if not accepted:
            raise ConfigError(
                "None of these products has a point of Finale's and one of ours.",
                data="Nothing was changed.",
                step="See: finale points list",
            )
        return dict(accepted)
