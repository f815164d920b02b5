"""`python -m benchmarks`: runs the cases and prints the table."""

import argparse
import os
import platform
from collections.abc import Iterator
from pathlib import Path

from benchmarks import catalogue, imports, link, peers
from benchmarks.ground import Database, database, sandbox
from benchmarks.report import Row, head

CASES = ("products", "full", "small", "dlt", "link", "imports")
MBIT_100 = 12_500_000


def main() -> None:
    options = _options()
    print(machine() + "\n")
    print(head(), flush=True)
    with database() as server:
        for case in options.only or CASES:
            for row in _rows(case, server, options):
                print(row, flush=True)


def machine() -> str:
    """Describe the machine: what decides about the numbers, and nothing that names it."""
    memory = Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {int(memory) / 1e6:.0f} GB, {platform.system()}"
        f" {platform.machine()}, Python {platform.python_version()}, load {load:.1f} at the start"
    )


def _rows(case: str, server: Database, options: argparse.Namespace) -> Iterator[Row]:
    turns = options.turns
    sizes = {
        "products": (catalogue.products, options.products),
        "full": (catalogue.full, options.products),
        "small": (catalogue.small, options.small),
        "dlt": (peers.against_dlt, options.peer),
    }
    if case in sizes:
        run, count = sizes[case]
        with sandbox(count, flags=["--no-limits"]) as account:
            yield from run(server, account, count, turns)
    elif case == "link":
        # The budget of an hour allows two turns of a large account.
        yield from link.far(
            server, options.products, min(turns, 2), latency=options.latency, bandwidth=MBIT_100
        )
    else:
        yield from imports.cost(server, turns)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--turns", type=int, default=3, help="of each contender; odd is best")
    parser.add_argument("--only", action="append", choices=CASES, help="may be repeated")
    parser.add_argument("--products", type=int, default=84_000, help="of the large account")
    parser.add_argument("--small", type=int, default=2_500, help="products of the small account")
    parser.add_argument("--peer", type=int, default=28_000, help="products against dlt")
    parser.add_argument("--latency", type=float, default=0.3, help="seconds, of the far source")
    parser.add_argument("--smoke", action="store_true", help="tiny, to see that all cases run")
    options = parser.parse_args()
    if options.smoke:
        options.turns, options.latency = 1, 0.01
        options.products, options.small, options.peer = 400, 200, 200
        options.only = options.only or [case for case in CASES if case != "dlt"]
    return options


if __name__ == "__main__":
    main()
