"""Demand, made once a day, and decisions, made with every read of stock, are apart."""

from alembic import op

from finale_pipeline.warehouse import definitions
from finale_pipeline.warehouse.schema import driver_connection, numbered

revision, down_revision = numbered(__file__)

DECISION = """
CREATE TABLE plan.decision (
    product_url text NOT NULL, snapshot_on date NOT NULL, decided_for_on date, level text,
    lead_time_days numeric NOT NULL, lead_time_sd_days numeric NOT NULL,
    lead_time_source text NOT NULL, stated_lead_time_days numeric,
    review_period_days numeric NOT NULL, cover_days numeric NOT NULL, available_units numeric,
    on_order_units numeric, position_units numeric, arriving_units numeric, overdue_units numeric,
    next_due_on date, next_due_units numeric, days_until_stockout numeric, stockout_on date,
    safety_stock_units numeric, our_reorder_point_units numeric,
    finale_reorder_point_units numeric, finale_reorder_quantity_units numeric,
    reorder_point_units numeric, reorder_point_source text, order_up_to_units numeric,
    maximum_units numeric, minimum_order_units numeric NOT NULL, pack_units numeric NOT NULL,
    order_now boolean NOT NULL, quantity_units numeric NOT NULL, cover_after_days numeric,
    reorder_on date, must_order_by_on date, days_without_stock numeric, lost_units numeric,
    vendor_url text, unit_cost numeric, currency text, decision_flags text[] NOT NULL,
    why text NOT NULL, changed_at timestamptz NOT NULL, row_hash bigint NOT NULL,
    PRIMARY KEY (product_url, snapshot_on)
)
"""
MOVED = (
    "lead_time_days", "lead_time_sd_days", "lead_time_source", "review_period_days", "cover_days",
    "available_units", "on_order_units", "position_units", "days_until_stockout", "stockout_on",
    "safety_stock_units", "our_reorder_point_units", "finale_reorder_point_units",
    "finale_reorder_quantity_units", "reorder_point_units", "reorder_point_source",
    "order_up_to_units", "minimum_order_units", "pack_units", "order_now", "quantity_units",
    "reorder_on", "must_order_by_on", "days_without_stock", "lost_units", "vendor_url",
    "unit_cost", "currency", "why",
)  # fmt: skip
OF_DECISIONS = (
    "stock_unknown", "discontinued", "do_not_reorder", "backlog", "overdue_po",
    "default_lead_time", "stockout_before_order_can_arrive", "point_without_demand",
)  # fmt: skip


def upgrade() -> None:
    """Move the columns of decisions into a table of their own, with the rows of all days."""
    connection = driver_connection(op.get_bind())
    for table in ("plan.forecast", "plan.purchase_order_draft", "plan.purchase_order_draft_line"):
        definitions.drop_views_on(connection, table)
    op.execute(DECISION)
    op.execute("CREATE INDEX decision_snapshot_on_idx ON plan.decision (snapshot_on)")
    names, flags = ", ".join(MOVED), "{" + ",".join(OF_DECISIONS) + "}"
    op.execute(
        f"INSERT INTO plan.decision (product_url, snapshot_on, decided_for_on, {names},"
        f" decision_flags, changed_at, row_hash) SELECT product_url, snapshot_on, snapshot_on,"
        f" {names}, ARRAY(SELECT f FROM unnest(flags) f WHERE f = ANY ('{flags}'::text[])),"
        " changed_at, 0 FROM plan.forecast"
    )
    op.execute("ALTER TABLE plan.forecast RENAME TO demand")
    op.execute("ALTER INDEX plan.forecast_pkey RENAME TO demand_pkey")
    op.execute("ALTER INDEX plan.forecast_snapshot_on_idx RENAME TO demand_snapshot_on_idx")
    for name in MOVED:
        op.execute(f"ALTER TABLE plan.demand DROP COLUMN {name}")
    op.execute("ALTER TABLE plan.demand RENAME COLUMN flags TO demand_flags")
    op.execute(
        "UPDATE plan.demand SET demand_flags = ARRAY(SELECT f FROM unnest(demand_flags) f"
        f" WHERE f <> ALL ('{flags}'::text[]))"
    )
    op.execute("ALTER TABLE plan.demand ADD COLUMN is_trusted boolean")
    op.execute(
        "UPDATE plan.demand SET is_trusted = coalesce(history_days >= 56 AND quiet_days < 182,"
        " false)"
    )
    op.execute("ALTER TABLE plan.demand ALTER COLUMN is_trusted SET NOT NULL")
    for name in ("pace_units_per_day", "season_factor", "last_year_units"):
        op.execute(f"ALTER TABLE plan.demand ADD COLUMN {name} numeric")
    op.execute("ALTER TABLE plan.demand ADD COLUMN demand_note text")
    op.execute(
        "CREATE TABLE plan.decision_state (only_row boolean NOT NULL PRIMARY KEY,"
        " snapshot_on date NOT NULL, decided_for_on date NOT NULL,"
        " decided_at timestamptz NOT NULL, settings text NOT NULL)"
    )
    op.execute("DROP TABLE plan.purchase_order_draft")
    op.execute("ALTER TABLE ops.evaluation ADD COLUMN summary_at timestamptz")
    op.execute("UPDATE ops.evaluation SET summary_at = evaluated_at")
    op.execute("ALTER TABLE plan.purchase_order_draft_line ADD COLUMN cover_after_days numeric")
