"""The services that take mails: SendGrid, an SMTP server, or files on this machine.

Each attempt ends in an Outcome. What counts is whether a repeat could be a second mail: a refused
connection cannot, an answer that never came can.
"""

import smtplib
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Protocol

from finale_pipeline.notify.files import NOBODY, Files, as_email
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.outbox import SendOutcome, Waiting

SECONDS = 20.0
"""Longest wait for one answer."""
PERMANENT = 500
HANGS_UP = 421
"""An SMTP server says by it that it serves nobody now."""


class Sender(Protocol):
    """Takes one mail for some addresses."""

    def send(self, mail: Waiting, addresses: Sequence[str]) -> SendOutcome:
        """Try once; never raises for what a mail service does."""


def sender_of(settings: Settings) -> Sender:
    """Return the service that the settings name; files when they name none."""
    origin = settings.alert_from or NOBODY
    if settings.sendgrid_api_key is not None:
        from finale_pipeline.notify.sendgrid_sender import SendGrid  # heavy

        key = settings.sendgrid_api_key.get_secret_value()
        return SendGrid(key, origin, base_url=settings.sendgrid_base_url)
    if settings.smtp_host is not None:
        return Smtp(settings, origin)
    return files_of(settings)


def files_of(settings: Settings) -> Files:
    """Return the folder that takes mails as files."""
    return Files(settings.home / "outbox", settings.alert_from or NOBODY)


class Smtp:
    """An SMTP server."""

    def __init__(self, settings: Settings, origin: str) -> None:
        self._settings = settings
        self._origin = origin

    def send(self, mail: Waiting, addresses: Sequence[str]) -> SendOutcome:
        """Hand it over; a server that takes it for some addresses names the others."""
        try:
            server = self._open()
        except smtplib.SMTPAuthenticationError as error:
            text = f"the SMTP server refuses us: {error.smtp_code}"
            return SendOutcome(error=text, verdict="dead")
        except (OSError, smtplib.SMTPException) as error:
            return SendOutcome(error=f"the SMTP server cannot be reached: {error}", verdict="later")
        try:
            return self._hand_over(server, mail, addresses)
        finally:
            # What was accepted stays accepted, however the server takes its leave.
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()

    def _open(self) -> smtplib.SMTP:
        settings = self._settings
        host, port = str(settings.smtp_host), settings.smtp_port
        trust = ssl.create_default_context()
        if settings.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=trust)
        else:
            server = smtplib.SMTP(host, port, timeout=SECONDS)
            if settings.smtp_security == "starttls":
                server.starttls(context=trust)
        if settings.smtp_user is not None and settings.smtp_password is not None:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        return server

    def _hand_over(
        self, server: smtplib.SMTP, mail: Waiting, addresses: Sequence[str]
    ) -> SendOutcome:
        message = as_email(mail, self._origin, addresses)
        try:
            failed = server.send_message(message, self._origin, list(addresses))
        except smtplib.SMTPRecipientsRefused as error:  # by all, or it hung up before the last
            return _outcome(addresses, error.recipients, is_taken=False)
        except smtplib.SMTPResponseException as error:
            text = f"the SMTP server answered {error.smtp_code}"
            is_final = error.smtp_code >= PERMANENT
            return SendOutcome(error=text, verdict="dead" if is_final else "later")
        except (OSError, smtplib.SMTPException) as error:
            return SendOutcome(error=f"no answer from the SMTP server: {error}", verdict="unknown")
        return _outcome(addresses, failed, is_taken=True)


def _outcome(
    addresses: Sequence[str], failed: Mapping[str, tuple[int, bytes]], *, is_taken: bool
) -> SendOutcome:
    """Return what became of each address.

    Args:
        failed: Code and text for each address that was not accepted.
        is_taken: Whether the mail was accepted for the others; else they were not asked for.
    """
    for_good = {a: f"SMTP {code}" for a, (code, _) in failed.items() if code >= PERMANENT}
    later = {a: code for a, (code, _) in failed.items() if code < PERMANENT}
    others = [a for a in addresses if a not in failed]
    if not later and (is_taken or not others):
        return SendOutcome(others, for_good)
    named = ", ".join(f"{address} ({code})" for address, code in later.items())
    is_well = HANGS_UP not in later.values()
    reply = f"the SMTP server asks to come again for {named or 'some addresses'}"
    return SendOutcome(
        others if is_taken else (), for_good, reply, "later", is_service_well=is_well
    )
