"""Who was told what: the mails of a read of stock, and those that wait for the mail service."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import incidents as incidents_reads

LOOK_BACK = timedelta(days=7)
"""So long a mail that was given up is shown; a person should have looked by then."""


@dataclass(frozen=True, slots=True)
class AlertLine:
    """A product that somebody was told of, or a mail about no product; who, and whether it left.

    Attributes:
        mail: Kind of mail; None = there is none.
        state: Of the mail, as in ops.outbox; `no mail` where there is none.
        sku: The product; None = the mail is about none.
        remark: Why it could not be sent, or why there is no mail.
    """

    message_id: str | None
    mail: str | None
    state: str
    recipients: str
    sku: str | None
    name: str | None
    from_level: str | None
    to_level: str | None
    attempts: int
    remark: str


def alert_lines(
    connection: Connection, *, run_id: int, since: datetime, now: datetime
) -> Sequence[AlertLine]:
    """Return who was told what.

    Args:
        since: Mails that left since then belong to it, too, whoever wrote them.
    """
    recent = now - LOOK_BACK
    return connection.objects(
        AlertLine, incidents_reads.TOLD, run_id=run_id, since=since, recent=recent
    )
