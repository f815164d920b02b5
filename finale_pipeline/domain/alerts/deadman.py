"""The dead man's switch: what is overdue, and which of it a person has to be told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["database", "daemon", "syncs", "outbox"]

FOLLOWS_FROM: dict[Kind, set[Kind]] = {
    "database": set(),
    "daemon": {"database"},
    "syncs": {"database", "daemon"},
    "outbox": {"database"},
}
"""Each kind of trouble, and those that bring it along: who was told of these knows enough."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that should be so and is not; `told_by` is what has told a person already."""

    kind: Kind
    says: str
    step: str
    told_by: str | None = None


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which something is wrong: since when (UTC), and which kinds of it were told."""

    opened_at: datetime
    told: tuple[Kind, ...]

    def joined(self, other: "Outage | None") -> "Outage":
        """Return one outage for two records of it."""
        if other is None:
            return self
        kinds = sorted({*self.told, *other.told})
        return Outage(min(self.opened_at, other.opened_at), tuple(kinds))


def to_tell(outage: Outage | None, troubles: Sequence[Trouble]) -> list[Trouble]:
    """Return the trouble that a mail is worth now: what nobody was told, nor can conclude.

    >>> dead = Trouble("daemon", "It decides nothing.", "Start it.")
    >>> late = Trouble("syncs", "No critical sync for an hour.", "Look at it.")
    >>> [t.kind for t in to_tell(None, [dead, late])]
    ['daemon', 'syncs']
    >>> to_tell(Outage(datetime(2026, 3, 9), ("daemon",)), [dead, late])
    []
    """
    announced = set(outage.told) if outage else set()
    return [
        t
        for t in troubles
        if t.told_by is None and t.kind not in announced and not FOLLOWS_FROM[t.kind] & announced
    ]


def after_telling(outage: Outage | None, troubles: Sequence[Trouble], *, now: datetime) -> Outage:
    """Return the outage as it is after a mail that named all that is wrong."""
    return Outage(now, tuple(sorted({t.kind for t in troubles}))).joined(outage)
