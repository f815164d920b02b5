"""Levels of all items in one statement; what changed since the last evaluation; critical items.

The rules are those of domain/alerts/critical.py, written once more in SQL because a catalogue of
280,000 products must not travel to Python every 15 minutes; a test compares both.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from finale_pipeline.domain.alerts.incidents import AlertDecision, CurrentItem, Incident, StoredItem
from finale_pipeline.warehouse.connect import Connection, columns_of, trusted

ITEMS = """
SELECT p.product_url, l.available_units,
       coalesce(d.point_units, r.point, %(default)s) AS threshold_units,
       CASE WHEN d.point_units IS NOT NULL THEN d.point_source WHEN r.point IS NOT NULL
            THEN 'finale' ELSE 'default' END AS point_source,
       r.point, r.quantity, r.places,
       CASE WHEN p.removed_at IS NOT NULL THEN 'removed'
            WHEN p.status <> 'PRODUCT_ACTIVE' THEN 'inactive'
            WHEN coalesce(nullif(p.product_type, ''), 'GOOD') <> 'GOOD' THEN 'not_stocked'
            WHEN p.is_dropship THEN 'dropship'
            WHEN NOT p.keeps_stock THEN 'kit'
            WHEN r.is_never OR b.is_never_ordered THEN 'do_not_reorder' END AS left_out,
       CASE WHEN l.available_units <= 0 THEN 'out'
            WHEN l.available_units < coalesce(d.point_units, r.point, %(default)s) THEN 'low'
            ELSE 'ok' END AS level
FROM core.product p JOIN {levels} l USING (product_url)
LEFT JOIN (
    SELECT product_url,
           sum(reorder_point_units) FILTER (WHERE may_order) AS point,
           sum(reorder_quantity_units) FILTER (WHERE may_order) AS quantity,
           count(reorder_point_units) FILTER (WHERE may_order) AS places,
           NOT bool_or(may_order) AS is_never
    FROM core.reorder_rule, LATERAL (SELECT method IS DISTINCT FROM '##doNotReorder' AS may_order) m
    {where} GROUP BY 1
) r USING (product_url)
LEFT JOIN {decided} d USING (product_url)
LEFT JOIN plan.product_term b USING (product_url) {where}
"""
"""`decided`: the one reorder point of alerts and plan, the decision's, where there is one."""
WORK = """
CREATE TEMP TABLE work ON COMMIT DROP AS SELECT product_url FROM ops.touched_item
UNION SELECT product_url FROM ops.item_level WHERE better_since_at IS NOT NULL
"""
EVALUATE = """
CREATE TEMP TABLE evaluated_item ON COMMIT DROP AS
SELECT i.*, k.level AS known_level, k.told, k.threshold_units AS known_threshold, k.since_at,
       k.better_since_at, k.is_left_out
FROM ({items}) i LEFT JOIN ops.item_level k USING (product_url)
WHERE (i.left_out IS NULL AND (i.level <> 'ok' OR k.level IS NULL OR k.level <> 'ok'
       OR k.is_left_out OR k.better_since_at IS NOT NULL
       OR k.threshold_units <> i.threshold_units))
   OR (i.left_out IS NOT NULL AND NOT k.is_left_out)
"""
QUIET_NEW = """
INSERT INTO ops.item_level (product_url, level, told, threshold_units, since_at)
SELECT product_url, level, level, threshold_units, %(now)s FROM evaluated_item
WHERE left_out IS NULL AND level = 'ok' AND known_level IS NULL
"""
QUIET_CHANGES = """
UPDATE ops.item_level k SET threshold_units = i.threshold_units FROM evaluated_item i
WHERE i.product_url = k.product_url AND i.left_out IS NULL AND NOT i.is_left_out
  AND i.level = i.known_level AND i.told = i.known_level AND i.better_since_at IS NULL
  AND i.threshold_units <> i.known_threshold
"""
TO_DECIDE = """
SELECT i.product_url, i.available_units, i.threshold_units, i.left_out, o.units_per_day > 0,
       k.level, k.told, k.threshold_units, k.since_at, k.better_since_at, k.worsenings,
       k.worsened_at, k.is_left_out,
       n.state, n.mailed, n.snoozed_until, n.even_if_worse
FROM evaluated_item i LEFT JOIN ops.item_level k USING (product_url)
LEFT JOIN ops.incident n ON n.subject = i.product_url AND n.closed_at IS NULL
LEFT JOIN plan.outlook o USING (product_url)
WHERE (i.known_level IS NULL AND i.level <> 'ok' AND i.left_out IS NULL)
   OR i.is_left_out <> (i.left_out IS NOT NULL)
   OR i.level <> i.known_level OR i.better_since_at IS NOT NULL
ORDER BY i.product_url
"""
"""The fields of CurrentItem, of StoredItem, and of its Incident."""
LEVEL_COLUMNS = tuple(
    (
        "product_url level told threshold_units since_at better_since_at worsenings worsened_at "
        "is_left_out"
    ).split()
)


Candidate = tuple[StoredItem | None, CurrentItem]
"""An item that may have something to tell: what is stored of it (None = it was never evaluated),
and what it is."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the transaction found that evaluated the items; good as long as it lasts.

    Attributes:
        candidates: Items that may have something to tell.
        items: The temporary table of those that are critical, or were, or are new.
        within: Query of the products that were looked at; None = all were.
    """

    candidates: list[Candidate]
    items: str
    within: str | None


def evaluate(
    connection: Connection, *, default: Decimal, now: datetime, is_partial: bool
) -> Evaluated:
    """Compute the items' levels; keep those without news, return those that may have some.

    Args:
        default: Threshold of products without a reorder point, in units.
        is_partial: Whether only stock changed since the last evaluation, and only where noted.
    """
    values = {"default": default, "now": now}
    if is_partial:
        connection.execute(WORK)
        connection.execute("ANALYZE work")
    connection.execute("DELETE FROM ops.touched_item")
    within = "SELECT product_url FROM work" if is_partial else None
    where = f"WHERE product_url IN ({within})" if within else ""
    items = ITEMS.format(levels="core.stock_free", decided="plan.outlook", where=where)
    connection.execute(EVALUATE.format(items=items), values)
    connection.execute("ANALYZE evaluated_item")
    candidates = [_candidate(*row) for row in connection.execute(TO_DECIDE).fetchall()]
    connection.execute(QUIET_NEW, values)
    connection.execute(QUIET_CHANGES)
    return Evaluated(candidates, "evaluated_item", within)


def _candidate(*row: Any) -> Candidate:
    """Return an item by the columns of TO_DECIDE."""
    current, stored, incident = CurrentItem(*row[:5]), row[5:13], row[13:]
    if stored[0] is None:
        return None, current
    stay = None if incident[0] is None else Incident(*incident)
    return replace(StoredItem(*stored), incident=stay), current


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation looked at, of ops.evaluation; the next compares itself with it."""

    snapshot_on: date
    read_at: datetime
    default_units: Decimal
    catalogue_runs: int


def last_evaluation(connection: Connection) -> Evaluation | None:
    """Return what the last evaluation looked at; None when there was none."""
    return connection.one(Evaluation, f"SELECT {columns_of(Evaluation)} FROM ops.evaluation")


def catalogue_runs(connection: Connection) -> tuple[int, bool]:
    """Return how many catalogue syncs have ended, and whether one is under way."""
    ended, is_running = connection.only_row(
        "SELECT count(*) FILTER (WHERE status <> 'running'),"
        " count(*) FILTER (WHERE status = 'running') > 0"
        " FROM ops.sync_run WHERE 'catalogue' = ANY (locks)"
    )
    return ended, is_running


def is_behind(connection: Connection) -> bool:
    """Whether stock was read, or written, since the last evaluation."""
    return connection.is_true(
        "SELECT EXISTS (SELECT FROM core.product) AND EXISTS (SELECT FROM core.stock_day"
        " WHERE read_at > coalesce((SELECT read_at FROM ops.evaluation), '-infinity'))"
        " OR EXISTS (SELECT FROM ops.touched_item)"
    )


def was_restored(connection: Connection) -> bool:
    """Whether a backup was restored since the stock was read that was evaluated last."""
    return connection.is_true(
        "SELECT EXISTS (SELECT FROM ops.outbox WHERE kind = 'restored'"
        " AND created_at > (SELECT read_at FROM ops.evaluation))"
    )


def any_product(connection: Connection) -> bool:
    """Whether a catalogue was ever read; before that there is nothing to watch."""
    return connection.is_true("SELECT EXISTS (SELECT FROM core.product)")


def watched(connection: Connection) -> int:
    """Return how many items are watched; after `evaluate` and `store_levels`."""
    return connection.count("SELECT count(*) FROM ops.item_level WHERE NOT is_left_out")


def store_levels(connection: Connection, decisions: Iterable[AlertDecision]) -> None:
    """Write what is known of items from now on."""
    columns = ", ".join(LEVEL_COLUMNS)
    connection.execute(
        f"CREATE TEMP TABLE known_now ON COMMIT DROP AS SELECT {columns} FROM ops.item_level"
        " WITH NO DATA"
    )
    with connection.cursor().copy(trusted(f"COPY known_now ({columns}) FROM STDIN")) as copy:
        for d in decisions:
            stored = [
                getattr(d.stored, name) for name in StoredItem.__slots__ if name != "incident"
            ]
            copy.write_row((d.current.product_url, *stored))
    changes = ", ".join(f"{name} = excluded.{name}" for name in LEVEL_COLUMNS[1:])
    connection.execute(
        f"INSERT INTO ops.item_level ({columns}) SELECT {columns} FROM known_now"
        f" ON CONFLICT (product_url) DO UPDATE SET {changes}"
    )


def note_evaluation(
    connection: Connection, evaluation: Evaluation, *, now: datetime, run_id: int, watched: int
) -> None:
    """Remember what was evaluated, and when."""
    connection.execute(
        "INSERT INTO ops.evaluation (only_row, snapshot_on, read_at, default_units,"
        " catalogue_runs, evaluated_at, run_id, watched)"
        " VALUES (true, %s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (only_row) DO UPDATE SET snapshot_on = excluded.snapshot_on,"
        " read_at = excluded.read_at, default_units = excluded.default_units,"
        " catalogue_runs = excluded.catalogue_runs, evaluated_at = excluded.evaluated_at,"
        " run_id = excluded.run_id, watched = excluded.watched",
        (*astuple(evaluation), now, run_id, watched),
    )


def wants_summary(connection: Connection, *, is_full: bool) -> bool:
    """Whether people were never told what is watched, and all is known: by a full sync, a plan."""
    return connection.is_true(
        "SELECT EXISTS (SELECT FROM ops.evaluation WHERE summary_at IS NULL)"
        " AND EXISTS (SELECT FROM plan.decision_state)"
        " AND (%s OR EXISTS (SELECT FROM ops.sync_run WHERE strategy = 'full'"
        " AND status = 'done'))",
        is_full,
    )


def note_summary(connection: Connection, *, now: datetime) -> None:
    """Remember that people were told what is watched."""
    connection.execute("UPDATE ops.evaluation SET summary_at = %s", (now,))


def last_read(connection: Connection) -> tuple[date, datetime] | None:
    """Return day and time of the last complete read of stock; None when there was none."""
    return connection.execute(
        "SELECT snapshot_on, read_at FROM core.stock_day ORDER BY read_at DESC LIMIT 1"
    ).fetchone()
