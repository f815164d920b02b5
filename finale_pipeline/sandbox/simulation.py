"""The simulated account as it is served: its limits, its faults, and what it was asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.limits import RateLimits, Rates
from finale_pipeline.sandbox.postfaults import Reply
from finale_pipeline.sandbox.query import Query, matches
from finale_pipeline.sandbox.scenarios import Fault
from finale_pipeline.sandbox.writes import Posted, answer

ROW_CAP = 120_000
Parts = list[bytes | memoryview]


@dataclass(eq=False)
class Simulation:
    """An account with the limits and faults of its service; knows nothing of HTTP.

    Attributes:
        rate_limits: GETs a minute and collection reads an hour; None = no limits.
        row_cap: Records after which an answer is cut without a sign.
        cuts_stock: Whether stock is cut at that cap too.
        latency: Seconds before each answer.
        bandwidth: Bytes a second on each connection; None = as fast as it goes.
        on_request: Called with each path before it is answered, and with `POST ` and the path;
            drills act there.
        date_ahead: Seconds by which its answers' Date is ahead of the account's time.
        tamper: Changes the columns of a collection's answer before they are sent; None = nobody.
        posts: Every POST to the account that it knew what to do with, and its end.
    """

    account: Account
    faults: list[Fault] = field(default_factory=list)
    rate_limits: tuple[int, int] | None = (120, 300)
    row_cap: int = ROW_CAP
    cuts_stock: bool = False
    latency: float = 0
    bandwidth: float | None = None
    on_request: Callable[[str], object] | None = None
    date_ahead: float = 0.0
    tamper: Callable[[str, dict[str, Any]], object] | None = None
    requests: list[str] = field(default_factory=list)
    posts: list[Posted] = field(default_factory=list)
    rates: Rates = field(default_factory=Rates)
    zipped: dict[bytes, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        limits, now = self.rate_limits, self.account.clock.now
        self.limits = RateLimits(*limits, now) if limits else None

    def add_fault(self, text: str) -> None:
        """Let requests meet a fault from now on; Fault.parse says how it is written."""
        self.faults.append(Fault.parse(text))

    def clear_faults(self) -> None:
        """Be well again."""
        self.faults.clear()

    def fault_for(self, path: str, *requests: str) -> Fault | None:
        """Return the fault that a request meets, if any.

        Args:
            path: The collection, or what a POST is for, as in `Fault.path`.
            requests: What it is, as in `Fault.met_by`.
        """
        return next((f for f in self.faults if f.met_by in requests and f.meets(path)), None)

    def post(self, path: str, body: bytes) -> Reply | None:
        """Carry out a POST to the account; None = there is nothing at that path."""
        return answer(self.account, path, body, lambda t: self.fault_for(t, "post"), self.posts)

    def collection(self, path: str, query: Query) -> Parts:
        """Return a collection's answer in pieces, with the sales until now."""
        with self.account.mutex:
            self.account.catch_up()
            return self._collection(path, query)

    def _collection(self, path: str, query: Query) -> Parts:
        table = self.account.tables[path]
        quirks = self.account.quirks
        # Whether Finale cuts its stock too is not known; here it does when asked to.
        row_cap = self.row_cap if path != "inventoryitem" or self.cuts_stock else len(table)
        cap = min(row_cap, query.limit or row_cap)
        unseen = self.account.book.unseen() if path == "order" else set()
        parts = table.answer(query.lo, query.hi, cap=cap, shows_hidden=quirks.lines_in_collection)
        if not query.ranges and not unseen:
            return parts
        columns = json.loads(b"".join(parts))
        records = [
            {name: cells[i] for name, cells in columns.items()}
            for i in range(max(map(len, columns.values()), default=0))
        ]
        keep = [
            i
            for i, record in enumerate(records)
            if matches(record, query.ranges, is_loose=quirks.loose_text)
            and record.get("orderUrl") not in unseen
        ]
        remaining = {name: [cells[i] for i in keep] for name, cells in columns.items()}
        # A field that no returned record has is not a key.
        filled = {n: c for n, c in remaining.items() if not keep or any(v is not None for v in c)}
        return [json.dumps(filled).encode()]
