"""Arguments and answers of `finale orders`."""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finale_pipeline.text import plain

if TYPE_CHECKING:
    from finale_pipeline.ordering.context import DraftingContext
    from finale_pipeline.ordering.drafting import DraftResult
    from finale_pipeline.ordering.proposals import Proposal
    from finale_pipeline.settings import Settings

Say = Callable[[str], None]
WANTS_A_PERSON = 7


def add_arguments(orders: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = orders.add_subparsers(required=True, metavar="ACTION", dest="action")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=text, description=text)

    draft = add("draft", "create drafts of the purchase plan in Finale; nothing is committed")
    draft.add_argument("--vendor", metavar="NAME", help="only this one: name, partyId or address")
    draft.add_argument("--on", type=date.fromisoformat, metavar="DAY", help="the plan's day")
    draft.add_argument("--dry-run", action="store_true", help="show what would be sent; send none")
    draft.add_argument("--format", choices=("json", "csv", "xlsx"), help="answer; or a file")
    draft.add_argument("--out", type=Path, metavar="FILE", help="where to put the file")
    draft.add_argument("--again", action="store_true", help="one more order where there is one")
    draft.add_argument(
        "--accept-duplicates", action="store_true", help="open orders of the products are known"
    )
    listed = add("list", "the orders we drafted, newest first, and how that ended")
    listed.add_argument("--limit", type=int, default=50)
    check = add("check", "find out how orders ended that were left open; nothing is sent")
    abandon = add("abandon", "give an open order up, after a look into Finale")
    abandon.add_argument("reference", metavar="REFERENCE")
    abandon.add_argument("--note", help="what was seen there")
    for parser in (listed, check, abandon):
        parser.add_argument("--format", choices=("json",), help="answer with JSON")
    for parser in (draft, listed, check, abandon):
        parser.add_argument(
            "--json", action="store_const", const="json", dest="format", help="as --format json"
        )


def run(options: argparse.Namespace, settings: "Settings", say: Say) -> int:
    """Run `finale orders …`; return its exit code."""
    from finale_pipeline.commands import ordering as orders  # noqa: PLC0415 - heavy
    from finale_pipeline.services.source import with_running_sandbox  # noqa: PLC0415

    context = orders.drafting_context(with_running_sandbox(settings))
    if options.action == "draft":
        return _draft(options, context, say)
    from finale_pipeline.ordering import drafting, resolving  # noqa: PLC0415

    if options.action == "list":
        rows = orders.listed(context, limit=options.limit)
    elif options.action == "check":
        rows = [row.as_dict() for row in resolving.check(context, orders.who())]
    else:
        given_up = resolving.abandon(
            context, options.reference, actor=orders.who(), note=options.note
        )  # fmt: skip
        rows = [given_up.as_dict()]
    nothing = "No order was left open." if options.action == "check" else "None was drafted yet."
    say(_json(rows) if options.format == "json" else orders.told(rows) or nothing)
    is_open = any(row["state"] in drafting.BAD for row in rows)
    return WANTS_A_PERSON if options.action == "check" and is_open else 0


def _draft(options: argparse.Namespace, context: "DraftingContext", say: Say) -> int:
    from finale_pipeline.commands import ordering as orders  # noqa: PLC0415
    from finale_pipeline.ordering import drafting  # noqa: PLC0415
    from finale_pipeline.ordering.draft_request import DraftRequest  # noqa: PLC0415

    request = DraftRequest(
        orders.who(), vendor=options.vendor, on=options.on, again=options.again,
        accept_duplicates=options.accept_duplicates,
    )  # fmt: skip
    if options.dry_run:
        made = orders.preview(context, request)
    else:
        made = drafting.draft(context, request, confirm=_confirm)
    if options.format == "json":
        say(_json(made.as_dict(is_dry=options.dry_run)))
    else:
        say(shown(made, is_dry=options.dry_run))
    if options.format in {"csv", "xlsx"}:
        say(f"file       {orders.write_file(context, made, options.format, options.out)}")
    if made.error is not None:
        raise made.error
    return 0 if made.is_good else WANTS_A_PERSON


def _confirm(made: "DraftResult") -> bool:
    """Show the duplicates and ask; where nobody sits, nobody agreed."""
    if not sys.stdin.isatty():
        return False
    print(shown(made, is_dry=True), file=sys.stderr)  # noqa: T201 - stdout is for the answer
    return input("Draft them all the same? [y/N] ").strip().lower() in {"y", "yes"}


def _json(value: Any) -> str:
    import msgspec  # noqa: PLC0415 - only here

    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()


def shown(made: "DraftResult", *, is_dry: bool) -> str:
    """Return what would be sent, or what came of it, as lines to read."""
    from finale_pipeline.commands.ordering import told  # noqa: PLC0415

    lines = [f"plan       of {made.plan_on}"]
    for proposal in made.proposals:
        lines += _proposal(proposal)
    if is_dry:
        lines += [f"body       {name}\n{text}" for name, text in made.bodies.items()]
        if not made.bodies:
            lines.append("Nothing would be sent.")
    elif made.rows:
        lines.append(told(row.as_dict() for row in made.rows.values()))
    return "\n".join(lines)


def _proposal(proposal: "Proposal") -> list[str]:
    wish, draft = proposal.request, proposal.draft
    lines = [f"{proposal.verdict:10} {plain(wish.vendor)} → {plain(wish.place_name) or '?'}"]
    if draft is not None:
        lines[0] += f": {len(draft.lines)} lines, {draft.total:,.2f}, {draft.reference}"
    lines += [f"{'':10} {proposal.says}"] if proposal.says else []
    lines += [
        f"{'':10} held back: {plain(sku)}: {plain(why)}" for sku, why in proposal.excluded_lines
    ]
    lines += [
        f"{'':10} DUPLICATE: {plain(sku)}: {plain(d.said())}" for sku, d in proposal.duplicates
    ]
    return lines + [f"{'':10} warning: {plain(text)}" for text in proposal.warnings]
