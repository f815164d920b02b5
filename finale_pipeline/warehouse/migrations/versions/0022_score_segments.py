"""Scores are split by segment, and the policy is a curve of service levels."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the columns; what was scored before was of all products."""
    op.execute(
        "ALTER TABLE plan.forecast_score ADD COLUMN segment text NOT NULL DEFAULT 'all',"
        " ADD COLUMN service_level double precision"
    )
    op.execute("ALTER TABLE plan.forecast_score ALTER COLUMN segment DROP DEFAULT")
    op.execute(
        "ALTER TABLE plan.forecast_score DROP CONSTRAINT forecast_score_pkey,"
        " ADD CONSTRAINT forecast_score_pkey"
        " PRIMARY KEY (scored_on, source, method, window_days, segment)"
    )
