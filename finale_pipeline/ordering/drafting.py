"""Drafting as a whole: what is wanted, what a person must agree to, and then order by order."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from finale_pipeline.clock import business_day
from finale_pipeline.domain.orders.purchase_orders import body, body_hash
from finale_pipeline.errors import ConfigError, NeedsDecision, PipelineError
from finale_pipeline.finale.orders import OrderWriter, WritePermission
from finale_pipeline.ordering import idempotency, order_requests
from finale_pipeline.ordering.context import DraftingContext
from finale_pipeline.ordering.draft_request import DraftRequest
from finale_pipeline.ordering.duplicates import unknown_since
from finale_pipeline.ordering.proposals import Proposal, propose
from finale_pipeline.ordering.submission import Submission
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.order_writes import Intent, OrderWrite

OLDEST_PLAN = timedelta(days=14)
"""Plans older than this are not drafted: what they say is no longer so."""
BAD = ("differs", "refused", "unverified", "unknown", "intended", "sent")
"""States of an order, after drafting, that a person should look at."""


Duplicates = set[tuple[str, str | None]]
"""Product and order of what is ordered elsewhere already."""


@dataclass
class DraftResult:
    """What came of it.

    Attributes:
        rows: What the ledger has afterwards, by reference.
        bodies: What would be sent, by reference; of a dry run.
        error: What stopped it before its end.
        is_undecided: Whether nothing was sent because duplicates want an answer.
    """

    plan_on: date
    proposals: list[Proposal]
    rows: dict[str, OrderWrite] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    error: PipelineError | None = None
    is_undecided: bool = False

    @property
    def is_good(self) -> bool:
        """Whether nothing of it wants a person."""
        conflicts = any(p.verdict == "conflict" for p in self.proposals)
        return not conflicts and not any(row.state in BAD for row in self.rows.values())

    def as_dict(self, *, is_dry: bool) -> dict[str, Any]:
        """Return it as programs read it."""
        error = self.error
        return {
            "plan_on": self.plan_on,
            "dry_run": is_dry,
            "proposals": [proposal.as_dict() for proposal in self.proposals],
            "bodies": self.bodies,
            "orders": [row.as_dict() for row in self.rows.values()],
            "error": None if error is None else f"{error.what} {error.data} {error.step}",
        }

    def digest(self) -> str:
        """Return a hash of what would be sent and of its duplicates: what a person agrees to."""
        parts = sorted(self.bodies.values()), sorted(map(str, _duplicates(self)))
        return body_hash(repr(parts))


def preview(
    connection: Connection, settings: Settings, request: DraftRequest, *, now: datetime
) -> DraftResult:
    """Return what would be drafted; nothing is sent and nothing written.

    Raises:
        ConfigError: There is no such plan, vendor, place or product; or the plan is too old.
    """
    today = business_day(now, settings.zone)
    place = request.place or settings.order_facility
    if request.lines:
        plan_on = request.on or today
        _refuse_old(plan_on, today)
        orders = [order_requests.of_lines(connection, request, place=place, plan_on=plan_on)]
    else:
        plan_on = request.on or order_requests.newest_day(connection)
        _refuse_old(plan_on, today)
        vendors = request.vendors or ([request.vendor] if request.vendor else [])
        orders = order_requests.of_plan(connection, plan_on, vendors=vendors, place=place)
    account = str(settings.account)
    proposals = [
        propose(connection, order, request, account=account, plan_on=plan_on) for order in orders
    ]
    result = DraftResult(plan_on, _with_age(proposals, unknown_since(connection, now)))
    for proposal in result.proposals:
        if proposal.draft is not None and proposal.sends:
            text = body(proposal.draft, today=today, zone=settings.zone)
            result.bodies[proposal.draft.reference] = text
    return result


def previewed(context: DraftingContext, request: DraftRequest) -> DraftResult:
    """Return the same for whoever has no connection yet."""
    with context.warehouse() as connection:
        return preview(connection, context.settings, request, now=context.clock())


def _with_age(proposals: list[Proposal], warning: str | None) -> list[Proposal]:
    """Add to what would be sent how old our knowledge of other orders is."""
    if warning is None:
        return proposals
    return [replace(p, warnings=(*p.warnings, warning)) if p.sends else p for p in proposals]


def _refuse_old(plan_on: date, today: date) -> None:
    if not today - OLDEST_PLAN <= plan_on <= today + timedelta(days=1):
        raise ConfigError(
            f"The plan of {plan_on} is not one to order by on {today}.",
            data="Nothing was sent.",
            step="Make one of today: finale sync active, or finale forecast plan",
        )


def draft(
    context: DraftingContext, request: DraftRequest, *, confirm: Callable[[DraftResult], bool]
) -> DraftResult:
    """Draft what is asked for in Finale; orders that were left open are resolved first.

    The plan and the open orders are read once, under the lock of drafting; once more after a person
    agreed to duplicates, or an order that was left open was resolved.

    Args:
        confirm: Shows what would be sent with the duplicates in it, and asks; not called when
            there are none, or they are accepted.

    Raises:
        WritesOff: The settings do not allow it.
        NeedsDecision: There are duplicates, and nobody agreed.
        SkippedError: Another process is drafting just now.
    """
    WritePermission(context.settings)
    with context.warehouse() as connection:
        result = _draft_locked(context, connection, request, agreed=None)
        if result.is_undecided:
            if not confirm(result):
                raise _undecided(result)
            result = _draft_locked(context, connection, request, agreed=_duplicates(result))
        return result


def _draft_locked(
    context: DraftingContext,
    connection: Connection,
    request: DraftRequest,
    *,
    agreed: Duplicates | None,
) -> DraftResult:
    """Draft under the lock; undecided, with nothing sent, when duplicates want an answer."""
    with order_writes.only_drafter(connection):
        rows = idempotency.noted_orders(connection, request)
        if rows and not any(row.state == "intended" for row in rows):  # all went out
            return DraftResult(rows[0].draft.plan_on, [], {row.reference: row for row in rows})
        context.require_known_orders(connection)
        planned = _planned(context, connection, request, rows)
        if agreed is None and not request.accept_duplicates and _duplicates(planned):
            return replace(planned, is_undecided=True)
        result = DraftResult(planned.plan_on, [], {row.reference: row for row in rows})
        with (
            context.submission(connection, request.actor) as submission,
            context.writer() as writer,
        ):
            try:
                if _resolve_first(submission, planned, result):
                    before = _duplicates(planned)
                    planned = _planned(context, connection, request, rows)
                    agreed = before if agreed is None else agreed
                result.proposals = planned.proposals
                _require_seen(planned, request, agreed)
                _send(submission, writer, planned, request, result)
            except NeedsDecision:
                raise
            except PipelineError as error:
                result.error = error
        return result


def _planned(
    context: DraftingContext, connection: Connection, request: DraftRequest, begun: list[OrderWrite]
) -> DraftResult:
    """Return what is to be drafted now; of a request that was cut off, only what it began."""
    on = begun[0].draft.plan_on if begun else request.on
    planned = preview(connection, context.settings, replace(request, on=on), now=context.clock())
    if begun:
        planned.proposals = [
            p
            for p in planned.proposals
            if p.existing is not None and p.existing.idempotency_key == request.key
        ]
    return planned


def _send(
    submission: Submission,
    writer: OrderWriter,
    planned: DraftResult,
    request: DraftRequest,
    result: DraftResult,
) -> None:
    for row in (p.existing for p in planned.proposals if p.existing is not None):
        result.rows[row.reference] = row
    intents = _intents(planned, request)
    for intent in idempotency.noted(submission.connection, intents, now=submission.clock()):
        _place(submission, writer, intent, result)


def _require_seen(planned: DraftResult, request: DraftRequest, agreed: Duplicates | None) -> None:
    if agreed is not None and _duplicates(planned) - agreed:
        raise _undecided(planned)
    if request.seen is not None and planned.digest() != request.seen:
        raise ConfigError(
            "The plan or the open orders changed since you looked.",
            data="Nothing was sent.",
            step="Look at it again.",
        )


def _resolve_first(submission: Submission, planned: DraftResult, result: DraftResult) -> bool:
    """Find out how orders of this plan ended that were sent before; whether there were any."""
    existing = [p.existing for p in planned.proposals if p.existing is not None]
    sent = {*order_writes.OPEN} - {"intended"}
    left_open = [row for row in existing if row.state in sent]
    for row in left_open:
        result.rows[row.reference] = submission.resolve(row)
    return bool(left_open)


def _intents(result: DraftResult, request: DraftRequest) -> Iterator[Intent]:
    for proposal in result.proposals:
        if proposal.draft is not None and proposal.sends:
            doubles = (f"{sku}: {d.text()}" for sku, d in proposal.duplicates)
            yield Intent(
                proposal.draft,
                proposal.request.vendor_url,
                result.bodies[proposal.draft.reference],
                request.actor,
                (*proposal.warnings, *doubles),
                request.key,
                request.fingerprint() if request.key else None,
            )


def _place(
    submission: Submission, writer: OrderWriter, intent: Intent, result: DraftResult
) -> None:
    reference = intent.draft.reference
    try:
        result.rows[reference] = submission.place(intent, writer)
    except PipelineError:
        row = order_writes.find(submission.connection, reference)
        if row is not None:
            result.rows[reference] = row
        raise


def _duplicates(result: DraftResult) -> Duplicates:
    return {
        (d.product_url, d.order_url or d.order_id)
        for proposal in result.proposals
        if proposal.sends
        for _, d in proposal.duplicates
    }


def _undecided(result: DraftResult) -> NeedsDecision:
    duplicates = [pair for p in result.proposals if p.sends for pair in p.duplicates]
    texts = [f"{sku}: {d.text()}" for sku, d in duplicates]
    more = f" and {len(texts) - 5} more lines" if texts[5:] else ""
    return NeedsDecision(
        f"On open orders already: {'; '.join(texts[:5])}{more}.",
        data="Nothing was sent.",
        step="Look at them, then add --accept-duplicates; or change the plan.",
        duplicates=[{"sku": sku, **asdict(d)} for sku, d in duplicates],
    )
