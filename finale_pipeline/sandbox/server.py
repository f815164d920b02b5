"""Serves the simulated account on loopback, with its limits and faults."""

import json
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.handler import Handler, Listener, Parts
from finale_pipeline.sandbox.limits import Limits, Rates
from finale_pipeline.sandbox.query import Query, matches
from finale_pipeline.sandbox.scenarios import Fault

ROW_CAP = 120_000


class SandboxServer:
    """Serves an account until it is closed.

    Args:
        account: What it serves.
        port: On 127.0.0.1; 0 = any free one.
        faults: Met from the beginning.
        rate_limits: GETs a minute and collection reads an hour; None = no limits.
        row_cap: Records after which an answer is cut without a sign.
        cuts_stock: Whether stock is cut at that cap too.
        latency: Seconds before each answer.
        bandwidth: Bytes a second on each connection; None = as fast as it goes.
        on_request: Called with each path before it is answered; drills act there.
    """

    def __init__(
        self,
        account: Account,
        *,
        port: int = 0,
        faults: Iterable[Fault] = (),
        rate_limits: tuple[int, int] | None = (120, 300),
        row_cap: int = ROW_CAP,
        cuts_stock: bool = False,
        latency: float = 0,
        bandwidth: float | None = None,
        on_request: Callable[[str], object] | None = None,
    ) -> None:
        self.account = account
        self.on_request = on_request
        self.requests: list[str] = []
        self.rates = Rates()
        self.row_cap = row_cap
        self.cuts_stock = cuts_stock
        self.latency = latency
        self.bandwidth = bandwidth
        self.limits = Limits(*rate_limits, account.clock.now) if rate_limits else None
        self.zipped: dict[bytes, bytes] = {}
        self._faults = list(faults)
        self._http = Listener(("127.0.0.1", port), Handler)
        self._http.sandbox = self
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def base_url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def wait(self) -> None:
        """Wait until it is closed, or this thread is interrupted."""
        while self._thread.is_alive():
            self._thread.join(1)

    def add_fault(self, text: str) -> None:
        """Let requests meet a fault from now on; Fault.parse says how it is written."""
        self._faults.append(Fault.parse(text))

    def clear_faults(self) -> None:
        """Be well again."""
        self._faults.clear()

    def fault_for(self, path: str) -> Fault | None:
        """Return the fault that a request for a collection meets, if any."""
        return next((fault for fault in self._faults if fault.meets(path)), None)

    def collection(self, path: str, query: Query) -> Parts:
        """Return a collection's answer in pieces, with the sales until now."""
        with self.account.mutex:
            self.account.catch_up()
            return self._collection(path, query)

    def _collection(self, path: str, query: Query) -> Parts:
        table = self.account.tables[path]
        # Whether Finale cuts its stock too is not known; here it does when asked to.
        row_cap = self.row_cap if path != "inventoryitem" or self.cuts_stock else len(table)
        cap = min(row_cap, query.limit or row_cap)
        if not query.ranges:
            return table.answer(query.lo, query.hi, cap=cap)
        columns = json.loads(b"".join(table.answer(query.lo, query.hi, cap=cap)))
        rows = max(map(len, columns.values()), default=0)
        keep = [
            i
            for i in range(rows)
            if matches({name: cells[i] for name, cells in columns.items()}, query.ranges)
        ]
        return [json.dumps({n: [cells[i] for i in keep] for n, cells in columns.items()}).encode()]
