"""Purchase orders that we wrote to Finale: what was meant, what was sent, what came of it."""

from sqlalchemy import ForeignKey

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "ops.purchase_order_write", "Purchase orders that we draft in Finale; one row per order,"
    " written before it is sent.",
    c.text("reference", "Our key, in Finale the order's referenceNumber.", key=True),
    c.text("order_id", "The orderId under which it is created; a second creation clashes with it.",
           required=True),
    c.text("account_name", "The account it is for.", required=True),
    c.day("plan_on", "Day of the plan, in the account's zone.", required=True, index=True),
    c.text("vendor_url", "The vendor (a path).", required=True),
    c.text("vendor_id", "Finale's partyId of the vendor.", required=True),
    c.text("facility_url", "The location it goes to.", required=True),
    c.integer("sequence", "1; higher for a deliberate further order of that day, vendor and place.",
              required=True),
    c.text("state", "intended: written down, not sent; sent: it goes out, or went and nobody noted"
           " how that ended; created: in Finale, read back, the same; differs: in Finale and not"
           " what was meant; unverified: in Finale and could not be read back; unknown: sent, and"
           " neither an answer nor the order was found; refused: Finale said no; abandoned: a"
           " person gave it up.", required=True, index=True),
    c.json("lines", "What was meant: product_url, sku, quantity_units, unit_price, currency,"
           " arrival_on of each line."),
    c.number("total", "Sum of the lines that have a price.", required=True),
    c.text("body", "The JSON text that is sent, to the letter.", required=True),
    c.text("body_hash", "SHA-256 of `body`, hexadecimal.", required=True),
    c.json("warnings", "What was shown before it was sent."),
    c.integer("attempts", "Times it was sent; more than 1 only after Finale provably had nothing.",
              default="0"),
    c.text("created_by", "Who wanted it.", required=True),
    c.at("intended_at", "UTC, when it was written down.", required=True),
    c.at("sent_at", "UTC, just before it was last sent; null = never."),
    c.at("sent_source_at", "The same moment by Finale's clock."),
    c.at("settled_at", "UTC, when its present state became final; null = it is open."),
    c.text("order_url", "Finale's address of the order (a path); null = none known."),
    c.text("finale_status", "Its status in Finale when last read."),
    c.text("link", "Where Finale's pages show it."),
    c.json("differences", "How the order in Finale differs from what was meant, in words.",
           default="'[]'::jsonb"),
    c.text("error", "Why it is refused, unknown or unverified."),
    c.text("idempotency_key", "What the caller named the request; null = it was not named.",
           index=True),
    c.text("request_hash", "SHA-256 of what that request asked for, hexadecimal."),
)

c.table(
    "ops.purchase_order_write_event", "Every change of state of an order that we draft; one row per"
    " change, never altered.",
    c.serial("event_id"),
    c.text("reference", "The order.", ForeignKey("ops.purchase_order_write.reference"),
           required=True, index=True),
    c.text("from_state", "Its state before; null = it was written down."),
    c.text("state", "Its state from then on.", required=True),
    c.at("happened_at", "UTC.", required=True),
    c.text("actor", "Who was at work.", required=True),
    c.text("detail", "What was seen or done."),
)
