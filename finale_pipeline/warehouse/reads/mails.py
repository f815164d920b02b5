"""Mails in the outbox."""

from finale_pipeline.warehouse.connect import Connection, Row, row_of, rows_of


def mails(connection: Connection) -> list[Row]:
    """Return the newest mails, without their bodies."""
    return rows_of(
        connection,
        "SELECT message_id, kind, subject, state, attempts, last_error, merged_into, created_at,"
        " sent_at, recipients FROM ops.outbox ORDER BY outbox_id DESC LIMIT 200",
    )


def mail(connection: Connection, message_id: str) -> Row | None:
    """Return one mail with its bodies."""
    return row_of(
        connection,
        "SELECT message_id, kind, subject, state, recipients, created_at, sent_at, last_error,"
        " body_text, body_html FROM ops.outbox WHERE message_id = %(message_id)s",
        message_id=message_id,
    )
