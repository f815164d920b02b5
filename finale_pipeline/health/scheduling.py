"""Judges whether it runs by itself: Dagster's daemons and schedules, and syncs that are overdue."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from finale_pipeline.assets.due import GRACE, last_tick, missed_at, note_lateness
from finale_pipeline.automation.location import stopped
from finale_pipeline.clock import utc_now
from finale_pipeline.domain.alerts.deadman import Trouble
from finale_pipeline.domain.syncs.freshness import CLOCKS_APART
from finale_pipeline.domain.syncs.strategy import COVERED_BY, LADDER, SYNCS
from finale_pipeline.health import rules, watch_state
from finale_pipeline.health.findings import Finding
from finale_pipeline.settings import OFF, Settings
from finale_pipeline.warehouse import incidents, leases, ticks
from finale_pipeline.warehouse.connect import Connection, connect, dagster_url, database_url
from finale_pipeline.warehouse.reads import runs

if TYPE_CHECKING:
    from dagster import DagsterInstance

DAEMONS = {"SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR", "MONITORING"}
DECIDES_WITHIN = timedelta(minutes=5)
STARTS_WITHIN = timedelta(minutes=15)
"""Time between `finale init` and the first start of the services, in which nobody is mailed."""


def examine(settings: Settings) -> Iterator[Finding]:
    """Examine Dagster's daemons and schedules, and whether anything is overdue."""
    off: set[str] = set()
    with _instance(settings) as instance:
        if instance is None:
            yield Finding("daemons", "warning", "Dagster was never started here.", "finale dev")
        else:
            yield _daemons(instance.get_daemon_statuses())
            off = stopped(instance, settings.location)
    if off:
        step = "Turn them on in Dagster's UI under Automation, if that was not meant."
        yield Finding("schedules", "warning", f"switched off: {', '.join(sorted(off))}", step)
    elif instance is not None:
        yield Finding("schedules", "ok", "none is switched off")
    now, state = utc_now(), watch_state.read(settings.home)
    since = state.began_at if state else now
    with connect(database_url(settings), name="finale doctor") as connection:
        for trouble in _Look(connection, settings, _crons(settings, off), since, now).troubles():
            yield Finding(trouble.kind, "failed", trouble.says, trouble.step)


def troubles(
    connection: Connection, settings: Settings, *, since: datetime, now: datetime
) -> list[Trouble]:
    """Return what the watch mails about.

    Args:
        since: UTC, when the watch began; before it nothing was expected.
    """
    leases.mark_crashed_runs(connection, now=now)
    look = _Look(connection, settings, schedules(settings), since, now)
    return [*look.troubles(), *_outbox(connection, now)]


def schedules(settings: Settings) -> dict[str, str]:
    """Return the cron times of the schedules that are on, in the settings and in Dagster."""
    try:
        with _instance(settings) as instance:
            off = stopped(instance, settings.location) if instance else set()
    except Exception:  # noqa: BLE001 - whatever ails Dagster, the watch goes on
        off = set()
    return _crons(settings, off)


@contextmanager
def _instance(settings: Settings) -> Iterator["DagsterInstance | None"]:
    """Open Dagster's instance; None when it was never started here."""
    home = (settings.home / "dagster").resolve()
    if not (home / "dagster.yaml").exists():
        yield None
        return
    from dagster import DagsterInstance  # a second of imports

    os.environ["DAGSTER_POSTGRES_URL"] = dagster_url(settings)  # what dagster.yaml refers to
    with DagsterInstance.from_config(str(home)) as instance:
        yield instance


def _daemons(statuses: Any) -> Finding:
    silent = sorted(
        name for name, s in statuses.items() if name in DAEMONS and s.required and not s.healthy
    )
    if silent:
        says = f"no recent heartbeat: {', '.join(silent)}"
        return Finding("daemons", "warning", says, "Start it: finale dev, or the daemon's service.")
    return Finding("daemons", "ok", f"{len(DAEMONS & set(statuses))} alive")


def _crons(settings: Settings, off: set[str]) -> dict[str, str]:
    crons = {name: str(getattr(settings, f"schedule_{name}")) for name in SYNCS}
    return {n: cron for n, cron in crons.items() if cron != OFF and f"{n}_schedule" not in off}


@dataclass(frozen=True, slots=True)
class _Look:
    """What is due is compared with what happened."""

    connection: Connection
    settings: Settings
    crons: Mapping[str, str]
    since: datetime
    now: datetime

    def troubles(self) -> Iterator[Trouble]:
        note_lateness(self.connection, self.crons, self.settings.timezone)
        yield from self._daemon()
        yield from self._syncs()

    def _daemon(self) -> Iterator[Trouble]:
        """Compare due times with decisions: whatever runs, what decides nothing is dead."""
        until = self.now + CLOCKS_APART  # what was decided later was noted by a clock ahead
        decided_at = ticks.last_decided_at(self.connection, before=until)
        if decided_at is None:  # a crontab may do without Dagster; then there are syncs
            ever, is_alive = self._last_good(LADDER)
            if ever is None and not is_alive and self.now - self.since > STARTS_WITHIN:
                yield Trouble(
                    "daemon",
                    f"Dagster was never started, and nothing was synced since {_utc(self.since)}.",
                    "Start it: finale dev; for good: deploy/README.md",
                )
            return
        by, zone = self.now - DECIDES_WITHIN, self.settings.timezone
        due = {name: last_tick(cron, zone, by) for name, cron in self.crons.items()}
        missed = {name: at for name, at in due.items() if at > decided_at}
        if missed:
            name = max(missed, key=lambda n: missed[n])
            yield Trouble(
                "daemon",
                f"No due time was decided since {_utc(decided_at)}; {name} was due"
                f" {_utc(missed[name])}.",
                "Start Dagster's daemon and code server (systemctl restart finale-code"
                " finale-daemon, or finale dev); then: finale doctor",
            )

    def _syncs(self) -> Iterator[Trouble]:
        for name, cron in self.crons.items():
            covering = LADDER if name == "smart" else (name, *COVERED_BY[name])
            last, is_alive = self._last_good(covering)
            overdue_at = missed_at(last or self.since, [cron], self.settings.timezone)
            if is_alive or overdue_at is None or self.now <= overdue_at:
                continue
            yield Trouble(
                "syncs",
                f"No {name} sync, nor one that does more, ended well since"
                f" {_utc(last) if last else 'the watch began'}; two were due by"
                f" {_utc(overdue_at - GRACE)}.",
                "See: finale status, then finale doctor",
                _told_by(self.connection, covering if name == "smart" else (name,)),
            )

    def _last_good(self, covering: Sequence[str]) -> tuple[datetime | None, bool]:
        """Return when one of some strategies last ended well, and whether one is at work now."""
        since = self.now - timedelta(minutes=self.settings.stuck_minutes)
        is_alive = runs.is_one_alive(self.connection, covering, since=since)
        return runs.last_good_at(self.connection, covering, now=self.now), is_alive


def _told_by(connection: Connection, strategies: Sequence[str]) -> str | None:
    """Say which mail told of a strategy's trouble already."""
    announced = [i for i in incidents.open_of_syncs(connection) if i.strategy in strategies]
    first = min(announced, key=lambda incident: incident.incident_id, default=None)
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
