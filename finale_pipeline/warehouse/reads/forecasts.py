"""Forecasts of a day, as lists."""

from dataclasses import replace
from datetime import date

from finale_pipeline.warehouse.reads.listing import Listing

FORECASTS = Listing(
    name="forecasts",
    query="SELECT * FROM mart.forecast WHERE snapshot_on ="
    " coalesce(%(day)s::date, (SELECT max(snapshot_on) FROM plan.forecast))",
    key=("product_url", "text"),
    sorts={
        "sku": "text", "days_until_stockout": "numeric", "must_order_by_on": "date",
        "velocity_units_per_day": "numeric", "quantity_units": "numeric", "lost_units": "numeric",
    },
    order="sku",
    filters={
        "q": "(strpos(lower(sku), lower(%(q)s)) > 0 OR strpos(lower(name), lower(%(q)s)) > 0)",
        "vendor": "vendor = %(vendor)s",
        "abc_class": "abc_class = %(abc_class)s",
        "order_now": "order_now = %(order_now)s",
    },
)  # fmt: skip


def forecasts_on(day: date | None) -> Listing:
    """Return the list of the forecasts of a day; None = the newest."""
    return replace(FORECASTS, fixed={"day": day})
