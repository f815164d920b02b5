"""Products, vendors and places, with the rows of their nested lists."""

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "core.product", "Products of the account, current state; one row per product.",
    c.text("product_url", "Finale's address of the product (a path); the key.", key=True),
    c.text("sku", "What people call the product: Finale's productId.", required=True, index=True),
    c.text("name", "Name shown in Finale (internalName)."),
    c.text("status", "PRODUCT_ACTIVE or PRODUCT_INACTIVE, as sent.", required=True),
    c.text("category", "Current name of the category."),
    c.text("product_type", "Finale's productTypeId, usually GOOD."),
    c.number("cost", "Standard cost, in the account's currency."),
    c.number("lead_time_days", "Lead time of the product itself, in days."),
    c.text("barcode", "Universal product code."),
    c.text("manufacturer", "Name of the manufacturer."),
    c.text("packing", "Normalised packing string, such as 12 cs 12/1."),
    c.number("pack_units", "Units of a case of its standard packing: the leading number of"
             " `packing`, else Finale's units per case; null = it has none."),
    c.flag("is_dropship", "Whether vendors ship it to customers themselves, by FINALE_DROPSHIP_…;"
           " then it is never out and never planned.", default="false"),
    c.flag("keeps_stock", "False for kits that are put together of their components when they are"
           " sold, by FINALE_KITS; then its components are demanded and planned instead.",
           default="true"),
    c.at("created_at", "UTC, when the product was created in Finale."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate; places the row in its catalogue window.",
         index=True),
    c.payload(),
    *c.record(),
)

c.table(
    "core.product_supplier", "Who supplies a product, and for what price; one row per product and"
    " vendor.",
    c.text("product_url", "The product.", key=True),
    c.text("vendor_url", "The vendor (a path).", key=True),
    c.flag("is_main", "Whether it is the main supplier."),
    c.number("price", "Buying price for one unit, in `currency`."),
    c.text("currency", "Currency of the price, such as USD."),
    c.text("vendor_sku", "The vendor's own code of the product."),
    c.number("lead_time_days", "Days from order to arrival, this vendor."),
    *c.versioned(),
    c.index("product_supplier_currency_idx", "currency"),
)

c.table(
    "core.reorder_rule", "Reorder guidelines; one row per product and place.",
    c.text("product_url", "The product.", key=True),
    c.text("facility_url", "The place; empty when Finale names none.", key=True),
    c.number("reorder_point_units", "Units at which to order; null = none set."),
    c.number("reorder_quantity_units", "Units to order; null = none set."),
    c.text("method", "How Finale computes it: ##doNotReorder, ##salesVelocity; else manual."),
    *c.versioned(),
)

c.table(
    "core.vendor", "Parties having the role SUPPLIER; one row per vendor.",
    c.text("vendor_url", "Finale's address of the party (a path); the key.", key=True),
    c.text("vendor_id", "Finale's partyId."),
    c.text("name", "Name of the company.", required=True),
    c.text("status", "PARTY_ENABLED or another state, as sent; disabled vendors are kept."),
    c.at("created_at", "UTC, when the party was created in Finale."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate.", index=True),
    c.payload(),
    *c.record(),
)

c.table(
    "core.vendor_contact", "How to reach a vendor; one row per address or number.",
    c.text("vendor_url", "The vendor.", key=True),
    c.integer("position", "Place in Finale's list, from 1.", key=True),
    c.text("kind", "EMAIL_ADDRESS, TELECOM_NUMBER or POSTAL_ADDRESS."),
    c.text("purpose", "What it is for, such as WORK_EMAIL."),
    c.text("value", "The e-mail address or phone number."),
    c.text("address1", "First line of a postal address."),
    c.text("address2", "Second line of a postal address."),
    c.text("city", "City."),
    c.text("state", "State or province."),
    c.text("postal_code", "Postal code."),
    c.text("country", "Country, such as USA."),
    *c.versioned(),
)

c.table(
    "core.facility", "Locations and their sublocations; one row per place.",
    c.text("facility_url", "Finale's address of the place (a path); the key.", key=True),
    c.text("facility_id", "Finale's facilityId."),
    c.text("name", "Name of the place."),
    c.text("parent_url", "The location this sublocation is in; null = it is a location itself."),
    c.text("status", "FACILITY_ACTIVE or another state, as sent."),
    c.text("facility_type", "Finale's facilityTypeId."),
    c.at("updated_at", "UTC, Finale's lastUpdatedDate."),
    c.payload(),
    *c.record(),
)

c.table(
    "core.user_field", "Labels of the account's user-defined fields; one row per field.",
    c.text("attr_name", "Finale's name of the field, such as user_10001.", key=True),
    c.text("label", "What people call it.", required=True),
)
