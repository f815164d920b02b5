"""Arguments and answers of `finale alerts` and `finale explain`."""

import argparse
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from finale_pipeline.text import plain

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

DONE = {"ack": "acknowledged", "snooze": "snoozed", "ordered": "ordered", "reopen": "open"}
FAILED = 8


def add_arguments(alerts: argparse.ArgumentParser, explain: argparse.ArgumentParser) -> None:
    """Declare the arguments of both commands."""
    actions = alerts.add_subparsers(required=True, metavar="ACTION", dest="action")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, description=text)
        added.add_argument("--json", action="store_true", help="answer with JSON")
        return added

    listed = add("list", "products that are out or low and need a decision")
    listed.add_argument("--all", action="store_true", help="also those decided about")
    add("show", "incidents and events of a product").add_argument("sku", metavar="SKU")
    for name, text in (
        ("ack", "be quiet about a product until it gets worse"),
        ("snooze", "be quiet until a date, or until it gets worse"),
        ("ordered", "note that it is ordered"),
        ("reopen", "take a decision back"),
    ):
        chosen = add(name, text)
        chosen.add_argument("sku", nargs="+", metavar="SKU")
        chosen.add_argument("--note", help="why, in your words")
        if name == "snooze":
            chosen.add_argument("--until", metavar="DATE", help="in the account's time zone")
            chosen.add_argument("--even-if-worse", action="store_true")
    add("preview", "render the next mails; send nothing")
    simulated = add("simulate", "what would have been mailed over recorded history")
    simulated.add_argument("--days", type=int, default=14)
    simulated.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="given")
    test = add("test-mail", "send a test mail and say how it ended")
    test.add_argument("--to", metavar="ADDRESS", help="instead of FINALE_ALERT_EMAILS")
    add("resend", "try mails again that were given up").add_argument(
        "message", nargs="?", metavar="MESSAGE_ID", help="only this one"
    )
    explain.add_argument("sku", metavar="SKU")
    explain.add_argument("--json", action="store_true", help="answer with JSON")


def run(options: argparse.Namespace, settings: "Settings", say: Callable[[str], None]) -> int:
    """Run `finale alerts …`; return its exit code."""
    from finale_pipeline.commands import simulate  # noqa: PLC0415
    from finale_pipeline.services import alerting as alerts  # noqa: PLC0415 - heavy

    settings = _account(settings)
    actions: dict[str, Callable[[], Any]] = {
        "list": lambda: alerts.listed(settings, everything=options.all),
        "show": lambda: alerts.history(settings, options.sku),
        "preview": lambda: alerts.preview(settings),
        "simulate": lambda: simulate.simulate(settings, options.days, options.given),
        "test-mail": lambda: alerts.test_mail(settings, options.to),
        "resend": lambda: alerts.resend(settings, options.message),
    }
    if options.action in DONE:
        answer: Any = alerts.decide(
            settings, options.sku, DONE[options.action], note=options.note,
            until=getattr(options, "until", None),
            even_if_worse=getattr(options, "even_if_worse", False),
        )  # fmt: skip
    else:
        answer = actions[options.action]()
    say(json.dumps(answer, default=str) if options.json else _shown(options.action, answer))
    is_bad = options.action == "test-mail" and answer["state"] != "sent"
    return FAILED if is_bad else 0


def run_explain(
    options: argparse.Namespace, settings: "Settings", say: Callable[[str], None]
) -> int:
    """Run `finale explain SKU`; return its exit code."""
    from finale_pipeline.commands.explain import explain, told  # noqa: PLC0415 - heavy

    known = explain(_account(settings), options.sku)
    say(json.dumps(known, default=str) if options.json else told(known))
    return 0


def _account(settings: "Settings") -> "Settings":
    from finale_pipeline.services.source import with_running_sandbox  # noqa: PLC0415

    return with_running_sandbox(settings)


def _shown(action: str, answer: Any) -> str:
    """Return an answer as lines to read."""
    show: dict[str, Callable[[Any], str]] = {
        "list": _list,
        "show": _history,
        "preview": _preview,
        "simulate": _simulation,
        "test-mail": _test,
        "resend": _resent,
    }
    return show[action](answer) if action in show else _decided(answer)


def _list(rows: list[dict[str, Any]]) -> str:
    lines = [
        f"{r['level']:4} {r['state'] or 'open':12} {plain(r['sku'], most=24):24} {plain(r['why'])}"
        for r in rows
    ]
    return "\n".join(lines) or "Nothing is out or low that needs a decision."


def _history(known: dict[str, Any]) -> str:
    lines = [
        f"{e['happened_at']:%Y-%m-%d %H:%M}  {e['kind']:12} {e['from_level']} → {e['to_level']}"
        f"  {e['mail_kind'] or e['no_mail'] or ''}"
        for e in known["events"]
    ]
    return "\n".join(lines) or "Nothing ever happened to it."


def _decided(rows: list[dict[str, Any]]) -> str:
    return "\n".join(f"{row['sku']}: {row['state']}" for row in rows)


def _preview(mails: list[dict[str, Any]]) -> str:
    return "\n".join(f"{m['state']:8} {m['subject']}\n         {m['file']}" for m in mails)


def _simulation(answer: dict[str, Any]) -> str:
    lines = [
        f"{day['day']}  " + ", ".join(f"{kind}: {n} items" for kind, n in day["mails"].items())
        for day in answer["days"]
    ]
    total = sum(answer["mails"].values())
    to = ", ".join(answer["to"]) or "nobody (FINALE_ALERT_EMAILS is empty)"
    return "\n".join([*lines, f"{total} mails beside the daily digest, each to {to}."])


def _test(row: dict[str, Any]) -> str:
    ended = f"{row['state']} by {row['by']}"
    return ended + (f": {row['last_error']}" if row["last_error"] else ".")


def _resent(answer: dict[str, Any]) -> str:
    return f"{answer['revived']} mails tried again; {answer.get('sent', 0)} sent."
