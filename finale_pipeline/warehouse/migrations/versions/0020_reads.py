"""Returns are netted by an index."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the index."""
    op.execute(
        "CREATE INDEX sales_daily_returned_idx ON core.sales_daily (product_url, sold_on)"
        " WHERE returned_units <> 0"
    )
