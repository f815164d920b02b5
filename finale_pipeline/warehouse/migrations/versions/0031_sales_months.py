"""Net sales of a product and month are packed in one row for the plan."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the table, with the months to pack; the next plan packs them."""
    op.execute(
        "CREATE TABLE core.sales_month (begins_on date NOT NULL, product_url text NOT NULL,"
        " sold bytea, CONSTRAINT sales_month_pkey PRIMARY KEY (begins_on, product_url))"
    )
    op.execute(
        "INSERT INTO core.sales_month (begins_on, product_url)"
        " SELECT DISTINCT date_trunc('month', sold_on::timestamp)::date, product_url"
        " FROM core.sales_daily"
    )
    op.execute(
        "CREATE INDEX sales_month_unpacked_idx ON core.sales_month (begins_on) WHERE sold IS NULL"
    )
