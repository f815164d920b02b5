"""A mail as it goes over the wire, and as a file for whoever has no mail service."""

from collections.abc import Sequence
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from finale_pipeline.disk import write_whole
from finale_pipeline.warehouse.outbox import SendOutcome, Waiting

NOBODY = "nobody@localhost"
"""Stands where a mail needs an address and the settings name none."""


class Files:
    """Files in a folder, for whoever has no mail service; open them with any mail program."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder = folder
        self._origin = origin

    def send(self, mail: Waiting, addresses: Sequence[str]) -> SendOutcome:
        """Write it as .eml and as .html; the same mail always has the same names."""
        named = f"{mail.created_at:%Y-%m-%d_%H%M%S}_{mail.kind}_{mail.message_id[:8]}"
        message = as_email(mail, self._origin, addresses or [NOBODY])
        try:
            for suffix, data in ((".eml", bytes(message)), (".html", mail.body_html.encode())):
                write_whole(self._folder / f"{named}{suffix}", data)
        except OSError as error:
            text = f"{self._folder} takes no files: {error.strerror}"
            return SendOutcome(error=text, verdict="later")
        return SendOutcome(accepted=list(addresses) or [NOBODY])


def retry_after(header: object) -> timedelta | None:
    """Return how long a service asks to wait, an hour at most; None = it does not say."""
    text = str(header or "")
    return timedelta(seconds=min(int(text), 3600)) if text.isdigit() else None


def as_email(mail: Waiting, origin: str, addresses: Sequence[str]) -> EmailMessage:
    """Return the mail as it goes over the wire; header lines cannot be broken out of."""
    message = EmailMessage()
    message["Message-ID"] = f"<{mail.message_id}@{origin.rpartition('@')[2]}>"
    message["X-Finale-Message-Id"] = mail.message_id
    message["Date"] = format_datetime(mail.created_at)
    message["From"] = f"Finale stock <{origin}>"
    message["To"] = ", ".join(addresses)
    message["Subject"] = mail.subject
    message.set_content(mail.body_text)
    message.add_alternative(mail.body_html, subtype="html")
    if mail.attachment is not None:
        message.add_attachment(
            mail.attachment, maintype="text", subtype="csv", filename=mail.attachment_name
        )
    return message
