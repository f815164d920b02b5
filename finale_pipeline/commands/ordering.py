"""`finale orders …`: drafts of purchase orders in Finale, their ledger, files for vendors."""

import getpass
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finale_pipeline.disk import write_whole
from finale_pipeline.domain.orders.purchase_orders import Draft
from finale_pipeline.errors import LocalError
from finale_pipeline.ordering import drafting
from finale_pipeline.ordering.context import DraftingContext
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.ordering.drafting import DraftResult
from finale_pipeline.sync.source import utc_now
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.connect import Connection, rows_of

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

COLUMNS = (
    "reference", "order_id", "vendor", "sku", "vendor_sku", "name", "quantity_units", "unit_price",
    "line_total", "currency", "arrival_on",
)  # fmt: skip
NAMES = """
SELECT p.product_url, p.name, s.vendor_sku, v.name AS vendor
FROM core.product p
LEFT JOIN core.vendor v ON v.vendor_id = %(vendor)s
LEFT JOIN core.product_supplier s ON s.product_url = p.product_url AND s.vendor_url = v.vendor_url
WHERE p.product_url = ANY (%(products)s)
"""


def drafting_context(
    settings: "Settings", *, clock: Callable[[], datetime] = utc_now
) -> DraftingContext:
    """Return a context to draft at."""
    return DraftingContext(settings, clock, time.sleep)


def who() -> str:
    """Return who is at work, by the machine's name of them."""
    return getpass.getuser()


def preview(context: DraftingContext, request: DraftRequest) -> DraftResult:
    """Return what would be sent, to the letter; nothing is sent and nothing written."""
    with context.warehouse() as connection:
        return drafting.preview(connection, context.settings, request, now=context.clock())


def listed(context: DraftingContext, *, limit: int) -> list[dict[str, Any]]:
    """Return the newest orders of the ledger."""
    with context.warehouse() as connection:
        return [row.as_dict() for row in order_writes.newest(connection, limit=limit)]


def write_file(context: DraftingContext, made: DraftResult, form: str, path: Path | None) -> Path:
    """Write the orders as a file that a vendor can be sent; return where it is.

    Args:
        context: With the warehouse and the folder.
        made: What was drafted, or would be.
        form: csv or xlsx.
        path: Where to; None = the folder `orders` in HOME.

    Raises:
        LocalError: The file cannot be written.
    """
    from finale_pipeline.api.rest.responses import as_csv, as_xlsx  # noqa: PLC0415 - only for files

    drafts = [row.draft for row in made.rows.values()] or [
        proposal.draft for proposal in made.proposals if proposal.draft and proposal.sends
    ]
    # Orders of other vendors of the day have files of their own.
    name = drafts[0].reference if len(drafts) == 1 else f"purchase_orders_{made.plan_on}"
    with context.warehouse() as connection:
        orders = [(draft.reference, _lines(connection, draft)) for draft in drafts]
    if form == "csv":
        body = as_csv([line for _, lines in orders for line in lines], COLUMNS, name).body
    else:
        sheets = [(title, COLUMNS, lines) for title, lines in orders] or [("-", COLUMNS, [])]
        body = as_xlsx(sheets, name).body
    path = path or context.settings.home / "orders" / f"{name}.{form}"
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
    values = {
        "vendor": draft.vendor_id,
        "products": [line.product_url for line in draft.lines],
    }
    known = {row["product_url"]: row for row in rows_of(connection, NAMES, **values)}
    return [
        {
            **known.get(line.product_url, {}), "reference": draft.reference,
            "order_id": draft.order_id, "sku": line.sku, "quantity_units": line.quantity_units,
            "unit_price": line.unit_price, "line_total": line.total, "currency": line.currency,
            "arrival_on": line.arrival_on,
        }
        for line in draft.lines
    ]  # fmt: skip


def told(orders: Iterable[dict[str, Any]]) -> str:
    """Return orders of the ledger as lines to read."""
    lines = []
    for order in orders:
        lines.append(f"{order['state']:10} {order['order_id']:20} {order['reference']}"
                     f"  {order['lines']} lines, {order['total']:,.2f}")  # fmt: skip
        lines += [f"{'':10} {text}" for text in order["differences"]]
        lines += [f"{'':10} {text}" for text in (order["error"], order["link"]) if text]
    return "\n".join(lines)
