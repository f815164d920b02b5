"""Where a vendor's order goes: the location named in the settings, the usual one, the only one."""

from dataclasses import dataclass
from datetime import date

from finale_pipeline.errors import ConfigError
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import ordering as ordering_reads

ACTIVE = "FACILITY_ACTIVE"
STEP = "Set FINALE_ORDER_FACILITY to the name of a location."


@dataclass(frozen=True, slots=True)
class Place:
    """A location of the account."""

    facility_url: str
    name: str
    status: str | None

    @property
    def names(self) -> set[str]:
        """What it may be called by, in small letters: name, address, id (the end of it)."""
        url = self.facility_url.casefold()
        return {self.name.casefold(), url, url.rpartition("/")[2]}

    @property
    def is_active(self) -> bool:
        """Whether orders may go there; a location without a status is taken for active."""
        return self.status in {ACTIVE, None}


def locations(connection: Connection) -> list[Place]:
    """Return the account's locations; sublocations take no orders."""
    return connection.objects(Place, ordering_reads.LOCATIONS)


def named(places: list[Place], name: str) -> Place:
    """Return the location of a name, an id or an address.

    Raises:
        ConfigError: There is none, there are several, or it is not active.
    """
    key = name.strip().casefold()
    matches = [p for p in places if key in p.names]
    if len(matches) != 1 or not matches[0].is_active:
        there = ", ".join(p.name for p in places if p.is_active) or "none"
        what = ("no location", "not active", "several locations")[min(len(matches), 2)]
        raise ConfigError(
            f"{name!r} is {what} of the account; active ones: {there}.",
            data="Nothing was sent.",
            step=STEP,
        )
    return matches[0]


def usual(
    connection: Connection, places: list[Place], *, vendor_url: str, plan_on: date
) -> Place | str:
    """Return where a vendor's order goes when nobody named a place; or why nobody can tell.

    An order that was drafted of the same plan stays where it was: else the plan could be ordered
    twice.
    """
    by_url = {place.facility_url: place for place in places}
    for query in (ordering_reads.DRAFTED, ordering_reads.LAST):
        url = connection.scalar(str, query, vendor=vendor_url, plan_on=plan_on)
        place = by_url.get(url or "")
        if place is not None and place.is_active:
            return place
    active = [place for place in places if place.is_active]
    if len(active) == 1:
        return active[0]
    return (
        f"it is not clear which of {len(active)} active locations it goes to, for the vendor's last"
        f" order names none of them. {STEP}"
    )
