"""A list that is read in pages: its statement, and what it may be sorted and filtered by."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is read in pages.

    Attributes:
        name: Of it, in the address.
        query: SELECT with columns that have names of their own.
        key: The column that no two rows share, and its type.
        sorts: Columns that it may be sorted by, with their types.
        order: The one that it is sorted by unless asked otherwise; `-` before it = downwards.
        filters: Parameters, with the condition that each stands for.
        fixed: Values that the query itself needs.
    """

    name: str
    query: str
    key: tuple[str, str]
    sorts: Mapping[str, str]
    order: str
    filters: Mapping[str, str]
    fixed: Mapping[str, object] = field(default_factory=dict)
