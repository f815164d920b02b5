"""Purchase orders that we wrote to Finale: what was meant, what was sent, what came of it."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from finale_pipeline.warehouse.tables.columns import at, metadata, text_

STATES = (
    "intended: written down, not sent; sent: it goes out, or went and nobody noted how that ended;"
    " created: in Finale, read back, the same; differs: in Finale and not what was meant;"
    " unverified: in Finale and could not be read back; unknown: sent, and neither an answer nor"
    " the order was found; refused: Finale said no; abandoned: a person gave it up."
)

purchase_order_write = Table(
    "purchase_order_write",
    metadata,
    text_("reference", "Our key, in Finale the order's referenceNumber.", key=True),
    text_("order_id", "The orderId under which it is created; a second creation clashes with it.",
          required=True),
    text_("account_name", "The account it is for.", required=True),
    Column("plan_on", Date, nullable=False, comment="Day of the plan, in the account's zone."),
    text_("vendor_url", "The vendor (a path).", required=True),
    text_("vendor_id", "Finale's partyId of the vendor.", required=True),
    text_("facility_url", "The location it goes to.", required=True),
    Column("sequence", Integer, nullable=False,
           comment="1; higher for a deliberate further order of that day, vendor and place."),
    text_("state", STATES, required=True),
    Column("lines", JSONB, nullable=False,
           comment="What was meant: product_url, sku, quantity_units, unit_price, currency,"
           " arrival_on of each line."),
    Column("total", Numeric, nullable=False, comment="Sum of the lines that have a price."),
    text_("body", "The JSON text that is sent, to the letter.", required=True),
    text_("body_hash", "SHA-256 of `body`, hexadecimal.", required=True),
    Column("warnings", JSONB, nullable=False, comment="What was shown before it was sent."),
    Column("attempts", Integer, nullable=False, server_default=text("0"),
           comment="Times it was sent; more than 1 only after Finale provably had nothing."),
    text_("created_by", "Who wanted it.", required=True),
    at("intended_at", "UTC, when it was written down.", required=True),
    at("sent_at", "UTC, just before it was last sent; null = never."),
    at("sent_source_at", "The same moment by Finale's clock."),
    at("settled_at", "UTC, when its present state became final; null = it is open."),
    text_("order_url", "Finale's address of the order (a path); null = none known."),
    text_("finale_status", "Its status in Finale when last read."),
    text_("link", "Where Finale's pages show it."),
    Column("differences", JSONB, nullable=False, server_default=text("'[]'::jsonb"),
           comment="How the order in Finale differs from what was meant, in words."),
    text_("error", "Why it is refused, unknown or unverified."),
    text_("idempotency_key", "What the caller named the request; null = it was not named."),
    text_("request_hash", "SHA-256 of what that request asked for, hexadecimal."),
    Index("purchase_order_write_idempotency_key_idx", "idempotency_key"),
    Index("purchase_order_write_state_idx", "state"),
    Index("purchase_order_write_plan_on_idx", "plan_on"),
    schema="ops",
    comment="Purchase orders that we draft in Finale; one row per order, written before it is"
    " sent.",
)

purchase_order_write_event = Table(
    "purchase_order_write_event",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    Column("reference", ForeignKey("ops.purchase_order_write.reference"), nullable=False,
           comment="The order."),
    text_("from_state", "Its state before; null = it was written down."),
    text_("state", "Its state from then on.", required=True),
    at("happened_at", "UTC.", required=True),
    text_("actor", "Who was at work.", required=True),
    text_("detail", "What was seen or done."),
    Index("purchase_order_write_event_reference_idx", "reference"),
    schema="ops",
    comment="Every change of state of an order that we draft; one row per change, never altered.",
)
