"""Products and full syncs against the floor: first load, nothing changed, 1 % changed."""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.floor import EVERYTHING, PRODUCTS, Floor
from benchmarks.ground import BIN, Database, Measured, Sandbox, environment, expect, measure
from benchmarks.report import Row, compared, single

STATES = ("first load", "nothing changed", "1 % changed")
SYNC_PRODUCTS = [sys.executable, "-m", "benchmarks.products"]
SYNC_FULL = [str(BIN / "finale"), "sync", "full", "--json"]


@dataclass
class Race:
    """The turns of one contender and of the floor, by state."""

    ours: dict[str, list[Measured]] = field(default_factory=lambda: {s: [] for s in STATES})
    floor: dict[str, list[Measured]] = field(default_factory=lambda: {s: [] for s in STATES})


def race(
    server: Database,
    account: Sandbox,
    *,
    products: int,
    turns: int,
    command: list[str],
    tables: tuple[str, ...],
) -> Race:
    """Run a contender and the floor in turn.

    Raises:
        WrongResult: They left different rows, or a sync wrote other rows than were changed.
    """
    result = Race()
    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(server, Path(folder), tables)
        for turn in range(turns):
            ours, theirs = server.new(), server.new()
            env = environment(account, server.url(ours))
            for state in STATES:
                due = {"first load": products, "nothing changed": 0}.get(state)
                if due is None:
                    due = account.ask("edit", products=max(1, products // 100))
                server.settle(ours, theirs)
                run = measure(command, env, server)
                expect(run.written("core.product") == due, f"{state}: {run.said}")
                floor.export(ours)
                server.settle(ours, theirs)
                result.ours[state].append(run)
                result.floor[state].append(floor.load(theirs))
                print(f"turn {turn + 1}, {state}: {run.seconds:.1f} s", file=sys.stderr)
                for table in tables if turn == 0 else ():
                    same = server.contents(ours, table) == server.contents(theirs, table)
                    expect(same, f"{state}: {table} differs from the floor's")
            server.drop(ours, theirs)
    return result


def rows(name: str, result: Race, floor: str, aims: tuple[str, str, str]) -> Iterator[Row]:
    """Yield a line per state."""
    for state, aim in zip(STATES, aims, strict=True):
        yield compared(f"{name}, {state}", result.ours[state], floor, result.floor[state], aim=aim)


def large(server: Database, account: Sandbox, products: int, turns: int) -> Iterator[Row]:
    """Yield the lines of a large account: its products alone, then everything."""
    result = race(
        server, account, products=products, turns=turns, command=SYNC_PRODUCTS, tables=PRODUCTS
    )
    aims = ("≤ 1.5", "≤ 1.3; 0 rows, < 1 MB WAL", "≤ 1.4; exactly those rows")
    yield from rows(f"{products:,} products", result, "floor of core.product", aims)
    peak = max(m.peak_mb for runs in result.ours.values() for m in runs)
    aim = "≤ 512" if products > 500_000 else "≤ 256"
    yield single(f"{products:,} products, peak memory", f"{peak:.0f} MB", aim)
    result = race(
        server, account, products=products, turns=turns, command=SYNC_FULL, tables=EVERYTHING
    )
    yield from rows(f"{products:,} full sync", result, "floor of all tables", ("", "", ""))


def small(server: Database, account: Sandbox, products: int, turns: int) -> Iterator[Row]:
    """Yield the lines of a small account, where starting the process is most of it."""
    result = race(
        server, account, products=products, turns=turns, command=SYNC_PRODUCTS, tables=PRODUCTS
    )
    yield from rows(f"{products:,} products", result, "floor of core.product", ("≤ 8", "", ""))
    names = [server.new() for _ in range(turns + 1)]
    env = environment(account, server.url(names[0]))
    warm = measure([*SYNC_PRODUCTS, *map(server.url, names)], env, server)
    server.drop(*names)
    seconds = median(warm.said["seconds"][1:])
    yield single(f"{products:,} products, first load in a warm process", f"{seconds:.3f}")
