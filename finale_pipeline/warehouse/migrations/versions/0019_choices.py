"""What people choose about many items can be taken back; views of the list are kept by name."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the tables; nothing that was decided before can be taken back at one stroke."""
    op.execute(
        "CREATE TABLE ops.choice (choice_id bigserial,"
        " state text NOT NULL, note text, snoozed_until timestamptz, made_by text NOT NULL,"
        " made_at timestamptz NOT NULL, undone_by text, undone_at timestamptz,"
        " PRIMARY KEY (choice_id))"
    )
    op.execute(
        "CREATE TABLE ops.choice_item (choice_id bigint NOT NULL REFERENCES ops.choice (choice_id)"
        " ON DELETE CASCADE, incident_id bigint NOT NULL, state_before text NOT NULL,"
        " snoozed_until_before timestamptz, even_if_worse_before boolean NOT NULL,"
        " note_before text, decided_by_before text, decided_at_before timestamptz,"
        " PRIMARY KEY (choice_id, incident_id))"
    )
    op.execute(
        "CREATE TABLE ops.saved_view (kept_by text NOT NULL, name text NOT NULL,"
        " query text NOT NULL, kept_at timestamptz NOT NULL, PRIMARY KEY (kept_by, name))"
    )
