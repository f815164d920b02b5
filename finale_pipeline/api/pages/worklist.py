"""What the buyer's list is asked for, in the address bar: filters, order, page."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, urlencode

from pydantic import ConfigDict, Field

from finale_pipeline.api.pages.forms import FormBody
from finale_pipeline.api.rest.decisions import Text
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.warehouse.connect import Row
from finale_pipeline.warehouse.reads import worklist as worklist_reads

Name = Annotated[Text, Field(max_length=300)] | None
TABS = {"open": "To decide", "nothing": "Nothing to order", "decided": "Decided", "all": "All"}
FILTERS = {"q", "vendor", "category", "location", "level", "abc", "flag"}
Sort = Annotated[str, Field(pattern=rf"^-?({'|'.join(worklist_reads.SORTS)})$")]


class ListQuery(FormBody):
    """Which items of the list, in which order, which page."""

    model_config = ConfigDict(populate_by_name=True)

    show: Literal["open", "nothing", "decided", "all"] | None = None
    q: Annotated[Text, Field(max_length=100)] | None = None
    vendor: Name = None
    category: Name = None
    location: Name = None
    level: Literal["out", "low"] | None = None
    abc: Annotated[str, Field(max_length=2)] | None = Field(None, alias="class")
    flag: Name = None
    sort: Sort | None = None
    page: Annotated[int, Field(ge=1, le=100_000)] | None = None
    rows: Literal["25", "50", "100"] | None = None
    done: Annotated[int, Field(ge=1, le=2**62)] | None = Field(None, exclude=True)

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
    def filters(self) -> dict[str, Any]:
        """What the items are narrowed by, by the names in the address."""
        return self.model_dump(by_alias=True, exclude_none=True, include=FILTERS)

    @property
    def looks_at_decided(self) -> bool:
        """Whether items that were decided must be looked at, and not only counted."""
        return bool(self.filters) or self.tab in {"decided", "all"}


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
