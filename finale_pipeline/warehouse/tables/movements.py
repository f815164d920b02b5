"""What moves without being bought or sold: builds and transfers; and what that demands."""

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "core.build", "Builds (Finale's workeffort); one row per build.",
    c.text("build_url", "Finale's address of the build (a path); the key.", key=True),
    c.text("build_id", "The number people see: Finale's workEffortId."),
    c.text("status", "PRUN_COMPLETED, PRUN_CANCELLED or another state, as sent.", required=True),
    c.at("completed_at", "UTC, Finale's completeDate."),
    c.day("completed_on", "Business day of `completed_at` in the account's zone."),
    c.at("created_at", "UTC, when the build was entered in Finale."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True, index=True),
    c.payload(),
    *c.record(),
)

c.table(
    "core.build_line", "Components and products of builds, replaced with their build; one row per"
    " line.",
    c.text("build_url", "The build.", key=True),
    c.text("kind", "consumed: a component it uses; produced: what it makes.", key=True),
    c.integer("position", "Place in Finale's list, from 1.", key=True),
    c.text("product_url", "The product; null = the line is linked to none.", index=True),
    c.text("facility_url", "The place it leaves or reaches."),
    c.units("units", "Units used or made."),
    c.text("packing", "Packing that Finale counted; `units` is reckoned by it. Null = units."),
    *c.versioned(),
)

c.table(
    "core.transfer", "Transfers between places (Finale's inventorytransfer), never demand; one row"
    " each.",
    c.text("transfer_url", "Finale's address of the transfer (a path); the key.", key=True),
    c.text("product_url", "The product; null = linked to none."),
    c.text("from_url", "The place it leaves; null = none said."),
    c.text("to_url", "The place it reaches; null = none said."),
    c.units("units", "Units moved."),
    c.text("packing", "Packing that Finale counted; `units` is reckoned by it. Null = units."),
    c.text("lot_id", "Lot or serial number."),
    c.text("status", "As sent; null = Finale says none."),
    c.at("sent_at", "UTC, Finale's sendDate; null = not sent."),
    c.at("received_at", "UTC, Finale's receiveDate; null = not received."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate.", required=True, index=True),
    c.payload(),
    *c.record(),
)

c.table(
    "core.component_demand", "Demand of a product as a component, beside its own sales; one row per"
    " product and business day on which it was used. core.demand_daily adds both.",
    c.text("product_url", "The component.", key=True),
    c.day("used_on", "Business day.", key=True, index=True),
    c.number("kit_units", "Units in kits without stock of their own that customers asked for.",
             default="0"),
    c.number("build_units", "Units that completed builds used.", default="0"),
)
