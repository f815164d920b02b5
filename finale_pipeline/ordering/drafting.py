"""Drafting as a whole: what is wanted, what a person must agree to, and then order by order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from finale_pipeline.domain.orders.purchase_orders import body, body_hash
from finale_pipeline.errors import ConfigError, NeedsDecision, PipelineError
from finale_pipeline.ordering import idempotency, order_requests
from finale_pipeline.ordering.context import Desk
from finale_pipeline.ordering.duplicates import unknown_since
from finale_pipeline.ordering.order_requests import GivenLine
from finale_pipeline.ordering.proposals import Proposal, propose
from finale_pipeline.ordering.submission import Procedure
from finale_pipeline.warehouse import order_writes
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.order_writes import Intent, Written

if TYPE_CHECKING:
    from finale_pipeline.finale.orders import OrderWriter
    from finale_pipeline.settings import Settings

OLDEST_PLAN = timedelta(days=14)
"""Plans older than this are not drafted: what they say is no longer so."""
BAD = ("differs", "refused", "unverified", "unknown", "intended", "sent")
"""States of an order, after drafting, that a person should look at."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What somebody asks for.

    Attributes:
        actor: Who.
        vendor: Only this one; needed for given lines.
        on: Day of the plan; None = the newest.
        lines: Given lines, instead of a plan's.
        place: Where it goes, by name; None = as the settings say.
        again: Whether one more order is wanted where there is one.
        accept_duplicates: Whether open orders for the same products are known and meant.
        key: What the caller named the request.
        seen: Digest of what a person looked at and agreed to; nothing else is sent.
    """

    actor: str
    vendor: str | None = None
    on: date | None = None
    lines: tuple[GivenLine, ...] = ()
    place: str | None = None
    again: bool = False
    accept_duplicates: bool = False
    key: str | None = None
    seen: str | None = None


@dataclass
class Drafted:
    """What came of it.

    Attributes:
        plan_on: The plan's day.
        proposals: What was looked at, in order.
        rows: What the ledger has afterwards, by reference.
        bodies: What would be sent, by reference; of a dry run.
        error: What stopped it before its end.
    """

    plan_on: date
    proposals: list[Proposal]
    rows: dict[str, Written] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)
    error: PipelineError | None = None

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
        seen = sorted(self.bodies.values()), sorted(map(str, _duplicates(self)))
        return body_hash(repr(seen))


def look(connection: Connection, settings: "Settings", ask: Ask, *, now: datetime) -> Drafted:
    """Return what would be drafted; nothing is sent and nothing written.

    Raises:
        ConfigError: There is no such plan, vendor, place or product; or the plan is too old.
    """
    today = now.astimezone(settings.zone).date()
    place = ask.place or settings.order_facility
    if ask.lines:
        plan_on = ask.on or today
        _refuse_old(plan_on, today)
        wanted = [
            order_requests.given(connection, ask.lines, vendor=ask.vendor or "", place=place,
                         plan_on=plan_on)
        ]  # fmt: skip
    else:
        plan_on = ask.on or order_requests.newest_day(connection)
        _refuse_old(plan_on, today)
        wanted = order_requests.of_plan(connection, plan_on, vendor=ask.vendor, place=place)
    account = str(settings.account)
    proposals = [
        propose(connection, wish, account=account, plan_on=plan_on, again=ask.again, key=ask.key)
        for wish in wanted
    ]
    made = Drafted(plan_on, _with_age(proposals, unknown_since(connection, now)))
    for proposal in made.proposals:
        if proposal.draft is not None and proposal.sends:
            text = body(proposal.draft, today=today, zone=settings.zone)
            made.bodies[proposal.draft.reference] = text
    return made


def _with_age(proposals: list[Proposal], said: str | None) -> list[Proposal]:
    """Add to what would be sent how old our knowledge of other orders is."""
    if said is None:
        return proposals
    return [replace(p, warnings=(*p.warnings, said)) if p.sends else p for p in proposals]


def _refuse_old(plan_on: date, today: date) -> None:
    if not today - OLDEST_PLAN <= plan_on <= today + timedelta(days=1):
        raise ConfigError(
            f"The plan of {plan_on} is not one to order by on {today}.",
            data="Nothing was sent.",
            step="Make one of today: finale sync active, or finale forecast plan",
        )


def draft(desk: Desk, ask: Ask, *, confirm: Callable[[Drafted], bool]) -> Drafted:
    """Draft what is asked for in Finale; orders that were left open are resolved before.

    Args:
        desk: What it works with.
        ask: What is wanted.
        confirm: Shows what would be sent with the duplicates in it, and asks; not called when
            there are none, or they are accepted.

    Raises:
        WritesOff: The settings do not allow it.
        NeedsDecision: There are duplicates, and nobody agreed.
        SkippedError: Another process drafts just now.
    """
    desk.require_permission()
    with desk.warehouse() as connection:
        rows = idempotency.known(connection, ask)
        if idempotency.is_settled(rows):
            return _again_told(rows)
        desk.require_known_orders(connection)
        plan_on = rows[0].draft.plan_on if rows else ask.on
        shown = look(connection, desk.settings, replace(ask, on=plan_on), now=desk.clock())
        agreed = _agreed(shown, ask, confirm)
        with order_writes.only_drafter(connection):
            rows = idempotency.known(connection, ask)  # another sender of it may have been faster
            if idempotency.is_settled(rows):
                return _again_told(rows)
            return _in_turn(desk, connection, ask, shown.plan_on, agreed)


def _again_told(rows: list[Written]) -> Drafted:
    return Drafted(rows[0].draft.plan_on, [], {row.reference: row for row in rows})


def _in_turn(
    desk: Desk,
    connection: Connection,
    ask: Ask,
    plan_on: date,
    agreed: set[tuple[str, str | None]],
) -> Drafted:
    with desk.procedure(connection, ask.actor) as procedure, desk.writer() as writer:
        done = Drafted(plan_on, [])
        try:
            before = {row.reference: row for row in idempotency.known(connection, ask)}
            _resolve_first(procedure, _wanted(desk, connection, ask, plan_on), done)
            made = _wanted(desk, connection, ask, plan_on)
            done.proposals = made.proposals
            _require_seen(made, ask, agreed)
            for row in (p.existing for p in made.proposals if p.existing is not None):
                done.rows[row.reference] = row
            for intent in idempotency.noted(connection, _intents(made, ask), now=desk.clock()):
                _place(procedure, writer, intent, done)
            done.rows = before | done.rows
        except NeedsDecision:
            raise
        except PipelineError as error:
            done.error = error
        return done


def _wanted(desk: Desk, connection: Connection, ask: Ask, plan_on: date) -> Drafted:
    """Return what is to be drafted now; of a request that was cut off, only what it began."""
    made = look(connection, desk.settings, replace(ask, on=plan_on), now=desk.clock())
    if idempotency.known(connection, ask):
        mine = [p for p in made.proposals if p.existing is not None and p.existing.key == ask.key]
        made.proposals = mine
    return made


def _require_seen(made: Drafted, ask: Ask, agreed: set[tuple[str, str | None]]) -> None:
    if _duplicates(made) - agreed:
        raise _undecided(made)
    if ask.seen is not None and made.digest() != ask.seen:
        raise ConfigError(
            "The plan or the open orders changed since you looked.",
            data="Nothing was sent.",
            step="Look at it again.",
        )


def _resolve_first(procedure: Procedure, made: Drafted, done: Drafted) -> None:
    """Find out how orders of these plans ended that were sent before."""
    for proposal in made.proposals:
        row = proposal.existing
        if row is not None and row.state in order_writes.OPEN and row.state != "intended":
            done.rows[row.reference] = procedure.resolve(row)


def _intents(made: Drafted, ask: Ask) -> Iterator[Intent]:
    for proposal in made.proposals:
        if proposal.draft is not None and proposal.sends:
            doubles = (f"{sku}: {d.said()}" for sku, d in proposal.duplicates)
            yield Intent(
                proposal.draft,
                proposal.wish.vendor_url,
                made.bodies[proposal.draft.reference],
                ask.actor,
                (*proposal.warnings, *doubles),
                ask.key,
                idempotency.fingerprint(ask) if ask.key else None,
            )


def _place(procedure: Procedure, writer: "OrderWriter", intent: Intent, done: Drafted) -> None:
    reference = intent.draft.reference
    try:
        done.rows[reference] = procedure.place(intent, writer)
    except PipelineError:
        row = order_writes.find(procedure.connection, reference)
        if row is not None:
            done.rows[reference] = row
        raise


def _duplicates(made: Drafted) -> set[tuple[str, str | None]]:
    return {
        (d.product_url, d.order_url or d.order_id)
        for proposal in made.proposals
        if proposal.sends
        for _, d in proposal.duplicates
    }


def _agreed(
    made: Drafted, ask: Ask, confirm: Callable[[Drafted], bool]
) -> set[tuple[str, str | None]]:
    found = _duplicates(made)
    if found and not ask.accept_duplicates and not confirm(made):
        raise _undecided(made)
    return found


def _undecided(made: Drafted) -> NeedsDecision:
    said = [f"{sku}: {d.said()}" for p in made.proposals if p.sends for sku, d in p.duplicates]
    more = f" and {len(said) - 5} more lines" if len(said) > 5 else ""  # noqa: PLR2004 - a few
    return NeedsDecision(
        f"On open orders already: {'; '.join(said[:5])}{more}.",
        data="Nothing was sent.",
        step="Look at them, then add --accept-duplicates; or change the plan.",
        duplicates=[
            {"sku": sku, **d.as_dict()}
            for p in made.proposals
            if p.sends
            for sku, d in p.duplicates
        ],
    )
