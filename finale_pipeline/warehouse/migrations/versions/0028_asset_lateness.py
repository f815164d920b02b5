"""Whether an asset is late goes by the schedules, which the view cannot know."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Create the table; the watch and Dagster's sensor of syncs fill it."""
    op.execute(
        "CREATE TABLE ops.asset_lateness (asset text PRIMARY KEY, read_at timestamptz NOT NULL,"
        " late_at timestamptz NOT NULL)"
    )
