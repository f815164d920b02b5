"""Mails into the outbox: one for everybody, and one for each route that an item belongs to."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from finale_pipeline.notify.lines import ItemLine
from finale_pipeline.notify.messages import Content, Origin, new_id, render
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import outbox
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.outbox import Message


def put(
    connection: Connection,
    settings: Settings,
    make: Callable[[Sequence[ItemLine]], Content],
    lines: Sequence[ItemLine],
    origin: Origin,
    *,
    dedupe_key: str,
    message_id: str,
) -> bool:
    """Write what items are about: for everybody all of them, for each route those that are its own.

    A route's mail has links to pages, and no link by which its reader decides: that one stands for
    all items of a mail.

    Args:
        make: Returns what is said of some items.

    Returns:
        False when the same thing was written before.
    """
    write = partial(outbox.put, connection, now=origin.now, run_id=origin.run_id)
    mail = render(make(lines), origin, message_id=message_id)
    is_new = write(mail, dedupe_key=dedupe_key, recipients=settings.alert_emails)
    for route in settings.routes:
        mine = [ln for ln in lines if route.wants(vendor=ln.vendor_name, category=ln.category)]
        if mine and is_new:
            mail = render(make(mine), replace(origin, has_links=False), message_id=new_id())
            key = f"{dedupe_key}:route:{route.name}"
            write(mail, dedupe_key=key, recipients=[route.recipient], route=route.name)
    return is_new


def put_one(
    connection: Connection, settings: Settings, content: Content, origin: Origin, dedupe_key: str
) -> tuple[Message, bool]:
    """Write one mail for everybody, in the transaction of its reason.

    Returns:
        The mail, and whether it is new; False when the same thing was written before.
    """
    mail = render(content, origin, message_id=new_id())
    to, now, run_id = settings.alert_emails, origin.now, origin.run_id
    return mail, outbox.put(
        connection, mail, dedupe_key=dedupe_key, recipients=to, now=now, run_id=run_id
    )
