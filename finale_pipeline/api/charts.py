"""A product's picture: what was sold, and where its stock may go; as planning draws it."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from finale_pipeline.api import queries
from finale_pipeline.warehouse.connect import Connection


def chart(connection: Connection, found: dict[str, Any], today: date) -> bytes | None:
    """Return the picture as a PNG; None for a product of which no demand is known.

    Between now and the end of the protection time quantiles widen with the root of time.

    Args:
        connection: To the warehouse.
        found: The product with its forecast, as `queries.product` returns it.
        today: The account's day.
    """
    forecast = found["forecast"]
    if forecast is None or forecast["velocity_units_per_day"] is None:
        return None
    import numpy as np  # noqa: PLC0415 - only for pictures

    from finale_pipeline.planning.pictures import PAST_DAYS, Fan, fan_chart  # noqa: PLC0415

    as_of, url = forecast["snapshot_on"], found["product_url"]
    protection = max(float(forecast["protection_days"]), 1.0)
    pace = float(forecast["velocity_units_per_day"])
    days = np.arange(0.0, np.ceil(protection * 1.5) + 1)
    sold = np.zeros(PAST_DAYS)
    for row in queries.sales_history(connection, url, as_of - timedelta(days=PAST_DAYS)):
        ago = (as_of - row["sold_on"]).days
        if 1 <= ago <= PAST_DAYS:
            sold[PAST_DAYS - ago] = float(row["units"])
    coming = _coming(queries.arrivals(connection, url), today, len(days))
    available = float(forecast["available_units"] or 0) + np.array(coming)
    at_worst = {}
    for level, name in ((0.5, "q50"), (0.9, "q90"), (0.95, "q95")):
        more = float(forecast[f"demand_{name}_units"] or 0) - pace * protection
        at_worst[level] = available - pace * days - more * np.sqrt(days / protection)
    point = forecast["reorder_point_units"]
    return fan_chart(
        Fan(
            title=f"{found['sku']}: {forecast['why']}",
            as_of=as_of,
            sold=sold,
            days=days,
            expected=available - pace * days,
            at_worst=at_worst,
            reorder_point=float(point) if point else float("nan"),
        )
    )


def _coming(orders: Sequence[dict[str, Any]], today: date, days: int) -> list[float]:
    """Return the units that open orders have brought by each day; what is overdue comes today."""
    coming = [0.0] * days
    for order in orders:
        first = max((order["due_on"] - today).days, 0) if order["due_on"] else 0
        for day in range(first, days):
            coming[day] += float(order["open_units"])
    return coming
