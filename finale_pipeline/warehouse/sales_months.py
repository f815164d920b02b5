"""core.sales_month: net sales of months that are over, packed in one row per product."""

from datetime import date

from finale_pipeline.warehouse.connect import Connection, database_errors

UNPACKED = """
SELECT DISTINCT begins_on FROM core.sales_month
WHERE sold IS NULL AND begins_on < %(before)s ORDER BY 1
"""
# Two statements, so that the second one sees all that was committed before the rows were locked:
# who wrote sales of these products and is not done holds the lock of their rows, and who writes
# from now on waits for it, and empties them again.
CHOOSE = """
CREATE TEMP TABLE unpacked ON COMMIT DROP AS
SELECT product_url FROM core.sales_month
WHERE begins_on = %(month)s AND sold IS NULL FOR UPDATE SKIP LOCKED
"""
PACK = """
UPDATE core.sales_month m SET sold = coalesce(n.sold, '')
FROM unpacked u LEFT JOIN (
    SELECT product_url, string_agg(
        int4send(sold_on - date '1970-01-01') || float8send((units - returned_units)::float8), ''
        ORDER BY sold_on) AS sold
    FROM core.sales_daily JOIN unpacked USING (product_url)
    WHERE sold_on >= %(month)s AND sold_on < (%(month)s::date + interval '1 month')::date
      AND units > returned_units
    GROUP BY product_url
) n USING (product_url)
WHERE m.begins_on = %(month)s AND m.product_url = u.product_url
"""


def pack(connection: Connection, before: date) -> int:
    """Pack the months before the one of a day that are not; a month is one transaction.

    What another transaction is writing is left to the next time.

    Returns:
        Rows that were packed.
    """
    packed = 0
    with database_errors("packing the sales of past months"):
        months = connection.execute(UNPACKED, {"before": before.replace(day=1)}).fetchall()
        for (month,) in months:
            with connection.transaction():
                connection.execute("DROP TABLE IF EXISTS pg_temp.unpacked")
                connection.execute(CHOOSE, {"month": month})
                connection.execute("ANALYZE unpacked")
                packed += connection.execute(PACK, {"month": month}).rowcount
    return packed
