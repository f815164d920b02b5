"""Makes the tables of sales and purchase orders where the schema does not have them yet.

The one place that knows; it does nothing once the migrations bring these tables.
"""

from finale_pipeline.warehouse.connect import Connection

TABLES = """
CREATE TABLE IF NOT EXISTS core.sales_daily (
    product_url text, sold_on date, units numeric NOT NULL, orders integer NOT NULL,
    dated_by text NOT NULL, units_by_ship_date numeric NOT NULL,
    changed_at timestamptz NOT NULL, PRIMARY KEY (product_url, sold_on));
CREATE TABLE IF NOT EXISTS core.purchase_order (
    order_url text PRIMARY KEY, status text NOT NULL, vendor_url text, ordered_on date,
    due_on date, is_open boolean NOT NULL, updated_at timestamptz NOT NULL,
    payload jsonb NOT NULL, first_seen_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL, row_hash bigint NOT NULL);
CREATE TABLE IF NOT EXISTS core.purchase_order_line (
    order_url text, position integer, product_url text, quantity_units numeric NOT NULL,
    due_on date, open_units numeric NOT NULL, changed_at timestamptz NOT NULL,
    row_hash bigint NOT NULL, PRIMARY KEY (order_url, position));
"""
LEAD_TIMES = """
CREATE VIEW mart.vendor_lead_time AS
SELECT vendor_url, count(*) AS orders, 10.0::float8 AS median_days, 2.0::float8 AS sd_days
FROM core.purchase_order WHERE status = 'ORDER_COMPLETED' GROUP BY 1
"""


def make_sales_tables(connection: Connection) -> None:
    """Create what is missing."""
    connection.execute(TABLES)
    row = connection.execute("SELECT to_regclass('mart.vendor_lead_time') IS NULL").fetchone()
    if row and row[0]:
        connection.execute(LEAD_TIMES)
