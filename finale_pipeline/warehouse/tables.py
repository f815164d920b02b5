"""Every table and column, once: meaning, unit and source stand in the comments.

Migrations bring a database here, the data dictionary and Dagster's column metadata are read from
here, and a test compares all of them.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    MetaData,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

HASH = "64-bit hash of the row's content; rows are written only when it differs."
CHANGED = "UTC, when a sync last changed this row."


def _text(name: str, comment: str, *, required: bool = False, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=not (required or key), comment=comment)


def _units(name: str, comment: str, *, required: bool = True) -> Column[Any]:
    return Column(name, Numeric, nullable=not required, comment=comment)


def _at(name: str, comment: str, *, required: bool = False) -> Column[Any]:
    return Column(name, DateTime(timezone=True), nullable=not required, comment=comment)


def _hash() -> Column[int]:
    return Column("row_hash", BigInteger, nullable=False, comment=HASH)


def _changed() -> Column[Any]:
    return _at("changed_at", CHANGED, required=True)


def _first_seen() -> Column[Any]:
    return _at("first_seen_at", "UTC, when a sync first wrote this row.", required=True)


def _removed() -> Column[Any]:
    return _at("removed_at", "UTC, when a complete read no longer had it; null = it is there.")


def _payload() -> Column[Any]:
    return Column(
        "payload",
        JSONB,
        nullable=False,
        comment="Every field as Finale sent it that has no column of its own; nulls left out.",
    )


product = Table(
    "product",
    metadata,
    _text("product_url", "Finale's address of the product (a path); the key.", key=True),
    _text("sku", "What people call the product: Finale's productId.", required=True),
    _text("name", "Name shown in Finale (internalName)."),
    _text("status", "PRODUCT_ACTIVE or PRODUCT_INACTIVE, as sent.", required=True),
    _text("category", "Current name of the category."),
    _text("product_type", "Finale's productTypeId, usually GOOD."),
    Column("cost", Numeric, comment="Standard cost, in the account's currency."),
    Column("lead_time_days", Numeric, comment="Lead time of the product itself, in days."),
    _text("barcode", "Universal product code."),
    _text("manufacturer", "Name of the manufacturer."),
    _text("packing", "Normalised packing string, such as 12 cs 12/1."),
    _at("created_at", "UTC, when the product was created in Finale."),
    _at("updated_at", "UTC, Finale's lastUpdatedDate; places the row in its catalogue window."),
    _payload(),
    _first_seen(),
    _changed(),
    _removed(),
    _hash(),
    Index("product_updated_at_idx", "updated_at"),
    Index("product_sku_idx", "sku"),
    schema="core",
    comment="Products of the account, current state; one row per product.",
)

product_supplier = Table(
    "product_supplier",
    metadata,
    _text("product_url", "The product.", key=True),
    _text("vendor_url", "The vendor (a path).", key=True),
    Column("is_main", Boolean, nullable=False, comment="Whether it is the main supplier."),
    Column("price", Numeric, comment="Buying price for one unit, in `currency`."),
    _text("currency", "Currency of the price, such as USD."),
    _text("vendor_sku", "The vendor's own code of the product."),
    Column("lead_time_days", Numeric, comment="Days from order to arrival, this vendor."),
    _changed(),
    _hash(),
    schema="core",
    comment="Who supplies a product, and for what price; one row per product and vendor.",
)

reorder_rule = Table(
    "reorder_rule",
    metadata,
    _text("product_url", "The product.", key=True),
    _text("facility_url", "The place; empty when Finale names none.", key=True),
    _units("reorder_point_units", "Units at which to order; null = none set.", required=False),
    _units("reorder_quantity_units", "Units to order; null = none set.", required=False),
    _text("method", "How Finale computes it: ##doNotReorder, ##salesVelocity; else manual."),
    _changed(),
    _hash(),
    schema="core",
    comment="Reorder guidelines; one row per product and place.",
)

vendor = Table(
    "vendor",
    metadata,
    _text("vendor_url", "Finale's address of the party (a path); the key.", key=True),
    _text("vendor_id", "Finale's partyId."),
    _text("name", "Name of the company.", required=True),
    _text("status", "PARTY_ENABLED or another state, as sent; disabled vendors are kept."),
    _at("created_at", "UTC, when the party was created in Finale."),
    _at("updated_at", "UTC, Finale's lastUpdatedDate."),
    _payload(),
    _first_seen(),
    _changed(),
    _removed(),
    _hash(),
    Index("vendor_updated_at_idx", "updated_at"),
    schema="core",
    comment="Parties having the role SUPPLIER; one row per vendor.",
)

vendor_contact = Table(
    "vendor_contact",
    metadata,
    _text("vendor_url", "The vendor.", key=True),
    Column("position", Integer, primary_key=True, comment="Place in Finale's list, from 1."),
    _text("kind", "EMAIL_ADDRESS, TELECOM_NUMBER or POSTAL_ADDRESS."),
    _text("purpose", "What it is for, such as WORK_EMAIL."),
    _text("value", "The e-mail address or phone number."),
    _text("address1", "First line of a postal address."),
    _text("address2", "Second line of a postal address."),
    _text("city", "City."),
    _text("state", "State or province."),
    _text("postal_code", "Postal code."),
    _text("country", "Country, such as USA."),
    _changed(),
    _hash(),
    schema="core",
    comment="How to reach a vendor; one row per address or number.",
)

facility = Table(
    "facility",
    metadata,
    _text("facility_url", "Finale's address of the place (a path); the key.", key=True),
    _text("facility_id", "Finale's facilityId."),
    _text("name", "Name of the place."),
    _text("parent_url", "The location this sublocation is in; null = it is a location itself."),
    _text("status", "FACILITY_ACTIVE or another state, as sent."),
    _text("facility_type", "Finale's facilityTypeId."),
    _at("updated_at", "UTC, Finale's lastUpdatedDate."),
    _payload(),
    _first_seen(),
    _changed(),
    _removed(),
    _hash(),
    schema="core",
    comment="Locations and their sublocations; one row per place.",
)

stock_entry = Table(
    "stock_entry",
    metadata,
    _text("product_url", "The product.", key=True),
    _text("facility_url", "Where: sublocation for stock, location for orders.", key=True),
    _text("lot_id", "Lot or serial number; empty = none.", key=True),
    _text("packing", "Packing of this entry; empty = none.", key=True),
    _text("order_url", "The order that will bring or take it; empty = on hand.", key=True),
    _text("location_url", "The location that holds the facility.", required=True),
    _text("sku", "Finale's productId, as this read had it."),
    _units("on_hand_units", "Units present."),
    _units("on_order_units", "Units of a committed purchase order still to come."),
    _units("reserved_units", "Units of a committed sales order still to leave."),
    _changed(),
    _hash(),
    schema="core",
    comment="Exactly what the last complete read of Finale's stock returned.",
)


def _level_columns() -> list[Column[Any]]:
    return [
        _units("on_hand_units", "Units present; negative when over-shipped."),
        _units("reserved_units", "Units promised to committed sales orders."),
        _units("on_order_units", "Units on committed purchase orders."),
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
    _text("product_url", "The product.", key=True),
    *_level_columns(),
    _changed(),
    schema="core",
    comment="Stock now; one row per product, with explicit zeros for products without an entry.",
)

stock_level_by_location = Table(
    "stock_level_by_location",
    metadata,
    _text("product_url", "The product.", key=True),
    _text("location_url", "The location, its sublocations added up.", key=True),
    *_level_columns(),
    _changed(),
    schema="core",
    comment="Stock now at each location that has any; one row per product and location.",
)

stock_daily = Table(
    "stock_daily",
    metadata,
    _text("product_url", "The product.", key=True),
    Column(
        "snapshot_on",
        Date,
        primary_key=True,
        comment="Business day at whose end these levels held; written when they changed that day.",
    ),
    *_level_columns(),
    _changed(),
    schema="core",
    comment="History of stock: a product's row holds from its day until the product's next row.",
)

stock_day = Table(
    "stock_day",
    metadata,
    Column("snapshot_on", Date, primary_key=True, comment="Business day in the account's zone."),
    _at("read_at", "UTC, the last complete read of stock on that day.", required=True),
    schema="core",
    comment="Days on which stock was read completely; a day without a row was not observed.",
)

sync_run = Table(
    "sync_run",
    metadata,
    Column(
        "run_id", BigInteger, primary_key=True, autoincrement=True, comment="Number of the run."
    ),
    _text("strategy", "full, inventory, vendors, or the asset of a backfill.", required=True),
    _text("trigger", "cli, schedule, sensor, ui or test.", required=True),
    _text("dagster_run_id", "Dagster's id of the run, when Dagster runs it."),
    _text("status", "running, done, failed, held, throttled or interrupted.", required=True),
    _at("started_at", "UTC.", required=True),
    _at("heartbeat_at", "UTC, last sign of life.", required=True),
    _at("finished_at", "UTC; null while it runs."),
    _text("step", "What it does, or did last, such as `products 3 of 38`."),
    Column("progress", Numeric, comment="Share of the work that is done, 0 to 1."),
    Column(
        "counts",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="Per table: read, inserted, updated, unchanged, removed, rejected.",
    ),
    Column("api_calls", BigInteger, nullable=False, server_default=text("0"), comment="Requests."),
    Column("bytes", BigInteger, nullable=False, server_default=text("0"), comment="Bytes read."),
    _text("error_kind", "Class of the error: CONFIG, THROTTLED, TRANSIENT, …"),
    _text("error", "What happened, what it means for the data, the next step."),
    Column("locks", ARRAY(Text), nullable=False, comment="Table sets it works on."),
    Index("sync_run_started_at_idx", "started_at"),
    schema="ops",
    comment="Every execution of a sync; one row per run.",
)

sync_reject = Table(
    "sync_reject",
    metadata,
    Column("reject_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    Column("run_id", BigInteger, nullable=False, comment="The run that met it."),
    _text("table_name", "The table it was meant for.", required=True),
    _text("record_key", "Key of the record, when it had one."),
    _text("reason", "Why it was not written.", required=True),
    _text("sample", "The offending value, shortened, control characters escaped."),
    _at("rejected_at", "UTC.", required=True),
    Index("sync_reject_run_id_idx", "run_id"),
    schema="ops",
    comment="Records that were read and not written; one row per record and run.",
)

walk = Table(
    "walk",
    metadata,
    Column("walk_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    _text("table_name", "The table whose windows it reads.", required=True),
    Column("since_at", DateTime(timezone=True), nullable=False, comment="UTC, where it begins."),
    _at(
        "started_at", "UTC, by the source's clock; the tail from here is read last.", required=True
    ),
    _at("finished_at", "UTC; null while it is under way or interrupted."),
    schema="ops",
    comment="A complete reading of a table by windows, which a killed sync resumes.",
)

catalogue_window = Table(
    "catalogue_window",
    metadata,
    _text("table_name", "The table.", key=True),
    Column("window_from", DateTime(timezone=True), primary_key=True, comment="UTC, included."),
    Column("window_to", DateTime(timezone=True), primary_key=True, comment="UTC, excluded."),
    Column("walk_id", BigInteger, nullable=False, comment="The walk that last read it."),
    Column("body_digest", BigInteger, nullable=False, comment="64-bit hash of the answer."),
    Column("row_count", BigInteger, nullable=False, comment="Records of the window."),
    Column("fingerprint", BigInteger, nullable=False, comment="Rows' hashes in the table, xor-ed."),
    _at("committed_at", "UTC.", required=True),
    schema="ops",
    comment="Checkpoints of walks, and what makes an untouched window cost nothing to read again.",
)

absence = Table(
    "absence",
    metadata,
    Column("walk_id", BigInteger, primary_key=True, comment="The walk."),
    _text("record_url", "The record.", key=True),
    Column("row_hash", BigInteger, comment="Its row's hash then; written anew since = not absent."),
    Column(
        "is_absent",
        Boolean,
        nullable=False,
        comment="True: its window no longer has it; false: met elsewhere with an older stamp.",
    ),
    schema="ops",
    comment="Records a walk missed where they were; what is still missing at its end is removed.",
)

feed = Table(
    "feed",
    metadata,
    _text("feed_name", "Such as stock.", key=True),
    Column("body_digest", BigInteger, nullable=False, comment="64-bit hash of the last answer."),
    Column("row_count", BigInteger, nullable=False, comment="Rows that answer wrote."),
    Column("fingerprint", BigInteger, nullable=False, comment="Rows' hashes, xor-ed."),
    _at("read_at", "UTC, when it was read and believed.", required=True),
    schema="ops",
    comment="The last complete read of a feed that has no windows.",
)

account = Table(
    "account",
    metadata,
    Column("only_row", Boolean, primary_key=True, comment="True: there is one row."),
    _text("base_url", "Address of the source of these data.", required=True),
    _text("account_name", "Account these data belong to.", required=True),
    _at("adopted_at", "UTC, when the first sync wrote it.", required=True),
    schema="ops",
    comment="Whose data these are; another account's sync is refused.",
)
