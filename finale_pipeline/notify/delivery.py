"""Delivers what waits in the outbox; whoever wrote a mail calls it, and a sensor calls it again."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import xxhash

from finale_pipeline.domain.alerts.quiet_hours import quiet_until
from finale_pipeline.errors import PipelineError
from finale_pipeline.notify import links, stock_mails
from finale_pipeline.notify.files import Files
from finale_pipeline.notify.lines import lines_of
from finale_pipeline.notify.messages import new_id, origin_of, render
from finale_pipeline.notify.sender import Sender, files_of, sender_of
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import critical, outbox
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.outbox import Message, SendOutcome, Waiting

log = logging.getLogger(__name__)

AT_ONCE = 50
"""Mails of one call; a sensor's tick must end."""


def deliver(
    connection: Connection,
    settings: Settings,
    *,
    clock: Callable[[], datetime],
    sender: Sender | None = None,
    only: str | None = None,
) -> Counter[str]:
    """Send what is due, oldest first, and stop where the service is sick.

    Args:
        connection: Of the caller, outside of any transaction.
        sender: The service; None = the settings'.
        only: A message to send, and no other.

    Returns:
        How many mails ended in which state.
    """
    service = sender or sender_of(settings)
    counts: Counter[str] = Counter()
    outbox.recover(connection, now=clock())
    outbox.hold(connection, until=quiet_until(settings.quiet_hours, clock(), settings.zone))
    if only is None:
        _merge(connection, settings, clock())
    for _ in range(AT_ONCE):
        mail = outbox.claim(connection, now=clock(), only=only)
        if mail is None:
            break
        if not mail.recipients:
            mail = replace(mail, recipients=list(settings.alert_emails))
        mail = _with_links(mail, settings, clock())
        outcome = _sent(service, settings, mail)
        state = outbox.settle(connection, mail, outcome, now=clock())
        counts[state] += 1
        if state == "dead":
            _tell_otherwise(settings, mail, outcome)
        if state == "pending" and not outcome.is_service_well:
            break
    return counts


def _sent(service: Sender, settings: Settings, mail: Waiting) -> SendOutcome:
    """Hand a mail over: to the channel of its route, else to the mail service."""
    if mail.left and "@" not in mail.left[0]:
        routes = {route.recipient: route for route in settings.routes}
        route = routes.get(mail.left[0])
        if route is None:
            return SendOutcome(refused={mail.left[0]: "there is no such route any more"})
        from finale_pipeline.notify.channels import post  # heavy

        return post(route, mail, mail.left)
    if mail.left or isinstance(service, Files):
        return service.send(mail, mail.left)
    return SendOutcome()


def _with_links(mail: Waiting, settings: Settings, now: datetime) -> Waiting:
    """Return a mail as it is delivered: its links are made now and stand in no stored text."""
    if links.unsigned(mail.message_id) not in mail.body_text:
        return mail
    try:
        key = links.key_of(settings.home)
    except (PipelineError, OSError) as error:
        log.error("mail %s goes without its link: %s", mail.message_id, error)  # noqa: TRY400
        return mail
    text, page = (
        links.signed(body, key, mail.message_id, now=now)
        for body in (mail.body_text, mail.body_html)
    )
    return replace(mail, body_text=text, body_html=page)


def _tell_otherwise(settings: Settings, mail: Waiting, outcome: SendOutcome) -> None:
    """Say by the other channels that a mail cannot be delivered: the log, and a file."""
    why = outcome.error or outcome.refused
    log.error("mail %s (%s) cannot be delivered: %s", mail.message_id, mail.kind, why)
    files_of(settings).send(mail, mail.recipients)


def _merge(connection: Connection, settings: Settings, now: datetime) -> None:
    """Let one present picture replace stock mails that waited long, and keep it a present one."""
    with connection.transaction():
        old = outbox.stale(connection, now=now)
        if not old:
            if picture := outbox.waiting_picture(connection, now=now):
                ident, count = picture
                mail = _present(connection, settings, now, [ident], count, message_id=ident)
                outbox.rewrite(connection, mail)
            return
        messages = [message_id for message_id, _ in old]
        message = _present(connection, settings, now, messages, len(old), message_id=new_id())
        about = xxhash.xxh3_64_hexdigest("".join(sorted(key for _, key in old)).encode())
        key, recipients = f"catch_up:{about}", settings.alert_emails
        outbox.put(connection, message, dedupe_key=key, recipients=recipients, now=now)
        outbox.mark_merged(connection, messages, into=message.message_id)


def _present(
    connection: Connection,
    settings: Settings,
    now: datetime,
    messages: Sequence[str],
    merged: int,
    *,
    message_id: str,
) -> Message:
    """Return a mail that says how the items of some mails stand now."""
    lines = lines_of(connection, outbox.subjects_of(connection, messages))
    origin = origin_of(settings, now, critical.evaluated_read_at(connection))
    return render(stock_mails.catch_up(lines, merged=merged), origin, message_id=message_id)
