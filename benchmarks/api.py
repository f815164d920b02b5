"""Fifty clients read while a full sync runs: `python -m benchmarks.api [--seconds 60]`.

Starts all of `finale dev` in a folder of its own, asks every address while nothing else happens,
then lets clients read without a pause while a full sync runs whose products come slowly, as from
a large account, and starts small syncs in between to see how long their answers take. Ends by
itself.
"""

import argparse
import http.client
import json
import random
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from finale_pipeline_tests.live import Live

READ = (
    "/api/sync-finale/critical",
    "/api/sync-finale/status",
    "/api/sync-finale/health",
    "/api/sync-finale/metrics",
    "/api/sync-finale/history",
    "/api/products",
    "/api/products?q=tea&sort=-available_units",
    "/api/products/{sku}",
    "/api/forecasts",
    "/api/purchase-plan",
    "/api/incidents?open=true",
    "/api/vendors",
    "/",
    "/plan",
)
IDLE = (
    *READ, "/api/sync-finale/schedule", "/api/products?limit=1000", "/api/forecasts?limit=1000",
    "/api/purchase-plan?format=csv", "/api/purchase-plan?format=xlsx", "/products/{sku}", "/syncs",
    "/outbox", "/livez", "/readyz", "/metrics", "/openapi.json",
)  # fmt: skip
TRIGGERS = "/api/sync-finale"
BETWEEN_TRIGGERS = 2.5
"""Seconds; the API takes thirty of a client in a minute."""
SLOW_SHARE = 0.7
"""Share of the time in which the full sync's products are still coming."""
SCHEDULES = ("critical", "inventory", "active", "full", "smart")


@dataclass
class Seen:
    """Seconds and statuses of requests, by address."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)

    def add(self, path: str, status: int, seconds: float) -> None:
        """Note a request."""
        self.seconds[path].append(seconds)
        self.statuses[path, status] += 1

    def all(self) -> list[float]:
        """Return the seconds of all addresses."""
        return [s for times in self.seconds.values() for s in times]


class Client:
    """One client with one connection, as light as Python allows: it shares the machine's cores."""

    def __init__(self, port: int) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, bytes, float]:
        """Return status, body and seconds."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        begun = time.perf_counter()
        self._line.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = self._line.getresponse()
        said = answer.read()
        return answer.status, said, time.perf_counter() - begun


def idle(live: Live, paths: Sequence[str], turns: int) -> Seen:
    """Ask each address some times, one after the other."""
    client, seen = Client(live.ports["API"]), Seen()
    for path in paths:
        client.ask(path)
        for _ in range(turns):
            status, _, seconds = client.ask(path)
            seen.add(path, status, seconds)
    return seen


def loaded(live: Live, paths: Sequence[str], clients: int, seconds: float) -> tuple[Seen, Seen]:
    """Read with many clients while syncs run; returns the reads and the triggers."""
    reads, triggers = [Seen() for _ in range(clients)], Seen()
    ends_at = time.monotonic() + seconds

    def read(number: int) -> None:
        client, pick = Client(live.ports["API"]), random.Random(number)  # noqa: S311 - a choice
        while time.monotonic() < ends_at:
            path = pick.choice(paths)
            status, _, took = client.ask(path)
            reads[number].add(path, status, took)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for strategy in _in_turn(ends_at):
        client = Client(live.ports["API"])
        status, _, took = client.ask(TRIGGERS, "POST", {"strategy": strategy})
        triggers.add("started" if status == 202 else "taken", status, took)
    for thread in threads:
        thread.join()
    whole = Seen()
    for seen in reads:
        whole.statuses.update(seen.statuses)
        for path, times in seen.seconds.items():
            whole.seconds[path] += times
    return whole, triggers


def _in_turn(ends_at: float) -> Iterator[str]:
    """Yield what to start now: a full sync whenever none runs, and small ones between."""
    number = 0
    while time.monotonic() < ends_at:
        yield ("full", "critical", "vendors")[number % 3]
        number += 1
        time.sleep(min(BETWEEN_TRIGGERS, max(0.0, ends_at - time.monotonic())))


def spread(seconds: Sequence[float]) -> str:
    """Return median, 95th percentile and the longest, in ms."""
    ordered = sorted(seconds)
    p95 = ordered[ceil(0.95 * len(ordered)) - 1]
    numbers = (median(ordered), p95, ordered[-1])
    return " | ".join(f"{1000 * number:.0f}" for number in numbers)


def table(what: str, seen: Seen) -> None:
    """Print a line per address."""
    print(f"\n| {what} | n | median ms | p95 ms | max ms | statuses |")
    print("| --- " * 6 + "|")
    for path, times in seen.seconds.items():
        statuses = ", ".join(
            f"{s}: {n}" for (p, s), n in sorted(seen.statuses.items()) if p == path
        )
        print(f"| {path} | {len(times)} | {spread(times)} | {statuses} |")
    if len(seen.seconds) > 1:
        print(f"| **all** | {len(seen.all())} | {spread(seen.all())} | |")


def main() -> None:
    """Measure and print tables; fails when an answer was an error."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    options.add_argument("--products", type=int, default=5_000)
    options.add_argument("--clients", type=int, default=50)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--turns", type=int, default=40, help="per address when idle")
    options.add_argument("--smoke", action="store_true", help="tiny, to see that it runs")
    given = options.parse_args()
    if given.smoke:
        given.products, given.clients, given.seconds, given.turns = 200, 4, 3, 1
    settings = {f"FINALE_SCHEDULE_{name.upper()}": "off" for name in SCHEDULES}
    settings |= {
        "FINALE_SANDBOX_PRODUCTS": str(given.products),
        "FINALE_GET_PER_MINUTE": "100000",
        "FINALE_COLLECTIONS_PER_HOUR": "100000",
    }
    with tempfile.TemporaryDirectory(prefix="finale") as folder:
        home = Path(folder)
        home.chmod(0o755)
        with Live(home, **settings) as live:
            measured(live, given)


def measured(live: Live, given: argparse.Namespace) -> None:
    """Wait for the first sync and its plan, then measure."""
    live.until(lambda: live.rows("SELECT FROM plan.forecast LIMIT 1"), "the first plan", 600)
    running = "SELECT FROM ops.sync_run WHERE status = 'running'"
    live.until(lambda: not live.rows(running), "nothing runs", 600)
    with live.connect() as connection:  # as autovacuum does within a minute
        connection.execute("ANALYZE")
    ((sku,),) = live.rows("SELECT sku FROM mart.forecast ORDER BY demand_units DESC LIMIT 1")
    sku = quote(sku, safe="")
    quiet = idle(live, [path.format(sku=sku) for path in IDLE], given.turns)
    table(f"{given.products:,} products, nothing else runs", quiet)
    live.sandbox("edit", products=given.products // 2)
    live.sandbox("fault", fault=f"drip={SLOW_SHARE * given.seconds:g}@product*1")
    reads, triggers = loaded(
        live, [path.format(sku=sku) for path in READ], given.clients, given.seconds
    )
    table(f"{given.clients} clients without pause for {given.seconds:g} s", reads)
    table("answers to triggers meanwhile", triggers)
    done = live.rows(
        "SELECT strategy, count(*), round(avg(extract(epoch FROM finished_at - started_at)), 1)"
        " FROM ops.sync_run WHERE trigger = 'api' GROUP BY 1 ORDER BY 1"
    )
    ran = ", ".join(f"{n} {strategy} of {seconds} s" for strategy, n, seconds in done)
    print(f"\nsyncs meanwhile: {ran or 'none'}")
    print(f"requests a second: {len(reads.all()) / given.seconds:.0f}")
    wrong = {k: n for seen in (quiet, reads) for k, n in seen.statuses.items() if k[1] != 200}
    wrong |= {k: n for k, n in triggers.statuses.items() if k[1] not in {202, 409}}
    if wrong:
        raise SystemExit(f"answers that were errors: {wrong}")


if __name__ == "__main__":
    main()
