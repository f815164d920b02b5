"""SendGrid's v3 API, by its own package: with a time limit, and without following redirects."""

import base64
import logging
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, build_opener

from python_http_client import Client
from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from finale_pipeline.notify.files import retry_after
from finale_pipeline.warehouse.outbox import SendOutcome, Waiting

SECONDS = 20.0
"""Longest wait for one answer; the package has no limit of its own."""

ACCEPTED = 202
HOPELESS = {400, 401, 403, 404, 413}
NAMED = re.compile(r"personalizations\.(\d+)\.")


class RefuseRedirect(HTTPRedirectHandler):
    """Follows no redirect: it would take the key along."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Return no request to follow with."""
        return


class NoRedirects(Client):  # type: ignore[misc]
    """The package's HTTP client for one endpoint, following no redirect."""

    def _make_request(self, _opener: Any, request: Any, timeout: float | None = None) -> Any:
        return super()._make_request(build_opener(RefuseRedirect), request, timeout=timeout)


class SendGrid:
    """SendGrid's v3 API.

    Args:
        seconds: Longest wait for an answer, and for the whole attempt twice that.
    """

    def __init__(self, key: str, origin: str, *, base_url: str, seconds: float = SECONDS) -> None:
        # It logs its headers, and with them the key, for whoever turns on debugging.
        logging.getLogger("python_http_client").setLevel(logging.WARNING)
        api = SendGridAPIClient(key, host=base_url.rstrip("/"))
        self._mail_send = NoRedirects(
            api.host,
            api.client.request_headers,
            version=3,
            url_path=["mail", "send"],
            timeout=seconds,
        )
        self._origin = origin
        self._seconds = seconds

    def send(self, mail: Waiting, addresses: Sequence[str]) -> SendOutcome:
        """Post it; without the addresses that the service says are none."""
        outcome = self._post(mail, addresses)
        refused = dict(outcome.refused or {})
        good = [address for address in addresses if address not in refused]
        if refused and good:
            outcome = self._post(mail, good)
            return replace(outcome, refused=refused | dict(outcome.refused or {}))
        return outcome

    def _post(self, mail: Waiting, addresses: Sequence[str]) -> SendOutcome:
        body = self._body(mail, addresses)
        try:
            answer = _within(2 * self._seconds, lambda: self._mail_send.post(request_body=body))
        except HTTPError as error:
            return _refusal(error, addresses)
        except URLError as error:  # before the request was out: nothing was taken
            return SendOutcome(error=f"SendGrid cannot be reached: {error.reason}", verdict="later")
        except (OSError, HTTPException) as error:
            reply = f"{type(error).__name__} {error}".strip()
            return SendOutcome(error=f"no answer from SendGrid ({reply})", verdict="unknown")
        if answer.status_code != ACCEPTED:  # of something between us and SendGrid
            reply = f"SendGrid answered {answer.status_code} instead of {ACCEPTED}"
            is_redirect = answer.status_code >= HTTPStatus.MULTIPLE_CHOICES
            return SendOutcome(error=reply, verdict="dead" if is_redirect else "later")
        return SendOutcome(accepted=list(addresses))

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


def _refusal(error: Any, addresses: Sequence[str]) -> SendOutcome:
    """Read what an error status says: for all addresses, for some, or for now."""
    status = int(error.status_code)
    text = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else ""
    reply = f"SendGrid answered {status}: {' '.join(text.split())[:300]}"
    if status == HTTPStatus.BAD_REQUEST:  # it names the field
        named = {int(n) for n in NAMED.findall(text)}
        refused = {addresses[n]: "not a valid address" for n in named if n < len(addresses)}
        if refused:
            return SendOutcome(refused=refused)
    if status in HOPELESS or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return SendOutcome(error=reply, verdict="dead")
    wait = retry_after(error.headers and error.headers.get("Retry-After"))
    return SendOutcome(error=reply, verdict="later", wait=wait)


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
        raise TimeoutError(f"no end after {seconds:g} s")
    return results[0]
