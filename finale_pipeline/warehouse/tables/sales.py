"""Orders and shipments as they were read, and the demand per business day that follows."""

from typing import Any

from sqlalchemy import Boolean, Column, Date, Index, Integer, Numeric, Table, text

from finale_pipeline.warehouse.tables.columns import (
    at,
    changed,
    first_seen,
    metadata,
    payload,
    removed,
    row_hash,
    text_,
    units,
)


def _on(name: str, comment: str, **options: Any) -> Column[Any]:
    """Return a business day in the account's zone."""
    return Column(name, Date, comment=comment, **options)


sales_order = Table(
    "sales_order",
    metadata,
    text_("order_url", "Finale's address of the order (a path); the key.", key=True),
    text_("order_id", "The number people see: Finale's orderId."),
    text_("sale_source", "The channel it came by, as sent (saleSourceId); null = none said."),
    text_("status", "ORDER_CREATED (draft), ORDER_LOCKED, ORDER_COMPLETED, ORDER_CANCELLED; as"
          " sent.", required=True),
    at("ordered_at", "UTC, Finale's orderDate."),
    _on("ordered_on", "Business day of `ordered_at` in the account's zone; dates the demand."),
    at("created_at", "UTC, when the order was entered in Finale."),
    at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True),
    at("lines_updated_at", "UTC, `updated_at` of the order whose lines were read because no"
       " shipment of it moved; null = none were."),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    Index("sales_order_updated_at_idx", "updated_at"),
    schema="core",
    comment="Sales orders without their lines (those come with the shipments); one row per order.",
)

transfer_order = Table(
    "transfer_order",
    metadata,
    text_("order_url", "Finale's address of the order (a path); the key.", key=True),
    text_("order_id", "The number people see: Finale's orderId."),
    text_("status", "ORDER_CREATED (draft), ORDER_LOCKED, ORDER_COMPLETED, ORDER_CANCELLED; as"
          " sent.", required=True),
    text_("destination_url", "The location it goes to; null = none said."),
    at("ordered_at", "UTC, Finale's orderDate."),
    at("created_at", "UTC, when the order was entered in Finale."),
    at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True),
    payload(),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    schema="core",
    comment="Orders to move goods between own places, without their lines (those come with the"
    " shipments); never demand, never to come from a vendor; one row per order.",
)

shipment = Table(
    "shipment",
    metadata,
    text_("shipment_url", "Finale's address of the shipment (a path); the key.", key=True),
    text_("shipment_id", "The number people see: Finale's shipmentIdUser."),
    text_("shipment_type", "SALES_SHIPMENT, PURCHASE_SHIPMENT or another type, as sent;"
          " SALES_ORDER_LINES = no shipment: the lines of a completed sales order of which none"
          " moved.", required=True),
    text_("status", "SHIPMENT_INPUT, _PACKED, _SHIPPED, _DELIVERED, _CANCELLED …; as sent.",
          required=True),
    text_("order_url", "The order it belongs to; null = none."),
    text_("return_url", "The return it belongs to; then it is no sale. Null = none."),
    text_("origin_url", "The location it leaves; null = none said."),
    text_("destination_url", "The location it goes to; null = none said."),
    at("shipped_at", "UTC, Finale's shipDate."),
    at("received_at", "UTC, Finale's receiveDate."),
    _on("shipped_on", "Business day of `shipped_at`; of `created_at` when Finale has no shipDate."),
    _on("received_on", "Business day of `received_at`."),
    at("created_at", "UTC, when the shipment was entered in Finale."),
    at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True),
    _on("sold_on", "Business day its lines count as demand on: the order's day, else `shipped_on`;"
        " null = they are no demand (receipt, return, transfer, draft, cancelled)."),
    text_("dated_by", "Whose day `sold_on` is: order or shipment."),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    Index("shipment_updated_at_idx", "updated_at"),
    Index("shipment_order_url_idx", "order_url"),
    Index("shipment_sold_on_idx", "sold_on"),
    Index(
        "shipment_return_idx", "shipment_url",
        postgresql_where=text("return_url IS NOT NULL OR shipment_type LIKE '%RETURN%'"),
    ),
    schema="core",
    comment="Shipments of every type; one row per shipment.",
)

shipment_line = Table(
    "shipment_line",
    metadata,
    text_("shipment_url", "The shipment.", key=True),
    Column("position", Integer, primary_key=True, comment="Place in Finale's list, from 1."),
    text_("product_url", "The product; null = the line is linked to none."),
    text_("sku", "Finale's productId, as this shipment had it."),
    text_("facility_url", "The place it leaves or reaches."),
    units("units", "Units moved; negative = a correction. Null = Finale has no readable quantity.",
          required=False),
    text_("lot_id", "Lot or serial number."),
    text_("packing", "Packing that Finale counted; `units` is reckoned by it. Null = units."),
    changed(),
    row_hash(),
    schema="core",
    comment="Lines of shipments, replaced with their shipment; one row per line.",
)

sales_daily = Table(
    "sales_daily",
    metadata,
    text_("product_url", "The product.", key=True),
    _on("sold_on", "Business day of the orders in the account's zone.", primary_key=True),
    units("units", "Units customers asked for: lines of sales shipments less corrections, of orders"
          " neither draft nor cancelled; gross."),
    Column("returned_units", Numeric, nullable=False, server_default=text("0"),
           comment="Of `units`, those that came back to stock later."),
    Column("orders", Integer, nullable=False, comment="Orders that asked for them."),
    text_("dated_by", "order, shipment (those had no known order), or both.", required=True),
    units("units_by_ship_date", "Of `units`, those dated by shipping for want of an order."),
    changed(),
    Index("sales_daily_sold_on_idx", "sold_on"),
    Index(
        "sales_daily_returned_idx", "product_url", "sold_on",
        postgresql_where=text("returned_units <> 0"),
    ),
    schema="core",
    comment="Demand; one row per product and business day on which something was sold.",
)

purchase_order = Table(
    "purchase_order",
    metadata,
    text_("order_url", "Finale's address of the order (a path); the key.", key=True),
    text_("order_id", "The number people see: Finale's orderId."),
    text_("status", "ORDER_CREATED (draft), ORDER_LOCKED (committed), ORDER_COMPLETED,"
          " ORDER_CANCELLED; as sent.", required=True),
    text_("vendor_id", "Finale's partyId of the supplier."),
    text_("vendor_url", "The vendor (a path), found by `vendor_id`; null = not in core.vendor."),
    at("ordered_at", "UTC, Finale's orderDate."),
    _on("ordered_on", "Business day of `ordered_at` in the account's zone."),
    at("due_at", "UTC, estimated arrival: Finale's receiveDate, else its dueDate."),
    _on("due_on", "Business day of `due_at`; null = nobody said."),
    text_("destination_url", "The location it goes to."),
    text_("reference_number", "Reference of the order; our drafts carry their key here."),
    Column("total", Numeric, comment="Sum of the lines, in the account's currency."),
    at("created_at", "UTC, when the order was entered in Finale."),
    at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True),
    Column("is_open", Boolean, nullable=False, server_default=text("false"),
           comment="Committed, and something is still to come to our stock."),
    Column("is_dropship", Boolean, nullable=False, server_default=text("false"),
           comment="Whether the vendor ships to the customer, by FINALE_DROPSHIP_ORDER_SUFFIXES;"
           " then it never comes to stock and is never open."),
    _on("received_on", "Business day of the last delivered receipt; null = none yet."),
    at("lines_updated_at", "UTC, `updated_at` of the order whose lines are stored; null = none."),
    payload(),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    Index("purchase_order_updated_at_idx", "updated_at"),
    schema="core",
    comment="Purchase orders; one row per order.",
)

purchase_order_line = Table(
    "purchase_order_line",
    metadata,
    text_("order_url", "The order.", key=True),
    Column("position", Integer, primary_key=True, comment="Place in Finale's list, from 1."),
    text_("product_url", "The product; null = the line is linked to none."),
    text_("sku", "Finale's productId, as this order had it."),
    units("quantity_units", "Units ordered."),
    Column("unit_price", Numeric, comment="Price of one unit, in the account's currency."),
    text_("packing", "Packing that Finale counted; units and price are reckoned by it. Null ="
          " single units."),
    _on("due_on", "Business day on which it should arrive: the order's."),
    Column("received_units", Numeric, nullable=False, server_default=text("0"),
           comment="Units of delivered receipts of the order, first lines of a product first."),
    Column("open_units", Numeric, nullable=False, server_default=text("0"),
           comment="Units still to come: ordered less received, never negative; 0 unless the order"
           " is committed."),
    changed(),
    row_hash(),
    Index("purchase_order_line_product_url_idx", "product_url"),
    schema="core",
    comment="Lines of purchase orders that were open when last read; one row per line.",
)

watermark = Table(
    "watermark",
    metadata,
    text_("table_name", "The table.", key=True),
    at("seen_at", "UTC, up to where changes are known to be read, by the stamps in the data.",
       required=True),
    text_("zone", "Time zone in which the business days of its rows were reckoned.", required=True),
    at("committed_at", "UTC.", required=True),
    schema="ops",
    comment="From where on a table's next read begins; moves with the rows, in one transaction.",
)
