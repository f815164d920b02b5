"""`finale approve`: what a held read would change, and the decision to write it."""

from typing import Any

import click

from finale_pipeline.commands.common import (
    actor,
    agreed,
    json_option,
    note,
    open_warehouse,
    pass_warehouse,
    say,
)
from finale_pipeline.commands.sync import reported, run_strategy
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import Settings
from finale_pipeline.text import plain
from finale_pipeline.warehouse import holds
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.holds import Hold

STRATEGY = {"stock": "inventory", "core.vendor": "vendors"}
"""Which sync reads a subject again; the catalogue's other tables need a full one."""


@click.command()
@click.argument("run", type=int)
@click.option("--yes", is_flag=True, help="Agree without being asked.")
@json_option
@pass_warehouse
def command(settings: Settings, *, run: int, yes: bool, as_json: bool) -> int:
    """Show what run RUN held, and write it if you agree.

    The source is read anew; a read that would take away more than was shown is held again.
    """
    with open_warehouse(settings) as connection:
        hold = waiting(connection, run)
    note(shown(hold))  # stdout is for the answer
    if not yes and not agreed("Write it?"):
        say("Nothing was changed; it stays held.")
        return 0
    strategy = STRATEGY.get(hold.subject, "full")
    report = run_strategy(settings, strategy, trigger="cli", accept_implausible=True)
    with open_warehouse(settings) as connection:
        holds.note_approver(connection, hold, actor())
    return reported(report, as_json=as_json)


def waiting(connection: Connection, run_id: int) -> Hold:
    """Return what a run held.

    Raises:
        ConfigError: It held nothing that waits for a decision.
    """
    hold = holds.of_run(connection, run_id)
    if hold is None:
        raise ConfigError(
            f"Run {run_id} held nothing.", step="`finale status` names what is held, if anything."
        )
    if hold.state not in {"open", "rejected"}:
        raise ConfigError(
            f"What run {run_id} held is {hold.state} already.", step="There is nothing to decide."
        )
    return hold


def shown(hold: Hold) -> str:
    """Return the difference as lines to read."""
    lines = [
        f"{hold.subject}, held by run {hold.run_id} at {hold.held_at:%Y-%m-%d %H:%M} UTC,"
        f" seen {hold.seen_count} times, last at {hold.seen_at:%Y-%m-%d %H:%M} UTC:",
        *(f"  {reason}" for reason in hold.reasons),
        "",
        f"  {'':36}{'stored':>12}{'read':>12}",
        *(f"  {name:36}{was:>12}{now:>12}" for name, was, now in _sums(hold)),
        "",
        f"  {hold.after.get('lost', 0)} would lose what they have; the first:",
        *(f"  {_record(record)}" for record in hold.sample),
    ]
    return "\n".join(lines)


def _sums(hold: Hold) -> list[tuple[str, Any, Any]]:
    rows = []
    for name, was in hold.before.items():
        now = hold.after.get(name, "")
        label = name.replace("_", " ")
        if isinstance(was, dict):
            rows += [(f"  at {key}"[-36:], n, (now or {}).get(key, 0)) for key, n in was.items()]
        else:
            rows.append((label, was, now))
    return rows


def _record(record: dict[str, Any]) -> str:
    if "sku" not in record:
        return "  ".join(plain(value) for value in record.values())
    name, sku = plain(record["name"] or "", most=40), plain(record["sku"] or "?", most=24)
    return f"{sku:24}{record['before']:>10g} → {record['now']:<8g}{name}"
