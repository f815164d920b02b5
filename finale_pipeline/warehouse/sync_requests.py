"""Syncs that were asked for through the API, so that asking twice starts one."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from finale_pipeline.warehouse.connect import Connection, Row


def keep(
    connection: Connection,
    *,
    asked_for: str,
    strategy: str,
    dagster_run_id: str,
    answer: Mapping[str, object],
    now: datetime,
    actor: str,
    key: str | None,
) -> None:
    """Write down that a run was started, with the answer that was given."""
    connection.execute(
        "INSERT INTO ops.trigger (idempotency_key, asked_for, strategy, dagster_run_id, answer,"
        " asked_at, asked_by) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (key, asked_for, strategy, dagster_run_id, json.dumps(answer), now, actor),
    )


def answered(connection: Connection, key: str, *, since: datetime) -> Row | None:
    """Return what a key was used for and the answer to it; one from before is forgotten."""
    connection.execute(
        "UPDATE ops.trigger SET idempotency_key = NULL"
        " WHERE idempotency_key = %s AND asked_at < %s",
        (key, since),
    )
    query = "SELECT asked_for, answer FROM ops.trigger WHERE idempotency_key = %s"
    return connection.row(query, key)


def not_begun(
    connection: Connection, strategies: Sequence[str], *, since: datetime, now: datetime
) -> Row | None:
    """Return the newest start of some strategies since a moment whose run did not begin yet."""
    return connection.row(
        "SELECT t.strategy, t.dagster_run_id, t.asked_at AS started_at,"
        " extract(epoch FROM %(now)s - t.asked_at)::float8 AS age_seconds FROM ops.trigger t"
        " WHERE t.strategy = ANY (%(rivals)s) AND t.asked_at > %(since)s AND NOT EXISTS"
        " (SELECT FROM ops.sync_run r WHERE r.dagster_run_id = t.dagster_run_id)"
        " ORDER BY t.trigger_id DESC LIMIT 1",
        now=now,
        rivals=list(strategies),
        since=since,
    )
