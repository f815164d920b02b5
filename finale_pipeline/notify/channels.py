"""Slack, Teams and webhooks: one post each, with a time limit, following no redirect.

Their addresses are secrets: whoever has one may post. They stand in no outbox, log or error.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from finale_pipeline.notify.files import retry_after
from finale_pipeline.settings.routes import Route
from finale_pipeline.text import markdown
from finale_pipeline.warehouse.outbox import SendOutcome, Waiting

SECONDS = 10.0
MOST = 3_000
"""Characters of a message; services refuse long ones."""
TOO_MANY, BROKEN = 429, 500


def post(route: Route, mail: Waiting, addresses: Sequence[str]) -> SendOutcome:
    """Post a mail to the channel of a route; a sick one keeps no other mail waiting."""
    # It logs each request with its address.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        answer = httpx.post(
            route.target,
            json=BODIES[route.channel](mail),
            headers={"X-Finale-Message-Id": mail.message_id},
            timeout=SECONDS,
            follow_redirects=False,
        )
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        error_text = f"{route.recipient} cannot be reached ({type(error).__name__})"
        return SendOutcome(error=error_text, verdict="later", is_service_well=True)
    except httpx.HTTPError as error:
        error_text = f"no answer from {route.recipient} ({type(error).__name__})"
        return SendOutcome(error=error_text, verdict="unknown", is_service_well=True)
    if answer.is_success:
        return SendOutcome(accepted=list(addresses))
    error_text = f"{route.recipient} answered {answer.status_code}"
    if answer.status_code == TOO_MANY or answer.status_code >= BROKEN:
        wait = retry_after(answer.headers.get("Retry-After"))
        return SendOutcome(error=error_text, verdict="later", wait=wait, is_service_well=True)
    return SendOutcome(refused=dict.fromkeys(addresses, error_text))


def _cut(text: str) -> str:
    return text if len(text) <= MOST else text[: MOST - 1] + "…"


def _slack(mail: Waiting) -> dict[str, Any]:
    """Return a message for Slack; what would be its markup is text."""
    text = f"{mail.subject}\n{mail.body_text}"
    for sign, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, written)
    return {"text": _cut(text), "unfurl_links": False}


def _teams(mail: Waiting) -> dict[str, Any]:
    """Return an adaptive card, as Teams' workflows take it."""
    blocks = [
        {"type": "TextBlock", "text": markdown(mail.subject), "weight": "Bolder", "wrap": True},
        {"type": "TextBlock", "text": markdown(_cut(mail.body_text)), "wrap": True},
    ]
    card = {"type": "AdaptiveCard", "version": "1.4", "body": blocks}
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def _webhook(mail: Waiting) -> dict[str, Any]:
    return {
        "message_id": mail.message_id,
        "kind": mail.kind,
        "subject": mail.subject,
        "text": mail.body_text,
        "created_at": mail.created_at.isoformat(),
    }


BODIES: dict[str, Callable[[Waiting], dict[str, Any]]] = {
    "slack": _slack,
    "teams": _teams,
    "webhook": _webhook,
}
