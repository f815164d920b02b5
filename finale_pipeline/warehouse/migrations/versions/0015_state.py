"""What was read out of texts and keys stands in columns: crashes, requests, restores, outages."""

from alembic import op

from finale_pipeline.warehouse.schema import numbered

revision, down_revision = numbered(__file__)


def upgrade() -> None:
    """Add the columns and the table, and fill them from what said it before."""
    op.execute("UPDATE ops.sync_run SET error_kind = 'CRASHED' WHERE error LIKE '%without a word%'")
    op.execute("ALTER TABLE ops.purchase_order_write ADD COLUMN request_hash text")
    op.execute(
        """
        UPDATE ops.purchase_order_write w SET request_hash = (
            SELECT substring(e.detail FROM 'request ([0-9a-f]{64})$')
            FROM ops.purchase_order_write_event e
            WHERE e.reference = w.reference AND e.detail ~ 'request [0-9a-f]{64}$'
            ORDER BY e.event_id DESC LIMIT 1)
        """
    )
    op.execute("ALTER TABLE ops.account ADD COLUMN restored_at timestamptz")
    op.execute(
        "UPDATE ops.account SET restored_at = (SELECT max(created_at) FROM ops.outbox"
        " WHERE starts_with(dedupe_key, 'restored:'))"
    )
    op.execute(
        """
        CREATE TABLE ops.outage (
            outage_id bigserial PRIMARY KEY,
            opened_at timestamptz NOT NULL,
            told text[] NOT NULL,
            closed_at timestamptz
        );
        CREATE UNIQUE INDEX outage_open_idx ON ops.outage ((closed_at IS NULL))
            WHERE closed_at IS NULL;
        INSERT INTO ops.outage (opened_at, told)
        SELECT substring(dedupe_key FROM '^pipeline_silent:(.*):[a-z,]+$')::timestamptz,
               string_to_array(substring(dedupe_key FROM '([a-z,]+)$'), ',')
        FROM (SELECT kind, dedupe_key FROM ops.outbox
              WHERE kind IN ('pipeline_silent', 'pipeline_recovered')
              ORDER BY outbox_id DESC LIMIT 1) newest
        WHERE kind = 'pipeline_silent';
        """
    )
