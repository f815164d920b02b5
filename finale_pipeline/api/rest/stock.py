"""What a buyer needs, as data: products, forecasts, incidents, vendors."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from finale_pipeline.api.rest.decisions import DecisionBody, Snooze
from finale_pipeline.api.rest.openapi import good, listed, problems
from finale_pipeline.api.rest.pagination import Reads, answer
from finale_pipeline.api.rest.responses import as_json, in_words
from finale_pipeline.api.server.actors import Actor
from finale_pipeline.api.server.context import AsOf, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.clock import business_day
from finale_pipeline.domain.states import IncidentState
from finale_pipeline.notify import decisions
from finale_pipeline.warehouse.incidents import Choice
from finale_pipeline.warehouse.reads import forecasts as forecasts_reads
from finale_pipeline.warehouse.reads import incidents as incidents_reads
from finale_pipeline.warehouse.reads import products as products_reads
from finale_pipeline.warehouse.reads import stock as stock_reads
from finale_pipeline.warehouse.reads import vendors as vendors_reads

router = APIRouter(prefix="/api", tags=["stock"], responses=problems())

HISTORY_DAYS = 90

Search = Annotated[
    str | None, Query(max_length=100, description="Part of a SKU or a name; upper and lower alike.")
]
Name = Annotated[str | None, Query(max_length=200)]


@router.get(
    "/products",
    summary="Products with their stock",
    responses=listed(
        products_reads.PRODUCTS,
        (
            "product_url sku name status category cost main_vendor lead_time_days "
            "on_hand_units reserved_units on_order_units available_units position_units "
            "updated_at"
        ),
    ),
)
def products(
    *,
    reading: Reads,
    q: Search = None,
    category: Name = None,
    vendor: Name = None,
    active: Annotated[bool | None, Query(description="Whether it is active in Finale.")] = None,
    available_below: Annotated[
        float | None, Query(allow_inf_nan=False, description="Units.")
    ] = None,
) -> Response:
    """Return pages of products with their stock now."""
    filters = {
        "q": q,
        "category": category,
        "vendor": vendor,
        "active": active,
        "available_below": available_below,
    }
    return answer(reading, products_reads.PRODUCTS, filters)


@router.get(
    "/products/{sku:path}",
    summary="One product: stock, rules, forecast, why, history",
    responses=good(
        "The product.",
        {"sku": "TEA-1", "available_units": 12, "reorder_rules": [], "forecast": None},
    ),
)
def product(
    context: Shared,
    connection: Warehouse,
    headers: AsOf,
    sku: Annotated[str, Path(max_length=300, description="SKU, or product_url.")],
) -> Response:
    """Return what is known of a product, with ninety days of stock and sales."""
    row = products_reads.product(connection, sku)
    if row is None:
        raise Problem(404, "No product has this SKU.", code="unknown_product")
    url = row["product_url"]
    today = business_day(context.clock(), context.settings.zone)
    last = stock_reads.last_day(connection) or today
    since = last - timedelta(days=HISTORY_DAYS)
    history = {
        "stock": products_reads.stock_history(connection, url, since),
        "sales": products_reads.sales_history(connection, url, since),
        "arrivals": products_reads.arrivals(connection, url),
    }
    forecast = row["forecast"] and in_words(row["forecast"])
    return as_json(row | {"forecast": forecast, "history": history}, headers=headers)


@router.get(
    "/forecasts",
    summary="Velocity, demand and dates of every product",
    responses=listed(
        forecasts_reads.FORECASTS,
        (
            "snapshot_on product_url sku name velocity_units_per_day method abc_class "
            "xyz_class lead_time_days demand_units demand_q95_units days_until_stockout "
            "stockout_on reorder_point_units order_now quantity_units must_order_by_on why"
        ),
    ),
)
def forecasts(
    *,
    reading: Reads,
    on: Annotated[date | None, Query(description="Snapshot day; the newest unless given.")] = None,
    q: Search = None,
    vendor: Name = None,
    abc_class: Annotated[Literal["A", "B", "C"] | None, Query()] = None,
    order_now: Annotated[bool | None, Query()] = None,
) -> Response:
    """Return pages of the forecasts of a day."""
    filters = {"q": q, "vendor": vendor, "abc_class": abc_class, "order_now": order_now}
    listing = forecasts_reads.forecasts_on(on)
    return answer(reading, listing, filters)


@router.get(
    "/incidents",
    summary="Stays away from ok, with what was decided",
    responses=listed(
        incidents_reads.INCIDENTS,
        (
            "incident_id subject sku name state level opened_at closed_at snoozed_until note "
            "decided_by available_units threshold_units why"
        ),
    ),
)
def incidents(
    *,
    reading: Reads,
    state: Annotated[IncidentState | None, Query()] = None,
    level: Annotated[str | None, Query(max_length=20)] = None,
    is_open: Annotated[bool | None, Query(alias="open")] = None,
    sku: Name = None,
) -> Response:
    """Return pages of incidents, newest first."""
    filters = {"state": state, "level": level, "is_open": is_open, "sku": sku}
    return answer(reading, incidents_reads.INCIDENTS, filters)


Number = Annotated[int, Path(ge=1, lt=2**63, description="Number of the incident.")]
DECIDED: dict[str, Any] = {
    "responses": good("What was written.", {"incident_id": 7, "sku": "TEA-1", "state": "ordered"})
}


@dataclass(frozen=True, slots=True)
class _Incident:
    """An incident that somebody decides about."""

    context: Shared
    connection: Warehouse
    incident_id: Number
    actor: Actor

    def decide(self, state: str, decision: DecisionBody | None) -> Response:
        """Write what was decided.

        Raises:
            Problem: 404: it is not open.
        """
        subject = incidents_reads.open_subject(self.connection, self.incident_id)
        if subject is None:
            raise Problem(404, "No open incident has this number.", code="unknown_incident")
        choice = Choice(state, self.actor, decision.note if decision else None)
        if isinstance(decision, Snooze):
            day, zone = decision.until, self.context.settings.zone
            until = datetime.combine(day, time(), zone) if day else None
            choice = replace(choice, until=until, even_if_worse=decision.even_if_worse)
        (row,) = decisions.decide(self.connection, [subject], choice, now=self.context.clock())
        return as_json(row)


Incident = Annotated[_Incident, Depends()]


@router.post("/incidents/{incident_id}/acknowledge", summary="Seen; quiet until worse", **DECIDED)
def acknowledge(incident: Incident, decision: DecisionBody | None = None) -> Response:
    """Note that somebody knows: no mail about it until it gets worse."""
    return incident.decide("acknowledged", decision)


@router.post("/incidents/{incident_id}/ordered", summary="Ordered; quiet until worse", **DECIDED)
def ordered(incident: Incident, decision: DecisionBody | None = None) -> Response:
    """Note that it was ordered: no mail about it until it gets worse."""
    return incident.decide("ordered", decision)


@router.post("/incidents/{incident_id}/snooze", summary="Quiet until a day", **DECIDED)
def snooze(incident: Incident, decision: Snooze | None = None) -> Response:
    """Be quiet until a day, or until it gets worse."""
    return incident.decide("snoozed", decision)


@router.get(
    "/vendors",
    summary="Suppliers with their measured lead times",
    responses=listed(
        vendors_reads.VENDORS,
        (
            "vendor_url vendor_id name is_enabled email phone measured_orders "
            "median_lead_days p90_lead_days"
        ),
    ),
)
def vendors(
    *,
    reading: Reads,
    q: Search = None,
    enabled: Annotated[bool | None, Query()] = None,
) -> Response:
    """Return pages of vendors."""
    filters = {"q": q, "enabled": enabled}
    return answer(reading, vendors_reads.VENDORS, filters)
