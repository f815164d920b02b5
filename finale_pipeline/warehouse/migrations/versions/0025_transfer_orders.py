"""Headers of transfer orders."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add their table; those that were read before come when they change, or by a backfill."""
    op.execute(
        "CREATE TABLE core.transfer_order (order_url text NOT NULL, order_id text,"
        " status text NOT NULL, destination_url text, ordered_at timestamptz,"
        " created_at timestamptz, updated_at timestamptz NOT NULL, payload jsonb NOT NULL,"
        " first_seen_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,"
        " removed_at timestamptz, row_hash bigint NOT NULL,"
        " CONSTRAINT transfer_order_pkey PRIMARY KEY (order_url))"
    )
