"""Status, health, metrics and schedules, as numbers and states."""

from datetime import datetime, timedelta
from typing import Any

from finale_pipeline.api.rest.sync_requests import running
from finale_pipeline.api.server.context import Context
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.health import rules
from finale_pipeline.health.findings import Finding, worst
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import holds, requests
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import health as health_reads
from finale_pipeline.warehouse.reads import runs as runs_reads
from finale_pipeline.warehouse.reads import stock as stock_reads

HEALTH = {"ok": "healthy", "warning": "degraded", "failed": "unhealthy"}
STATE = {"ok": "idle", "warning": "warning", "failed": "error"}
"""A finding's states, as health and status call them."""


def status(connection: Connection, *, now: datetime) -> dict[str, Any]:
    """Return what runs, how the last run of each strategy ended, and the last seven days."""
    runs = running(connection, now=now)
    last = connection.rows(runs_reads.LAST)
    held = [
        {"run_id": h.run_id, "subject": h.subject, "reasons": h.reasons}
        for h in holds.all_open(connection)
    ]
    read_at = stock_reads.stock_read_at(connection)
    findings = rules.parts(connection, now=now)
    judged = worst([*findings["finale"], *findings["sync"], *findings["data"]])
    return {
        "state": "running" if runs else STATE[judged],
        "stock_read_at": read_at,
        "running": runs,
        "last": last,
        "held": held,
        "seven_days": connection.rows(runs_reads.STATISTICS, since=now - health_reads.WEEK),
    }


def health(context: Context) -> dict[str, Any]:
    """Return the state of each part; when the database is down, only that."""
    try:
        acquired = context.pool.acquire()
    except Problem as problem:
        down = {"status": "unhealthy", "says": problem.detail, **problem.facts}
        return {"status": "unhealthy", "parts": {"database": down}}
    try:
        return health_by(acquired.connection, now=context.clock())
    finally:
        context.pool.release(acquired.connection)


def health_by(connection: Connection, *, now: datetime) -> dict[str, Any]:
    """Return the same for whoever has a connection already."""
    says = "answers, at this program's schema"
    parts = {"database": [Finding("database", "ok", says)], **rules.parts(connection, now=now)}
    return {
        "status": HEALTH[worst(finding for part in parts.values() for finding in part)],
        "parts": {name: _part(findings) for name, findings in parts.items()},
    }


def _part(findings: list[Finding]) -> dict[str, Any]:
    """Sum findings up: the worst of their states, and what is not well, else what was found."""
    texts = [f.says for f in findings if f.state != "ok"] or [f.says for f in findings]
    return {"status": HEALTH[worst(findings)], "says": "; ".join(texts) or "nothing is amiss"}


LABELS = {
    "finale_health": "part",
    "finale_source_budget_left": "budget",
    "finale_table_bytes": "table",
}
"""What the values of a metric are by; the others are by strategy."""


def metrics(connection: Connection, settings: Settings, *, now: datetime) -> dict[str, Any]:
    """Return the metrics by name; some have a value per strategy, budget or table."""
    counted = connection.row(runs_reads.COUNTS, day=now - timedelta(days=1)) or {}
    read_at = stock_reads.stock_read_at(connection)
    week = connection.rows(runs_reads.STATISTICS, since=now - health_reads.WEEK)
    good = connection.rows(runs_reads.LAST_GOOD)
    values: dict[str, Any] = {f"finale_{name}": value for name, value in counted.items()}
    values["finale_stock_age_seconds"] = round((now - read_at).total_seconds()) if read_at else None
    values["finale_last_good_sync_timestamp_seconds"] = {r["strategy"]: r["at"] for r in good}
    limits = {
        "get": settings.get_per_minute,
        "post": settings.post_per_minute,
        "collection": settings.collections_per_hour,
    }
    used = requests.used(connection, now=now)
    values["finale_source_budget_left"] = {n: max(limits[n] - used[n], 0) for n in limits}
    until = requests.blocked_until(connection, now=now)
    values["finale_source_blocked_seconds"] = round((until - now).total_seconds()) if until else 0
    values["finale_table_bytes"] = health_reads.table_bytes(connection)
    values["finale_health"] = {  # 0 = healthy, 1 = degraded, 2 = unhealthy
        name: [*HEALTH].index(worst(part))
        for name, part in rules.parts(connection, now=now).items()
    }
    for name in ("runs", "failed", "mean_seconds", "rows", "api_calls"):
        values[f"finale_sync_7d_{name}"] = {row["strategy"]: row[name] for row in week}
    return values


def prometheus(metrics_by_name: dict[str, Any]) -> str:
    """Return metrics in Prometheus' text form; values not known are left out."""
    lines = []
    for name, value in metrics_by_name.items():
        lines.append(f"# TYPE {name} gauge")
        if isinstance(value, dict):
            label = LABELS.get(name, "strategy")
            lines += [f'{name}{{{label}="{s}"}} {v}' for s, v in value.items() if v is not None]
        elif value is not None:
            lines.append(f"{name} {value}")
    return "\n".join(lines) + "\n"
