"""What the buyer's list is asked for, in the address bar: filters, order, page."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.warehouse.connect import Connection, Row
from finale_pipeline.warehouse.reads import worklist as worklist_reads

Optional = BeforeValidator(lambda text: (text.strip() or None) if isinstance(text, str) else text)
"""An empty field of a form is one that was not filled in."""
Name = Annotated[Annotated[Text, Field(max_length=300)] | None, Optional]
NO_VENDOR, NO_CATEGORY = "(no supplier known)", "(no category)"
TABS = {"open": "To decide", "nothing": "Nothing to order", "decided": "Decided", "all": "All"}
SORTS: dict[str, Callable[[Row], Any]] = {
    "level": lambda item: item["level"] != "out",
    "product": lambda item: item["sku"].casefold(),
    "available": lambda item: item["available_units"],
    "coming": lambda item: item["due_on"],
    "days": lambda item: item["days_left"],
    "order": lambda item: item["order_units"],
    "cost": lambda item: item["order_total"],
    "vendor": lambda item: (item["vendor"] or "").casefold() or None,
    "risk": lambda item: item["money_at_risk"],
    "class": lambda item: item["class"],
}
"""What each column is sorted by; where that is not known, the item comes last either way."""
Sort = Annotated[str, Field(pattern=rf"^-?({'|'.join(SORTS)})$")]


class ListQuery(BaseModel):
    """Which items of the list, in which order, which page."""

    model_config = ConfigDict(populate_by_name=True)

    show: Annotated[Literal["open", "nothing", "decided", "all"] | None, Optional] = None
    q: Annotated[Annotated[Text, Field(max_length=100)] | None, Optional] = None
    vendor: Name = None
    category: Name = None
    location: Name = None
    level: Annotated[Literal["out", "low"] | None, Optional] = None
    abc: Annotated[Annotated[str, Field(max_length=2)] | None, Optional] = Field(
        None, alias="class"
    )
    flag: Name = None
    sort: Annotated[Sort | None, Optional] = None
    page: Annotated[Annotated[int, Field(ge=1, le=100_000)] | None, Optional] = None
    rows: Annotated[Literal["25", "50", "100"] | None, Optional] = None
    done: Annotated[Annotated[int, Field(ge=1, le=2**62)] | None, Optional] = Field(
        None, exclude=True
    )

    @property
    def tab(self) -> str:
        """The part of the list."""
        return self.show or "open"

    @property
    def page_rows(self) -> int:
        """Rows of a page."""
        return int(self.rows or 25)

    def query(self, **changes: object) -> str:
        """Return this as it stands in the address, with changes; a change begins at page 1."""
        fields = self.model_dump(by_alias=True) | {"page": None} | changes
        return urlencode({name: value for name, value in fields.items() if value is not None})

    def here(self) -> str:
        """Return this as it stands in the address."""
        return self.query(page=self.page)

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(
            (self.q, self.vendor, self.category, self.location, self.level, self.abc, self.flag)
        )

    @property
    def looks_at_decided(self) -> bool:
        """Whether items that were decided must be looked at, and not only counted."""
        return self.is_narrowed or self.tab in {"decided", "all"}


def tab_of(item: Row) -> str:
    """Return which part of the list an item is in."""
    if not item["wants_decision"]:
        return "decided"
    return "open" if item["order_units"] else "nothing"


@dataclass(frozen=True, slots=True)
class ListPage:
    """What was found.

    Attributes:
        items: All that match, in order.
        page: Those of the page asked for.
        number: Of that page, from 1.
        pages: How many there are.
        tabs: Items that match, per part of the list.
        choices: Values that filters may have, per filter, of the items looked at.
    """

    items: list[Row]
    page: list[Row]
    number: int
    pages: int
    tabs: dict[str, int]
    choices: dict[str, list[str]]


def find(
    items: list[Row], query: ListQuery, at_location: Collection[str] | None, *, others: int = 0
) -> ListPage:
    """Return what is asked for of all items.

    Args:
        items: The most urgent first.
        query: The filters.
        at_location: Products of the location asked for; None = of any.
        others: How many were decided, where these are not among the items.
    """
    matching = items
    if query.is_narrowed:
        matching = [
            item
            for item in items
            if _matches(item, query) and (at_location is None or item["product_url"] in at_location)
        ]
    tabs = Counter(tab_of(item) for item in matching)
    shown = [item for item in matching if query.tab in {"all", tab_of(item)}]
    if query.sort:
        shown = ordered(shown, query.sort)
    rows = query.page_rows
    pages = max(1, -(-len(shown) // rows))
    number = min(query.page or 1, pages)
    return ListPage(
        shown,
        shown[(number - 1) * rows : number * rows],
        number,
        pages,
        {name: tabs[name] for name in TABS}
        | {"decided": tabs["decided"] + others, "all": len(matching) + others},
        _choices(items),
    )


def ordered(items: Iterable[Row], sort: str) -> list[Row]:
    """Return items by a column, `-` before it = downwards; what is not known comes last."""
    key = SORTS[sort.removeprefix("-")]
    items = list(items)
    known = [item for item in items if key(item) is not None]
    unknown = [item for item in items if key(item) is None]
    return sorted(known, key=key, reverse=sort.startswith("-")) + unknown


def _matches(item: Row, query: ListQuery) -> bool:
    filters = (
        (query.vendor, item["vendor"] or NO_VENDOR),
        (query.category, item["category"] or NO_CATEGORY),
        (query.level, item["level"]),
    )
    if any(value is not None and value != there for value, there in filters):
        return False
    if query.abc and not (item["class"] or "").startswith(query.abc):
        return False
    if query.flag and query.flag not in item["flags"]:
        return False
    if query.q:
        text = query.q.casefold()
        named = (item["sku"], item["name"], item["vendor"])
        return any(text in value.casefold() for value in named if value)
    return True


def _choices(items: list[Row]) -> dict[str, list[str]]:
    vendors = {item["vendor"] or NO_VENDOR for item in items}
    categories = {item["category"] or NO_CATEGORY for item in items}
    return {
        "vendor": sorted(vendors, key=str.casefold),
        "category": sorted(categories, key=str.casefold),
        "class": sorted({item["class"][0] for item in items if item["class"]}),
        "flag": sorted({flag for item in items for flag in item["flags"]}),
    }


def narrowed(
    connection: Connection, items: list[Row], query: ListQuery, day: date | None, *, others: int = 0
) -> ListPage:
    """Return what is asked for of items; `day` is the newest plan's, `others` as in `find`."""
    place = None
    if query.location:
        place = worklist_reads.products_at(connection, day, query.location)
    return find(items, query, place, others=others)


def listed(connection: Connection, query: ListQuery, day: date | None, now: datetime) -> ListPage:
    """Return what is asked for of the list as it is now."""
    return narrowed(connection, worklist_reads.items(connection, day, now), query, day)


def asked_of(query: str) -> ListQuery:
    """Return what an address asks for.

    Raises:
        Problem: 422: it asks for something that there is not.
    """
    try:
        return ListQuery.model_validate(dict(parse_qsl(query, max_num_fields=20)))
    except ValueError as error:
        raise Problem(422, "The list's address cannot be read. Nothing was changed.") from error


def totals(rows: Iterable[Row], amount: str, own: str | None) -> dict[str | None, Decimal]:
    """Return the sum of a column of money per currency, the largest first; `own` = of costs."""
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in rows:
        if row[amount] is not None:
            sums[row["currency"] or own] += row[amount]
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))
