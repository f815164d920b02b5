"""How long forecasts and the plan of a large account take, and how much memory beyond reading.

    python benchmarks/forecast.py [PRODUCTS] [SELLING] [DAYS]

The demand is invented: intermittent, lumpy, a few fast movers. Run it on a quiet machine.
"""

import resource
import sys
import time
from datetime import date, timedelta

import numpy as np
import polars as pl

from finale_pipeline.domain.forecast.history import History, Sparse, day_number
from finale_pipeline.planning.compute import compute
from finale_pipeline.planning.drafts import draft_lines
from finale_pipeline.planning.reading import OPEN, PRODUCTS, PlanInputs
from finale_pipeline.planning.writing import decision_rows, demand_rows
from finale_pipeline.settings import Settings

AS_OF = date(2026, 3, 9)


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


def main() -> None:
    given = [int(text) for text in sys.argv[1:]]
    products, selling, days = (*given, *(280_000, 30_000, 730)[len(given) :])
    catalogue = invented_products(products)
    history = invented_history(products, selling, days)
    known = PlanInputs(AS_OF, catalogue, history, open_lines(catalogue))
    settings = Settings.model_validate({"account": None})
    compute(
        PlanInputs(AS_OF, catalogue[:0], history.before(0), open_lines(catalogue[:0])), settings
    )
    read, begun, cpu = peak_megabytes(), time.perf_counter(), time.process_time()
    planned = compute(known, settings)
    lines = draft_lines(planned.products, AS_OF, AS_OF)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    peak = peak_megabytes()
    begun = time.perf_counter()
    rows = demand_rows(planned)
    decision_rows(planned.products, AS_OF, AS_OF)
    print(f"{products:,} products, {selling:,} sell, {days} days, {len(history.units):,} sales")
    print(f"forecast and plan   {cpu:6.2f} s CPU  {seconds:6.2f} s")
    print(f"memory beyond read  {peak - read:6.0f} MB  (read: {read:.0f} MB)")
    print(f"rows to be written  {len(rows):,} in {time.perf_counter() - begun:.2f} s")
    print(f"drafts              {lines['vendor_url'].n_unique():,} with {len(lines):,} lines")


if __name__ == "__main__":
    main()
