"""Planning: forecasts, what was learnt from peers, scores, drafts of purchase orders."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the plan and the views people look at."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Drop them; a plan can be computed again."""
    op.execute(
        "DROP VIEW IF EXISTS mart.forecast, mart.reorder_suggestion, mart.purchase_plan,"
        " mart.purchase_plan_line, mart.forecast_score, mart.reorder_by_location,"
        " mart.forecast_outcome"
    )
    op.execute(
        "DROP TABLE plan.forecast, plan.calibration, plan.forecast_score, plan.product_term,"
        " plan.vendor_term, plan.purchase_order_draft, plan.purchase_order_draft_line"
    )
