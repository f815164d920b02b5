"""A product's picture on its page: what is read for it."""

from datetime import date, timedelta
from typing import Any

from finale_pipeline.planning.charts import PAST_DAYS, Chart, ahead_of, arrival_days, drawn
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import products as products_reads


def chart(connection: Connection, item: dict[str, Any], today: date) -> Chart | None:
    """Return the picture of a product; None when neither stock nor sales of it are known."""
    forecast, url = item["forecast"], item["product_url"]
    as_of = forecast["snapshot_on"] if forecast else today
    since = as_of - timedelta(days=PAST_DAYS)
    sales = products_reads.sales_history(connection, url, since)
    sold = [(float((row["sold_on"] - as_of).days), float(row["units"])) for row in sales]
    levels = products_reads.stock_history(connection, url, since)
    stock = [
        (float((row["snapshot_on"] - as_of).days), float(row["available_units"])) for row in levels
    ]
    if item["available_units"] is not None:
        stock.append((float(max((today - as_of).days, 0)), float(item["available_units"])))
    if not sold and not levels and forecast is None:
        return None
    if forecast is None:
        return drawn(as_of, stock, sold, ahead_of(None, []), None)
    orders = products_reads.arrivals(connection, url)
    coming = arrival_days(orders, as_of, float(forecast["lead_time_days"]))
    return drawn(as_of, stock, sold, ahead_of(forecast, coming), forecast)
