"""Which sync a moment calls for: the smart choice, and which of several due ones goes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

COVERED_BY: Mapping[str, tuple[str, ...]] = {
    "critical": ("inventory", "active", "full"),
    "inventory": ("active", "full"),
    "active": ("full",),
    "full": (),
    "vendors": ("active", "full"),
    "sales": ("active", "full"),
}
"""Each strategy, and those that read all that it reads and more."""

LADDER = ("critical", "inventory", "active", "full")
"""What smart picks one of, each of which reads all that the one before reads, and more."""

SYNCS = (*LADDER, "smart")
"""What starts syncs by itself."""

EVERYTHING = (
    "facilities",
    "vendors",
    "products",
    "inventory_levels",
    "critical_items",
    "shipments",
    "purchase_orders",
)
"""The assets that are read from the account or follow from a read at once, in reading order."""

READS: Mapping[str, tuple[str, ...]] = {
    "critical": ("inventory_levels", "critical_items"),
    "inventory": ("facilities", "inventory_levels", "critical_items"),
    "active": EVERYTHING,
    "full": EVERYTHING,
    "vendors": ("vendors",),
    "sales": ("shipments", "purchase_orders"),
}
"""The assets that a strategy brings up to date, in the order in which it does."""

PLANS = ("active", "full")
"""Strategies after which the present day is planned anew."""

PLANNED = ("forecasts", "purchase_plan")
"""Computed from the warehouse alone, both at once, after everything was read."""


def assets_of(strategy: str) -> tuple[str, ...]:
    """Return the assets that a strategy brings up to date, those that it plans among them."""
    return READS[strategy] + (PLANNED if strategy in PLANS else ())


LATE = timedelta(minutes=2)
"""A tick decided later than this is being made up for, after the scheduler was down."""
FRESH = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Minutes since the last good sync below which the smart choice is that strategy."""

    critical: float = 30
    inventory: float = 120
    active: float = 1440


@dataclass(frozen=True, slots=True)
class StrategyChoice:
    """A strategy and why."""

    strategy: str
    reason: str


def smart(minutes: float | None, thresholds: Thresholds) -> StrategyChoice:
    """Choose a strategy by how old the last good sync is.

    >>> smart(29.9, Thresholds()).strategy, smart(30, Thresholds()).strategy
    ('critical', 'inventory')
    >>> smart(None, Thresholds())
    StrategyChoice(strategy='full', reason='no sync was ever good')
    """
    if minutes is None:
        return StrategyChoice("full", "no sync was ever good")
    bounds = {
        "critical": thresholds.critical,
        "inventory": thresholds.inventory,
        "active": thresholds.active,
    }
    for strategy, bound in bounds.items():
        if minutes < bound:
            return StrategyChoice(
                strategy, f"last good sync {minutes:.0f} min ago, under {bound:g}"
            )
    return StrategyChoice(
        "full", f"last good sync {minutes:.0f} min ago, {thresholds.active:g} or more"
    )


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule at the moment of a decision.

    Attributes:
        name: Its name; `smart` gives way to a fixed schedule of what it chose.
        last_tick_at: Its newest due time that is not in the future; None = none yet.
        decided_at: When that due time was decided; None = not yet.
    """

    name: str
    strategy: str
    last_tick_at: datetime | None
    decided_at: datetime | None = None
    is_run: bool = False

    def gives_way_to(self, other: "Schedule") -> bool:
        """Whether the other one does the same work or more."""
        if other.strategy in COVERED_BY.get(self.strategy, ()):
            return True
        return self.name == "smart" and other.strategy == self.strategy


def covering(
    tick: Schedule,
    tick_at: datetime,
    *,
    now: datetime,
    awake_at: datetime | None,
    others: Iterable[Schedule],
) -> str | None:
    """Say which other schedule does a tick's work, or None when nobody does.

    Ticks that coincide: the larger one covers the smaller. After the scheduler was down every
    schedule comes with its last missed tick: the largest one makes up for all of them.

    Args:
        awake_at: When the scheduler last decided anything, the last minute left out; what fell due
            after it was missed. None = it never did: then nothing was.
    """
    for other in others:
        due = other.last_tick_at
        if due is None or not tick.gives_way_to(other):
            continue
        reason = f"the {other.strategy} sync that was due at {due:%Y-%m-%d %H:%M} UTC"
        if due >= tick_at:
            return f"covered by {reason}"
        was_missed = awake_at is not None and due > awake_at and now - due > LATE
        if other.decided_at is None and was_missed:
            return f"covered by {reason} and is made up for now"
        made_up = other.decided_at is not None and other.decided_at - due > LATE
        if other.is_run and made_up and other.decided_at and now - other.decided_at < FRESH:
            return f"covered by {reason} and was just made up for"
    return None
