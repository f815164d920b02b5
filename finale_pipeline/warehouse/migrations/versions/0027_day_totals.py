"""What each day's plan comes to is kept; currencies and recent events are found by index."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the table, with the days that were planned, and the indexes."""
    op.execute(
        "CREATE TABLE plan.day_total (snapshot_on date NOT NULL, products bigint NOT NULL,"
        " products_out bigint NOT NULL, products_low bigint NOT NULL, stock_value numeric,"
        " CONSTRAINT day_total_pkey PRIMARY KEY (snapshot_on))"
    )
    op.execute(
        "INSERT INTO plan.day_total SELECT x.snapshot_on, count(*),"
        " count(*) FILTER (WHERE x.level = 'out'), count(*) FILTER (WHERE x.level = 'low'),"
        " sum(greatest(x.available_units, 0) * p.cost)"
        " FROM plan.decision x LEFT JOIN core.product p USING (product_url)"
        " WHERE x.level IS NOT NULL GROUP BY 1"
    )
    op.execute("CREATE INDEX product_supplier_currency_idx ON core.product_supplier (currency)")
    op.execute("CREATE INDEX incident_event_happened_at_idx ON ops.incident_event (happened_at)")
