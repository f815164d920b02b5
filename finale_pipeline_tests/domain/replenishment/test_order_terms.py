"""What may be ordered, and the nearest quantity that may."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.domain.replenishment.order_terms import (
    OrderTerms,
    check_quantity,
    units_to_minimum,
)
from finale_pipeline_tests.domain.replenishment.reference import Situation, decide

quantities = st.decimals("0.001", "100000", places=3)
packs = st.sampled_from([Decimal(p) for p in ("0.1", "0.25", "1", "6", "12", "144", "1000")])
minimums = st.one_of(st.just(Decimal(0)), st.decimals("0.001", "5000", places=3))
terms_of = st.builds(OrderTerms, packs, minimums)


def suggested_units(wanted: Decimal, terms: OrderTerms) -> float:
    """Return what is suggested of a product that is out and of which so much is wanted."""
    out = Situation(
        0,
        buyer_point_units=float(wanted),
        minimum_order_units=float(terms.minimum_order_units),
        pack_units=float(terms.pack_units),
    )
    return decide(out).quantity_units


@given(wanted=quantities, terms=terms_of)
def test_both_neighbours_may_be_ordered_and_nothing_between_them(
    wanted: Decimal, terms: OrderTerms
) -> None:
    found = check_quantity(wanted, terms)
    assert check_quantity(found.above_units, terms).broken_rules == ()
    assert found.above_units >= wanted
    if found.below_units is None:
        assert check_quantity(found.above_units - terms.pack_units, terms).broken_rules or (
            found.above_units == terms.pack_units
        )
    else:
        assert check_quantity(found.below_units, terms).broken_rules == ()
        assert found.below_units <= wanted
        assert found.above_units - found.below_units in {Decimal(0), terms.pack_units}


@given(wanted=quantities, terms=terms_of)
def test_a_quantity_is_right_when_it_is_its_own_neighbour(
    wanted: Decimal, terms: OrderTerms
) -> None:
    found = check_quantity(wanted, terms)
    assert (found.broken_rules == ()) == (found.above_units == wanted)
    assert found.nearest_units in {found.below_units, found.above_units}
    assert check_quantity(found.nearest_units, terms).broken_rules == ()


@given(wanted=quantities, terms=terms_of)
def test_what_the_plan_would_round_up_to_is_the_neighbour_above(
    wanted: Decimal, terms: OrderTerms
) -> None:
    planned = suggested_units(wanted, terms)
    assert abs(float(check_quantity(wanted, terms).above_units) - planned) < 1e-6


@given(wanted=quantities, terms=terms_of)
def test_a_suggestion_breaks_no_rule(wanted: Decimal, terms: OrderTerms) -> None:
    """Suggestions are computed as floats: 3 packs of 0.1 may be 0.30000000000000004."""
    suggested = suggested_units(wanted, terms)
    assert check_quantity(Decimal(repr(suggested)), terms).broken_rules == ()


@given(
    quantity=quantities,
    cost=st.decimals("0.01", "1000", places=2),
    gap=st.decimals("0.01", "100000", places=2),
    terms=terms_of,
)
def test_the_quantity_that_reaches_the_minimum_does(
    quantity: Decimal, cost: Decimal, gap: Decimal, terms: OrderTerms
) -> None:
    units = units_to_minimum(quantity, unit_cost=cost, gap=gap, terms=terms)
    assert units is not None
    assert (units - quantity) * cost >= gap - Decimal("0.001")
    assert check_quantity(units, terms).broken_rules == ()


def test_where_nothing_lacks_nothing_is_advised() -> None:
    for cost, gap in ((None, Decimal(5)), (Decimal(0), Decimal(5)), (Decimal(5), Decimal(0))):
        assert units_to_minimum(Decimal(1), unit_cost=cost, gap=gap, terms=OrderTerms()) is None
