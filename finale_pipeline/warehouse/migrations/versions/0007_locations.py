"""Planning per location: what each one expects to sell, has, and lacks."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

VIEW = "CREATE VIEW mart.reorder_by_location"
GRANT = """
DO $$
BEGIN
    GRANT SELECT ON mart.reorder_by_location TO finale_reader;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN
        RAISE NOTICE 'finale_reader could not be granted the view';
END $$
"""


def upgrade() -> None:
    """Create the table of locations, and show it beside Finale's rules."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Drop it, and show Finale's rules alone again; a plan can be computed again."""
    before = Path(__file__).with_name("0005_planning.sql").read_text(encoding="utf-8")
    view, _, _ = before[before.index(VIEW) :].partition(";")
    op.execute("DROP VIEW mart.reorder_by_location")
    op.execute("DROP TABLE plan.forecast_by_location")
    op.execute(view)
    op.execute(GRANT)
