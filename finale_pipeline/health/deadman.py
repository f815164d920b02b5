"""What the watch looks at in the ledger: overdue syncs, a daemon that decides nothing, mails."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from finale_pipeline.automation.due import last_tick
from finale_pipeline.automation.location import own
from finale_pipeline.domain.alerts.deadman import Trouble, is_overdue
from finale_pipeline.domain.syncs.strategy import COVERED_BY
from finale_pipeline.health import rules
from finale_pipeline.settings import OFF
from finale_pipeline.warehouse import incidents, leases, ticks
from finale_pipeline.warehouse.connect import Connection, dagster_url
from finale_pipeline.warehouse.reads import runs

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

FIXED = ("critical", "inventory", "active", "full")
GRACE = timedelta(minutes=2)
"""So long a sync that is due may take until it is in the ledger as done."""
DECIDES_WITHIN = timedelta(minutes=5)
STARTS_WITHIN = timedelta(minutes=15)
"""Time between `finale init` and the first start of the services, in which nobody is mailed."""


def troubles(
    connection: Connection, settings: "Settings", *, since: datetime, now: datetime
) -> list[Trouble]:
    """Return what is not as it should be.

    Args:
        since: UTC, when the watch began; before it nothing was expected.
    """
    leases.mark_crashed_runs(connection, now=now)
    crons = schedules(settings)
    return [
        *_daemon(connection, settings, crons, since, now),
        *_syncs(connection, settings, crons, since, now),
        *_outbox(connection, now),
    ]


def schedules(settings: "Settings") -> dict[str, str]:
    """Return the cron times of the schedules that are on, in the settings and in Dagster."""
    off = _switched_off(settings)
    crons = {name: str(getattr(settings, f"schedule_{name}")) for name in (*FIXED, "smart")}
    return {n: cron for n, cron in crons.items() if cron != OFF and f"{n}_schedule" not in off}


def _switched_off(settings: "Settings") -> set[str]:
    """Return what a person switched off in Dagster; nothing when Dagster cannot say."""
    home = (settings.home / "dagster").resolve()
    if not (home / "dagster.yaml").exists():
        return set()
    from dagster import DagsterInstance  # noqa: PLC0415 - a second of imports

    try:
        os.environ["DAGSTER_POSTGRES_URL"] = dagster_url(settings)  # dagster.yaml refers to it
        with DagsterInstance.from_config(str(home)) as instance:
            states = own(instance.all_instigator_state(), settings.location)
    except Exception:  # noqa: BLE001 - whatever ails Dagster, the watch goes on
        return set()
    return {state.name for state in states if state.status.value == "STOPPED"}


def _daemon(
    connection: Connection,
    settings: "Settings",
    crons: Mapping[str, str],
    since: datetime,
    now: datetime,
) -> Iterator[Trouble]:
    """Compare due times with decisions: whatever runs, what decides nothing is dead."""
    decided_at = ticks.last_decided_at(connection, before=now + leases.CLOCKS_APART)
    if decided_at is None:  # a crontab may do without Dagster; then there are syncs
        ever, is_alive = _last_good(connection, list(FIXED), now, settings.stuck_minutes)
        if ever is None and not is_alive and now - since > STARTS_WITHIN:
            yield Trouble(
                "daemon",
                f"Dagster was never started, and nothing was synced since {_utc(since)}.",
                "Start it: finale dev; for good: deploy/README.md",
            )
        return
    due = {n: last_tick(c, settings.timezone, now - DECIDES_WITHIN) for n, c in crons.items()}
    missed = {name: at for name, at in due.items() if at > decided_at}
    if missed:
        name = max(missed, key=lambda n: missed[n])
        yield Trouble(
            "daemon",
            f"No due time was decided since {_utc(decided_at)}; {name} was due"
            f" {_utc(missed[name])}.",
            "Start Dagster's daemon and code server (systemctl restart finale-code finale-daemon,"
            " or finale dev); then: finale doctor",
        )


def _syncs(
    connection: Connection,
    settings: "Settings",
    crons: Mapping[str, str],
    since: datetime,
    now: datetime,
) -> Iterator[Trouble]:
    for name, cron in crons.items():
        covering = list(FIXED if name == "smart" else (name, *COVERED_BY[name]))
        newest = last_tick(cron, settings.timezone, now - GRACE)
        before = last_tick(cron, settings.timezone, newest - timedelta(seconds=1))
        last, is_alive = _last_good(connection, covering, now, settings.stuck_minutes)
        if is_alive or not is_overdue(second_last_due_at=before, last_good_at=last, since=since):
            continue
        yield Trouble(
            "syncs",
            f"No {name} sync, nor one that does more, ended well since"
            f" {_utc(last) if last else 'the watch began'}; due were {_utc(before)} and"
            f" {_utc(newest)}.",
            "See: finale status, then finale doctor",
            _told_by(connection, covering if name == "smart" else [name]),
        )


def _last_good(
    connection: Connection, covering: list[str], now: datetime, silent_minutes: float
) -> tuple[datetime | None, bool]:
    """Return when one of some strategies last ended well, and whether one is at work now."""
    since = now - timedelta(minutes=silent_minutes)
    is_alive = runs.is_one_alive(connection, covering, since=since)
    return runs.last_good_at(connection, covering, now=now), is_alive


def _told_by(connection: Connection, strategies: list[str]) -> str | None:
    """Say which mail told of a strategy's trouble already."""
    told = [i for i in incidents.open_of_syncs(connection) if i.strategy in strategies]
    first = min(told, key=lambda incident: incident.incident_id, default=None)
    return f"incident {first.incident_id}, {first.level}" if first else None


def _outbox(connection: Connection, now: datetime) -> Iterator[Trouble]:
    """Find mails that wait for too long, or were given up with none delivered since."""
    says = rules.undelivered(connection, now=now)
    if says is not None:
        yield Trouble(
            "outbox", says, "Mend what is named; mails that were given up: finale alerts resend"
        )


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
