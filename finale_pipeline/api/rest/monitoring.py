"""Status, health, metrics and schedules, as numbers and states."""

from datetime import datetime, timedelta
from typing import Any

from finale_pipeline.api.rest.triggers import running
from finale_pipeline.api.server.context import Context
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.warehouse import holds
from finale_pipeline.warehouse.connect import Connection, row_of, rows_of
from finale_pipeline.warehouse.reads import stock as stock_reads
from finale_pipeline.warehouse.requests import blocked_until

WEEK = timedelta(days=7)
FRESH = timedelta(hours=1)
OLD = timedelta(hours=6)
RANK = ("healthy", "degraded", "unhealthy")

LAST = (
    "SELECT DISTINCT ON (strategy) strategy, run_id, status, trigger, reason, started_at,"
    " finished_at, round(extract(epoch FROM finished_at - started_at), 1) AS seconds, rows_done,"
    " api_calls, retry_at, error_kind, error FROM ops.sync_run WHERE status <> 'running'"
    " ORDER BY strategy, run_id DESC"
)
STATISTICS = (
    "SELECT strategy, count(*) AS runs, count(*) FILTER (WHERE status = 'done') AS done,"
    " count(*) FILTER (WHERE status = 'failed') AS failed,"
    " count(*) FILTER (WHERE status IN ('held', 'throttled')) AS put_off,"
    " round(avg(extract(epoch FROM finished_at - started_at))"
    " FILTER (WHERE status = 'done'), 1) AS mean_seconds,"
    " round(max(extract(epoch FROM finished_at - started_at))"
    " FILTER (WHERE status = 'done'), 1) AS longest_seconds,"
    " sum(rows_done) AS rows, sum(api_calls) AS api_calls"
    " FROM ops.sync_run WHERE started_at > %(since)s AND status <> 'running'"
    " GROUP BY strategy ORDER BY strategy"
)
COUNTS = """
SELECT (SELECT count(*) FROM core.product WHERE removed_at IS NULL) AS products,
       (SELECT count(*) FROM core.vendor WHERE removed_at IS NULL) AS vendors,
       items.out_of_stock, items.low,
       (SELECT count(*) FROM ops.incident WHERE closed_at IS NULL) AS incidents_open,
       (SELECT count(*) FROM ops.hold WHERE state = 'open') AS holds_open,
       (SELECT count(*) FROM ops.outbox WHERE state IN ('pending', 'held', 'sending'))
           AS mails_waiting,
       (SELECT count(*) FROM ops.outbox WHERE state = 'dead') AS mails_dead,
       (SELECT count(*) FROM ops.sync_run WHERE status = 'running') AS syncs_running,
       (SELECT count(*) FROM ops.sync_reject WHERE rejected_at > %(day)s) AS rejects_day
FROM (SELECT count(*) FILTER (WHERE level = 'out') AS out_of_stock,
             count(*) FILTER (WHERE level = 'low') AS low
      FROM plan.critical_item JOIN ops.evaluation USING (snapshot_on)) items
"""
DATA = """
SELECT (SELECT count(*) FROM core.product p WHERE removed_at IS NULL AND NOT EXISTS
        (SELECT FROM core.stock_level l WHERE l.product_url = p.product_url)) AS without_stock,
       (SELECT count(*) FROM ops.sync_reject WHERE rejected_at > %(day)s) AS rejects
"""
MAIL = """
SELECT count(*) FILTER (WHERE state = 'dead') AS dead,
       count(*) FILTER (WHERE state IN ('pending', 'sending') AND next_attempt_at < %(late)s)
           AS late
FROM ops.outbox WHERE created_at > %(since)s
"""


def status(connection: Connection, *, now: datetime) -> dict[str, Any]:
    """Return what runs, how the last run of each strategy ended, and the last seven days."""
    runs = running(connection, now=now)
    last = rows_of(connection, LAST)
    held = [
        {"run_id": h.run_id, "subject": h.subject, "reasons": h.reasons}
        for h in holds.all_open(connection)
    ]
    read_at = stock_reads.stock_read_at(connection)
    return {
        "state": _state(runs, last, held),
        "stock_read_at": read_at,
        "running": runs,
        "last": last,
        "held": held,
        "seven_days": rows_of(connection, STATISTICS, since=now - WEEK),
    }


def _state(runs: list[Any], last: list[Any], held: list[Any]) -> str:
    if runs:
        return "running"
    newest = max(last, key=lambda run: run["run_id"], default=None)
    if newest is not None and newest["status"] == "failed":
        return "error"
    put_off = any(run["status"] in {"failed", "held", "throttled"} for run in last)
    return "warning" if held or put_off else "idle"


def health(context: Context) -> dict[str, Any]:
    """Return the state of each part; when the database is down, only that."""
    try:
        with context.pool.connection() as connection:
            parts = _parts(connection, context.clock())
    except Problem as problem:
        said = problem.detail
        parts = {"database": {"status": "unhealthy", "says": said, **problem.facts}}
    return _summed(parts)


def health_by(connection: Connection, *, now: datetime) -> dict[str, Any]:
    """Return the same for whoever has a connection already."""
    return _summed(_parts(connection, now))


def _summed(parts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    worst = max((part["status"] for part in parts.values()), key=RANK.index)
    return {"status": worst, "parts": parts}


def _parts(connection: Connection, now: datetime) -> dict[str, dict[str, Any]]:
    return {
        "database": {"status": "healthy", "says": "answers, at this program's schema"},
        "finale": _finale(connection, now),
        "sync": _sync(connection, now),
        "data": _data(connection, now),
        "outbox": _outbox(connection, now),
    }


def _part(status: str, says: str) -> dict[str, Any]:
    return {"status": status, "says": says}


def _finale(connection: Connection, now: datetime) -> dict[str, Any]:
    """Judge the source by what syncs met, not by asking it: questions come out of the budget."""
    until = blocked_until(connection)
    if until is not None and until > now:
        return _part("degraded", f"wants no requests until {until:%H:%M:%S} UTC")
    last = row_of(
        connection,
        "SELECT status, error_kind FROM ops.sync_run WHERE status IN ('done', 'failed')"
        " ORDER BY run_id DESC LIMIT 1",
    )
    if last is None:
        return _part("degraded", "was never read")
    if last["error_kind"] in {"CONFIG", "TRANSIENT", "MALFORMED", "DRIFT"}:
        return _part("unhealthy", f"the last sync failed on it ({last['error_kind']})")
    return _part("healthy", "answered the last sync")


def _sync(connection: Connection, now: datetime) -> dict[str, Any]:
    read_at = stock_reads.stock_read_at(connection)
    if read_at is None:
        return _part("degraded", "stock was never read")
    says = f"stock was read {(now - read_at) / timedelta(minutes=1):.0f} min ago"
    if now - read_at > OLD:
        return _part("unhealthy", says)
    return _part("degraded" if now - read_at > FRESH else "healthy", says)


def _data(connection: Connection, now: datetime) -> dict[str, Any]:
    found = row_of(connection, DATA, day=now - timedelta(days=1)) or {}
    held = holds.all_open(connection)
    if found["without_stock"]:
        return _part("unhealthy", f"{found['without_stock']} products have no stock level")
    if held or found["rejects"]:
        says = f"{len(held)} reads are held, {found['rejects']} records were refused in a day"
        return _part("degraded", says)
    return _part("healthy", "nothing held, nothing refused")


def _outbox(connection: Connection, now: datetime) -> dict[str, Any]:
    found = row_of(
        connection, MAIL, late=now - timedelta(minutes=10), since=now - timedelta(days=30)
    ) or {"dead": 0, "late": 0}
    if found["dead"]:
        return _part("unhealthy", f"{found['dead']} mails were given up")
    if found["late"]:
        return _part("degraded", f"{found['late']} mails wait for the mail service")
    return _part("healthy", "no mail is late")


def metrics(connection: Connection, *, now: datetime) -> dict[str, Any]:
    """Return the metrics by name; those of strategies have a value per strategy."""
    counted = row_of(connection, COUNTS, day=now - timedelta(days=1)) or {}
    read_at = stock_reads.stock_read_at(connection)
    week = rows_of(connection, STATISTICS, since=now - WEEK)
    good = rows_of(
        connection,
        "SELECT strategy, extract(epoch FROM max(finished_at))::bigint AS at FROM ops.sync_run"
        " WHERE status = 'done' GROUP BY strategy ORDER BY strategy",
    )
    found: dict[str, Any] = {f"finale_{name}": value for name, value in counted.items()}
    found["finale_stock_age_seconds"] = round((now - read_at).total_seconds()) if read_at else None
    found["finale_last_good_sync_timestamp_seconds"] = {r["strategy"]: r["at"] for r in good}
    for name in ("runs", "failed", "mean_seconds", "rows", "api_calls"):
        found[f"finale_sync_7d_{name}"] = {row["strategy"]: row[name] for row in week}
    return found


def prometheus(found: dict[str, Any]) -> str:
    """Return metrics in Prometheus' text form; values not known are left out."""
    lines = []
    for name, value in found.items():
        lines.append(f"# TYPE {name} gauge")
        if isinstance(value, dict):
            lines += [f'{name}{{strategy="{s}"}} {v}' for s, v in value.items() if v is not None]
        elif value is not None:
            lines.append(f"{name} {value}")
    return "\n".join(lines) + "\n"
