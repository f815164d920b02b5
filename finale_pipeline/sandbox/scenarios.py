"""Faults on demand: what can go wrong between Finale and a client, one name each."""

import json
import random
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox import postfaults

Columns = dict[str, Any]
"""An answer, decoded: field → list of cells."""

KINDS = {
    "status": "answer with that status (503)",
    "throttle": "429 with Retry-After of so many seconds (2)",
    "throttle-reset": "429 with X-RateLimit-Reset so many seconds away, no Retry-After (3600)",
    "throttle-bare": "429 that says nothing",
    "revoke": "401: the key was revoked",
    "no-slash": "the path's last slash lost on the way: 404 and a page of HTML",
    "redirect": "302 to another host",
    "reset": "close the connection before the answer",
    "reset-mid": "close it in the middle of the body",
    "truncate": "half of the body, with the length of that half",
    "slow": "so many seconds before the first byte (1)",
    "drip": "the body byte by byte, for so many seconds (5)",
    "html": "a login page, status 200",
    "error-object": "a JSON object with an error, status 200",
    "empty": "an empty body, status 200",
    "empty-object": "{} for a collection",
    "bomb": "gzip that unpacks to so many MB (2000)",
    "half": "half of the rows missing",
    "missing-rows": "so many percent of the rows missing, others each time (5)",
    "lost-rows": "so many percent of the rows missing, always the same (5)",
    "null-column": "null in all cells of that column (internalName)",
    "drop-column": "that column missing (productUrl)",
    "short-column": "that column half as long (productUrl)",
    "doubled-column": "that column named twice, the second time empty (quantityReserved)",
    "deep-column": "a column nobody knows with so many levels of lists (8000)",
    "nan": "NaN as a number in that column (quantityOnHand)",
    "huge": "1e309 in that column (quantityOnHand)",
    "new-column": "a column nobody knows",
    "as-text": "that column's numbers as strings (cost)",
    "duplicate-rows": "every tenth row twice, with another quantity or name",
    "bad-rows": "so many percent of the rows without their id (10)",
    "zero-stock": "every quantity is zero",
    "missing-place": "no row of the first location",
    **postfaults.KINDS,
}
"""What each does; the default of what it calls "that" or "so many" stands in its brackets."""
DEFAULTS = {
    kind: match[1] for kind, what in KINDS.items() if (match := re.search(r"\((\S+)\)$", what))
}


@dataclass
class Fault:
    """A fault that waits for its requests.

    Attributes:
        kind: One of KINDS.
        argument: What its description in KINDS calls "that" or "so many".
        path: The collection it meets, such as `product`; `record` = single records. Faults of
            POSTs: `order` = creations, `order/update`, `order/lock` and so on. None = every one,
            but no single record unless that is what its kind is about.
        times: So many requests meet it; None = all.
        skip: So many matching requests pass before.
        met_by: By which requests: reads of a `collection`, of a single `record`, of a single
            `order record`, or `post`.
    """

    kind: str
    argument: str = ""
    path: str | None = None
    times: int | None = None
    skip: int = 0
    met_by: str = field(default="collection", init=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            listed = "\n".join(f"  {name:17} {what}" for name, what in KINDS.items())
            raise ConfigError(f"{self.kind!r} is no fault.", step=f"Use one of:\n{listed}")
        self.argument = self.argument or DEFAULTS.get(self.kind, "")
        if self.kind == "record-garbage":
            self.met_by, self.path = "order record", None  # however it was written
        elif self.kind.startswith("post-"):
            self.met_by = "post"
        elif self.path == "record":
            self.met_by, self.path = "record", None
        if self.kind.endswith("-garbage") and self.argument not in postfaults.GARBAGE:
            raise ConfigError(
                f"{self.argument!r} is no garbage.",
                step=f"Use one of {', '.join(postfaults.GARBAGE)}.",
            )

    @classmethod
    def parse(cls, text: str) -> "Fault":
        """Read `KIND[=ARGUMENT][@PATH][*TIMES][+SKIP]`, such as `status=503@product*2+1`."""
        rest, _, skip = text.partition("+")
        rest, _, times = rest.partition("*")
        rest, _, path = rest.partition("@")
        kind, _, argument = rest.partition("=")
        numbers = [int(n) if n.isdigit() else None for n in (times, skip)]
        return cls(kind, argument, path.strip("/") or None, numbers[0], numbers[1] or 0)

    def meets(self, path: str) -> bool:
        """Whether a request meets this fault; counts it."""
        with self._mutex:
            if self.path not in {None, path} or self.times == 0:
                return False
            if self.skip:
                self.skip -= 1
                return False
            if self.times is not None:
                self.times -= 1
            return True

    def changes_rows(self) -> bool:
        """Whether it changes what an answer holds, not how it is sent."""
        return self.kind in CHANGES or self.kind in {"doubled-column", "deep-column"}

    def changed(self, body: bytes) -> bytes:
        """Return an answer's body with the fault in it."""
        columns: Columns = json.loads(body)
        if self.kind == "doubled-column":
            return body[: body.rindex(b"}")] + f', "{self.argument}": []}}'.encode()
        if self.kind == "deep-column":
            levels = int(self.argument)
            deep = f', "odd": [{"[" * levels}{"]" * levels}]}}'
            return body[: body.rindex(b"}")] + deep.encode() if columns else body
        CHANGES[self.kind](columns, self.argument)
        text = json.dumps(columns)
        return text.replace(BEYOND, "1e309").encode()


BEYOND = '"number beyond every float"'


def _rows(columns: Columns) -> int:
    return max(map(len, columns.values()), default=0)


def _keep(columns: Columns, rows: Iterable[int]) -> None:
    rows = list(rows)
    for name, cells in columns.items():
        columns[name] = [cells[i] for i in rows]


def _without_rows(columns: Columns, percent: str, dice: random.Random) -> None:
    rows = _rows(columns)
    gone = set(dice.sample(range(rows), rows * int(percent) // 100))
    _keep(columns, [i for i in range(rows) if i not in gone])


def _null_column(columns: Columns, name: str) -> None:
    if name in columns:
        columns[name] = [None] * _rows(columns)


def _set_first(value: object) -> Callable[[Columns, str], None]:
    def change(columns: Columns, name: str) -> None:
        if columns.get(name):
            columns[name][0] = value

    return change


def _as_text(columns: Columns, name: str) -> None:
    columns[name] = [None if c is None else str(c) for c in columns.get(name, [])]


def _duplicate_rows(columns: Columns, _argument: str) -> None:
    rows = range(0, _rows(columns), 10)
    for name, cells in columns.items():
        odd = {"internalName": "another name", "quantityOnHand": 77}.get(name)
        columns[name] = cells + [cells[i] if odd is None else odd for i in rows]


def _bad_rows(columns: Columns, percent: str) -> None:
    rows = _rows(columns)
    for i in random.Random(1).sample(range(rows), -(-rows * int(percent) // 100)):
        for name in ("productId", "productUrl", "facilityName", "partyUrl"):
            if name in columns:
                columns[name][i] = None


def _missing_place(columns: Columns, _argument: str) -> None:
    parents = columns["parentFacilityUrl"]
    first = min(p for p in parents if p)
    _keep(columns, [i for i, parent in enumerate(parents) if parent != first])


STOCK = ("quantityOnHand", "quantityOnOrder", "quantityReserved")
CHANGES: dict[str, Callable[[Columns, str], object]] = {
    "half": lambda columns, _: _keep(columns, range(0, _rows(columns), 2)),
    "missing-rows": lambda columns, percent: _without_rows(columns, percent, random.Random()),
    "lost-rows": lambda columns, percent: _without_rows(columns, percent, random.Random(1)),
    "null-column": _null_column,
    "drop-column": lambda columns, name: columns.pop(name, None),
    "short-column": lambda columns, name: columns.update(
        {name: columns[name][: len(columns[name]) // 2]}
    ),
    "nan": _set_first(float("nan")),
    "huge": _set_first(BEYOND.strip('"')),
    "new-column": lambda columns, _: columns.update(
        addedYesterday=[{"why": "nobody knows"}] * _rows(columns)
    ),
    "as-text": _as_text,
    "duplicate-rows": _duplicate_rows,
    "bad-rows": _bad_rows,
    "zero-stock": lambda columns, _: columns.update(dict.fromkeys(STOCK, [0] * _rows(columns))),
    "missing-place": _missing_place,
}
