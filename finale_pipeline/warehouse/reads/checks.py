"""What Dagster's checks ask."""

from dataclasses import dataclass

from finale_pipeline.warehouse.connect import Connection, Row

AMISS = {
    "negative_stock": "SELECT count(*) FROM core.stock_level WHERE on_hand_units < 0",
    "older_stock": "SELECT count(*) FROM core.stock_kept",
    "stock_without_product": """
        SELECT count(DISTINCT e.product_url) FROM core.stock_entry e WHERE NOT EXISTS
        (SELECT FROM core.product p WHERE p.product_url = e.product_url AND p.removed_at IS NULL)
    """,
    "shared_skus": """
        SELECT count(*) FROM (SELECT sku FROM core.product WHERE removed_at IS NULL
        GROUP BY 1 HAVING count(*) > 1) s
    """,
    "sales_without_product": """
        SELECT count(DISTINCT d.product_url) FROM core.sales_daily d WHERE NOT EXISTS
        (SELECT FROM core.product p WHERE p.product_url = d.product_url)
    """,
    "uncountable_lines": """
        SELECT count(*) FROM core.shipment_line WHERE product_url IS NULL OR units IS NULL
    """,
    "units_by_ship_date": """
        SELECT coalesce(sum(units_by_ship_date), 0)::int FROM core.sales_daily
        HAVING sum(units_by_ship_date) > 0.05 * sum(units)
    """,
    "unshipped_orders": """
        SELECT count(*) FROM core.shipment
        WHERE shipment_type = 'SALES_ORDER_LINES' AND removed_at IS NULL
    """,
    "orders_without_product_or_vendor": """
        SELECT (SELECT count(*) FROM core.purchase_order_line l WHERE l.open_units > 0
                AND NOT EXISTS (SELECT FROM core.product p WHERE p.product_url = l.product_url))
             + (SELECT count(*) FROM core.purchase_order WHERE is_open AND vendor_url IS NULL)
    """,
}
"""What should be nought."""


def amiss(connection: Connection, what: str) -> int:
    """Return how much there is of what should be nought: a key of `AMISS`."""
    return connection.count(AMISS[what])


@dataclass(frozen=True, slots=True)
class Read:
    """How many rows of a table a run read and refused."""

    run_id: int = 0
    rejected: int = 0
    read: int = 0


def last_read(connection: Connection, table: str) -> Read:
    """Return what the newest run that read a table says of it; zeros = none did."""
    read = connection.one(
        Read,
        "SELECT run_id, (counts -> %(t)s ->> 'rejected')::bigint AS rejected,"
        " (counts -> %(t)s ->> 'read')::bigint AS read FROM ops.sync_run WHERE counts ? %(t)s"
        " ORDER BY run_id DESC LIMIT 1",
        t=table,
    )
    return read or Read()


def last_stock_run(connection: Connection) -> Row:
    """Return the newest run that had to do with stock, done or held; empty = there was none."""
    return (
        connection.row(
            "SELECT run_id, status, coalesce(error, '') AS error FROM ops.sync_run"
            " WHERE 'stock' = ANY (locks) AND status IN ('done', 'held')"
            " ORDER BY run_id DESC LIMIT 1"
        )
        or {}
    )


@dataclass(frozen=True, slots=True)
class ForecastScore:
    """How a method did on the account's own past.

    Attributes:
        loss: Of the three quantiles, added up.
        held: Share of windows whose demand stayed within the 95 % quantile.
    """

    method: str
    is_in_use: bool
    forecasts: int
    loss: float
    held: float
    scored_on: str


def latest_scores(connection: Connection) -> list[ForecastScore]:
    """Return the newest weekly scores, one per method."""
    return connection.objects(
        ForecastScore,
        "SELECT s.method, s.is_in_use, sum(s.forecasts)::int AS forecasts,"
        " sum(s.loss_q50 + s.loss_q90 + s.loss_q95)::float8 AS loss,"
        " (sum(s.held_q95 * s.forecasts) / sum(s.forecasts))::float8 AS held,"
        " min(s.scored_on)::text AS scored_on FROM plan.forecast_score s"
        " WHERE s.source = 'weekly' AND s.segment = 'all' AND s.scored_on ="
        " (SELECT max(scored_on) FROM plan.forecast_score WHERE source = 'weekly') GROUP BY 1, 2",
    )


def missing_data(connection: Connection) -> dict[str, int]:
    """Return how many lines of the newest plan lack a vendor, a cost, a lead time."""
    return connection.mapping(
        "SELECT need, count(*) FROM plan.purchase_order_draft_line, unnest(needs_data) AS need"
        " WHERE snapshot_on = (SELECT snapshot_on FROM plan.newest)"
        " GROUP BY 1 ORDER BY 1"
    )
