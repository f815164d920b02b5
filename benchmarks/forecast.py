"""How long forecasts and the plan of a large account take, and how much memory beyond reading.

    python -m benchmarks.forecast [--products N] [--selling N] [--days N] [--warehouse]

With `--warehouse` the demand is written into a database, and what is timed is packing its months,
which the first plan does once, and reading it, which each plan does. It is invented: intermittent,
lumpy, a few fast movers. Run it on a quiet machine.
"""

import argparse
import resource
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeVar

import numpy as np
import polars as pl

from benchmarks.ground import MEGABYTE, Database, database
from finale_pipeline.domain.forecast.history import History, Sparse, day_number
from finale_pipeline.planning.compute import compute
from finale_pipeline.planning.drafts import draft_lines
from finale_pipeline.planning.reading import OPEN, PRODUCTS, PlanInputs, read
from finale_pipeline.planning.writing import decision_rows, demand_rows
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.sales_months import pack

AS_OF = date(2026, 3, 9)
T = TypeVar("T")


def invented_history(products: int, selling: int, days: int) -> History:
    """Return two years of sales: about two days in five have one."""
    random = np.random.default_rng(7)
    numbers = np.sort(random.choice(products, size=selling, replace=False))
    chance = random.beta(0.9, 1.3, size=selling)
    counts, sold = np.zeros(selling, np.int64), []
    for place in range(selling):
        on = np.flatnonzero(random.random(days) < chance[place]).astype(np.int32)
        counts[place] = len(on)
        sold.append(on)
    keep = counts > 0
    starts = np.concatenate([[0], np.cumsum(counts[keep])]).astype(np.int64)
    placed = np.concatenate(sold) + np.int32(day_number(AS_OF) - days)
    units = 1.0 + random.negative_binomial(1, 0.25, size=len(placed))
    out = Sparse(np.zeros(int(keep.sum()) + 1, np.int64), np.zeros(0, np.int32))
    keys = pl.Series("product_url", numbers[keep])
    return History(keys, Sparse(starts, placed), units.astype(np.float64), placed[starts[:-1]], out)


def invented_products(products: int) -> pl.DataFrame:
    """Return the catalogue with stock, suppliers and rules."""
    random = np.random.default_rng(11)
    numbers = np.arange(products)
    given = {
        "number": numbers,
        "product_url": [f"/demo/api/product/{n:07}" for n in numbers],
        "sku": [f"SKU-{n:07}" for n in numbers],
        "is_active": random.random(products) < 0.97,
        "vendor_url": [f"/demo/api/partygroup/{n}" for n in random.integers(0, 400, products)],
        "vendor": ["A vendor"] * products,
        "unit_cost": np.round(random.gamma(2, 8, products), 2),
        "supplier_lead_days": random.choice([7.0, 14.0, 30.0, 45.0], products),
        "case_units": random.choice([1.0, 6.0, 12.0], products),
        "finale_point_units": np.where(random.random(products) < 0.2, 10.0, np.nan),
        "is_never_reordered": np.zeros(products, np.bool_),
        "available_units": random.integers(-3, 300, products).astype(np.float64),
        "on_order_units": np.where(random.random(products) < 0.1, 50.0, 0.0),
    }
    frame = pl.DataFrame(given, nan_to_null=True)
    missing = [pl.lit(None, kind).alias(n) for n, kind in PRODUCTS.items() if n not in given]
    return frame.with_columns(missing)


def open_lines(products: pl.DataFrame) -> pl.DataFrame:
    """Return one open line for everything that is on order."""
    coming = products.filter(pl.col("on_order_units") > 0)
    return coming.select(
        "number", units="on_order_units", due_on=pl.lit(AS_OF + timedelta(days=9)),
        ordered_on=pl.lit(AS_OF - timedelta(days=5)),
    ).cast(pl.Schema(OPEN))  # fmt: skip


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fill(connection: Connection, products: int, history: History) -> None:
    """Write a catalogue with stock, and the sales of a history, a day after the other."""
    for statement in CATALOGUE:
        connection.execute(statement, {"products": products, "as_of": AS_OF})
    sales = pl.DataFrame({
        "number": history.keys.gather(history.sold.owners()).cast(pl.String).str.zfill(7),
        "sold_on": pl.Series(history.sold.days).cast(pl.Date),
        "units": history.units,
    }).sort("sold_on")  # fmt: skip
    rows = sales.select(
        pl.lit("/demo/api/product/") + pl.col("number"), "sold_on", "units", orders=1,
        dated_by=pl.lit("order"), by_ship_date=0, changed_at=pl.lit(f"{AS_OF}"),
    )  # fmt: skip
    with connection.cursor() as cursor, cursor.copy(COPY_SALES) as copy:
        for part in rows.iter_slices(500_000):
            copy.write(part.write_csv(include_header=False).encode())


CATALOGUE = (
    "INSERT INTO core.product (product_url, sku, status, cost, payload, created_at, first_seen_at,"
    " changed_at, row_hash) SELECT '/demo/api/product/' || lpad(n::text, 7, '0'), 'SKU-' || n,"
    " 'PRODUCT_ACTIVE', 2.5, '{}', now() - interval '3 years', now(), now(), 0"
    " FROM generate_series(0, %(products)s - 1) n",
    "INSERT INTO core.stock_level (product_url, on_hand_units, reserved_units, on_order_units,"
    " changed_at) SELECT product_url, 10, 0, 0, now() FROM core.product",
    "INSERT INTO core.stock_day VALUES (%(as_of)s, now())",
)
COPY_SALES = (
    "COPY core.sales_daily (product_url, sold_on, units, orders, dated_by, units_by_ship_date,"
    " changed_at) FROM STDIN (FORMAT csv)"
)


def from_warehouse(products: int, history: History) -> PlanInputs:
    """Have a database hold it all, and print what it takes to read the plan's inputs from it."""
    with database() as server:
        name = server.new()
        with connect(server.url(name), name="benchmark") as connection:
            of_server(server, "write the sales", lambda: fill(connection, products, history))
            of_server(server, "pack their months", lambda: pack(connection, AS_OF))
        server.settle(name)
        with connect(server.url(name), name="benchmark") as connection:

            def inputs() -> PlanInputs:
                with connection.transaction():
                    return read(connection, AS_OF, observed=AS_OF)[0]

            return of_server(server, "read the warehouse", inputs)


def of_server(server: Database, what: str, do: Callable[[], T]) -> T:
    """Do something as `timed`, and print what the database's server did for it."""
    cpu, wal = server.cpu(), server.wal()
    done = timed(what, do)
    time.sleep(0.5)  # until the server has counted
    written = (server.wal() - wal) / MEGABYTE
    print(f"of the server       {server.cpu() - cpu:6.2f} s CPU  {written:6.1f} MB WAL")
    return done


def timed(what: str, do: Callable[[], T]) -> T:
    """Do something, and print what it took of the processor and of the clock."""
    begun, cpu = time.perf_counter(), time.process_time()
    done = do()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    print(f"{what:20}{cpu:6.2f} s CPU  {seconds:6.2f} s")
    return done


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--products", type=int, default=280_000)
    options.add_argument("--selling", type=int, default=30_000)
    options.add_argument("--days", type=int, default=730)
    options.add_argument("--warehouse", action="store_true", help="read them from a database")
    given = options.parse_args()
    history = invented_history(given.products, given.selling, given.days)
    print(
        f"{given.products:,} products, {given.selling:,} sell, {given.days} days,"
        f" {len(history.units):,} sales"
    )
    if given.warehouse:
        known = from_warehouse(given.products, history)
    else:
        catalogue = invented_products(given.products)
        known = PlanInputs(AS_OF, catalogue, history, open_lines(catalogue))
    settings = Settings.model_validate({"account": None})
    nothing = PlanInputs(AS_OF, known.products[:0], history.before(0), known.open_lines[:0])
    compute(nothing, settings)
    before = peak_megabytes()
    planned = timed("forecast and plan", lambda: compute(known, settings))
    lines = draft_lines(planned.products, AS_OF, AS_OF)
    print(f"memory beyond read  {peak_megabytes() - before:6.0f} MB  (read: {before:.0f} MB)")
    begun = time.perf_counter()
    rows = demand_rows(planned)
    decision_rows(planned.products, AS_OF, AS_OF)
    print(f"rows to be written  {len(rows):,} in {time.perf_counter() - begun:.2f} s")
    print(f"drafts              {lines['vendor_url'].n_unique():,} with {len(lines):,} lines")


if __name__ == "__main__":
    main()
