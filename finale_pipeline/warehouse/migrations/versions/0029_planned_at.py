"""When each day was last planned is kept: what was reckoned of plans before holds until then."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the column; it is null for days that were planned before."""
    op.execute("ALTER TABLE plan.day_total ADD COLUMN planned_at timestamptz")
