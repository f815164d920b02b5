"""Products, vendors and places, with the rows of their nested lists."""

from sqlalchemy import Boolean, Column, Index, Integer, Numeric, Table, text

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

product = Table(
    "product",
    metadata,
    text_("product_url", "Finale's address of the product (a path); the key.", key=True),
    text_("sku", "What people call the product: Finale's productId.", required=True),
    text_("name", "Name shown in Finale (internalName)."),
    text_("status", "PRODUCT_ACTIVE or PRODUCT_INACTIVE, as sent.", required=True),
    text_("category", "Current name of the category."),
    text_("product_type", "Finale's productTypeId, usually GOOD."),
    Column("cost", Numeric, comment="Standard cost, in the account's currency."),
    Column("lead_time_days", Numeric, comment="Lead time of the product itself, in days."),
    text_("barcode", "Universal product code."),
    text_("manufacturer", "Name of the manufacturer."),
    text_("packing", "Normalised packing string, such as 12 cs 12/1."),
    Column(
        "pack_units",
        Numeric,
        comment="Units of a case of its standard packing: the leading number of `packing`, else"
        " Finale's units per case; null = it has none.",
    ),
    Column(
        "is_dropship",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether vendors ship it to customers themselves, by FINALE_DROPSHIP_…; then it"
        " is never out and never planned.",
    ),
    Column(
        "keeps_stock",
        Boolean,
        nullable=False,
        server_default=text("true"),
        comment="False for kits that are put together of their components when they are sold,"
        " by FINALE_KITS; then its components are demanded and planned instead.",
    ),
    at("created_at", "UTC, when the product was created in Finale."),
    at("updated_at", "UTC, Finale's lastUpdatedDate; places the row in its catalogue window."),
    payload(),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    Index("product_updated_at_idx", "updated_at"),
    Index("product_sku_idx", "sku"),
    schema="core",
    comment="Products of the account, current state; one row per product.",
)

product_supplier = Table(
    "product_supplier",
    metadata,
    text_("product_url", "The product.", key=True),
    text_("vendor_url", "The vendor (a path).", key=True),
    Column("is_main", Boolean, nullable=False, comment="Whether it is the main supplier."),
    Column("price", Numeric, comment="Buying price for one unit, in `currency`."),
    text_("currency", "Currency of the price, such as USD."),
    text_("vendor_sku", "The vendor's own code of the product."),
    Column("lead_time_days", Numeric, comment="Days from order to arrival, this vendor."),
    changed(),
    row_hash(),
    Index("product_supplier_currency_idx", "currency"),
    schema="core",
    comment="Who supplies a product, and for what price; one row per product and vendor.",
)

reorder_rule = Table(
    "reorder_rule",
    metadata,
    text_("product_url", "The product.", key=True),
    text_("facility_url", "The place; empty when Finale names none.", key=True),
    units("reorder_point_units", "Units at which to order; null = none set.", required=False),
    units("reorder_quantity_units", "Units to order; null = none set.", required=False),
    text_("method", "How Finale computes it: ##doNotReorder, ##salesVelocity; else manual."),
    changed(),
    row_hash(),
    schema="core",
    comment="Reorder guidelines; one row per product and place.",
)

vendor = Table(
    "vendor",
    metadata,
    text_("vendor_url", "Finale's address of the party (a path); the key.", key=True),
    text_("vendor_id", "Finale's partyId."),
    text_("name", "Name of the company.", required=True),
    text_("status", "PARTY_ENABLED or another state, as sent; disabled vendors are kept."),
    at("created_at", "UTC, when the party was created in Finale."),
    at("updated_at", "UTC, Finale's lastUpdatedDate."),
    payload(),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    Index("vendor_updated_at_idx", "updated_at"),
    schema="core",
    comment="Parties having the role SUPPLIER; one row per vendor.",
)

vendor_contact = Table(
    "vendor_contact",
    metadata,
    text_("vendor_url", "The vendor.", key=True),
    Column("position", Integer, primary_key=True, comment="Place in Finale's list, from 1."),
    text_("kind", "EMAIL_ADDRESS, TELECOM_NUMBER or POSTAL_ADDRESS."),
    text_("purpose", "What it is for, such as WORK_EMAIL."),
    text_("value", "The e-mail address or phone number."),
    text_("address1", "First line of a postal address."),
    text_("address2", "Second line of a postal address."),
    text_("city", "City."),
    text_("state", "State or province."),
    text_("postal_code", "Postal code."),
    text_("country", "Country, such as USA."),
    changed(),
    row_hash(),
    schema="core",
    comment="How to reach a vendor; one row per address or number.",
)

facility = Table(
    "facility",
    metadata,
    text_("facility_url", "Finale's address of the place (a path); the key.", key=True),
    text_("facility_id", "Finale's facilityId."),
    text_("name", "Name of the place."),
    text_("parent_url", "The location this sublocation is in; null = it is a location itself."),
    text_("status", "FACILITY_ACTIVE or another state, as sent."),
    text_("facility_type", "Finale's facilityTypeId."),
    at("updated_at", "UTC, Finale's lastUpdatedDate."),
    payload(),
    first_seen(),
    changed(),
    removed(),
    row_hash(),
    schema="core",
    comment="Locations and their sublocations; one row per place.",
)

user_field = Table(
    "user_field",
    metadata,
    text_("attr_name", "Finale's name of the field, such as user_10001.", key=True),
    text_("label", "What people call it.", required=True),
    schema="core",
    comment="Labels of the account's user-defined fields; one row per field.",
)
