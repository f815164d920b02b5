"""Stock as it was read, its levels now, and their history."""

from typing import Any

from sqlalchemy import (
    Column,
    Computed,
    Date,
    DateTime,
    Numeric,
    Table,
)

from finale_pipeline.warehouse.tables.columns import (
    at,
    changed,
    metadata,
    row_hash,
    text_,
    units,
)

stock_entry = Table(
    "stock_entry",
    metadata,
    text_("product_url", "The product.", key=True),
    text_(
        "facility_url", "Where: a sublocation or a location; empty = Finale names none.", key=True
    ),
    text_("lot_id", "Lot or serial number; empty = none.", key=True),
    text_("packing", "Packing of this entry; empty = none.", key=True),
    text_("order_url", "The order that will bring or take it; empty = on hand.", key=True),
    text_("location_url", "The location that holds the facility; empty = none.", required=True),
    text_("sku", "Finale's productId, as this read had it."),
    Column("expires_on", Date, comment="Day on which its lot expires; null = Finale says none."),
    units("on_hand_units", "Units present."),
    units("on_order_units", "Units of a committed purchase order still to come."),
    units("reserved_units", "Units of a committed sales order still to leave."),
    changed(),
    row_hash(),
    schema="core",
    comment="What the last complete read of Finale's stock returned, in units.",
)

stock_kept = Table(
    "stock_kept",
    metadata,
    text_("product_url", "The product.", key=True),
    text_("reason", "What of its rows cannot be read.", required=True),
    at("since_at", "UTC, when the first such read was.", required=True),
    schema="core",
    comment="Products whose stock is that of their last good read, because a row of the newest"
    " one cannot be read; one row per product. Their stock may be old, never a mixture.",
)


def _level_columns() -> list[Column[Any]]:
    return [
        units("on_hand_units", "Units present; negative when over-shipped."),
        units("reserved_units", "Units promised to committed sales orders."),
        units("on_order_units", "Units on committed purchase orders."),
        Column(
            "available_units",
            Numeric,
            Computed("on_hand_units - reserved_units", persisted=True),
            comment="On hand less reserved, in units.",
        ),
        Column(
            "position_units",
            Numeric,
            Computed("on_hand_units - reserved_units + on_order_units", persisted=True),
            comment="Available plus on order, in units.",
        ),
    ]


stock_level = Table(
    "stock_level",
    metadata,
    text_("product_url", "The product.", key=True),
    *_level_columns(),
    changed(),
    schema="core",
    comment="Stock now; one row per product, with explicit zeros for products without an entry.",
)

stock_level_by_location = Table(
    "stock_level_by_location",
    metadata,
    text_("product_url", "The product.", key=True),
    text_("location_url", "The location, its sublocations added up; empty = none.", key=True),
    *_level_columns(),
    changed(),
    schema="core",
    comment="Stock now at each location that has any; one row per product and location.",
)

stock_daily = Table(
    "stock_daily",
    metadata,
    text_("product_url", "The product.", key=True),
    Column(
        "snapshot_on",
        Date,
        primary_key=True,
        comment="Business day at whose end these levels held; written when they changed that day.",
    ),
    *_level_columns(),
    changed(),
    schema="core",
    comment="History of stock: a product's row holds from its day until the product's next row.",
)

stock_day = Table(
    "stock_day",
    metadata,
    Column("snapshot_on", Date, primary_key=True, comment="Business day in the account's zone."),
    at("read_at", "UTC, the last complete read of stock on that day.", required=True),
    schema="core",
    comment="Days on which stock was read completely; a day without a row was not observed.",
)

stock_out_span = Table(
    "stock_out_span",
    metadata,
    text_("product_url", "The product.", key=True),
    Column("from_at", DateTime(timezone=True), primary_key=True,
           comment="UTC, the read that first saw nothing available."),
    at("until_at", "UTC, the read that saw stock again; null = it is out."),
    schema="core",
    comment="When nothing was available of a product, as the reads of stock saw it, every quarter"
    " of an hour: the hours of a day without stock. Written only when it changes.",
)
