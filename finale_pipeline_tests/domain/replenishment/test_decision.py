"""The decision: its rules by their values, its properties, both of its forms held equal."""

import math
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.domain.replenishment.decisions import (
    LEVELS,
    SOURCES,
    Arrivals,
    Decisions,
    Situations,
    arrivals,
    decide_all,
)
from finale_pipeline_tests.domain.replenishment import reference as one
from finale_pipeline_tests.domain.replenishment.reference import (
    Decision,
    Situation,
    decide,
    is_too_late,
)

units = st.floats(0, 5_000).map(lambda value: round(value, 3))
paces = st.sampled_from([0.0, 0.01, 0.1, 0.7, 3.0, 41.5])
coming = st.lists(st.tuples(st.integers(0, 60), st.floats(0.5, 400)), max_size=4)
RULES = st.sampled_from(["forecast", "finale", "higher"])

situations = st.builds(
    Situation,
    available_units=st.one_of(units, units.map(lambda value: -value), st.just(0.0), st.none()),
    units_per_day=st.one_of(paces, st.none()),
    quantile_units=units,
    service_level=st.sampled_from([0.1, 0.5, 0.95]),
    lead_time_days=st.sampled_from([0.0, 2.5, 14.0, 60.0]),
    lead_time_sd_days=st.sampled_from([0.0, 3.0]),
    review_period_days=st.sampled_from([1.0, 7.0]),
    cover_days=st.sampled_from([1.0, 7.0, 30.0]),
    buyer_point_units=st.one_of(st.none(), units),
    finale_point_units=st.one_of(st.none(), units),
    finale_quantity_units=st.one_of(st.none(), units),
    maximum_units=st.one_of(st.none(), units),
    minimum_order_units=st.sampled_from([0.0, 10.0]),
    pack_units=st.sampled_from([1.0, 6.0, 0.1]),
    is_trusted=st.booleans(),
    is_stopped=st.booleans(),
    arrivals=coming,
)
OF_ALL = {"rule", "default_point_units"}
"""One setting for the whole catalogue."""


def as_columns(some: list[Situation], rule: Any) -> Situations:
    flags = {"is_trusted", "is_stopped"}
    columns: dict[str, Any] = {
        f.name: np.array([getattr(s, f.name) for s in some], bool if f.name in flags else float)
        for f in fields(Situation)
        if f.name not in OF_ALL | {"arrivals"}
    }
    owners = np.array([n for n, s in enumerate(some) for _ in s.arrivals], np.int64)
    days = np.array([d for s in some for d, _ in s.arrivals], np.float64)
    counts = np.array([u for s in some for _, u in s.arrivals], np.float64)
    on_order = arrivals(owners, days, counts, products=len(some))
    return Situations(**columns, arrivals=on_order, rule=rule)


def near(found: Any, expected: Any) -> bool:
    if expected is None:
        return math.isnan(found)
    return math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-7)


@given(some=st.lists(situations, min_size=1, max_size=6), rule=RULES)
def test_the_fast_form_says_what_the_documented_one_says(some: list[Situation], rule: Any) -> None:
    found = decide_all(as_columns(some, rule))

    for n, situation in enumerate(some):
        expected = decide(replace(situation, rule=rule))
        assert LEVELS[found.level[n]] == expected.level
        assert SOURCES[found.point_source[n]] == expected.point_source
        assert bool(found.is_too_late[n]) == is_too_late(situation, expected.days_left)
        for f in fields(Decision):
            if f.name not in {"level", "point_source"}:
                value = getattr(found, f.name)[n]
                assert near(value, getattr(expected, f.name)), (f.name, value, expected)


@given(
    some=st.lists(situations, min_size=2, max_size=6),
    rule=RULES,
    seed=st.randoms(use_true_random=False),
)
def test_neither_other_products_nor_their_order_matter(
    some: list[Situation], rule: Any, seed: Any
) -> None:
    order = list(range(len(some)))
    seed.shuffle(order)
    straight = decide_all(as_columns(some, rule))
    mixed = decide_all(as_columns([some[n] for n in order], rule))

    for name in Decisions.__slots__:
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


@given(s=situations, rule=RULES)
def test_an_order_is_whole_packs_at_least_the_minimum_and_never_above_the_maximum(
    s: Situation, rule: Any
) -> None:
    s = replace(s, rule=rule)
    decision = decide(s)
    quantity = decision.quantity_units

    packs = quantity / s.pack_units
    assert packs == pytest.approx(round(packs), abs=1e-6)
    assert quantity >= 0
    if not quantity or s.available_units is None:
        return
    assert quantity >= s.minimum_order_units - 1e-6
    if s.maximum_units is not None:
        assert s.available_units + decision.arriving_units + quantity <= s.maximum_units + 1e-6


@given(s=situations, rule=RULES)
def test_what_was_just_ordered_is_not_ordered_again(s: Situation, rule: Any) -> None:
    """The next decision of the same day sees the order on its way and asks for nothing."""
    s = replace(s, rule=rule)
    first = decide(s)
    reached = (s.available_units or 0.0) + first.arriving_units + first.quantity_units
    if not first.quantity_units or first.gap_days or reached <= (first.point_units or 0) + 1e-6:
        return  # nothing was ordered, or nothing beyond the point
    arrival = (one.whole_days(s.lead_time_days), first.quantity_units)

    again = decide(replace(s, arrivals=[*s.arrivals, arrival]))

    assert again.quantity_units == 0


@given(s=situations, low=st.floats(0.01, 0.99), high=st.floats(0.01, 0.99))
def test_safety_never_rises_as_the_service_level_falls(
    s: Situation, low: float, high: float
) -> None:
    low, high = sorted((low, high))
    less, more = (decide(replace(s, service_level=x)).safety_stock_units for x in (low, high))
    assert (less is None) == (more is None)
    assert less is None or more is None or less <= more + 1e-9


def test_what_comes_after_the_next_chance_to_order_does_not_stop_an_order() -> None:
    """Two a day, ten days to the shelf, reviewed weekly: 34 until a later order helps, 42 cover."""
    out = Situation(0, 2, quantile_units=34, lead_time_days=10)
    assert decide(replace(out, arrivals=[(180, 500)])).quantity_units == 76
    soon = replace(out, available_units=5, arrivals=[(3, 5), (180, 500)])
    assert decide(soon).quantity_units == 66
    assert decide(soon).arriving_units == 5
    assert decide(replace(out, arrivals=[(3, 500)])).quantity_units == 0


def test_an_order_fills_the_days_between_its_arrival_and_a_later_one() -> None:
    """Out until day 16 although 500 come then: an order of today is here on day 10."""
    late = Situation(0, 2, quantile_units=34, lead_time_days=10, arrivals=[(16, 500)])
    assert (decide(late).gap_days, decide(late).quantity_units) == (6, 12)


def test_a_persons_point_holds_where_nothing_sells() -> None:
    idle = Situation(0, 0)
    assert decide(replace(idle, buyer_point_units=24, maximum_units=60)).quantity_units == 60
    assert decide(replace(idle, finale_point_units=20)).quantity_units == 20
    finale = replace(idle, finale_point_units=20, finale_quantity_units=50)
    assert decide(finale).quantity_units == 50
    assert decide(replace(finale, available_units=20)).quantity_units == 0
    assert decide(idle).quantity_units == 0


def test_a_stale_point_in_finale_neither_starves_nor_floods() -> None:
    """The best seller of 21.9 a day with a point of 20; the slow one whose point lasts years."""
    best = Situation(0, 21.9, quantile_units=600, finale_point_units=20)
    assert decide(best).point_source == "ours"
    assert decide(best).quantity_units >= 600
    slow = Situation(400, 0.1, quantile_units=6, finale_point_units=500, is_trusted=False)
    assert decide(slow).point_source == "finale"
    assert decide(slow).quantity_units == 0


def test_maximum_packs_and_least_quantity() -> None:
    """Maximum 100, in packs of 48 with 10 there; 110 there, and 50 the least that is sold."""
    packs = Situation(10, 3, quantile_units=90, maximum_units=100, pack_units=48)
    assert decide(packs).quantity_units == 48
    above = Situation(110, 6, quantile_units=130, maximum_units=100, minimum_order_units=50)
    assert decide(above).quantity_units == 0
    asked = decide(replace(packs, minimum_order_units=96))
    assert (asked.quantity_units, asked.is_blocked) == (0, True)


def test_an_unknown_velocity_is_no_reason_to_ignore_the_buyers_point() -> None:
    unknown = Situation(0, None, buyer_point_units=10)
    assert decide(unknown).quantity_units == 10
    assert decide(replace(unknown, buyer_point_units=None)).quantity_units == 0
    assert decide(replace(unknown, buyer_point_units=None)).point_units is None


def test_a_discontinued_product_shows_when_it_ends_and_is_not_ordered() -> None:
    stopped = decide(Situation(4, 2, quantile_units=90, is_stopped=True))
    assert (stopped.days_left, stopped.quantity_units) == (2, 0)
    assert stopped.days_until_order is None


def test_what_is_owed_is_ordered_even_if_nothing_sells() -> None:
    owed = Situation(-7, 0, buyer_point_units=10, minimum_order_units=5, pack_units=6)
    assert decide(owed).quantity_units == 18
    assert decide(replace(owed, buyer_point_units=None)).quantity_units == 12


def test_an_arrival_on_the_very_day_prevents_the_stockout() -> None:
    at = {
        day: one.days_until_stockout(available_units=10, units_per_day=2, arrivals=[(day, 4)])
        for day in (5, 6)
    }
    assert at == {5: 7.0, 6: 5.0}


def test_no_arrivals_at_all() -> None:
    none = Arrivals(np.zeros(3, np.int64), np.zeros(0), np.zeros(0))

    assert none.ranked() == []
    assert none.totals().tolist() == [0, 0]
