"""`finale orders`: drafts of purchase orders in Finale, their ledger, files for vendors."""

import sys
import time
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import click
import msgspec

from finale_pipeline.clock import utc_now
from finale_pipeline.commands.common import DAY, actor, agreed, note, pass_warehouse, say
from finale_pipeline.disk import write_whole
from finale_pipeline.domain.orders.purchase_orders import Draft
from finale_pipeline.errors import LocalError
from finale_pipeline.ordering import drafting, resolving
from finale_pipeline.ordering.context import DraftingContext
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.ordering.drafting import DraftResult
from finale_pipeline.ordering.proposals import Proposal
from finale_pipeline.settings import Settings
from finale_pipeline.text import file_name, plain
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.order_writes import OrderWrite
from finale_pipeline.warehouse.reads import ordering as ordering_reads

COLUMNS = tuple(
    (
        "reference order_id vendor sku vendor_sku name quantity_units unit_price line_total "
        "currency arrival_on"
    ).split()
)
WANTS_A_PERSON = 7
format_json = click.option(
    "--json", "form", flag_value="json", default=None, help="Answer with JSON."
)


@click.group()
def command() -> None:
    """Draft purchase orders in Finale, and see them."""


@command.command("draft")
@click.option("--vendor", metavar="NAME", help="Only this one: name, partyId or address.")
@click.option("--on", type=DAY, help="The plan's day.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send none.")
@click.option("--format", "form", type=click.Choice(["json", "csv", "xlsx"]), help="Or a file.")
@click.option("--json", "form", flag_value="json", help="As --format json.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to put the file.")
@click.option("--again", is_flag=True, help="One more order where there is one.")
@click.option("--accept-duplicates", is_flag=True, help="Open orders of the products are known.")
@pass_warehouse
def _draft(
    settings: Settings,
    *,
    vendor: str | None,
    on: date | None,
    dry_run: bool,
    form: str | None,
    out: Path | None,
    again: bool,
    accept_duplicates: bool,
) -> int:
    """Create drafts of the purchase plan in Finale; nothing is committed."""
    context = _context(settings)
    request = DraftRequest(
        actor(), vendor=vendor, on=on, again=again, accept_duplicates=accept_duplicates
    )
    if dry_run:
        result = drafting.previewed(context, request)
    else:
        result = drafting.draft(context, request, confirm=_confirm)
    if form == "json":
        say(_json(result.as_dict(is_dry=dry_run)))
    else:
        say(shown(result, is_dry=dry_run))
    if form in {"csv", "xlsx"}:
        say(f"file       {_write(context, result, form, out)}")
    if result.error is not None:
        raise result.error
    return 0 if result.is_good else WANTS_A_PERSON


@command.command("list")
@click.option("--limit", type=int, default=50, show_default=True)
@format_json
@pass_warehouse
def _list(settings: Settings, *, limit: int, form: str | None) -> None:
    """The orders we drafted, newest first, and how that ended."""
    with _context(settings).warehouse() as connection:
        rows = order_writes.newest(connection, limit=limit)
    _answer(rows, form, "None was drafted yet.")


@command.command("check")
@format_json
@pass_warehouse
def _check(settings: Settings, *, form: str | None) -> int:
    """Find out how orders ended that were left open; nothing is sent."""
    rows = resolving.check(_context(settings), actor())
    _answer(rows, form, "No order was left open.")
    return WANTS_A_PERSON if any(row.state in drafting.BAD for row in rows) else 0


@command.command("abandon")
@click.argument("reference")
@click.option("--note", help="What was seen there.")
@format_json
@pass_warehouse
def _abandon(settings: Settings, *, reference: str, note: str | None, form: str | None) -> None:
    """Give an open order up, after a look into Finale."""
    row = resolving.abandon(_context(settings), reference, actor=actor(), note=note)
    _answer([row], form, "")


def _answer(rows: Iterable[OrderWrite], form: str | None, nothing: str) -> None:
    orders = [row.as_dict() for row in rows]
    say(_json(orders) if form == "json" else _orders(orders) or nothing)


def _context(settings: Settings) -> DraftingContext:
    return DraftingContext(settings, utc_now, time.sleep)


def _write(context: DraftingContext, result: DraftResult, form: str, path: Path | None) -> Path:
    """Write the orders as a file that a vendor can be sent, csv or xlsx; return where it is."""
    from finale_pipeline.api.rest.responses import as_csv  # only for files
    from finale_pipeline.api.rest.workbooks import as_xlsx  # only for files

    drafts = [row.draft for row in result.rows.values()] or [
        proposal.draft for proposal in result.proposals if proposal.draft and proposal.sends
    ]
    # Orders of other vendors of the day have files of their own.
    name = drafts[0].reference if len(drafts) == 1 else f"purchase_orders_{result.plan_on}"
    with context.warehouse() as connection:
        orders = [(draft.reference, _lines(connection, draft)) for draft in drafts]
    if form == "csv":
        body = as_csv([line for _, lines in orders for line in lines], COLUMNS, name).body
    else:
        sheets = [(title, COLUMNS, lines) for title, lines in orders] or [("-", COLUMNS, [])]
        body = as_xlsx(sheets, name).body
    path = path or context.settings.home / "orders" / f"{file_name(name)}.{form}"
    try:
        write_whole(path, bytes(body))
    except OSError as error:
        raise LocalError(
            f"{path} cannot be written: {error.strerror}.",
            data="What was drafted stays so; see: finale orders list",
            step="Name another file: --out FILE.",
        ) from error
    return path


def _lines(connection: Connection, draft: Draft) -> list[dict[str, Any]]:
    urls = [line.product_url for line in draft.lines]
    rows = connection.rows(ordering_reads.NAMES, vendor=draft.vendor_id, products=urls)
    products = {row["product_url"]: row for row in rows}
    order = {"reference": draft.reference, "order_id": draft.order_id}
    return [products.get(x.product_url, {}) | order | x.as_dict() for x in draft.lines]


def _orders(orders: Iterable[dict[str, Any]]) -> str:
    """Return orders of the ledger as lines to read."""
    lines = []
    for order in orders:
        lines.append(
            f"{order['state']:10} {order['order_id']:20} {order['reference']}"
            f"  {order['lines']} lines, {order['total']:,.2f}"
        )
        lines += [f"{'':10} {text}" for text in order["differences"]]
        lines += [f"{'':10} {text}" for text in (order["error"], order["link"]) if text]
    return "\n".join(lines)


def _confirm(result: DraftResult) -> bool:
    """Show the duplicates and ask; where nobody sits, nobody agreed."""
    if not sys.stdin.isatty():
        return False
    note(shown(result, is_dry=True))  # stdout is for the answer
    return agreed("Draft them all the same?")


def _json(value: Any) -> str:
    return msgspec.json.Encoder(decimal_format="number").encode(value).decode()


def shown(result: DraftResult, *, is_dry: bool) -> str:
    """Return what would be sent, or what came of it, as lines to read."""
    lines = [f"plan       of {result.plan_on}"]
    for proposal in result.proposals:
        lines += _proposal(proposal)
    if is_dry:
        lines += [f"body       {name}\n{text}" for name, text in result.bodies.items()]
        if not result.bodies:
            lines.append("Nothing would be sent.")
    elif result.rows:
        lines.append(_orders(row.as_dict() for row in result.rows.values()))
    return "\n".join(lines)


def _proposal(proposal: Proposal) -> list[str]:
    request, draft = proposal.request, proposal.draft
    lines = [f"{proposal.verdict:10} {plain(request.vendor)} → {plain(request.place_name) or '?'}"]
    if draft is not None:
        lines[0] += f": {len(draft.lines)} lines, {draft.total:,.2f}, {draft.reference}"
    lines += [f"{'':10} {proposal.says}"] if proposal.says else []
    lines += [
        f"{'':10} held back: {plain(sku)}: {plain(why)}" for sku, why in proposal.excluded_lines
    ]
    lines += [
        f"{'':10} DUPLICATE: {plain(sku)}: {plain(d.text())}" for sku, d in proposal.duplicates
    ]
    return lines + [f"{'':10} warning: {plain(text)}" for text in proposal.warnings]
