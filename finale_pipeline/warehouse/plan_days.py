"""The rows of one day of a plan: those of a frame, and no others."""

from dataclasses import replace
from datetime import date, datetime

import polars as pl

from finale_pipeline.warehouse.connect import Connection, database_errors
from finale_pipeline.warehouse.store import Counts, TableWriter, hashed

LINES = "plan.purchase_order_draft_line"
NOT_SUGGESTED = """
WHERE l.snapshot_on = %(day)s AND l.row_hash <> 0 AND (%(all)s OR l.product_url = ANY (%(only)s))
  AND NOT EXISTS (SELECT FROM {stage} s WHERE s.product_url = l.product_url
                  AND s.vendor_url = l.vendor_url)
"""
EDITED = f"""
UPDATE plan.purchase_order_draft_line l
SET quantity_units = 0, line_total = NULL, changed_at = %(now)s, row_hash = 0
{NOT_SUGGESTED}
  AND EXISTS (SELECT FROM plan.purchase_order_edit e WHERE e.snapshot_on = l.snapshot_on
              AND e.vendor_url = l.vendor_url AND e.product_url = l.product_url)
"""
"""What a buyer has edited stays on the list when the plan does not suggest it any more."""
DELETED = f"DELETE FROM plan.purchase_order_draft_line l {NOT_SUGGESTED}"
TOTAL = """
INSERT INTO plan.day_total
SELECT %(day)s, count(*), count(*) FILTER (WHERE x.level = 'out'),
       count(*) FILTER (WHERE x.level = 'low'), sum(greatest(x.available_units, 0) * p.cost),
       %(now)s
FROM plan.decision x LEFT JOIN core.product p USING (product_url)
WHERE x.snapshot_on = %(day)s AND x.level IS NOT NULL
ON CONFLICT (snapshot_on) DO UPDATE SET products = excluded.products,
    products_out = excluded.products_out, products_low = excluded.products_low,
    stock_value = excluded.stock_value, planned_at = excluded.planned_at
"""


def keep_total(connection: Connection, day: date, *, now: datetime) -> None:
    """Keep what the decisions of a day come to; where stock was not known, of no product."""
    connection.execute(TOTAL, {"day": day, "now": now})


def merge(
    connection: Connection, table: str, frame: pl.DataFrame, *, now: datetime
) -> tuple[TableWriter, Counts]:
    """Write the rows of a frame that differ, in a transaction; the writer has staged them all."""
    writer = TableWriter(connection, table)
    with database_errors(f"writing {table}"):
        writer.copy(hashed(frame))
        merged = writer.merge(now=now)
    unchanged = len(frame) - merged.inserted - merged.updated
    return writer, Counts(len(frame), merged.inserted, merged.updated, unchanged)


def write_lines(
    connection: Connection,
    lines: pl.DataFrame,
    day: date,
    *,
    now: datetime,
    only: pl.Series | None = None,
) -> Counts:
    """Make a day's lines those of the frame, or of `only` some products; edited ones stay, at 0."""
    writer, counts = merge(connection, LINES, lines, now=now)
    products = [] if only is None else only.to_list()
    values = {"day": day, "now": now, "all": only is None, "only": products}
    with database_errors(f"writing {LINES}"):
        connection.execute(EDITED.format(stage=writer.stage), values)
        removed = connection.execute(DELETED.format(stage=writer.stage), values).rowcount
    return replace(counts, removed=removed)


def replace_day(
    connection: Connection, table: str, frame: pl.DataFrame, day: date, *, now: datetime
) -> Counts:
    """Make the rows of a day those of the frame, writing only what differs."""
    writer, counts = merge(connection, table, frame, now=now)
    with database_errors(f"writing {table}"):
        match = " AND ".join(f"g.{name} = t.{name}" for name in writer.key)
        keys = ", ".join(writer.key)
        # Set against set: of a day just written no statistics exist yet, and an anti-join planned
        # for one row takes minutes for 30,000.
        removed = connection.execute(
            f"DELETE FROM {table} t USING ("
            f"SELECT {keys} FROM {table} WHERE snapshot_on = %s"
            f" EXCEPT SELECT {keys} FROM {writer.stage}) g WHERE {match}",
            (day,),
        ).rowcount
    return replace(counts, removed=removed)
