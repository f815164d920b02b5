"""The critical items of a business day, with supplier, contact, suggestion and why."""

from datetime import date, datetime
from decimal import Decimal

from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.items import ITEMS, Evaluated
from finale_pipeline.warehouse.store import Counts

COLUMNS = tuple(
    (
        "snapshot_on product_url level since_at on_hand_units reserved_units available_units "
        "on_order_units due_on threshold_units threshold_source suggested_units suggested_by "
        "days_left money_at_risk vendor_url vendor_name contact why"
    ).split()
)
# A past day has no orders as they were then, no forecast, and no record of when a level began.
NOTHING_DECIDED = "(SELECT * FROM plan.outlook WHERE false)"
PAST = {"since_at": "NULL::timestamptz", "outlook": NOTHING_DECIDED, "unplanned": "NULL::numeric"}
# What the plan knows nothing of never sold: nothing is expected of it, so nothing can be lost.
PRESENT = {
    "since_at": "k.since_at",
    "outlook": "plan.outlook",
    "unplanned": "(SELECT 0 WHERE EXISTS (SELECT FROM plan.outlook))",
}
CRITICAL = """
SELECT %(day)s::date AS snapshot_on, i.product_url, i.level, {since_at} AS since_at,
       l.on_hand_units, l.reserved_units, l.available_units, l.on_order_units, o.due_on,
       i.threshold_units, i.point_source AS threshold_source,
       coalesce(o.suggested_units, i.quantity) AS suggested_units,
       CASE WHEN o.suggested_units IS NOT NULL THEN 'plan'
            WHEN i.quantity IS NOT NULL THEN 'finale' END AS suggested_by,
       o.days_left,
       coalesce(round(o.money_at_risk, 2), {unplanned}) AS money_at_risk,
       coalesce(o.vendor_url, s.vendor_url) AS vendor_url,
       v.name AS vendor_name, c.value AS contact,
       coalesce(o.why, format('%%s available%%s%%s%%s', trim_scale(l.available_units),
              CASE WHEN l.available_units < 0
                   THEN ' (negative: more was promised or shipped than there is; check the data)'
                   WHEN l.available_units = 0 THEN '' WHEN i.point IS NULL
                   THEN format(', below the default of %%s', trim_scale(i.threshold_units))
                   ELSE format(', below the reorder point of %%s (Finale, %%s)',
                               trim_scale(i.threshold_units),
                               CASE i.places WHEN 1 THEN '1 place'
                                    ELSE i.places || ' places' END) END,
              CASE WHEN l.reserved_units > 0
                   THEN format('; %%s on hand, %%s of them reserved', trim_scale(l.on_hand_units),
                               trim_scale(l.reserved_units)) END,
              CASE WHEN l.on_order_units > 0
                   THEN format('; %%s on order%%s', trim_scale(l.on_order_units),
                               ', due ' || o.due_on) ELSE '; nothing on order' END)) AS why
FROM {items} i
JOIN core.product p USING (product_url)
JOIN {levels} l USING (product_url)
LEFT JOIN ops.item_level k USING (product_url)
LEFT JOIN {outlook} o USING (product_url)
LEFT JOIN (SELECT DISTINCT ON (product_url) product_url, vendor_url FROM core.product_supplier
          {where} ORDER BY product_url, is_main DESC, vendor_url) s USING (product_url)
LEFT JOIN core.vendor v ON v.vendor_url = coalesce(o.vendor_url, s.vendor_url)
LEFT JOIN (SELECT DISTINCT ON (vendor_url) vendor_url, value FROM core.vendor_contact
           WHERE kind IN ('EMAIL_ADDRESS', 'TELECOM_NUMBER') AND value <> ''
           ORDER BY vendor_url, kind, position) c
    ON c.vendor_url = coalesce(o.vendor_url, s.vendor_url)
WHERE i.level <> 'ok' AND i.left_out IS NULL
"""
LEVELS_OF_DAY = """
(SELECT DISTINCT ON (product_url) product_url, on_hand_units, reserved_units, on_order_units,
        available_units
 FROM core.stock_daily WHERE snapshot_on <= %(day)s ORDER BY product_url, snapshot_on DESC)
"""


def refresh(connection: Connection, evaluated: Evaluated, *, day: date, now: datetime) -> Counts:
    """Bring a day's critical items to what was evaluated in this transaction."""
    is_mine = f"product_url IN ({evaluated.within})" if evaluated.within else "true"
    query = CRITICAL.format(
        items=evaluated.items, levels="core.stock_free", where=f"WHERE {is_mine}", **PRESENT
    )
    return _merge(connection, query, {"day": day, "now": now}, f" AND {is_mine}")


def rebuild(connection: Connection, *, day: date, default: Decimal, now: datetime) -> Counts:
    """Compute a past day from the history of stock; under the rules and thresholds of today."""
    items = f"({ITEMS.format(levels=LEVELS_OF_DAY, decided=NOTHING_DECIDED, where='')})"
    query = CRITICAL.format(items=items, levels=LEVELS_OF_DAY, where="", **PAST)
    return _merge(connection, query, {"day": day, "now": now, "default": default}, "")


def thresholds(connection: Connection, default: Decimal) -> dict[str, Decimal]:
    """Return below what each watched item is low, by Finale's reorder points alone."""
    query = ITEMS.format(levels="core.stock_level", decided=NOTHING_DECIDED, where="")
    query = f"SELECT product_url, threshold_units FROM ({query}) i WHERE left_out IS NULL"
    return connection.mapping(query, default=default)


def _merge(connection: Connection, query: str, values: dict[str, object], mine: str) -> Counts:
    """Insert, update and delete so that the day has exactly the rows of the query.

    Args:
        mine: Condition on the rows of the day that the query speaks of; empty = all.
    """
    connection.execute(f"CREATE TEMP TABLE critical_now ON COMMIT DROP AS {query}", values)
    connection.execute("ANALYZE critical_now")
    names = ", ".join(COLUMNS)
    stored = ", ".join(f"c.{name}" for name in COLUMNS[2:])
    excluded = ", ".join(f"excluded.{name}" for name in COLUMNS[2:])
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[2:])
    read, inserted, updated, removed = connection.only_row(
        f"WITH written AS (INSERT INTO plan.critical_item AS c ({names}, changed_at)"
        f" SELECT {names}, %(now)s FROM critical_now"
        f" ON CONFLICT (snapshot_on, product_url) DO UPDATE SET {changes},"
        f" changed_at = excluded.changed_at WHERE ({stored}) IS DISTINCT FROM ({excluded})"
        " RETURNING xmax = 0 AS is_new),"
        f" gone AS (DELETE FROM plan.critical_item c WHERE snapshot_on = %(day)s{mine}"
        " AND NOT EXISTS"
        " (SELECT FROM critical_now n WHERE n.product_url = c.product_url) RETURNING 1)"
        " SELECT (SELECT count(*) FROM critical_now), count(*) FILTER (WHERE is_new),"
        " count(*) FILTER (WHERE NOT is_new), (SELECT count(*) FROM gone) FROM written",
        **values,
    )
    connection.execute("DROP TABLE critical_now")
    return Counts(read, inserted, updated, read - inserted - updated, removed)


def evaluated_read_at(connection: Connection) -> datetime | None:
    """Return when the stock was read that was last evaluated; None = none ever was."""
    return connection.scalar(datetime, "SELECT read_at FROM ops.evaluation")
