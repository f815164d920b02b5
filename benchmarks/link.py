"""A far source: 300 ms and 100 Mbit/s a connection, under the real request budgets."""

import time
from collections.abc import Iterator

from benchmarks.catalogue import SYNC_PRODUCTS
from benchmarks.ground import Database, Measured, environment, expect, measure, sandbox
from benchmarks.products import COMPRESS
from benchmarks.report import Row, compared, single

PER_MINUTE, PER_HOUR = 120, 300
BUDGETS = {"get_per_minute": PER_MINUTE, "collections_per_hour": PER_HOUR}
LANES, ONE_LANE = 4, 1
"""Requests at once; the one is not compressed."""
FAR = 0.1
"""Seconds of latency from which a source is slow enough to be measured."""


def far(
    server: Database, products: int, turns: int, *, latency: float, bandwidth: int
) -> Iterator[Row]:
    """Yield the lines.

    Raises:
        WrongResult: The sandbox saw more requests in a minute than its budget, or refused one.
    """
    flags = ["--latency", str(latency), "--bandwidth", str(bandwidth)]
    first: list[Measured] = []
    same: dict[str, list[Measured]] = {"lanes": [], "one": []}
    with sandbox(products, flags=flags) as account:
        for _ in range(turns):
            name = server.new()
            for runs, lanes in ((first, LANES), (same["lanes"], LANES), (same["one"], ONE_LANE)):
                server.settle(name)
                if latency >= FAR:
                    time.sleep(60)  # else the last one's requests count, and this one has to wait
                env = environment(account, server.url(name), lanes=lanes, **BUDGETS)
                env |= {COMPRESS: "yes"} if lanes > 1 else {}
                runs.append(measure(SYNC_PRODUCTS, env, server))
            server.drop(name)
        seen = account.ask("rates")
    expect(seen["busiest_minute"] <= PER_MINUTE and not seen["refused"], f"budget passed: {seen}")
    where = f"{products:,} products, {latency * 1000:.0f} ms, {bandwidth * 8 / 1e6:.0f} Mbit/s"
    one = "1 lane, not compressed"
    yield compared(f"{where}: nothing changed", same["lanes"], one, same["one"], aim="≤ 0.15")
    yield compared(f"{where}: first load", first, f"{one}, nothing changed", same["one"])
    yield single(
        "the same, busiest minute and refusals as the source saw them",
        f"{seen['busiest_minute']} requests, {seen['refused']} refused",
        f"≤ {PER_MINUTE}, 0",
    )
