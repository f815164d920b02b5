"""Mails in the outbox."""

from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.outbox import IS_WAITING


def mails(connection: Connection) -> list[Row]:
    """Return the newest mails, without their bodies."""
    return connection.rows(
        "SELECT message_id, kind, subject, state, attempts, last_error, merged_into, created_at,"
        " sent_at, recipients FROM ops.outbox ORDER BY outbox_id DESC LIMIT 200"
    )


def mail(connection: Connection, message_id: str) -> Row | None:
    """Return one mail with its bodies."""
    return connection.row(
        "SELECT message_id, kind, subject, state, recipients, created_at, sent_at, last_error,"
        " body_text, body_html FROM ops.outbox WHERE message_id = %(message_id)s",
        message_id=message_id,
    )


def waiting(connection: Connection) -> list[Row]:
    """Return the mails that wait with their bodies, the oldest first."""
    return connection.rows(
        "SELECT kind, subject, body_text AS text, body_html AS html, recipients, state,"
        f" next_attempt_at FROM ops.outbox WHERE {IS_WAITING} ORDER BY outbox_id"
    )


def outcome(connection: Connection, message_id: str) -> Row:
    """Return what became of a mail; empty = there is none of this identity."""
    return (
        connection.row(
            "SELECT message_id, state, delivered, refused, last_error FROM ops.outbox"
            " WHERE message_id = %s",
            message_id,
        )
        or {}
    )
