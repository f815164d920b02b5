"""Returns lower the demand of the day on which their order sold; whose numbers decided cases."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add columns and an index; the next sync of sales nets what is stored."""
    op.execute("ALTER TABLE core.sales_daily ADD COLUMN returned_units numeric NOT NULL DEFAULT 0")
    op.execute(
        "CREATE INDEX shipment_return_idx ON core.shipment (shipment_url)"
        " WHERE return_url IS NOT NULL OR shipment_type LIKE '%RETURN%'"
    )
    op.execute("ALTER TABLE ops.account ADD COLUMN case_evidence_of text")
    op.execute("UPDATE ops.account SET case_evidence_of = 'stock' WHERE case_evidence IS NOT NULL")
