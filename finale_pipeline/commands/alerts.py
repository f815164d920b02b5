"""`finale alerts`: what is open, what was decided, what would be mailed, whether mails arrive."""

import getpass
from datetime import date, datetime, time
from typing import Any

import click

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import answer, json_option, open_warehouse, pass_warehouse
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
from finale_pipeline.warehouse.reads import incidents as incidents_reads
from finale_pipeline.warehouse.reads import mails as mails_reads

FAILED = 8


@click.group()
def command() -> None:
    """What is out or low, what was mailed, what is decided."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those decided about.")
@json_option
@pass_warehouse
def _list(settings: Settings, *, everything: bool, as_json: bool) -> None:
    """Products that are out or low and need a decision."""
    answer(listed(settings, everything=everything), _list_shown, as_json=as_json)


@command.command("show")
@click.argument("sku")
@json_option
@pass_warehouse
def _show(settings: Settings, *, sku: str, as_json: bool) -> None:
    """Incidents and events of a product."""
    answer(history(settings, sku), _history_shown, as_json=as_json)


def _decision(name: str, state: str, text: str) -> None:
    """Declare a command that writes what a person decided."""

    @command.command(name, help=text)
    @click.argument("sku", nargs=-1, required=True)
    @click.option("--note", help="Why, in your words.")
    @json_option
    @pass_warehouse
    def decided(
        settings: Settings, /, *, sku: tuple[str, ...], as_json: bool, **options: Any
    ) -> None:
        rows = decide(settings, list(sku), state, **options)
        answer(rows, _decided_shown, as_json=as_json)

    if state == "snoozed":
        click.option("--until", metavar="DATE", help="In the account's time zone.")(decided)
        click.option("--even-if-worse", is_flag=True, help="Sleep through everything.")(decided)


_decision("ack", "acknowledged", "Be quiet about products until they get worse.")
_decision("snooze", "snoozed", "Be quiet until a date, or until they get worse.")
_decision("ordered", "ordered", "Note that they are ordered.")
_decision("reopen", "open", "Take a decision back.")


@command.command("preview")
@json_option
@pass_warehouse
def _preview(settings: Settings, *, as_json: bool) -> None:
    """Render the next mails; send nothing."""
    answer(preview(settings), _preview_shown, as_json=as_json)


@command.command("simulate")
@click.option("--days", type=int, default=14, show_default=True)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE")
@json_option
@pass_warehouse
def _simulate(settings: Settings, *, days: int, changes: tuple[str, ...], as_json: bool) -> None:
    """What would have been mailed over recorded history."""
    answer(simulate(settings, days, list(changes)), _simulation_shown, as_json=as_json)


@command.command("test-mail")
@click.option("--to", metavar="ADDRESS", help="Instead of FINALE_ALERT_EMAILS.")
@json_option
@pass_warehouse
def _test_mail(settings: Settings, *, to: str | None, as_json: bool) -> int:
    """Send a test mail and say how it ended."""
    row = test_mail(settings, to)
    answer(row, _test_shown, as_json=as_json)
    return 0 if row["state"] == "sent" else FAILED


@command.command("resend")
@click.argument("message", required=False)
@json_option
@pass_warehouse
def _resend(settings: Settings, *, message: str | None, as_json: bool) -> None:
    """Try mails again that were given up; only MESSAGE when it is named."""
    answer(resend(settings, message), _resent_shown, as_json=as_json)


@command.command("revoke-links")
@json_option
@pass_warehouse
def _revoke_links(settings: Settings, *, as_json: bool) -> None:
    """Make every link in a delivered mail invalid."""
    links.revoke(settings.home)
    text = "No link in a mail that was delivered until now is valid."
    answer({"revoked": True}, lambda _: text, as_json=as_json)


def listed(settings: Settings, *, everything: bool) -> Rows:
    """Return critical items, worst first.

    Args:
        everything: Also those that somebody has decided about.
    """
    with open_warehouse(settings) as connection:
        return incidents_reads.listed(connection, only_open=not everything)


def history(settings: Settings, name: str) -> dict[str, Any]:
    """Return a product's incidents and events, newest first."""
    with open_warehouse(settings) as connection:
        product = product_of(connection, name)
        return {
            "product_url": product,
            "incidents": incidents_reads.of_product(connection, product, most=100),
            "events": incidents_reads.events_of(connection, product, most=100),
        }


def decide(
    settings: Settings,
    names: list[str],
    state: str,
    *,
    note: str | None = None,
    until: str | None = None,
    even_if_worse: bool = False,
) -> Rows:
    """Write what the user of this process decided about some products.

    Args:
        names: SKUs or product_urls.
        state: acknowledged, snoozed, ordered or open.
        until: Date or time, in the account's zone, at which a snooze ends; None = until worse.
        even_if_worse: Whether a worsening leaves it asleep.

    Raises:
        ConfigError: A product is not known, or has no open incident; nothing was written.
    """
    end = _moment(settings, until)
    choice = incidents.Choice(state, getpass.getuser(), note, end, even_if_worse)
    with open_warehouse(settings) as connection:
        return decisions.decide(connection, names, choice, now=utc_now())


def _moment(settings: Settings, text: str | None) -> datetime | None:
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


def preview(settings: Settings) -> Rows:
    """Render the next mails: those that wait, and the digest as it would be now; send nothing.

    Their HTML is written to the folder `preview` in HOME.
    """
    with open_warehouse(settings) as connection:
        waiting = mails_reads.waiting(connection)
        origin = origin_of(settings, utc_now(), critical.evaluated_read_at(connection))
        content = stock_mails.digest(
            critical_lines(connection, now=utc_now()), flapping=0, unsent=0
        )
    digest = render(content, origin, message_id=new_id())
    waiting.append(
        {
            "kind": digest.kind,
            "subject": digest.subject,
            "text": digest.text,
            "html": digest.html,
            "recipients": list(settings.alert_emails),
            "state": "preview",
            "next_attempt_at": None,
        }
    )
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


def test_mail(settings: Settings, to: str | None) -> dict[str, Any]:
    """Send a test mail now and say how it ended.

    Args:
        to: One address; None = all of FINALE_ALERT_EMAILS.
    """
    now = utc_now()
    message = render(
        sync_mails.test_mail(getpass.getuser()), origin_of(settings, now), message_id=new_id()
    )
    recipients = [to] if to else list(settings.alert_emails)
    with open_warehouse(settings) as connection:
        outbox.put(
            connection,
            message,
            dedupe_key=f"test:{message.message_id}",
            recipients=recipients,
            now=now,
        )
        deliver(connection, settings, clock=utc_now, only=message.message_id)
        row = mails_reads.outcome(connection, message.message_id)
    where = "SendGrid" if settings.sendgrid_api_key else settings.smtp_host
    return row | {"by": where or str(settings.home / "outbox")}


def resend(settings: Settings, message_id: str | None) -> dict[str, Any]:
    """Try dead mails again, one or all, after their cause was mended."""
    with open_warehouse(settings) as connection:
        revived = outbox.revive(connection, message_id, now=utc_now())
        counts = deliver(connection, settings, clock=utc_now)
    return {"revived": revived, **counts}


def _list_shown(rows: list[dict[str, Any]]) -> str:
    lines = [
        f"{r['level']:4} {r['state'] or 'open':12} {plain(r['sku'], most=24):24} {plain(r['why'])}"
        for r in rows
    ]
    return "\n".join(lines) or "Nothing is out or low that needs a decision."


def _history_shown(known: dict[str, Any]) -> str:
    lines = [
        f"{e['happened_at']:%Y-%m-%d %H:%M}  {e['kind']:12} {e['from_level']} → {e['to_level']}"
        f"  {e['mail_kind'] or e['no_mail'] or ''}"
        for e in known["events"]
    ]
    return "\n".join(lines) or "Nothing ever happened to it."


def _decided_shown(rows: list[dict[str, Any]]) -> str:
    return "\n".join(f"{row['sku']}: {row['state']}" for row in rows)


def _preview_shown(mails: list[dict[str, Any]]) -> str:
    return "\n".join(f"{m['state']:8} {m['subject']}\n         {m['file']}" for m in mails)


def _simulation_shown(answer: dict[str, Any]) -> str:
    lines = [
        f"{day['day']}  " + ", ".join(f"{kind}: {n} items" for kind, n in day["mails"].items())
        for day in answer["days"]
    ]
    total = sum(answer["mails"].values())
    to = ", ".join(answer["to"]) or "nobody (FINALE_ALERT_EMAILS is empty)"
    return "\n".join([*lines, f"{total} mails beside the daily digest, each to {to}."])


def _test_shown(row: dict[str, Any]) -> str:
    ended = f"{row['state']} by {row['by']}"
    return ended + (f": {row['last_error']}" if row["last_error"] else ".")


def _resent_shown(answer: dict[str, Any]) -> str:
    return f"{answer['revived']} mails tried again; {answer.get('sent', 0)} sent."
