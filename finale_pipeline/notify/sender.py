"""The services that take mails: SendGrid, an SMTP server, or files on this machine.

Each attempt ends in an Outcome. What counts is whether a repeat could be a second mail: a refused
connection cannot, an answer that never came can.
"""

import base64
import logging
import re
import smtplib
import ssl
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from http.client import HTTPException
from typing import Any, Protocol
from urllib.error import URLError

from finale_pipeline.notify.files import NOBODY, Files, as_email
from finale_pipeline.notify.outbox import Outcome, Waiting
from finale_pipeline.settings import Settings

SECONDS = 20.0
"""Longest wait for one answer; the sendgrid package has no limit of its own."""

HOPELESS = {400, 401, 403, 404, 413}
NAMED = re.compile(r"personalizations\.(\d+)\.")


class Sender(Protocol):
    """Takes one mail for some addresses."""

    def send(self, mail: Waiting, addresses: Sequence[str]) -> Outcome:
        """Try once; never raises for what a mail service does."""


def sender_of(settings: Settings) -> Sender:
    """Return the service that the settings name; files when they name none."""
    origin = settings.alert_from or NOBODY
    if settings.sendgrid_api_key is not None:
        key = settings.sendgrid_api_key.get_secret_value()
        return SendGrid(key, origin, base_url=settings.sendgrid_base_url)
    if settings.smtp_host is not None:
        return Smtp(settings, origin)
    return Files(settings.home / "outbox", origin)


class SendGrid:
    """SendGrid's v3 API.

    Args:
        key: API key.
        origin: Sender's address.
        base_url: Of the API, without its version.
        seconds: Longest wait for an answer, and for the whole attempt twice that.
    """

    def __init__(self, key: str, origin: str, *, base_url: str, seconds: float = SECONDS) -> None:
        from sendgrid import SendGridAPIClient  # noqa: PLC0415 - only where mails leave

        # It logs its headers, and with them the key, for whoever turns on debugging.
        logging.getLogger("python_http_client").setLevel(logging.WARNING)
        self._api = SendGridAPIClient(key, host=base_url.rstrip("/"))
        self._api.client = _faithful(self._api.client)
        self._api.client.timeout = seconds
        self._origin = origin
        self._seconds = seconds

    def send(self, mail: Waiting, addresses: Sequence[str]) -> Outcome:
        """Post it; without the addresses that the service says are none."""
        outcome = self._post(mail, addresses)
        refused = dict(outcome.refused or {})
        good = [address for address in addresses if address not in refused]
        if refused and good:
            again = self._post(mail, good)
            return Outcome(
                again.accepted, refused | dict(again.refused or {}), again.error, again.verdict,
                again.wait,
            )  # fmt: skip
        return outcome

    def _post(self, mail: Waiting, addresses: Sequence[str]) -> Outcome:
        from python_http_client.exceptions import HTTPError  # noqa: PLC0415

        body = self._body(mail, addresses)
        try:
            answer = _within(2 * self._seconds, lambda: self._api.send(body))
        except HTTPError as error:
            return _refusal(error, addresses)
        except URLError as error:  # before the request was out: nothing was taken
            return Outcome(error=f"SendGrid cannot be reached: {error.reason}", verdict="later")
        except (OSError, HTTPException) as error:
            said = f"{type(error).__name__} {error}".strip()
            return Outcome(error=f"no answer from SendGrid ({said})", verdict="unknown")
        if answer.status_code >= 300:  # noqa: PLR2004 - a redirect: not SendGrid's
            return Outcome(error=f"SendGrid answered {answer.status_code}", verdict="dead")
        return Outcome(accepted=list(addresses))

    def _body(self, mail: Waiting, addresses: Sequence[str]) -> dict[str, Any]:
        identity = {"message_id": mail.message_id, "kind": mail.kind}
        body: dict[str, Any] = {
            "personalizations": [{"to": [{"email": address}]} for address in addresses],
            "from": {"email": self._origin, "name": "Finale stock"},
            "subject": mail.subject,
            "content": [
                {"type": "text/plain", "value": mail.body_text},
                {"type": "text/html", "value": mail.body_html},
            ],
            "custom_args": identity,
            "headers": {"X-Finale-Message-Id": mail.message_id},
            "categories": ["finale", mail.kind],
            # Links lead to our own pages; rewriting them would tell others who clicks.
            "tracking_settings": {"click_tracking": {"enable": False, "enable_text": False}},
        }
        if mail.attachment is not None:
            body["attachments"] = [
                {
                    "content": base64.b64encode(mail.attachment).decode(),
                    "type": "text/csv",
                    "filename": mail.attachment_name,
                    "disposition": "attachment",
                }
            ]
        return body


def _faithful(client: Any) -> Any:
    """Return a client like this one that follows no redirect: it would take the key along."""
    from urllib.request import HTTPRedirectHandler, build_opener  # noqa: PLC0415

    from python_http_client import Client  # noqa: PLC0415

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any, **__: Any) -> None:
            return None

    class Faithful(Client):  # type: ignore[misc]
        def _build_client(self, name: str | None = None) -> Any:
            made = super()._build_client(name)
            made.__class__ = Faithful
            return made

        def _make_request(self, _opener: Any, request: Any, timeout: float | None = None) -> Any:
            return super()._make_request(build_opener(Stay), request, timeout=timeout)

    client.__class__ = Faithful
    return client


def _refusal(error: Any, addresses: Sequence[str]) -> Outcome:
    """Read what an error status says: for all addresses, for some, or for now."""
    status = int(error.status_code)
    text = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else ""
    said = f"SendGrid answered {status}: {' '.join(text.split())[:300]}"
    if status == 400:  # noqa: PLR2004 - it names the field
        named = {int(n) for n in NAMED.findall(text)}
        refused = {addresses[n]: "not a valid address" for n in named if n < len(addresses)}
        if refused:
            return Outcome(refused=refused)
    if status in HOPELESS or 300 <= status < 400:  # noqa: PLR2004
        return Outcome(error=said, verdict="dead")
    waits = str(error.headers.get("Retry-After", "")) if error.headers else ""
    wait = timedelta(seconds=min(int(waits), 3600)) if waits.isdigit() else None
    return Outcome(error=said, verdict="later", wait=wait)


def _within(seconds: float, call: Callable[[], Any]) -> Any:
    """Return a call's result; stop waiting for it after so many seconds.

    The package's own limit is per read: an answer that drips never reaches it.

    Raises:
        TimeoutError: It takes longer; nobody knows how it ends.
    """
    results: list[Any] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 - handed to the caller
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        message = f"no end after {seconds:g} s"
        raise TimeoutError(message)
    return results[0]


class Smtp:
    """An SMTP server.

    Args:
        settings: Host, port, security, user.
        origin: Sender's address.
        seconds: Longest wait for an answer.
    """

    def __init__(self, settings: Settings, origin: str, *, seconds: float = SECONDS) -> None:
        self._settings = settings
        self._origin = origin
        self._seconds = seconds

    def send(self, mail: Waiting, addresses: Sequence[str]) -> Outcome:
        """Hand it over; a server that takes it for some addresses names the others."""
        try:
            server = self._open()
        except smtplib.SMTPAuthenticationError as error:
            return Outcome(error=f"the SMTP server refuses us: {error.smtp_code}", verdict="dead")
        except (OSError, smtplib.SMTPException) as error:
            return Outcome(error=f"the SMTP server cannot be reached: {error}", verdict="later")
        with server:
            return self._hand_over(server, mail, addresses)

    def _open(self) -> smtplib.SMTP:
        given = self._settings
        host, port = str(given.smtp_host), given.smtp_port
        trust = ssl.create_default_context()
        if given.smtp_security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                host, port, timeout=self._seconds, context=trust
            )
        else:
            server = smtplib.SMTP(host, port, timeout=self._seconds)
            if given.smtp_security == "starttls":
                server.starttls(context=trust)
        if given.smtp_user is not None and given.smtp_password is not None:
            server.login(given.smtp_user, given.smtp_password.get_secret_value())
        return server

    def _hand_over(self, server: smtplib.SMTP, mail: Waiting, addresses: Sequence[str]) -> Outcome:
        message = as_email(mail, self._origin, addresses)
        try:
            failed = server.send_message(message, self._origin, list(addresses))
        except smtplib.SMTPRecipientsRefused as error:
            failed = error.recipients
        except smtplib.SMTPResponseException as error:
            said = f"the SMTP server answered {error.smtp_code}"
            return Outcome(error=said, verdict="dead" if error.smtp_code >= 500 else "later")  # noqa: PLR2004
        except (OSError, smtplib.SMTPException) as error:
            return Outcome(error=f"no answer from the SMTP server: {error}", verdict="unknown")
        for_good = {a: f"SMTP {code}" for a, (code, _) in failed.items() if code >= 500}  # noqa: PLR2004
        accepted = [a for a in addresses if a not in failed]
        if len(for_good) < len(failed):
            later = "the SMTP server asks to come again for some addresses"
            return Outcome(accepted, for_good, later, "later")
        return Outcome(accepted, for_good)
