"""Buyers choose suppliers and what is not ordered; terms have a history; edits may stay."""

from alembic import op

from finale_pipeline.warehouse import definitions
from finale_pipeline.warehouse.schema import driver_connection, numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the columns and tables; what was fixed before has no history."""
    definitions.drop_views_on(driver_connection(op.get_bind()), "plan.purchase_order_edit")
    op.execute("ALTER TABLE plan.product_term ADD COLUMN vendor_url text")
    op.execute(
        "ALTER TABLE plan.product_term ADD COLUMN is_never_ordered boolean NOT NULL DEFAULT false"
    )
    op.execute(
        "CREATE TABLE plan.term_change (change_id bigserial, scope text NOT NULL,"
        " scope_key text NOT NULL, before jsonb NOT NULL, after jsonb NOT NULL,"
        " changed_by text NOT NULL, changed_at timestamptz NOT NULL, note text,"
        " PRIMARY KEY (change_id))"
    )
    op.execute("CREATE INDEX term_change_scope_idx ON plan.term_change (scope, scope_key)")
    op.execute(
        "CREATE TABLE plan.plan_change (change_id bigserial, snapshot_on date NOT NULL,"
        " kind text NOT NULL, made_by text NOT NULL, made_at timestamptz NOT NULL,"
        " undone_by text, undone_at timestamptz, PRIMARY KEY (change_id))"
    )
    op.execute("ALTER TABLE plan.purchase_order_edit ADD COLUMN change_id bigint")
    op.execute(
        "ALTER TABLE plan.purchase_order_edit ADD COLUMN is_standing boolean NOT NULL DEFAULT false"
    )
    op.execute(
        "CREATE INDEX purchase_order_edit_standing_idx ON plan.purchase_order_edit"
        " (vendor_url, product_url, edit_id) WHERE is_standing"
    )
    op.execute(
        "CREATE INDEX purchase_order_edit_change_idx ON plan.purchase_order_edit (change_id)"
        " WHERE change_id IS NOT NULL"
    )
