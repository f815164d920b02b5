"""Critical items, their incidents, what happened to them, and the mails that tell of it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from finale_pipeline.warehouse.tables.columns import at, changed, metadata, text_, units

LEVEL = "ok, low or out."

critical_item = Table(
    "critical_item",
    metadata,
    Column("snapshot_on", Date, primary_key=True, comment="Business day of the stock it is about."),
    text_("product_url", "The product.", key=True),
    text_("level", "low or out.", required=True),
    at("since_at", "UTC, when this level began; null for days computed afterwards."),
    units("on_hand_units", "Units present.", required=True),
    units("reserved_units", "Units promised to committed sales orders.", required=True),
    units("available_units", "On hand less reserved; at most 0 = out.", required=True),
    units("on_order_units", "Units on committed purchase orders.", required=True),
    Column("due_on", Date, comment="Earliest due date of what is on order; null = not known."),
    units("threshold_units", "Reorder point, or the default; low below it.", required=True),
    text_(
        "threshold_source",
        "buyer, finale (sum of its rules), ours (the forecast's) or default (the setting).",
    ),
    units("suggested_units", "Units to order; null = not known.", required=False),
    text_("suggested_by", "plan = our purchase plan; finale = reorder quantity of its rules."),
    Column("days_left", Numeric, comment="Days until it is out at today's pace; null = not known."),
    Column(
        "money_at_risk",
        Numeric,
        comment="Sales at risk in the account's currency; without a forecast: units short of the"
        " reorder point, at cost; null = no cost.",
    ),
    text_("vendor_url", "Its main supplier; null = none."),
    text_("vendor_name", "Name of the supplier."),
    text_("contact", "First e-mail of the supplier, else first phone number."),
    text_("why", "One line that explains level and suggestion.", required=True),
    changed(),
    schema="plan",
    comment="Active, stocked products that are out or low; one row per product and business day.",
)

item_level = Table(
    "item_level",
    metadata,
    text_("product_url", "The product.", key=True),
    text_("level", f"Exact level at the last evaluation: {LEVEL}", required=True),
    text_("told", f"Level that people know of; differs while it is near a border: {LEVEL}",
          required=True),
    units("threshold_units", "Reorder point or default at the last evaluation."),
    at("since_at", "UTC, when `level` began.", required=True),
    at("better_since_at", "UTC, since when `level` is better than `told`; null = it is not."),
    Column(
        "worsenings", Integer, nullable=False, server_default=text("0"),
        comment="Worsenings in a row with less than a day between them.",
    ),
    at("worsened_at", "UTC, the last of them."),
    Column(
        "is_left_out", Boolean, nullable=False, server_default=text("false"),
        comment="Whether it was not watched at the last evaluation.",
    ),
    Index(
        "item_level_unsettled_idx", "product_url",
        postgresql_where=text("better_since_at IS NOT NULL"),
    ),
    schema="ops",
    comment="What the last evaluation found of each watched product.",
)

incident = Table(
    "incident",
    metadata,
    Column("incident_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    text_("subject", "product_url, or `sync:` and the strategy.", required=True),
    text_("state", "open, acknowledged, snoozed, ordered or resolved.", required=True),
    text_("level", "low or out; for syncs failed, held, stuck or deferred.", required=True),
    text_("mailed", "The last worsening that a mail told of; null = none did."),
    at("opened_at", "UTC.", required=True),
    at("closed_at", "UTC; null = it is going on."),
    at("snoozed_until", "UTC, end of a snooze; null = until it gets worse."),
    Column(
        "even_if_worse", Boolean, nullable=False, server_default=text("false"),
        comment="Whether it stays snoozed when it gets worse.",
    ),
    text_("note", "What the person wrote who decided last."),
    text_("decided_by", "Who decided last."),
    at("decided_at", "UTC, when."),
    Index(
        "incident_open_subject_idx", "subject", unique=True,
        postgresql_where=text("closed_at IS NULL"),
    ),
    Index("incident_opened_at_idx", "opened_at"),
    schema="ops",
    comment="A product's stay away from ok, or a sync's away from working; one row per stay.",
)

incident_event = Table(
    "incident_event",
    metadata,
    Column("event_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    Column("incident_id", BigInteger, nullable=False, comment="The incident."),
    text_("subject", "product_url, or `sync:` and the strategy.", required=True),
    text_(
        "kind",
        "Crossings: opened, worsened, improved, closed, flapping, held_back; others: recorded,"
        " settled, left_out, acknowledged, snoozed, ordered, reopened.",
        required=True,
    ),
    text_("from_level", "Level before; differs from to_level for crossings only.", required=True),
    text_("to_level", "Level after.", required=True),
    text_("cause", "stock, settings, or why it was recorded in silence; for syncs the error class.",
          required=True),
    units("available_units", "Available units at that moment.", required=False),
    units("threshold_units", "Reorder point or default at that moment.", required=False),
    at("happened_at", "UTC.", required=True),
    Column("run_id", BigInteger, comment="The sync run that found it."),
    text_("message_id", "The mail that tells of it; null = none."),
    text_("no_mail", "Why no mail tells of it."),
    text_("actor", "The person who acted; null = the pipeline."),
    Index("incident_event_incident_idx", "incident_id"),
    Index("incident_event_subject_idx", "subject", "happened_at"),
    Index("incident_event_message_idx", "message_id"),
    Index("incident_event_happened_at_idx", "happened_at"),
    schema="ops",
    comment="Everything that happened to incidents; exactly one row per crossing.",
)

outbox = Table(
    "outbox",
    metadata,
    Column("outbox_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    text_("message_id", "Goes into the mail's headers: a repeat is recognisable.", required=True),
    text_("dedupe_key", "What it is about; the same thing is never written twice.", required=True),
    text_("kind", "out_of_stock, reorder_needed, back_in_stock, digest, …", required=True),
    Column("recipients", ARRAY(Text), nullable=False, comment="Addresses, as configured then."),
    Column(
        "delivered", ARRAY(Text), nullable=False, server_default=text("'{}'"),
        comment="Addresses that it was accepted for.",
    ),
    Column(
        "refused", JSONB, nullable=False, server_default=text("'{}'"),
        comment="Address → why the mail service refuses it.",
    ),
    text_("subject", "Subject line.", required=True),
    text_("body_text", "Plain text.", required=True),
    text_("body_html", "HTML.", required=True),
    text_("attachment_name", "File name of the attachment; null = none."),
    Column("attachment", LargeBinary, comment="The attached CSV."),
    text_("state", "pending, held (quiet hours), sending, sent, merged or dead.", required=True),
    Column(
        "attempts", Integer, nullable=False, server_default=text("0"), comment="Attempts so far."
    ),
    Column(
        "unknown_outcomes", Integer, nullable=False, server_default=text("0"),
        comment="Attempts of which nobody knows whether they arrived; one repeat is allowed.",
    ),
    at("next_attempt_at", "UTC, not before.", required=True),
    Column(
        "is_deferred", Boolean, nullable=False, server_default=text("false"),
        comment="Whether it waits for some of its addresses alone; then other mails pass it by.",
    ),
    text_("route", "Name of the route that it is for; null = it is for everybody."),
    text_("last_error", "What the last attempt met."),
    text_("merged_into", "message_id of the mail that says it instead."),
    Column("run_id", BigInteger, comment="The sync run it came from."),
    at("created_at", "UTC.", required=True),
    at("sent_at", "UTC, when it was accepted for every address that takes mail."),
    UniqueConstraint("message_id", name="outbox_message_id_key"),
    UniqueConstraint("dedupe_key", name="outbox_dedupe_key_key"),
    Index(
        "outbox_waiting_idx", "next_attempt_at",
        postgresql_where=text("state IN ('pending', 'held', 'sending')"),
    ),
    Index("outbox_created_at_idx", "created_at"),
    schema="ops",
    comment="Every mail, written in the transaction of its reason, delivered afterwards.",
)

touched_item = Table(
    "touched_item",
    metadata,
    text_("product_url", "The product.", key=True),
    schema="ops",
    comment="Products whose stock changed since the last evaluation of critical items.",
)

evaluation = Table(
    "evaluation",
    metadata,
    Column("only_row", Boolean, primary_key=True, comment="True: there is one row."),
    Column("snapshot_on", Date, nullable=False, comment="Business day of the stock it is about."),
    at("read_at", "UTC, the read of stock that was evaluated.", required=True),
    units("default_units", "Threshold of products without a reorder point, then."),
    Column(
        "catalogue_runs",
        BigInteger,
        nullable=False,
        comment="Catalogue syncs that had ended by then; another number = look at every product.",
    ),
    at("evaluated_at", "UTC.", required=True),
    Column("run_id", BigInteger, comment="The sync run that did."),
    Column("watched", BigInteger, nullable=False, comment="Products watched then."),
    at(
        "summary_at",
        "UTC, when people were told what is watched: once, after the first plan; null = not yet.",
    ),
    schema="ops",
    comment="The last evaluation of critical items.",
)
