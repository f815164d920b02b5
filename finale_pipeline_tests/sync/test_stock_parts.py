"""Stock is summed and sorted by parts: what comes of it does not depend on their size."""

from collections import Counter, defaultdict

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.domain.syncs.stock import StockSummary
from finale_pipeline.sync.stock import in_order
from finale_pipeline.sync.stock_read import summarise

UNITS = ("on_hand_units", "on_order_units", "reserved_units")
ADDRESSES = ("product_url", "location_url")

quantities = st.integers(-3, 3).map(float)
entries = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz"), *[quantities] * 3), max_size=40
)
Entry = tuple[str, str, float, float, float]


def frame(rows: list[Entry]) -> pl.DataFrame:
    schema = dict.fromkeys(ADDRESSES, pl.String) | dict.fromkeys(UNITS, pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row").cast({"location_url": pl.Categorical})


def plain_sums(rows: list[Entry]) -> StockSummary:
    products = [defaultdict[str, float](float) for _ in UNITS]
    places = defaultdict[tuple[str, str], float](float)
    for product, place, *units in rows:
        places[product, place] += units[0]
        for sums, unit in zip(products, units, strict=True):
            sums[product] += unit
    in_stock, on_order, reserved = (sum(u > 0 for u in sums.values()) for sums in products)
    by_place = Counter(place for (_, place), units in places.items() if units > 0)
    return StockSummary(in_stock, dict(by_place), on_order, reserved)


@given(rows=entries, size=st.integers(1, 50))
def test_sums_do_not_depend_on_how_many_rows_are_summed_at_a_time(
    rows: list[Entry], size: int
) -> None:
    assert summarise(frame(rows), size) == plain_sums(rows)


@given(keys=st.lists(st.text("abc", max_size=4), max_size=60), size=st.integers(1, 2_000))
def test_keys_sorted_by_parts_are_sorted_as_a_whole(keys: list[str], size: int) -> None:
    series = pl.Series(keys, dtype=pl.String)
    places = [place for part in in_order(series, size) for place in part]

    assert sorted(places) == list(range(len(keys)))
    assert [keys[place] for place in places] == sorted(keys)
