"""The foundation: catalogue, stock, sync runs."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create schemas, tables, views and the reader's role."""
    script = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
    # The driver's own call: without parameters a percent sign is just a percent sign.
    op.get_bind().connection.driver_connection.execute(script)


def downgrade() -> None:
    """There is nothing before the foundation to go back to."""
    raise NotImplementedError
