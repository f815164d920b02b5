"""Orders and shipments as they were read, and the demand per business day that follows."""

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "core.sales_order", "Sales orders without their lines (those come with the shipments); one row"
    " per order.",
    c.text("order_url", "Finale's address of the order (a path); the key.", key=True),
    c.text("order_id", "The number people see: Finale's orderId."),
    c.text("sale_source", "The channel it came by, as sent (saleSourceId); null = none said."),
    c.text("status", "ORDER_CREATED (draft), ORDER_LOCKED, ORDER_COMPLETED, ORDER_CANCELLED; as"
           " sent.", required=True),
    c.at("ordered_at", "UTC, Finale's orderDate."),
    c.day("ordered_on", "Business day of `ordered_at` in the account's zone; dates the demand."),
    c.at("created_at", "UTC, when the order was entered in Finale."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True, index=True),
    c.at("lines_updated_at", "UTC, `updated_at` of the order whose lines were read because no"
         " shipment of it moved; null = none were."),
    *c.record(),
)

c.table(
    "core.transfer_order", "Orders to move goods between own places, without their lines (those"
    " come with the shipments); never demand, never to come from a vendor; one row per order.",
    c.text("order_url", "Finale's address of the order (a path); the key.", key=True),
    c.text("order_id", "The number people see: Finale's orderId."),
    c.text("status", "ORDER_CREATED (draft), ORDER_LOCKED, ORDER_COMPLETED, ORDER_CANCELLED; as"
           " sent.", required=True),
    c.text("destination_url", "The location it goes to; null = none said."),
    c.at("ordered_at", "UTC, Finale's orderDate."),
    c.at("created_at", "UTC, when the order was entered in Finale."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True),
    c.payload(),
    *c.record(),
)

c.table(
    "core.shipment", "Shipments of every type; one row per shipment.",
    c.text("shipment_url", "Finale's address of the shipment (a path); the key.", key=True),
    c.text("shipment_id", "The number people see: Finale's shipmentIdUser."),
    c.text("shipment_type", "SALES_SHIPMENT, PURCHASE_SHIPMENT or another type, as sent;"
           " SALES_ORDER_LINES = no shipment: the lines of a completed sales order of which none"
           " moved.", required=True),
    c.text("status", "SHIPMENT_INPUT, _PACKED, _SHIPPED, _DELIVERED, _CANCELLED …; as sent.",
           required=True),
    c.text("order_url", "The order it belongs to; null = none.", index=True),
    c.text("return_url", "The return it belongs to; then it is no sale. Null = none."),
    c.text("origin_url", "The location it leaves; null = none said."),
    c.text("destination_url", "The location it goes to; null = none said."),
    c.at("shipped_at", "UTC, Finale's shipDate."),
    c.at("received_at", "UTC, Finale's receiveDate."),
    c.day("shipped_on", "Business day of `shipped_at`; of `created_at` when Finale has no"
          " shipDate."),
    c.day("received_on", "Business day of `received_at`."),
    c.at("created_at", "UTC, when the shipment was entered in Finale."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True, index=True),
    c.day("sold_on", "Business day its lines count as demand on: the order's day, else"
          " `shipped_on`; null = they are no demand (receipt, return, transfer, draft, cancelled).",
          index=True),
    c.text("dated_by", "Whose day `sold_on` is: order or shipment."),
    *c.record(),
    c.index("shipment_return_idx", "shipment_url",
            where="return_url IS NOT NULL OR shipment_type LIKE '%RETURN%'"),
)

c.table(
    "core.shipment_line", "Lines of shipments, replaced with their shipment; one row per line.",
    c.text("shipment_url", "The shipment.", key=True),
    c.integer("position", "Place in Finale's list, from 1.", key=True),
    c.text("product_url", "The product; null = the line is linked to none."),
    c.text("sku", "Finale's productId, as this shipment had it."),
    c.text("facility_url", "The place it leaves or reaches."),
    c.number("units", "Units moved; negative = a correction. Null = Finale has no readable"
             " quantity."),
    c.text("lot_id", "Lot or serial number."),
    c.text("packing", "Packing that Finale counted; `units` is reckoned by it. Null = units."),
    *c.versioned(),
)

c.table(
    "core.sales_daily", "Demand; one row per product and business day on which something was sold.",
    c.text("product_url", "The product.", key=True),
    c.day("sold_on", "Business day of the orders in the account's zone.", key=True, index=True),
    c.units("units", "Units customers asked for: lines of sales shipments less corrections, of"
            " orders neither draft nor cancelled; gross."),
    c.number("returned_units", "Of `units`, those that came back to stock later.", default="0"),
    c.integer("orders", "Orders that asked for them.", required=True),
    c.text("dated_by", "order, shipment (those had no known order), or both.", required=True),
    c.units("units_by_ship_date", "Of `units`, those dated by shipping for want of an order."),
    c.changed(),
    c.index("sales_daily_returned_idx", "product_url", "sold_on", where="returned_units <> 0"),
)

c.table(
    "core.sales_month", "core.sales_daily packed for the plan; one row per month and product that"
    " sold in it. Triggers empty `sold` when a day of the month is written; the next plan packs"
    " months that are over.",
    c.day("begins_on", "First day of the month.", key=True),
    c.text("product_url", "The product.", key=True),
    c.binary("sold", "For each day with net sales, ascending, 12 bytes: days since 1970-01-01 (a"
             " big-endian 32-bit integer) and net units (a big-endian double). Null = written"
             " since it was packed, or not packed yet."),
    c.index("sales_month_unpacked_idx", "begins_on", where="sold IS NULL"),
)

c.table(
    "core.purchase_order", "Purchase orders; one row per order.",
    c.text("order_url", "Finale's address of the order (a path); the key.", key=True),
    c.text("order_id", "The number people see: Finale's orderId."),
    c.text("status", "ORDER_CREATED (draft), ORDER_LOCKED (committed), ORDER_COMPLETED,"
           " ORDER_CANCELLED; as sent.", required=True),
    c.text("vendor_id", "Finale's partyId of the supplier."),
    c.text("vendor_url", "The vendor (a path), found by `vendor_id`; null = not in core.vendor."),
    c.at("ordered_at", "UTC, Finale's orderDate."),
    c.day("ordered_on", "Business day of `ordered_at` in the account's zone."),
    c.at("due_at", "UTC, estimated arrival: Finale's receiveDate, else its dueDate."),
    c.day("due_on", "Business day of `due_at`; null = nobody said."),
    c.text("destination_url", "The location it goes to."),
    c.text("reference_number", "Reference of the order; our drafts carry their key here."),
    c.number("total", "Sum of the lines, in the account's currency."),
    c.at("created_at", "UTC, when the order was entered in Finale."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True, index=True),
    c.flag("is_open", "Committed, and something is still to come to our stock.", default="false"),
    c.flag("is_dropship", "Whether the vendor ships to the customer, by"
           " FINALE_DROPSHIP_ORDER_SUFFIXES; then it never comes to stock and is never open.",
           default="false"),
    c.day("received_on", "Business day of the last delivered receipt; null = none yet."),
    c.at("lines_updated_at", "UTC, `updated_at` of the order whose lines are stored; null = none."),
    c.payload(),
    *c.record(),
)

c.table(
    "core.purchase_order_line", "Lines of purchase orders that were open when last read; one row"
    " per line.",
    c.text("order_url", "The order.", key=True),
    c.integer("position", "Place in Finale's list, from 1.", key=True),
    c.text("product_url", "The product; null = the line is linked to none.", index=True),
    c.text("sku", "Finale's productId, as this order had it."),
    c.units("quantity_units", "Units ordered."),
    c.number("unit_price", "Price of one unit, in the account's currency."),
    c.text("packing", "Packing that Finale counted; units and price are reckoned by it. Null ="
           " single units."),
    c.day("due_on", "Business day on which it should arrive: the order's."),
    c.number("received_units", "Units of delivered receipts of the order, first lines of a product"
             " first.", default="0"),
    c.number("open_units", "Units still to come: ordered less received, never negative; 0 unless"
             " the order is committed.", default="0"),
    *c.versioned(),
)

c.table(
    "ops.watermark", "From where on a table's next read begins; moves with the rows, in one"
    " transaction.",
    c.text("table_name", "The table.", key=True),
    c.at("seen_at", "UTC, up to where changes are known to be read, by the stamps in the data.",
         required=True),
    c.text("zone", "Time zone in which the business days of its rows were reckoned.",
           required=True),
    c.at("committed_at", "UTC.", required=True),
)
