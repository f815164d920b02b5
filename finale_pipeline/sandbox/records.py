"""Reads and writes single records of the account's collections, stamped by the account's clock."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.columns import Cells, Table
from finale_pipeline.sandbox.sales import STAMP

Record = dict[str, Any]


def encoded(record: Mapping[str, Any]) -> Cells:
    """Return a record's cells as JSON text."""
    return {name: msgspec.json.encode(value) for name, value in record.items()}


def decoded(cells: Cells) -> Record:
    """Return a record from its cells."""
    return {name: msgspec.json.decode(cell) for name, cell in cells.items()}


class Records:
    """The account's records by their urls."""

    def __init__(self, tables: Mapping[str, Table], clock: Clock) -> None:
        self._tables = tables
        self._clock = clock

    def now(self) -> datetime:
        """Return the account's time, UTC."""
        return self._clock.now()

    def stamp(self) -> str:
        """Return the account's time as Finale writes it."""
        return self.now().strftime(STAMP)

    def find(self, path: str, url: object) -> Record | None:
        """Return a collection's record."""
        table = self._tables[path]
        place = table.find(url) if isinstance(url, str) else None
        return None if place is None else decoded(table.record(place))

    def get(self, path: str, url: str) -> Record:
        """Return a collection's record that is there."""
        record = self.find(path, url)
        if record is None:
            raise KeyError(url)
        return record

    def all(self, path: str) -> Iterator[Record]:
        """Yield a collection's records."""
        table = self._tables[path]
        return (decoded(table.record(place)) for place in table.places())

    def put(self, path: str, record: Record) -> Record:
        """Add a record or replace the one with its url; it was updated now."""
        return self.show(path, record | {"lastUpdatedDate": self.stamp()})

    def show(self, path: str, record: Record) -> Record:
        """Add a record or replace the one with its key; of stock a product has many."""
        table = self._tables[path]
        moment = self.now()
        if "lastUpdatedDate" in record:
            moment = datetime.fromisoformat(record["lastUpdatedDate"]).replace(tzinfo=UTC)
        place = None if path == "inventoryitem" else table.find(str(record[table.key]))
        table.put(int(moment.timestamp()), encoded(record), place=place)
        return record
