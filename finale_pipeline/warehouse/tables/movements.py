"""What moves without being bought or sold: builds and transfers; and what that demands."""

from sqlalchemy import Column, Date, Index, Integer, Numeric, Table, text

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

build = Table(
    "build",
    metadata,
    text_("build_url", "Finale's address of the build (a path); the key.", key=True),
    text_("build_id", "The number people see: Finale's workEffortId."),
    text_("status", "PRUN_COMPLETED, PRUN_CANCELLED or another state, as sent.", required=True),
    at("completed_at", "UTC, Finale's completeDate."),
    Column("completed_on", Date, comment="Business day of `completed_at` in the account's zone."),
    at("created_at", "UTC, when the build was entered in Finale."),
    at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True),
    payload(),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    Index("build_updated_at_idx", "updated_at"),
    schema="core",
    comment="Builds (Finale's workeffort); one row per build.",
)

build_line = Table(
    "build_line",
    metadata,
    text_("build_url", "The build.", key=True),
    text_("kind", "consumed: a component it uses; produced: what it makes.", key=True),
    Column("position", Integer, primary_key=True, comment="Place in Finale's list, from 1."),
    text_("product_url", "The product; null = the line is linked to none."),
    text_("facility_url", "The place it leaves or reaches."),
    units("units", "Units used or made."),
    text_("packing", "Packing that Finale counted; `units` is reckoned by it. Null = units."),
    changed(),
    row_hash(),
    Index("build_line_product_url_idx", "product_url"),
    schema="core",
    comment="Components and products of builds, replaced with their build; one row per line.",
)

transfer = Table(
    "transfer",
    metadata,
    text_("transfer_url", "Finale's address of the transfer (a path); the key.", key=True),
    text_("product_url", "The product; null = linked to none."),
    text_("from_url", "The place it leaves; null = none said."),
    text_("to_url", "The place it reaches; null = none said."),
    units("units", "Units moved."),
    text_("packing", "Packing that Finale counted; `units` is reckoned by it. Null = units."),
    text_("lot_id", "Lot or serial number."),
    text_("status", "As sent; null = Finale says none."),
    at("sent_at", "UTC, Finale's sendDate; null = not sent."),
    at("received_at", "UTC, Finale's receiveDate; null = not received."),
    at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True),
    payload(),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    Index("transfer_updated_at_idx", "updated_at"),
    schema="core",
    comment="Transfers between places (Finale's inventorytransfer), never demand; one row each.",
)

component_demand = Table(
    "component_demand",
    metadata,
    text_("product_url", "The component.", key=True),
    Column("used_on", Date, primary_key=True, comment="Business day."),
    Column("kit_units", Numeric, nullable=False, server_default=text("0"),
           comment="Units in kits without stock of their own that customers asked for."),
    Column("build_units", Numeric, nullable=False, server_default=text("0"),
           comment="Units that completed builds used."),
    Index("component_demand_used_on_idx", "used_on"),
    schema="core",
    comment="Demand of a product as a component, beside its own sales; one row per product and"
    " business day on which it was used. core.demand_daily adds both.",
)
