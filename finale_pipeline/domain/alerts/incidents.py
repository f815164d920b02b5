"""Crossings: an item as stored and as it is now → at most one event, and who hears of it.

Every crossing has one event. An item has two levels: the exact one, and the one last announced to
people. The announced level worsens at once. Out ends for people when the item has stayed back for a
day; low ends then, too, or at once when the item is clear of the border by a margin: an item that
flaps at its border is announced once. More worsenings a day than a person wants to read of are
recorded without a mail.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from finale_pipeline.domain.alerts.critical import RANK, Level, level_of
from finale_pipeline.domain.states import IncidentState

EventKind = Literal[
    "recorded",
    "opened",
    "worsened",
    "improved",
    "closed",
    "flapping",
    "settled",
    "held_back",
    "left_out",
]
Mail = Literal["out_of_stock", "reorder_needed", "back_in_stock", "breaker", "catch_up"]

NOT_CLEAR = "it is not clear of the border yet"
CROSSINGS = {"opened", "worsened", "improved", "closed", "flapping", "held_back"}


@dataclass(frozen=True, slots=True)
class Rules:
    """How crossings are judged.

    Attributes:
        margin_share: Share of the threshold by which an item must be clear of a border.
        calm: Time on the better side after which the margin does not matter.
        most_worsenings: So many within `calm` are mailed of one item.
        breaker_share: Share of watched items that may worsen in one evaluation.
    """

    margin_share: Decimal = Decimal("0.1")
    calm: timedelta = timedelta(hours=24)
    most_worsenings: int = 4
    breaker_share: float = 0.1
    breaker_least: int = 25


@dataclass(frozen=True, slots=True)
class Incident:
    """An item's stay away from ok, as ops.incident has it."""

    state: IncidentState = "open"
    mailed: Level | None = None
    snoozed_until: datetime | None = None
    even_if_worse: bool = False

    def sleeps_through(self, now: datetime) -> bool:
        """Whether even a worsening is not to be mailed."""
        lasts = self.snoozed_until is not None and now < self.snoozed_until
        return self.state == "snoozed" and self.even_if_worse and lasts


@dataclass(frozen=True, slots=True)
class StoredItem:
    """What is stored of an item: its row of ops.item_level, and the open incident."""

    level: Level
    announced_level: Level
    threshold_units: Decimal
    since_at: datetime
    better_since_at: datetime | None = None
    worsenings: int = 0
    worsened_at: datetime | None = None
    is_left_out: bool = False
    incident: Incident | None = None


@dataclass(frozen=True, slots=True)
class CurrentItem:
    """What an item is now.

    Attributes:
        left_out: Why it is not watched; None = it is.
        is_moving: Whether it sells; None = not known.
    """

    product_url: str
    available_units: Decimal
    threshold_units: Decimal
    left_out: str | None = None
    is_moving: bool | None = None

    @property
    def level(self) -> Level:
        """Its exact level."""
        return level_of(available_units=self.available_units, threshold_units=self.threshold_units)


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """One thing that happened to an item.

    Attributes:
        to_level: Exact level now; differs for crossings, and only for them.
        cause: stock or settings; for silent ones first_run, first_seen, watched_again, or the rule
            that left it out.
    """

    kind: EventKind
    from_level: Level
    to_level: Level
    cause: str = "stock"
    mail: Mail | None = None
    no_mail: str | None = None


@dataclass(frozen=True, slots=True)
class AlertDecision:
    """What is to be stored of an item, and the event that says why."""

    current: CurrentItem
    stored: StoredItem
    event: AlertEvent | None = None


def decide(
    stored: StoredItem | None,
    current: CurrentItem,
    *,
    now: datetime,
    rules: Rules,
    is_first_run: bool,
) -> AlertDecision | None:
    """Return what follows from an item's present state; None when nothing does.

    Args:
        is_first_run: Whether nothing was ever evaluated; then all is recorded in silence.
    """
    if stored is None:
        return _first(current, now, "first_run" if is_first_run else "first_seen")
    if current.left_out is not None:
        return _leave_out(stored, current, current.left_out)
    if stored.is_left_out and RANK[current.level] <= RANK[stored.announced_level]:
        return _first(current, now, "watched_again")
    stored = replace(stored, is_left_out=False)
    if RANK[current.level] > RANK[stored.announced_level]:
        return _worsen(stored, current, now, rules)
    return _go_on(stored, current, now, rules)


def _first(current: CurrentItem, now: datetime, cause: str) -> AlertDecision | None:
    """Record an item without a mail: nobody saw it cross anything."""
    if current.left_out is not None:
        return None
    level = current.level
    stored = StoredItem(level, level, current.threshold_units, now)
    if level == "ok":
        return AlertDecision(current, stored)
    event = AlertEvent("recorded", level, level, cause, no_mail="its level was met, not crossed")
    return AlertDecision(current, replace(stored, incident=Incident()), event)


def _leave_out(stored: StoredItem, current: CurrentItem, why: str) -> AlertDecision | None:
    if stored.is_left_out:
        return None
    event = None
    if stored.incident is not None:
        event = AlertEvent(
            "left_out", stored.level, stored.level, why, no_mail="it is not watched now"
        )
    return AlertDecision(current, replace(stored, is_left_out=True, incident=None), event)


def _cause(stored: StoredItem, current: CurrentItem) -> str:
    """Say whether the stock moved, or the threshold did."""
    under_old = level_of(
        available_units=current.available_units, threshold_units=stored.threshold_units
    )
    moved = stored.threshold_units != current.threshold_units and under_old == stored.level
    return "settings" if moved else "stock"


def _worsen(stored: StoredItem, current: CurrentItem, now: datetime, rules: Rules) -> AlertDecision:
    level, cause = current.level, _cause(stored, current)
    is_soon = stored.worsened_at is not None and now - stored.worsened_at < rules.calm
    worsenings = stored.worsenings + 1 if is_soon else 1
    kind: EventKind = "opened" if stored.announced_level == "ok" else "worsened"
    incident = stored.incident or Incident()
    mail, no_mail = _mail_for(level, cause, incident, current, now)
    if mail is not None and worsenings > rules.most_worsenings:
        kind, mail = "flapping", None
        no_mail = f"it worsened {worsenings} times within {_hours(rules.calm)}; see the digest"
    if mail is not None:
        incident = replace(incident, state="open", mailed=level, snoozed_until=None)
    after = StoredItem(
        level,
        level,
        current.threshold_units,
        now,
        worsenings=worsenings,
        worsened_at=now,
        incident=incident,
    )
    return AlertDecision(
        current, after, AlertEvent(kind, stored.level, level, cause, mail, no_mail)
    )


def _mail_for(
    level: Level, cause: str, incident: Incident, current: CurrentItem, now: datetime
) -> tuple[Mail | None, str | None]:
    if cause == "settings":
        return None, "its reorder point moved, not its stock; it is in the digest"
    if incident.sleeps_through(now):
        return None, f"snoozed until {incident.snoozed_until:%Y-%m-%d %H:%M} UTC, even if worse"
    if level == "low":
        return "reorder_needed", None
    if current.is_moving is False:
        return None, "it does not sell; it is in the digest"
    return "out_of_stock", None


def _go_on(
    stored: StoredItem, current: CurrentItem, now: datetime, rules: Rules
) -> AlertDecision | None:
    """Handle all but a worsening that is news: improving, settling, flapping, new thresholds."""
    level, cause = current.level, _cause(stored, current)
    crosses = level != stored.level
    announced = _settled(stored, current, now, rules, at_once=crosses and cause == "settings")
    is_better = RANK[level] < RANK[announced]
    incident = None if announced == "ok" else stored.incident
    if incident is not None and announced != "out" and incident.mailed == "out":
        incident = replace(incident, mailed=None)  # its end is told once
    after = replace(
        stored,
        level=level,
        announced_level=announced,
        threshold_units=current.threshold_units,
        since_at=now if crosses else stored.since_at,
        better_since_at=(stored.better_since_at or now) if is_better else None,
        incident=incident,
    )
    if not crosses and announced == stored.announced_level:
        return AlertDecision(current, after) if after != stored else None
    return AlertDecision(current, after, _eased(stored, current, announced, cause, rules))


def _eased(
    stored: StoredItem, current: CurrentItem, announced: Level, cause: str, rules: Rules
) -> AlertEvent:
    level, why = current.level, None
    kind: EventKind = "closed" if announced == "ok" else "improved"
    if level == stored.level:
        kind = "settled"
    if RANK[level] > RANK[stored.level]:
        kind = "flapping"
        why = "people were told already; it had not been clear of the border since"
    elif announced == stored.announced_level:
        is_out = announced == "out"
        why = f"it has not stayed back for {_hours(rules.calm)} yet" if is_out else NOT_CLEAR
    elif stored.announced_level != "out":
        why = "only leaving out is mailed"
    elif stored.incident is None or stored.incident.mailed != "out":
        why = "the shortage was not mailed"
    mail: Mail | None = "back_in_stock" if why is None else None
    return AlertEvent(kind, stored.level, level, cause, mail, why)


def _settled(
    stored: StoredItem, current: CurrentItem, now: datetime, rules: Rules, *, at_once: bool
) -> Level:
    """Return the level that people may be told of."""
    level, units = current.level, current.available_units
    if RANK[level] >= RANK[stored.announced_level]:
        return stored.announced_level
    is_calm = stored.better_since_at is not None and now - stored.better_since_at >= rules.calm
    if is_calm or at_once:
        return level
    if stored.announced_level == "out":
        return "out"
    margin = max(Decimal(1), rules.margin_share * current.threshold_units)
    return level if level == "low" or units >= current.threshold_units + margin else "low"


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g} hours"
