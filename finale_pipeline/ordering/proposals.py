"""What would be drafted, vendor by vendor, and what a person should know of it before."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from finale_pipeline.domain.orders.purchase_orders import (
    Draft,
    LineTerms,
    PurchaseLine,
    draft_warnings,
    joined,
    line_warnings,
    same_lines,
)
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.ordering.duplicates import Duplicate, duplicates
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.order_writes import OrderWrite
from finale_pipeline.warehouse.reads import ordering as ordering_reads


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What somebody wants from a vendor.

    Attributes:
        vendor_id: Finale's partyId; None = not known.
        place: Where it goes; a text = why nobody can tell.
        problem: Why it cannot be drafted at all.
    """

    vendor_url: str
    vendor: str
    vendor_id: str | None
    lines: tuple[PurchaseLine, ...]
    minimum_order_value: Decimal | None = None
    place: str | None = None
    place_name: str = ""
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """One order, as it would be drafted.

    Attributes:
        draft: The order; None = nothing would be drafted.
        existing: What the ledger has of it already.
        excluded_lines: SKUs that are left out, with why.
        duplicates: By SKU, other orders that have the product.
        verdict: send, again (sent before, ended open), already, conflict, or nothing.
        says: Why nothing would be sent, and what to do.
    """

    request: OrderRequest
    draft: Draft | None
    verdict: str
    existing: OrderWrite | None = None
    excluded_lines: tuple[tuple[str, str], ...] = ()
    duplicates: tuple[tuple[str, Duplicate], ...] = ()
    warnings: tuple[str, ...] = ()
    says: str = ""

    @property
    def sends(self) -> bool:
        """Whether something would go to Finale."""
        return self.verdict == "send"

    def as_dict(self) -> dict[str, Any]:
        """Return it as programs read it."""
        lines = self.draft.lines if self.draft else ()
        return {
            "vendor": self.request.vendor,
            "vendor_url": self.request.vendor_url,
            "place": self.request.place_name,
            "facility_url": self.request.place,
            "reference": self.draft.reference if self.draft else None,
            "order_id": self.draft.order_id if self.draft else None,
            "verdict": self.verdict,
            "says": self.says,
            "total": self.draft.total if self.draft else None,
            "lines": [line.as_dict() for line in lines],
            "held_back": [{"sku": sku, "why": why} for sku, why in self.excluded_lines],
            "duplicates": [{"sku": sku, **asdict(d)} for sku, d in self.duplicates],
            "warnings": list(self.warnings),
            "existing": self.existing.as_dict() if self.existing else None,
        }


def propose(
    connection: Connection,
    request: OrderRequest,
    draft_request: DraftRequest,
    *,
    account: str,
    plan_on: date,
) -> Proposal:
    """Return what would be drafted of a request.

    Args:
        draft_request: Its `again` asks for one more order of this day, vendor and place, with
            everything; what one of its `key` brought before is no other order.
    """
    key, again = draft_request.key, draft_request.again
    problem = _problem(request, account)
    if problem is not None:
        return Proposal(request, None, "nothing", says=problem)
    draft = Draft(
        account, plan_on, str(request.vendor_id), str(request.place), joined(request.lines)
    )
    existing = _newest(connection, draft)
    is_mine = existing is not None and key is not None and existing.idempotency_key == key
    is_more = again and not is_mine
    if is_more and existing is not None and existing.state in order_writes.MAYBE:
        says = f"{existing.reference} is {existing.state}; resolve it first: finale orders check."
        return Proposal(request, None, "conflict", existing, says=says)
    if existing is not None:
        sequence = existing.draft.sequence
        is_next = is_more and existing.state not in {"intended", "refused"}
        draft = replace(draft, sequence=sequence + 1 if is_next else sequence)
        existing = None if is_next else existing
    proposal = _examined(connection, Proposal(request, draft, "send", existing), again=again)
    return proposal if existing is None else _met(proposal, existing, draft)


def _newest(connection: Connection, draft: Draft) -> OrderWrite | None:
    rows = order_writes.of_plan(
        connection,
        plan_on=draft.plan_on,
        vendor_id=draft.vendor_id,
        facility_url=draft.facility_url,
    )
    return rows[0] if rows else None


def _problem(request: OrderRequest, account: str) -> str | None:
    if request.problem is not None:
        return request.problem
    if not request.vendor_id:
        return "Finale's id of its vendor is not known. Name a supplier in Finale, then sync."
    if not request.place:
        return "Its place is not known."
    for line in request.lines:
        if not line.product_url.startswith(f"/{account}/api/product/"):
            return f"{line.sku} has no address in the account {account}."
    return None


def _met(proposal: Proposal, existing: OrderWrite, whole: Draft) -> Proposal:
    """Judge a proposal whose order the ledger has already.

    Args:
        whole: The order before anything were excluded.
    """
    if existing.state == "refused":
        return proposal
    if existing.state in order_writes.OPEN:
        # What never went out is sent as the plan wants it now; what may be there is resolved first.
        return proposal if existing.state == "intended" else replace(proposal, verdict="again")
    name = existing.draft.order_id
    orders = [whole, proposal.draft or whole]
    is_same = any(same_lines(existing.draft.lines, draft.lines) for draft in orders)
    if is_same and existing.state != "abandoned":
        says = f"Drafted already as {name}."
        return replace(proposal, verdict="already", excluded_lines=(), duplicates=(), says=says)
    how = "given up as" if existing.state == "abandoned" else "drafted already, otherwise, as"
    says = f"It was {how} {name}. Edit that in Finale; --again makes one more order."
    return replace(proposal, verdict="conflict", says=says)


def _examined(connection: Connection, proposal: Proposal, *, again: bool) -> Proposal:
    """Hold back what a draft of ours has already, and note what speaks against the rest."""
    draft = proposal.draft
    if draft is None:
        return proposal
    by_product = duplicates(connection, draft)
    terms = _terms(connection, [line.product_url for line in draft.lines])
    reasons = {
        line: _reason_to_exclude(line, by_product.get(line.product_url, ()), terms, again=again)
        for line in draft.lines
    }
    remaining = tuple(line for line, why in reasons.items() if why is None)
    excluded = tuple((line.sku, why) for line, why in reasons.items() if why is not None)
    proposal = replace(proposal, excluded_lines=excluded)
    if not remaining:
        says = "Nothing is left of it: " + "; ".join(f"{sku}: {why}" for sku, why in excluded)
        return replace(proposal, verdict="nothing", draft=None, says=says)
    draft = replace(draft, lines=remaining)
    texts = [w for line in remaining for w in line_warnings(line, terms[line.product_url])]
    texts += draft_warnings(draft, proposal.request.minimum_order_value)
    others = tuple(
        (line.sku, d) for line in remaining for d in by_product.get(line.product_url, ())
    )
    return replace(proposal, draft=draft, duplicates=others, warnings=tuple(texts))


def _reason_to_exclude(
    line: PurchaseLine, duplicates: Iterable[Duplicate], terms: dict[str, LineTerms], *, again: bool
) -> str | None:
    if line.product_url not in terms:
        return "it is no product of Finale any more; an unknown address would be an empty line"
    if not terms[line.product_url].is_active:
        return "it is not active in Finale any more; activate it there and sync, if it is wanted"
    if line.quantity_units <= 0:
        return "its quantity is not above zero"
    ours = [] if again else [d for d in duplicates if d.is_ours]
    return f"{ours[0].text()}; commit or cancel that, or --again" if ours else None


def _terms(connection: Connection, products: Sequence[str]) -> dict[str, LineTerms]:
    rows = connection.rows(ordering_reads.TERMS, list(products))
    return {row.pop("product_url"): LineTerms(**row) for row in rows}
