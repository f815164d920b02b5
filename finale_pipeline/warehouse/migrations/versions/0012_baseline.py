"""The schema of version 0.1.0, where migrations begin."""

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Do nothing: a database of this number is there already."""
