"""Stock as it was read, its levels now, and their history."""

from typing import Any

from sqlalchemy import Column, Computed

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "core.stock_entry", "What the last complete read of Finale's stock returned, in units.",
    c.text("product_url", "The product.", key=True),
    c.text("facility_url", "Where: a sublocation or a location; empty = Finale names none.",
           key=True),
    c.text("lot_id", "Lot or serial number; empty = none.", key=True),
    c.text("packing", "Packing of this entry; empty = none.", key=True),
    c.text("order_url", "The order that will bring or take it; empty = on hand.", key=True),
    c.text("location_url", "The location that holds the facility; empty = none.", required=True),
    c.text("sku", "Finale's productId, as this read had it."),
    c.day("expires_on", "Day on which its lot expires; null = Finale says none."),
    c.units("on_hand_units", "Units present."),
    c.units("on_order_units", "Units of a committed purchase order still to come."),
    c.units("reserved_units", "Units of a committed sales order still to leave."),
    *c.versioned(),
)

c.table(
    "core.stock_kept", "Products whose stock is that of their last good read, because a row of the"
    " newest one cannot be read; one row per product. Their stock may be old, never a mixture.",
    c.text("product_url", "The product.", key=True),
    c.text("reason", "What of its rows cannot be read.", required=True),
    c.at("since_at", "UTC, when the first such read was.", required=True),
)


def _levels() -> list[Column[Any]]:
    available = Computed("on_hand_units - reserved_units", persisted=True)
    position = Computed("on_hand_units - reserved_units + on_order_units", persisted=True)
    return [
        c.units("on_hand_units", "Units present; negative when over-shipped."),
        c.units("reserved_units", "Units promised to committed sales orders."),
        c.units("on_order_units", "Units on committed purchase orders."),
        c.number("available_units", "On hand less reserved, in units.", available),
        c.number("position_units", "Available plus on order, in units.", position),
    ]


c.table(
    "core.stock_level", "Stock now; one row per product, with explicit zeros for products without"
    " an entry.",
    c.text("product_url", "The product.", key=True),
    *_levels(),
    c.changed(),
)

c.table(
    "core.stock_level_by_location", "Stock now at each location that has any; one row per product"
    " and location.",
    c.text("product_url", "The product.", key=True),
    c.text("location_url", "The location, its sublocations added up; empty = none.", key=True),
    *_levels(),
    c.changed(),
)

c.table(
    "core.stock_daily", "History of stock: a product's row holds from its day until the product's"
    " next row.",
    c.text("product_url", "The product.", key=True),
    c.day("snapshot_on", "Business day at whose end these levels held; written when they changed"
          " that day.", key=True),
    *_levels(),
    c.changed(),
)

c.table(
    "core.stock_day", "Days on which stock was read completely; a day without a row was not"
    " observed.",
    c.day("snapshot_on", "Business day in the account's zone.", key=True),
    c.at("read_at", "UTC, the last complete read of stock on that day.", required=True),
)

c.table(
    "core.stock_out_span", "When nothing was available of a product, as the reads of stock saw it,"
    " every quarter of an hour: the hours of a day without stock. Written only when it changes.",
    c.text("product_url", "The product.", key=True),
    c.at("from_at", "UTC, the read that first saw nothing available.", key=True),
    c.at("until_at", "UTC, the read that saw stock again; null = it is out."),
)
