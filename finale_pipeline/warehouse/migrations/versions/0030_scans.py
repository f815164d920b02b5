"""A complete reading of a table is a scan, in the database as in the code."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Rename the table, its key and sequence, and the columns that name a scan."""
    op.execute("ALTER TABLE ops.walk RENAME TO scan")
    op.execute("ALTER INDEX ops.walk_pkey RENAME TO scan_pkey")
    op.execute("ALTER SEQUENCE ops.walk_walk_id_seq RENAME TO scan_scan_id_seq")
    for table in ("scan", "catalogue_window", "absence"):
        op.execute(f"ALTER TABLE ops.{table} RENAME COLUMN walk_id TO scan_id")
