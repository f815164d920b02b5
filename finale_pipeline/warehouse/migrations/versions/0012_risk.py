"""Money at risk is in the account's currency, whatever the vendor's prices are in."""

from pathlib import Path

from alembic import op

from finale_pipeline.warehouse.schema import run_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

VIEW = "CREATE OR REPLACE VIEW plan.outlook"
COMMENT = "COMMENT ON COLUMN plan.outlook.money_at_risk"


def upgrade() -> None:
    """Take the cost of the product instead of a vendor's price."""
    run_script(op.get_bind(), Path(__file__))


def downgrade() -> None:
    """Take the vendor's price again."""
    before = Path(__file__).with_name("0005_planning.sql").read_text(encoding="utf-8")
    for begins in (VIEW, COMMENT):
        op.execute(before[before.index(begins) :].partition(";")[0])
