"""`finale alerts …`: what is open, what was decided, what would be mailed, whether mails arrive."""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from finale_pipeline.clock import utc_now
from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.notify import links, outbox, stock_mails, sync_mails
from finale_pipeline.notify.delivery import deliver
from finale_pipeline.notify.lines import critical_lines
from finale_pipeline.notify.messages import new_id, origin_of, render
from finale_pipeline.warehouse import incidents, schema
from finale_pipeline.warehouse.connect import Connection, connect, database_url, rows_of

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

Rows = list[dict[str, Any]]

LIST = (
    "SELECT sku, name, level, incident_state AS state, available_units, threshold_units,"
    " on_order_units, suggested_units, vendor_name, contact, since_at, why, product_url"
    " FROM mart.low_stock {where} ORDER BY level DESC, days_left NULLS LAST,"
    " money_at_risk DESC NULLS LAST, sku"
)


NAMED = 3
"""Addresses of a mail that a decision by its link names."""


@contextmanager
def warehouse(settings: "Settings") -> Iterator[Connection]:
    """Open the warehouse of these settings, at this program's schema."""
    with connect(database_url(settings), name="finale alerts") as connection:
        schema.require_current(connection)
        yield connection


def listed(settings: "Settings", *, everything: bool) -> Rows:
    """Return critical items, worst first.

    Args:
        settings: Which warehouse.
        everything: Also those that somebody has decided about.
    """
    where = "" if everything else "WHERE coalesce(incident_state, 'open') = 'open'"
    with warehouse(settings) as connection:
        return rows_of(connection, LIST.format(where=where))


def product_of(connection: Connection, name: str) -> str:
    """Return the product_url of a SKU, or of itself.

    Raises:
        ConfigError: No product has it, or several share it.
    """
    rows = rows_of(
        connection, "SELECT product_url FROM core.product WHERE sku = %s OR product_url = %s",
        name, name,
    )  # fmt: skip
    if len(rows) == 1:
        return str(rows[0]["product_url"])
    found = ", ".join(str(row["product_url"]) for row in rows)
    raise ConfigError(
        f"{len(rows) or 'No'} products are called {name}{': ' + found if found else ''}.",
        step="Name one of them by its product_url."
        if rows
        else "See mart.product for what there is.",
    )


def history(settings: "Settings", name: str) -> dict[str, Any]:
    """Return a product's incidents and events, newest first."""
    with warehouse(settings) as connection:
        product = product_of(connection, name)
        query = "SELECT * FROM mart.{view} WHERE {column} = %s ORDER BY {order} DESC LIMIT 100"
        return {
            "product_url": product,
            "incidents": rows_of(
                connection,
                query.format(view="incident", column="subject", order="opened_at"), product,
            ),
            "events": rows_of(
                connection,
                query.format(view="alert_history", column="subject", order="event_id"), product,
            ),
        }  # fmt: skip


def decide(
    settings: "Settings", names: list[str], state: str, *, note: str | None = None,
    until: str | None = None, even_if_worse: bool = False, actor: str | None = None,
) -> Rows:  # fmt: skip
    """Write what a person decided about some products.

    Args:
        settings: Which warehouse.
        names: SKUs or product_urls.
        state: acknowledged, snoozed, ordered or open.
        note: Why, in their words.
        until: Date or time, in the account's zone, at which a snooze ends; None = until worse.
        even_if_worse: Whether a worsening leaves it asleep.
        actor: Who decides; None = the user of this process.

    Raises:
        ConfigError: A product is not known, or has no open incident; nothing was written.
    """
    end = _moment(settings, until)
    if even_if_worse and end is None:
        raise ConfigError(
            "A snooze that sleeps through everything needs an end.", step="Add --until DATE."
        )
    choice = incidents.Choice(state, actor or getpass.getuser(), note, end, even_if_worse)
    done = []
    with warehouse(settings) as connection, connection.transaction():
        for name in names:
            product = product_of(connection, name)
            number = incidents.choose(connection, product, choice, now=utc_now())
            if number is None:
                raise ConfigError(
                    f"{name} has no open incident: it is neither out nor low.",
                    data="Nothing was written.",
                    step=f"Ask why: finale explain {name}",
                )
            done.append({"sku": name, "incident_id": number, "state": state, "until": end})
    return done


def items_by_link(settings: "Settings", token: str) -> Rows:
    """Return the items of the mail that a signed link came with; changes nothing.

    Raises:
        ConfigError: The link is forged, or its time is over.
    """
    message_id = links.read(links.key_of(settings.home), token, now=utc_now())
    with warehouse(settings) as connection:
        return rows_of(
            connection,
            "SELECT DISTINCT p.sku, p.name, e.subject AS product_url, i.level,"
            " coalesce(i.state, 'resolved') AS state FROM ops.incident_event e"
            " JOIN ops.outbox o USING (message_id)"
            " JOIN core.product p ON p.product_url = e.subject"
            " LEFT JOIN ops.incident i ON i.subject = e.subject AND i.closed_at IS NULL"
            " WHERE %s IN (o.message_id, o.merged_into) ORDER BY p.sku",
            message_id,
        )


def decide_by_link(
    settings: "Settings", token: str, products: list[str], state: str, *, until: str | None = None
) -> Rows:
    """Decide about items of the mail that a signed link came with, and about no others.

    Raises:
        ConfigError: The link is not valid, or an item is not of its mail, or it is well again.
    """
    mine = {str(row["product_url"]) for row in items_by_link(settings, token)}
    others = sorted(set(products) - mine)
    if others:
        raise ConfigError(
            f"{others[0]} is not of this mail.",
            data="Nothing was changed.",
            step="Reload the page.",
        )
    return decide(
        settings, products, state, until=until, note="by the link of a mail",
        actor=_reader_of(settings, token),
    )  # fmt: skip


def _reader_of(settings: "Settings", token: str) -> str:
    """Return who may have used a mail's link: it went to all its recipients alike."""
    message_id = links.read(links.key_of(settings.home), token, now=utc_now())
    with warehouse(settings) as connection:
        rows = rows_of(
            connection, "SELECT recipients FROM ops.outbox WHERE message_id = %s", message_id
        )
    addresses = [str(address) for row in rows for address in row["recipients"]]
    more = f" and {len(addresses) - NAMED} more" if len(addresses) > NAMED else ""
    return f"mail link to {' or '.join(addresses[:NAMED]) or 'a file'}{more}"


def _moment(settings: "Settings", text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        local = datetime.combine(date.fromisoformat(text), time())
    except ValueError:
        try:
            local = datetime.fromisoformat(text)
        except ValueError as error:
            raise ConfigError(
                f"{text!r} is no date.", step="Write it as 2026-04-01 or 2026-04-01T08:00."
            ) from error
    return local if local.tzinfo else local.replace(tzinfo=settings.zone)


def preview(settings: "Settings") -> Rows:
    """Render the next mails: those that wait, and the digest as it would be now; send nothing.

    Their HTML is written to the folder `preview` in HOME.
    """
    with warehouse(settings) as connection:
        waiting = rows_of(
            connection,
            "SELECT kind, subject, body_text AS text, body_html AS html, recipients, state,"
            " next_attempt_at FROM ops.outbox WHERE state IN ('pending', 'held', 'sending')"
            " ORDER BY outbox_id",
        )
        read = rows_of(connection, "SELECT read_at FROM ops.evaluation")
        origin = origin_of(settings, utc_now(), read[0]["read_at"] if read else None)
        content = stock_mails.digest(
            critical_lines(connection, now=utc_now()), flapping=0, unsent=0
        )
    digest = render(content, origin, message_id=new_id())
    waiting.append(
        {
            "kind": digest.kind, "subject": digest.subject, "text": digest.text,
            "html": digest.html, "recipients": list(settings.alert_emails), "state": "preview",
            "next_attempt_at": None,
        }
    )  # fmt: skip
    folder = settings.home / "preview"
    try:
        for number, mail in enumerate(waiting, 1):
            path = folder / f"{number:02}_{mail['kind']}.html"
            write_whole(path, mail.pop("html"))
            mail["file"] = str(path)
    except OSError as error:
        raise LocalError(
            f"{folder} takes no files: {error.strerror}.",
            data="Nothing was sent and nothing was changed.",
            step="Choose another folder: FINALE_HOME.",
        ) from error
    return waiting


def test_mail(settings: "Settings", to: str | None) -> dict[str, Any]:
    """Send a test mail now and say how it ended.

    Args:
        settings: With the mail service.
        to: One address; None = all of FINALE_ALERT_EMAILS.
    """
    now = utc_now()
    message = render(
        sync_mails.test_mail(getpass.getuser()), origin_of(settings, now), message_id=new_id()
    )
    recipients = [to] if to else list(settings.alert_emails)
    with warehouse(settings) as connection:
        outbox.put(
            connection, message, dedupe_key=f"test:{message.message_id}", recipients=recipients,
            now=now,
        )  # fmt: skip
        deliver(connection, settings, clock=utc_now, only=message.message_id)
        (row,) = rows_of(
            connection,
            "SELECT message_id, state, delivered, refused, last_error FROM ops.outbox"
            " WHERE message_id = %s",
            message.message_id,
        )
    where = "SendGrid" if settings.sendgrid_api_key else settings.smtp_host
    return row | {"by": where or str(settings.home / "outbox")}


def resend(settings: "Settings", message_id: str | None) -> dict[str, Any]:
    """Try dead mails again, one or all, after their cause was mended."""
    with warehouse(settings) as connection:
        revived = outbox.revive(connection, message_id, now=utc_now())
        done = deliver(connection, settings, clock=utc_now)
    return {"revived": revived, **done}
