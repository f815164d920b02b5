"""Quantities are units: packings are kept, and what was read without them is read again."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)

HAS_CASES = "EXISTS (SELECT FROM core.product WHERE packing ~ '^\\s*\\d')"


def upgrade() -> None:
    """Add the columns; where products come in cases, let orders and shipments be read again."""
    op.execute("ALTER TABLE core.shipment_line ADD COLUMN packing text")
    op.execute("ALTER TABLE core.purchase_order_line ADD COLUMN packing text")
    op.execute("ALTER TABLE core.product ADD COLUMN pack_units numeric")
    op.execute(
        "UPDATE core.product SET pack_units = coalesce("
        "nullif(greatest(substring(packing from '^\\s*(\\d{1,9}(?:\\.\\d{1,6})?)')"
        "::numeric, 1), 1),"
        " CASE WHEN jsonb_typeof(payload -> 'stdPackingUnitsPerCase') = 'number'"
        " THEN nullif(greatest((payload ->> 'stdPackingUnitsPerCase')::numeric, 0), 0) END)"
    )
    op.execute("ALTER TABLE ops.account ADD COLUMN case_quantities text")
    op.execute("ALTER TABLE ops.account ADD COLUMN case_evidence text")
    op.execute(
        "CREATE TABLE core.stock_kept (product_url text NOT NULL, reason text NOT NULL,"
        " since_at timestamptz NOT NULL, CONSTRAINT stock_kept_pkey PRIMARY KEY (product_url))"
    )
    op.execute(f"UPDATE core.shipment SET row_hash = 0 WHERE {HAS_CASES}")
    op.execute(
        "UPDATE ops.watermark SET seen_at = least(seen_at, (SELECT min(updated_at)"
        f" FROM core.shipment)) WHERE table_name = 'core.shipment' AND {HAS_CASES}"
    )
    op.execute(f"UPDATE core.purchase_order SET lines_updated_at = NULL WHERE {HAS_CASES}")
