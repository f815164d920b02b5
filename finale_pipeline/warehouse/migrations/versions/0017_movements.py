"""Dropship, kits, builds, transfers, channels, lots with expiry."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add columns and tables; orders are read again, for their channels."""
    for column in (
        "product ADD COLUMN is_dropship boolean NOT NULL DEFAULT false",
        "product ADD COLUMN keeps_stock boolean NOT NULL DEFAULT true",
        "stock_entry ADD COLUMN expires_on date",
        "sales_order ADD COLUMN sale_source text",
        "sales_order ADD COLUMN lines_updated_at timestamptz",
        "shipment ADD COLUMN origin_url text",
        "purchase_order ADD COLUMN is_dropship boolean NOT NULL DEFAULT false",
    ):
        op.execute(f"ALTER TABLE core.{column}")
    op.execute(
        "CREATE TABLE core.user_field (attr_name text NOT NULL, label text NOT NULL,"
        " CONSTRAINT user_field_pkey PRIMARY KEY (attr_name))"
    )
    op.execute(
        "CREATE TABLE core.build (build_url text NOT NULL, build_id text, status text NOT NULL,"
        " completed_at timestamptz, completed_on date, created_at timestamptz,"
        " updated_at timestamptz NOT NULL, payload jsonb NOT NULL,"
        " first_seen_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,"
        " removed_at timestamptz, row_hash bigint NOT NULL,"
        " CONSTRAINT build_pkey PRIMARY KEY (build_url))"
    )
    op.execute("CREATE INDEX build_updated_at_idx ON core.build (updated_at)")
    op.execute(
        "CREATE TABLE core.build_line (build_url text NOT NULL, kind text NOT NULL,"
        " position integer NOT NULL, product_url text, facility_url text, units numeric NOT NULL,"
        " packing text, changed_at timestamptz NOT NULL, row_hash bigint NOT NULL,"
        " CONSTRAINT build_line_pkey PRIMARY KEY (build_url, kind, position))"
    )
    op.execute("CREATE INDEX build_line_product_url_idx ON core.build_line (product_url)")
    op.execute(
        "CREATE TABLE core.transfer (transfer_url text NOT NULL, product_url text, from_url text,"
        " to_url text, units numeric NOT NULL, packing text, lot_id text, status text,"
        " sent_at timestamptz, received_at timestamptz, updated_at timestamptz NOT NULL,"
        " payload jsonb NOT NULL, first_seen_at timestamptz NOT NULL,"
        " changed_at timestamptz NOT NULL, removed_at timestamptz, row_hash bigint NOT NULL,"
        " CONSTRAINT transfer_pkey PRIMARY KEY (transfer_url))"
    )
    op.execute("CREATE INDEX transfer_updated_at_idx ON core.transfer (updated_at)")
    op.execute(
        "CREATE TABLE core.component_demand (product_url text NOT NULL, used_on date NOT NULL,"
        " kit_units numeric NOT NULL DEFAULT 0, build_units numeric NOT NULL DEFAULT 0,"
        " CONSTRAINT component_demand_pkey PRIMARY KEY (product_url, used_on))"
    )
    op.execute("CREATE INDEX component_demand_used_on_idx ON core.component_demand (used_on)")
    op.execute("UPDATE core.sales_order SET row_hash = 0")
    op.execute(
        "UPDATE ops.watermark SET seen_at = least(seen_at,"
        " (SELECT min(updated_at) FROM core.sales_order)) WHERE table_name = 'core.sales_order'"
    )
