"""Buyers edit the plan: what they changed, and views that show what is to be ordered then."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

VIEWS = ("mart.purchase_plan", "mart.purchase_plan_line")
GRANT = """
DO $$
BEGIN
    GRANT SELECT ON mart.purchase_plan, mart.purchase_plan_line TO finale_reader;
EXCEPTION
    WHEN insufficient_privilege OR undefined_object THEN
        RAISE NOTICE 'finale_reader could not be granted the views';
END $$
"""


def upgrade() -> None:
    """Create the log of edits, and show the plan with them."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Drop both: edits are lost, and the plan is shown as it was suggested."""
    op.execute(
        "DROP VIEW mart.purchase_plan_dropped, mart.purchase_plan_edit, mart.purchase_plan,"
        " mart.purchase_plan_line, plan.purchase_line"
    )
    op.execute("DROP TABLE plan.purchase_order_edit")
    # The driver's own call: without parameters a percent sign is just a percent sign.
    op.get_bind().connection.driver_connection.execute(";\n".join([*_before(), GRANT]))


def _before() -> list[str]:
    """Return the statements of 0005 about these views."""
    script = Path(__file__).with_name("0005_planning.sql").read_text(encoding="utf-8")
    begins = [
        f"{verb} {view}{end}"
        for view in VIEWS
        for verb, end in (
            ("CREATE VIEW", " AS"), ("COMMENT ON VIEW", " IS"), ("COMMENT ON COLUMN", "."),
        )
    ]  # fmt: skip
    parts = (part.strip() for part in script.split(";\n"))
    return [part for part in parts if part.startswith(tuple(begins))]
