"""Products and full syncs against the floor: first load, nothing changed, 1 % changed."""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.floor import EVERYTHING, PRODUCT_TABLES, PRODUCTS, Floor
from benchmarks.ground import Database, Measured, Sandbox, environment, expect, measure
from benchmarks.report import Row, compared, single

FLOOR = "floor of core.product"
STATES = ("first load", "nothing changed", "1 % changed")
SYNC_PRODUCTS = [sys.executable, "-m", "benchmarks.products"]
SYNC_STOCK = [*SYNC_PRODUCTS, "--stock"]


@dataclass
class Race:
    """The turns of one contender and of its floors, by state."""

    ours: dict[str, list[Measured]] = field(default_factory=lambda: defaultdict(list))
    floors: dict[tuple[str, str], list[Measured]] = field(default_factory=lambda: defaultdict(list))

    def rows(self, name: str, aims: dict[tuple[str, str], str]) -> Iterator[Row]:
        """Yield a line per state and floor.

        Args:
            name: What was run.
            aims: By floor and state.
        """
        for (floor, state), turns in self.floors.items():
            aim = aims.get((floor, state), "")
            yield compared(f"{name}, {state}", self.ours[state], floor, turns, aim=aim)


def race(
    server: Database,
    account: Sandbox,
    *,
    products: int,
    turns: int,
    command: list[str],
    floors: Mapping[str, tuple[str, ...]],
) -> Race:
    """Run a contender and its floors in turn.

    Args:
        server: For databases.
        account: What is read.
        products: How many it has.
        turns: Of each.
        command: The contender.
        floors: Tables of each floor, by its name.

    Raises:
        WrongResult: They left different rows, or a sync wrote other rows than were changed.
    """
    result = Race()
    for turn in range(turns):
        ours = server.new()
        theirs = {name: server.new() for name in floors}
        env = environment(account, server.url(ours))
        for state in STATES:
            due = {"first load": products, "nothing changed": 0}.get(state)
            if due is None:
                due = account.ask("edit", products=max(1, products // 100))
            server.settle(ours, *theirs.values())
            run = measure(command, env, server)
            expect(run.written("core.product") == due, f"{state}: {run.said}")
            result.ours[state].append(run)
            print(f"turn {turn + 1}, {state}: {run.seconds:.1f} s", file=sys.stderr)
            for name, tables in floors.items():
                # All rows are compared once, at the end of the first turn.
                compare = tables if turn == 0 and state == STATES[-1] else ()
                turn_of_floor = _floor(server, ours, theirs[name], tables, compare)
                result.floors[name, state].append(turn_of_floor)
        server.drop(ours, *theirs.values())
    return result


def _floor(
    server: Database, ours: str, theirs: str, tables: tuple[str, ...], compared: tuple[str, ...]
) -> Measured:
    """Bring a database to the rows of ours as fast as psql can."""
    with tempfile.TemporaryDirectory() as folder:
        floor = Floor(server, Path(folder), tables)
        floor.export(ours)
        server.settle(ours, theirs)
        measured = floor.load(theirs)
    for table in compared:
        same = server.contents(ours, table) == server.contents(theirs, table)
        expect(same, f"{table} differs from the floor's")
    return measured


def products(server: Database, account: Sandbox, count: int, turns: int) -> Iterator[Row]:
    """Yield the lines of a large account's products."""
    floors = {FLOOR: PRODUCTS, "floor of its three tables": PRODUCT_TABLES}
    result = race(
        server, account, products=count, turns=turns, command=SYNC_PRODUCTS, floors=floors
    )
    aims = ("≤ 1.5", "≤ 1.3; 0 rows, < 1 MB WAL", "≤ 1.4; exactly those rows")
    named = {(FLOOR, state): aim for state, aim in zip(STATES, aims, strict=True)}
    yield from result.rows(f"{count:,} products", named)
    peak = max(m.peak_mb for runs in result.ours.values() for m in runs)
    aim = "≤ 512" if count > 500_000 else "≤ 256"
    yield single(f"{count:,} products, peak memory", f"{peak:.0f} MB", aim)


def full(server: Database, account: Sandbox, count: int, turns: int) -> Iterator[Row]:
    """Yield the lines of what a full sync reads of places, vendors, products and all stock."""
    floors = {"floor of its ten tables": EVERYTHING}
    result = race(server, account, products=count, turns=turns, command=SYNC_STOCK, floors=floors)
    yield from result.rows(f"{count:,} products with stock", {})


def small(server: Database, account: Sandbox, count: int, turns: int) -> Iterator[Row]:
    """Yield the lines of a small account, where starting the process is most of it."""
    floors = {FLOOR: PRODUCTS}
    result = race(
        server, account, products=count, turns=turns, command=SYNC_PRODUCTS, floors=floors
    )
    yield from result.rows(f"{count:,} products", {(FLOOR, STATES[0]): "≤ 8"})
    names = [server.new() for _ in range(turns + 1)]
    env = environment(account, server.url(names[0]))
    warm = measure([*SYNC_PRODUCTS, *map(server.url, names)], env, server)
    server.drop(*names)
    seconds = median(warm.said["seconds"][1:])
    yield single(f"{count:,} products, first load in a warm process", f"{seconds:.3f}")
