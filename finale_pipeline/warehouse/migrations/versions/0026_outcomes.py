"""What came of forecasts is kept: net demand, reckoned again with each plan."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the table; the next plan fills it, for every plan that is kept."""
    op.execute(
        "CREATE TABLE plan.forecast_outcome (product_url text NOT NULL, snapshot_on date NOT NULL,"
        " demanded_units numeric NOT NULL, naive_units numeric NOT NULL,"
        " changed_at timestamptz NOT NULL, row_hash bigint NOT NULL,"
        " CONSTRAINT forecast_outcome_pkey PRIMARY KEY (product_url, snapshot_on))"
    )
    op.execute(
        "CREATE INDEX forecast_outcome_snapshot_on_idx ON plan.forecast_outcome (snapshot_on)"
    )
