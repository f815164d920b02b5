"""Packed months of sales, against the days they are packed from."""

import struct
from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from finale_pipeline.warehouse.connect import Connection

DAYS = "SELECT product_url, sold_on, units - returned_units FROM core.sales_daily ORDER BY sold_on"


def assert_packed_as_daily(connection: Connection) -> None:
    """Every month with sales has its row, and what is packed is what the days have."""
    daily: dict[tuple[str, date], list[tuple[date, float]]] = defaultdict(list)
    row: Any
    for row in connection.execute(DAYS).fetchall():
        product, day, units = row
        month = daily[product, day.replace(day=1)]
        if units > 0:
            month.append((day, float(units)))
    rows = connection.rows("SELECT product_url, begins_on, sold FROM core.sales_month")
    present = {(row["product_url"], row["begins_on"]): row["sold"] for row in rows}
    assert daily.keys() <= present.keys()
    for key, sold in present.items():
        if sold is not None:
            unpacked = [
                (date(1970, 1, 1) + timedelta(days=day), units)
                for day, units in struct.iter_unpack(">id", sold)
            ]
            assert unpacked == daily.get(key, []), key
