"""The plan of each location: shares of the product's forecast, the same formulas, its own stock."""

import math
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finale_pipeline.planning.locations import LINES, PLACES, LocationInputs, plan_places
from finale_pipeline.planning.plan import PlanReport, plan_day
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.domain.replenishment.reference import Situation, decide
from finale_pipeline_tests.planning.warehouse import AS_OF, NOW, SETTINGS, Warehouse

NORTH, SOUTH = "/f/north", "/f/south"


@pytest.fixture
def warehouse(connection: Connection) -> Warehouse:
    for url, parent in ((NORTH, None), (SOUTH, None), ("/f/north/shelf", NORTH)):
        connection.execute(
            "INSERT INTO core.facility (facility_url, name, parent_url, payload, first_seen_at,"
            " changed_at, row_hash) VALUES (%s, %s, %s, '{}', now(), now(), 0)",
            (url, url.rpartition("/")[2], parent),
        )
    return Warehouse(connection)


def shipped(warehouse: Warehouse, url: str, place: str | None, units: float, day: date) -> None:
    key = f"/s/{place}/{day}/{url}"
    warehouse.connection.execute(
        "INSERT INTO core.shipment (shipment_url, shipment_type, status, sold_on, updated_at,"
        " first_seen_at, changed_at, row_hash)"
        " VALUES (%s, 'SALES_SHIPMENT', 'SHIPMENT_SHIPPED', %s, now(), now(), now(), 0)",
        (key, day),
    )
    warehouse.connection.execute(
        "INSERT INTO core.shipment_line (shipment_url, position, product_url, facility_url, units,"
        " changed_at, row_hash) VALUES (%s, 1, %s, %s, %s, now(), 0)",
        (key, url, place, units),
    )


def lies(warehouse: Warehouse, url: str, place: str, units: float, coming: float = 0) -> None:
    warehouse.connection.execute(
        "INSERT INTO core.stock_level_by_location (product_url, location_url, on_hand_units,"
        " reserved_units, on_order_units, changed_at) VALUES (%s, %s, %s, 0, %s, now())",
        (url, place, units, coming),
    )


def plan(warehouse: Warehouse, day: date = AS_OF, settings: Settings = SETTINGS) -> PlanReport:
    return plan_day(warehouse.connection, day, settings, now=NOW)


def places_of(warehouse: Warehouse, sku: str, day: date = AS_OF) -> dict[str, dict[str, Any]]:
    rows: list[Any] = warehouse.connection.execute(
        "SELECT location_url, to_jsonb(f) FROM plan.forecast_by_location f"
        " WHERE product_url = %s AND snapshot_on = %s",
        (f"/p/{sku}", day),
    ).fetchall()
    return dict(rows)


def steady(warehouse: Warehouse, sku: str = "steady", **terms: Any) -> str:
    """Sells four a day, three of them from the north, one from the south."""
    url = warehouse.product(sku, **terms)
    warehouse.sales(url, [4.0] * 300)
    for ago in (1, 30, 180):
        day = AS_OF - timedelta(days=ago)
        shipped(warehouse, url, NORTH, 2, day)
        shipped(warehouse, url, "/f/north/shelf", 1, day)
        shipped(warehouse, url, SOUTH, 1, day)
    return url


def test_a_location_has_its_share_of_the_forecast(warehouse: Warehouse) -> None:
    url = steady(warehouse, available=100, on_order=12, pack=12)
    shipped(warehouse, url, SOUTH, 999, AS_OF - timedelta(days=183))
    shipped(warehouse, url, SOUTH, 999, AS_OF)
    lies(warehouse, url, NORTH, 98, coming=12)
    lies(warehouse, url, SOUTH, 2)
    warehouse.open_order(url, 12, due_on=AS_OF + timedelta(days=3))
    warehouse.connection.execute(
        "UPDATE core.purchase_order SET destination_url = '/f/north/shelf'"
    )
    plan(warehouse)

    whole, here = warehouse.forecast_of("steady"), places_of(warehouse, "steady")
    north, south = here[NORTH], here[SOUTH]
    assert (north["share"], south["share"]) == (0.75, 0.25)
    assert (north["velocity_units_per_day"], south["velocity_units_per_day"]) == (3, 1)
    assert (north["demand_units"], south["demand_units"]) == (63, 21)
    above = whole["demand_service_units"] - whole["demand_units"]
    assert south["demand_service_units"] == pytest.approx(21 + above * 0.5, abs=1e-5)
    assert (north["position_units"], south["position_units"]) == (110, 2)
    assert north["days_until_stockout"] == pytest.approx(110 / 3, abs=1e-5)
    assert (south["stockout_on"], south["order_now"]) == ("2026-03-11", True)
    assert south["quantity_units"] % 12 == 0
    assert south["quantity_units"] >= south["order_up_to_units"] - 2
    assert "Sells 1 a day here, 25 % of 4: its part of half a year's" in south["why"]
    assert "Available 2; nothing on order." in south["why"]
    assert "at or below the reorder point" in south["why"]


def test_the_view_shows_what_finale_says_and_what_we_say(warehouse: Warehouse) -> None:
    url = steady(warehouse, available=40)
    lies(warehouse, url, NORTH, 30)
    lies(warehouse, url, SOUTH, 10)
    warehouse.rule(url, 90, 50, place=NORTH)
    warehouse.rule(url, 7, 7, "##doNotReorder", place=SOUTH)
    plan(warehouse, settings=SETTINGS.model_copy(update={"reorder_points": "finale"}))

    shown = warehouse.connection.execute(
        "SELECT location, reorder_point_units, order_now, missing_units,"
        " other_locations_with_stock, point_in_use, we_say_order_now,"
        " we_say_quantity_units > 0, velocity_units_per_day"
        " FROM mart.reorder_by_location ORDER BY 1"
    ).fetchall()
    assert shown == [
        ("north", 90, True, 60, 1, "finale", True, True, 3),
        ("south", None, None, None, 1, "ours", False, False, 1),
    ]
    assert "do not" not in places_of(warehouse, "steady")[NORTH]["why"]
    assert "Finale says not to reorder it" in places_of(warehouse, "steady")[SOUTH]["why"]


def test_demand_of_no_known_place_is_not_lost(warehouse: Warehouse) -> None:
    url = warehouse.product("somewhere", available=9)
    warehouse.sales(url, [2.0] * 200)
    shipped(warehouse, url, None, 2, AS_OF - timedelta(days=1))
    lies(warehouse, url, NORTH, 9)
    unsold = warehouse.product("unsold", available=5)
    lies(warehouse, unsold, NORTH, 5)
    owed = warehouse.product("owed", available=-5)
    lies(warehouse, owed, SOUTH, -5)
    plan(warehouse)

    here = places_of(warehouse, "somewhere")
    assert {place: row["velocity_units_per_day"] for place, row in here.items()} == {
        "": 2, NORTH: 0,
    }  # fmt: skip
    assert (here[""]["available_units"], here[""]["quantity_units"]) == (None, 0)
    assert "no place is known" in here[""]["why"]
    assert "none of it from here" in here[NORTH]["why"]
    assert places_of(warehouse, "unsold") == {}
    assert places_of(warehouse, "owed")[SOUTH]["quantity_units"] == 5


def test_a_past_day_has_the_stock_that_its_own_plan_noted(warehouse: Warehouse) -> None:
    url = steady(warehouse, available=40)
    lies(warehouse, url, NORTH, 40)
    plan(warehouse)
    before = warehouse.rows("plan.forecast_by_location")
    later = AS_OF + timedelta(days=2)
    warehouse.connection.execute("INSERT INTO core.stock_day VALUES (%s, now())", (later,))
    warehouse.connection.execute("UPDATE core.stock_level_by_location SET on_hand_units = 1")

    again = plan(warehouse)

    assert warehouse.rows("plan.forecast_by_location") == before
    assert again.counts["plan.forecast_by_location"].unchanged == 2
    plan(warehouse, AS_OF - timedelta(days=20))
    unseen = places_of(warehouse, "steady", AS_OF - timedelta(days=20))
    assert unseen[NORTH]["share"] == 0.75
    assert unseen[NORTH]["reorder_point_units"] > 0
    assert unseen[NORTH]["position_units"] is None
    assert unseen[NORTH]["quantity_units"] == 0


units = st.integers(0, 400).map(float)
here = st.tuples(units, st.one_of(units, units.map(lambda n: -n)), st.one_of(st.none(), units))


@given(
    places=st.lists(here, min_size=1, max_size=5),
    velocity=st.sampled_from([0.0, 0.01, 0.7, 41.5]),
    above=units,
    pack=st.sampled_from([1.0, 6.0]),
)
def test_every_place_follows_the_documented_formulas(
    places: list[tuple[float, float, float | None]], velocity: float, above: float, pack: float
) -> None:
    expected = velocity * 21
    product = {
        "number": 0, "product_url": "/p/a", "is_active": True, "is_never_reordered": False,
        "is_stopped_by_buyer": False,
        "service_level": 0.95, "lead_time_days": 14.0, "lead_time_sd_days": 2.0,
        "review_period_days": 7.0, "cover_days": 30.0, "protection_days": 21.0,
        "minimum_order_units": 0.0, "pack_units": pack, "velocity_units_per_day": velocity,
        "demand_units": expected, "demand_service_units": expected + above,
        "is_trusted": True, "protection_days_now": 21.0,
    }  # fmt: skip
    rows = [(0, f"/f/{n}", sold, has, 0.0, point, False)
            for n, (sold, has, point) in enumerate(places)]  # fmt: skip
    known = LocationInputs(
        pl.DataFrame(rows, schema=dict(PLACES), orient="row"), pl.DataFrame(schema=dict(LINES))
    )
    found = plan_places(known, pl.DataFrame([product]), AS_OF, SETTINGS).rows_by_key(
        "location_url", named=True
    )

    pace = [row["velocity_units_per_day"] for of in found.values() for row in of]
    if velocity:
        assert math.isclose(sum(pace), velocity, rel_tol=1e-9)
    total = sum(sold for sold, _, _ in places)
    for n, (sold, has, point) in enumerate(places):
        share = sold / total if total else 0.0
        if f"/f/{n}" not in found:
            assert not (velocity and (share or has))
            assert not point
            assert has >= 0
            continue
        (row,) = found[f"/f/{n}"]
        expected_here = decide(
            Situation(
                has,
                share * velocity,
                quantile_units=share * expected + math.sqrt(share) * above,
                lead_time_days=14,
                lead_time_sd_days=2,
                review_period_days=7,
                cover_days=30,
                finale_point_units=point,
                pack_units=pack,
            )
        )
        ours = expected_here.our_point_units or 0.0
        assert math.isclose(row["our_reorder_point_units"], ours, rel_tol=1e-9, abs_tol=1e-7)
        wanted = expected_here.quantity_units
        assert row["order_now"] == (wanted > 0)
        assert math.isclose(row["quantity_units"], wanted, abs_tol=pack * 1e-6)
