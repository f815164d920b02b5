"""`finale alerts`: what is open, what was decided, what would be mailed, whether mails arrive."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import click

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import actor, answering, pass_connection, pass_warehouse
from finale_pipeline.commands.simulation import simulate
from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.notify import decisions, links, stock_mails, sync_mails
from finale_pipeline.notify.decisions import Rows, product_of
from finale_pipeline.notify.delivery import deliver
from finale_pipeline.notify.lines import critical_lines
from finale_pipeline.notify.messages import new_id, origin_of, render
from finale_pipeline.settings import Settings
from finale_pipeline.text import plain
from finale_pipeline.warehouse import critical, incidents, outbox
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import incidents as incidents_reads
from finale_pipeline.warehouse.reads import mails as mails_reads

FAILED = 8


@click.group()
def command() -> None:
    """What is out or low, what was mailed, what is decided."""


def _listed(rows: Rows) -> str:
    lines = [
        f"{r['level']:4} {r['state'] or 'open':12} {plain(r['sku'], most=24):24} {plain(r['why'])}"
        for r in rows
    ]
    return "\n".join(lines) or "Nothing is out or low that needs a decision."


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those decided about.")
@answering(_listed)
@pass_connection
def _list(_settings: Settings, connection: Connection, *, everything: bool) -> Rows:
    """Products that are out or low and need a decision."""
    return incidents_reads.listed(connection, only_open=not everything)


def _history(history: dict[str, Any]) -> str:
    lines = [
        f"{e['happened_at']:%Y-%m-%d %H:%M}  {e['kind']:12} {e['from_level']} → {e['to_level']}"
        f"  {e['mail_kind'] or e['no_mail'] or ''}"
        for e in history["events"]
    ]
    return "\n".join(lines) or "Nothing ever happened to it."


@command.command("show")
@click.argument("sku")
@answering(_history)
@pass_connection
def _show(_settings: Settings, connection: Connection, *, sku: str) -> dict[str, Any]:
    """Incidents and events of a product."""
    product = product_of(connection, sku)
    return {
        "product_url": product,
        "incidents": incidents_reads.of_product(connection, product, most=100),
        "events": incidents_reads.events_of(connection, product, most=100),
    }


def _decision(name: str, state: str, text: str, *options: Callable[[Any], Any]) -> None:
    """Declare a command that writes what a person decided."""

    @answering(lambda rows: "\n".join(f"{row['sku']}: {row['state']}" for row in rows))
    @pass_connection
    def decide(
        settings: Settings,
        connection: Connection,
        *,
        sku: tuple[str, ...],
        note: str | None,
        until: str | None = None,
        even_if_worse: bool = False,
    ) -> Rows:
        choice = incidents.Choice(state, actor(), note, _moment(settings, until), even_if_worse)
        return decisions.decide(connection, sku, choice, now=utc_now())

    for option in reversed(options):
        option(decide)
    click.option("--note", help="Why, in your words.")(decide)
    click.argument("sku", nargs=-1, required=True)(decide)
    command.command(name, help=text)(decide)


_decision("ack", "acknowledged", "Be quiet about products until they get worse.")
_decision(
    "snooze",
    "snoozed",
    "Be quiet until a date, or until they get worse.",
    click.option("--until", metavar="DATE", help="In the account's time zone."),
    click.option("--even-if-worse", is_flag=True, help="Sleep through everything."),
)
_decision("ordered", "ordered", "Note that they are ordered.")
_decision("reopen", "open", "Take a decision back.")


def _moment(settings: Settings, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        local = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is no date.", step="Write it as 2026-04-01 or 2026-04-01T08:00."
        ) from error
    return local if local.tzinfo else local.replace(tzinfo=settings.zone)


@command.command("preview")
@answering(
    lambda mails: "\n".join(f"{m['state']:8} {m['subject']}\n         {m['file']}" for m in mails)
)
@pass_connection
def _preview(settings: Settings, connection: Connection) -> Rows:
    """Render the next mails; send nothing. Their HTML goes to the folder `preview` in HOME."""
    waiting = mails_reads.waiting(connection)
    origin = origin_of(settings, utc_now(), critical.evaluated_read_at(connection))
    content = stock_mails.digest(critical_lines(connection, now=utc_now()), flapping=0, unsent=0)
    digest = render(content, origin, message_id=new_id())
    waiting.append({
        "kind": digest.kind, "subject": digest.subject, "text": digest.body_text,
        "html": digest.body_html, "recipients": settings.alert_emails, "state": "preview",
        "next_attempt_at": None,
    })  # fmt: skip
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


def _simulation(result: dict[str, Any]) -> str:
    lines = [
        f"{day['day']}  " + ", ".join(f"{kind}: {n} items" for kind, n in day["mails"].items())
        for day in result["days"]
    ]
    total = sum(result["mails"].values())
    to = ", ".join(result["to"]) or "nobody (FINALE_ALERT_EMAILS is empty)"
    return "\n".join([*lines, f"{total} mails beside the daily digest, each to {to}."])


@command.command("simulate")
@click.option("--days", type=int, default=14, show_default=True)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE")
@answering(_simulation)
@pass_warehouse
def _simulate(settings: Settings, *, days: int, changes: tuple[str, ...]) -> dict[str, Any]:
    """What would have been mailed over recorded history."""
    return simulate(settings, days, list(changes))


def _outcome(row: dict[str, Any]) -> str:
    ended = f"{row['state']} by {row['by']}"
    return ended + (f": {row['last_error']}" if row["last_error"] else ".")


@command.command("test-mail")
@click.option("--to", metavar="ADDRESS", help="Instead of FINALE_ALERT_EMAILS.")
@answering(_outcome, lambda row: 0 if row["state"] == "sent" else FAILED)
@pass_connection
def _test_mail(settings: Settings, connection: Connection, *, to: str | None) -> dict[str, Any]:
    """Send a test mail and say how it ended."""
    now, identity = utc_now(), new_id()
    outbox.put(
        connection,
        render(sync_mails.test_mail(actor()), origin_of(settings, now), message_id=identity),
        dedupe_key=f"test:{identity}",
        recipients=[to] if to else list(settings.alert_emails),
        now=now,
    )
    deliver(connection, settings, clock=utc_now, only=identity)
    row = mails_reads.outcome(connection, identity)
    service = "SendGrid" if settings.sendgrid_api_key else settings.smtp_host
    return row | {"by": service or str(settings.home / "outbox")}


@command.command("resend")
@click.argument("message", required=False)
@answering(lambda sent: f"{sent['revived']} mails tried again; {sent.get('sent', 0)} sent.")
@pass_connection
def _resend(settings: Settings, connection: Connection, *, message: str | None) -> dict[str, Any]:
    """Try mails again that were given up; only MESSAGE when it is named."""
    revived = outbox.revive(connection, message, now=utc_now())
    return {"revived": revived, **deliver(connection, settings, clock=utc_now)}


@command.command("revoke-links")
@answering(lambda _: "No link in a mail that was delivered until now is valid.")
@pass_warehouse
def _revoke_links(settings: Settings) -> dict[str, bool]:
    """Make every link in a delivered mail invalid."""
    links.revoke(settings.home)
    return {"revoked": True}
