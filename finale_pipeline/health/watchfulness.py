"""What the doctor asks about running alone: daemons, schedules, locks, stuck runs, freshness."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from finale_pipeline.clock import utc_now
from finale_pipeline.health.findings import Finding
from finale_pipeline.warehouse import holds, leases, order_writes
from finale_pipeline.warehouse.connect import Connection, dagster_url
from finale_pipeline.warehouse.requests import blocked_until

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

MANY_DEAD = 3
"""So many killed or stuck runs in a week are chance; more are a pattern."""
DAEMONS = {"SCHEDULER", "SENSOR", "QUEUED_RUN_COORDINATOR", "MONITORING"}


def syncs(connection: Connection) -> Iterator[Finding]:
    """Examine runs, locks, holds, budget and freshness."""
    now = utc_now()
    dead = leases.mark_crashed_runs(connection, now=now)
    if dead:
        numbers = [run.run_id for run in dead]
        yield Finding("syncs", "warning", f"Runs {numbers} had died; they are marked failed now.")
    for table_set in leases.TABLE_SETS:
        holder = leases.taken(connection, table_set)
        yield Finding("locks", "ok", f"{table_set}: {holder or 'free'}")
    yield from _troubled(connection, now)
    for hold in holds.all_open(connection):
        yield Finding(
            "held",
            "warning",
            f"{hold.subject}: {'; '.join(hold.reasons)}",
            f"Look at Finale, then: finale approve {hold.run_id}, or finale reject {hold.run_id}",
        )
    until = blocked_until(connection)
    if until is not None and until > now:
        yield Finding("budget", "warning", f"Finale wants no requests until {until:%H:%M:%S} UTC.")
    yield from _freshness(connection, now)


def orders(connection: Connection) -> Iterator[Finding]:
    """Examine the purchase orders that we drafted in Finale."""
    for row in order_writes.open_rows(connection):
        yield Finding(
            "orders",
            "warning",
            f"{row.reference} is {row.state}: {row.error or 'the process ended before its end'}",
            "Run: finale orders check; see docs/runbooks/purchase-orders.md",
        )
    # One that a person committed or cancelled in Finale was looked at.
    query = (
        "SELECT count(*) FROM mart.purchase_order_sent WHERE state = 'differs'"
        " AND coalesce(finale_status, 'ORDER_CREATED') = 'ORDER_CREATED'"
    )
    (wrong,) = cast("tuple[int]", connection.execute(query).fetchone())
    if wrong:
        says = f"{wrong} orders in Finale are not what was meant"
        yield Finding("orders", "warning", says, "See: finale orders list")


def _troubled(connection: Connection, now: datetime) -> Iterator[Finding]:
    row = connection.execute(
        "SELECT count(*) FILTER (WHERE error_kind = 'STUCK' OR error LIKE '%%without a word%%'),"
        " count(*) FILTER (WHERE status = 'running') FROM ops.sync_run WHERE started_at > %s",
        (now - timedelta(days=7),),
    ).fetchone()
    died, running = cast("tuple[int, int]", row)
    says = f"{running} running; {died} died or got stuck in 7 days"
    if died > MANY_DEAD:
        yield Finding("syncs", "warning", says, "Look for what kills them: memory, deploys.")
    else:
        yield Finding("syncs", "ok", says)
    repeats = connection.execute(
        "SELECT count(*) FROM ops.schedule_tick WHERE repeated_at > %s", (now - timedelta(days=1),)
    ).fetchone()
    count = cast("tuple[int]", repeats)[0]
    if count:
        yield Finding(
            "daemons",
            "warning",
            f"{count} due times came twice in a day: a second daemon runs, or it was restarted.",
            "Run one `dagster-daemon` only; nothing was done twice.",
        )


def _freshness(connection: Connection, now: datetime) -> Iterator[Finding]:
    rows = connection.execute(
        "SELECT asset, read_at, allowed_hours FROM mart.freshness ORDER BY asset"
    ).fetchall()
    for asset, read_at, allowed in cast("list[tuple[str, datetime | None, int]]", rows):
        if read_at is None:
            yield Finding("freshness", "warning", f"{asset}: never read", "finale sync full")
            continue
        says = f"{asset}: {(now - read_at) / timedelta(minutes=1):.0f} min old"
        if now - read_at > timedelta(hours=allowed):
            step = "Do the schedules run? See below, and `finale status`."
            yield Finding("freshness", "warning", f"{says}, more than {allowed} h", step)
        else:
            yield Finding("freshness", "ok", says)


def dagster(settings: "Settings") -> Iterator[Finding]:
    """Examine Dagster's daemons, and which schedules and sensors are off."""
    home = (settings.home / "dagster").resolve()
    if not (home / "dagster.yaml").exists():
        yield Finding("daemons", "warning", "Dagster was never started here.", "finale dev")
        return
    from dagster import DagsterInstance  # noqa: PLC0415 - a second of imports

    os.environ["DAGSTER_POSTGRES_URL"] = dagster_url(settings)  # what dagster.yaml refers to
    with DagsterInstance.from_config(str(home)) as instance:
        yield _daemons(instance.get_daemon_statuses())
        states = instance.all_instigator_state()
        off = sorted(state.name for state in states if state.status.value == "STOPPED")
    if off:
        step = "Turn them on in Dagster's UI under Automation, if that was not meant."
        yield Finding("schedules", "warning", f"switched off: {', '.join(off)}", step)
    else:
        yield Finding("schedules", "ok", "none is switched off")


def _daemons(statuses: Any) -> Finding:
    silent = sorted(
        name for name, s in statuses.items() if name in DAEMONS and s.required and not s.healthy
    )
    if silent:
        says = f"no recent heartbeat: {', '.join(silent)}"
        return Finding("daemons", "warning", says, "Start it: finale dev, or the daemon's service.")
    return Finding("daemons", "ok", f"{len(DAEMONS & set(statuses))} alive")
