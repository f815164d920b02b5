"""Properties of the reorder formulas, and the fast form against the documented one."""

import math
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.domain.replenishment import formulas as one
from finale_pipeline.domain.replenishment.decisions import (
    Arrivals,
    Needs,
    Suggestions,
    arrivals,
    replenish,
)

units = st.floats(0, 5_000).map(lambda value: round(value, 3))
paces = st.sampled_from([0.0, 0.01, 0.1, 0.7, 3.0, 41.5])
coming = st.lists(st.tuples(st.integers(0, 60), st.floats(0.5, 400)), max_size=4)


@dataclass(frozen=True)
class Product:
    """One product's needs."""

    available: float
    pace: float | None
    quantile: float
    lead: float
    sd: float
    review: float
    cover: float
    point: float | None
    maximum: float | None
    minimum: float
    pack: float
    discontinued: bool
    coming: list[one.Arrival]


products = st.builds(
    Product,
    available=st.one_of(units, units.map(lambda value: -value), st.just(0.0)),
    pace=st.one_of(paces, st.none()),
    quantile=units,
    lead=st.sampled_from([0.0, 2.5, 14.0, 60.0]),
    sd=st.sampled_from([0.0, 3.0]),
    review=st.sampled_from([1.0, 7.0]),
    cover=st.sampled_from([1.0, 7.0, 30.0]),
    point=st.one_of(st.none(), units),
    maximum=st.one_of(st.none(), units),
    minimum=st.sampled_from([0.0, 10.0]),
    pack=st.sampled_from([1.0, 6.0, 0.1]),
    discontinued=st.booleans(),
    coming=coming,
)


def needs(some: list[Product]) -> Needs:
    def column(name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        return np.array([getattr(p, name) for p in some], np.float64)

    owners = np.array([n for n, p in enumerate(some) for _ in p.coming], np.int64)
    days = np.array([d for p in some for d, _ in p.coming], np.float64)
    counts = np.array([u for p in some for _, u in p.coming], np.float64)
    return Needs(
        available_units=column("available"),
        units_per_day=column("pace"),
        quantile_units=column("quantile"),
        service_level=np.full(len(some), 0.95),
        lead_time_days=column("lead"),
        lead_time_sd_days=column("sd"),
        review_period_days=column("review"),
        cover_days=column("cover"),
        manual_point_units=column("point"),
        manual_maximum_units=column("maximum"),
        minimum_order_units=column("minimum"),
        pack_units=column("pack"),
        is_discontinued=np.array([p.discontinued for p in some], np.bool_),
        on_order=arrivals(owners, days, counts, products=len(some)),
    )


@dataclass(frozen=True)
class Expected:
    """What the documented formulas say of one product."""

    lasts: float | None
    point: float
    up_to: float
    order_now: bool
    quantity: float
    reorder_in: float | None
    without: float


def by_the_book(p: Product) -> Expected:
    pace = p.pace or 0.0
    protection = p.lead + p.review
    safety = one.safety_stock_units(
        quantile_units=p.quantile, units_per_day=pace, protection_days=protection,
        lead_time_sd_days=p.sd, service_level=0.95,
    )  # fmt: skip
    ours = one.reorder_point_units(
        units_per_day=pace, protection_days=protection, safety_units=safety
    )
    point = p.point if p.point is not None else ours
    up_to = p.maximum
    if up_to is None:
        up_to = one.order_up_to_units(
            reorder_point=point, units_per_day=pace, cover_days=p.cover,
            review_period_days=p.review,
        )  # fmt: skip
    position = p.available + sum(count for _, count in sorted(p.coming))
    known = p.pace is not None or p.point is not None
    due = one.must_order_now(
        position_units=position, reorder_point=point, units_per_day=p.pace if known else 0.0
    )
    order_now = due and not p.discontinued
    quantity = one.reorder_quantity_units(
        position_units=position, order_up_to=up_to if known or p.maximum is not None else 0.0,
        minimum_order_units=p.minimum, pack_units=p.pack,
    )  # fmt: skip
    later = one.days_until_reorder(
        position_units=position, reorder_point=point, units_per_day=p.pace if known else 0.0
    )
    return Expected(
        lasts=one.days_until_stockout(
            available_units=p.available, units_per_day=p.pace, arrivals=p.coming
        ),
        point=point,
        up_to=up_to,
        order_now=order_now,
        quantity=quantity if order_now else 0.0,
        reorder_in=None if p.discontinued else later,
        without=one.days_without_stock(
            available_units=p.available, units_per_day=p.pace, lead_time_days=p.lead,
            arrivals=p.coming,
        ),
    )  # fmt: skip


def near(found: float, expected: float | None) -> bool:
    if expected is None:
        return math.isnan(found)
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-7)


@given(some=st.lists(products, min_size=1, max_size=6))
def test_the_fast_form_says_what_the_documented_one_says(some: list[Product]) -> None:
    found = replenish(needs(some))

    for n, product in enumerate(some):
        expected = by_the_book(product)
        assert near(found.days_until_stockout[n], expected.lasts)
        assert bool(found.order_now[n]) == expected.order_now
        assert near(found.quantity_units[n], expected.quantity)
        assert near(found.days_until_reorder[n], expected.reorder_in)
        assert near(found.days_without_stock[n], expected.without)
        if product.pace is not None or product.point is not None:
            assert near(found.reorder_point_units[n], expected.point)
            assert near(found.order_up_to_units[n], expected.up_to)


@given(some=st.lists(products, min_size=2, max_size=6), seed=st.randoms(use_true_random=False))
def test_neither_other_products_nor_their_order_matter(some: list[Product], seed: object) -> None:
    order = list(range(len(some)))
    seed.shuffle(order)  # type: ignore[attr-defined]
    straight, mixed = replenish(needs(some)), replenish(needs([some[n] for n in order]))

    for name in Suggestions.__slots__:
        assert getattr(straight, name)[order].tobytes() == getattr(mixed, name).tobytes(), name


@given(available=units, slow=st.floats(0.01, 50), more=st.floats(0, 50), orders=coming)
def test_selling_faster_never_makes_stock_last_longer(
    available: float, slow: float, more: float, orders: list[one.Arrival]
) -> None:
    lasts, shorter = (
        one.days_until_stockout(available_units=available, units_per_day=pace, arrivals=orders)
        for pace in (slow, slow + more)
    )
    assert lasts is not None
    assert shorter is not None
    assert shorter <= lasts + 1e-6


@given(available=units, pace=st.floats(0.01, 50), orders=coming, extra=st.floats(1, 100))
def test_more_stock_and_more_orders_never_make_it_last_shorter(
    available: float, pace: float, orders: list[one.Arrival], extra: float
) -> None:
    before = one.days_until_stockout(available_units=available, units_per_day=pace, arrivals=orders)
    stock = one.days_until_stockout(
        available_units=available + extra, units_per_day=pace, arrivals=orders
    )
    order = one.days_until_stockout(
        available_units=available, units_per_day=pace, arrivals=[*orders, (3, extra)]
    )
    assert before is not None
    assert stock is not None
    assert order is not None
    assert min(stock, order) >= before - 1e-6


@given(product=products)
def test_an_order_is_whole_packs_at_least_the_minimum_and_reaches_its_level(
    product: Product,
) -> None:
    found = replenish(needs([product]))
    quantity = float(found.quantity_units[0])

    packs = quantity / product.pack
    assert packs == pytest.approx(round(packs), abs=1e-6)
    assert quantity >= 0
    if not found.order_now[0]:
        assert quantity == 0
        return
    assert quantity >= product.minimum - 1e-6
    reached = float(found.position_units[0]) + quantity
    assert reached >= np.nan_to_num(found.order_up_to_units[0]) - 1e-6


@given(product=products)
def test_what_was_just_ordered_is_not_ordered_again(product: Product) -> None:
    """The next plan of the same day sees the order on its way and asks for nothing."""
    product = replace(product, maximum=None)
    first = replenish(needs([product]))
    quantity = float(first.quantity_units[0])
    reached = float(first.position_units[0]) + quantity
    if reached <= np.nan_to_num(first.reorder_point_units[0]) + 1e-6:
        return  # nothing covered beyond the point, or nothing ordered

    again = replenish(needs([replace(product, coming=[*product.coming, (20, quantity)])]))

    assert not again.order_now[0]


def test_a_discontinued_product_shows_when_it_ends_and_is_not_ordered() -> None:
    product = Product(4, 2.0, 90, 14, 0, 7, 30, None, None, 0, 1, discontinued=True, coming=[])
    found = replenish(needs([product]))

    assert found.days_until_stockout[0] == 2
    assert found.quantity_units[0] == 0
    assert math.isnan(found.days_until_reorder[0])


def test_nothing_sells_nothing_is_owed_nothing_is_ordered() -> None:
    product = Product(0, 0.0, 0, 14, 0, 7, 30, 10, None, 5, 6, discontinued=False, coming=[])
    owed = replace(product, available=-7)
    found = replenish(needs([product, owed]))

    assert found.quantity_units.tolist() == [0, 18]  # up to the buyer's point of 10, in sixes
    assert np.isnan(found.days_until_reorder).tolist() == [True, False]


def test_an_unknown_velocity_is_no_reason_to_ignore_the_buyers_point() -> None:
    product = Product(
        0, None, math.nan, 14, 0, 7, 30, 10, None, 0, 1, discontinued=False, coming=[]
    )
    found = replenish(needs([product, replace(product, point=None)]))

    assert found.quantity_units.tolist() == [10, 0]
    assert math.isnan(found.reorder_point_units[1])


def test_an_arrival_on_the_very_day_prevents_the_stockout() -> None:
    at = {
        day: one.days_until_stockout(available_units=10, units_per_day=2, arrivals=[(day, 4)])
        for day in (5, 6)
    }
    assert at == {5: 7.0, 6: 5.0}


def test_late_orders_and_missing_dates() -> None:
    as_of = date(2026, 3, 9)

    def days(due_on: date | None, ordered_on: date | None = None) -> tuple[int, bool]:
        return one.arrival_in_days(
            due_on=due_on, ordered_on=ordered_on, lead_time_days=9.5, as_of=as_of
        )

    assert days(date(2026, 3, 8)) == (1, True)
    assert days(as_of) == (0, False)
    assert days(None, date(2026, 3, 1)) == (2, False)


def test_no_arrivals_at_all() -> None:
    none = Arrivals(np.zeros(3, np.int64), np.zeros(0), np.zeros(0))

    assert none.ranked() == []
    assert none.totals().tolist() == [0, 0]
