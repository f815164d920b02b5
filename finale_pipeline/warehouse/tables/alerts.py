"""Critical items, their incidents, what happened to them, and the mails that tell of it."""

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "plan.critical_item", "Active, stocked products that are out or low; one row per product and"
    " business day.",
    c.day("snapshot_on", "Business day of the stock it is about.", key=True),
    c.text("product_url", "The product.", key=True),
    c.text("level", "low or out.", required=True),
    c.at("since_at", "UTC, when this level began; null for days computed afterwards."),
    c.units("on_hand_units", "Units present."),
    c.units("reserved_units", "Units promised to committed sales orders."),
    c.units("available_units", "On hand less reserved; at most 0 = out."),
    c.units("on_order_units", "Units on committed purchase orders."),
    c.day("due_on", "Earliest due date of what is on order; null = not known."),
    c.units("threshold_units", "Reorder point, or the default; low below it."),
    c.text("threshold_source", "buyer, finale (sum of its rules), ours (the forecast's) or default"
           " (the setting)."),
    c.number("suggested_units", "Units to order; null = not known."),
    c.text("suggested_by", "plan = our purchase plan; finale = reorder quantity of its rules."),
    c.number("days_left", "Days until it is out at today's pace; null = not known."),
    c.number("money_at_risk", "Sales at risk in the account's currency; without a forecast: units"
             " short of the reorder point, at cost; null = no cost."),
    c.text("vendor_url", "Its main supplier; null = none."),
    c.text("vendor_name", "Name of the supplier."),
    c.text("contact", "First e-mail of the supplier, else first phone number."),
    c.text("why", "One line that explains level and suggestion.", required=True),
    c.changed(),
)

c.table(
    "ops.item_level", "What the last evaluation found of each watched product.",
    c.text("product_url", "The product.", key=True),
    c.text("level", "Exact level at the last evaluation: ok, low or out.", required=True),
    c.text("told", "Level that people know of; differs while it is near a border: ok, low or out.",
           required=True),
    c.units("threshold_units", "Reorder point or default at the last evaluation."),
    c.at("since_at", "UTC, when `level` began.", required=True),
    c.at("better_since_at", "UTC, since when `level` is better than `told`; null = it is not."),
    c.integer("worsenings", "Worsenings in a row with less than a day between them.", default="0"),
    c.at("worsened_at", "UTC, the last of them."),
    c.flag("is_left_out", "Whether it was not watched at the last evaluation.", default="false"),
    c.index("item_level_unsettled_idx", "product_url", where="better_since_at IS NOT NULL"),
)

c.table(
    "ops.incident", "A product's stay away from ok, or a sync's away from working; one row per"
    " stay.",
    c.serial("incident_id"),
    c.text("subject", "product_url, or `sync:` and the strategy.", required=True),
    c.text("state", "open, acknowledged, snoozed, ordered or resolved.", required=True),
    c.text("level", "low or out; for syncs failed, held, stuck or deferred.", required=True),
    c.text("mailed", "The last worsening that a mail told of; null = none did."),
    c.at("opened_at", "UTC.", required=True, index=True),
    c.at("closed_at", "UTC; null = it is going on."),
    c.at("snoozed_until", "UTC, end of a snooze; null = until it gets worse."),
    c.flag("even_if_worse", "Whether it stays snoozed when it gets worse.", default="false"),
    c.text("note", "What the person wrote who decided last."),
    c.text("decided_by", "Who decided last."),
    c.at("decided_at", "UTC, when."),
    c.index("incident_open_subject_idx", "subject", unique=True, where="closed_at IS NULL"),
)

c.table(
    "ops.incident_event", "Everything that happened to incidents; exactly one row per crossing.",
    c.serial("event_id"),
    c.big("incident_id", "The incident.", required=True),
    c.text("subject", "product_url, or `sync:` and the strategy.", required=True),
    c.text("kind", "Crossings: opened, worsened, improved, closed, flapping, held_back; others:"
           " recorded, settled, left_out, acknowledged, snoozed, ordered, reopened.",
           required=True),
    c.text("from_level", "Level before; differs from to_level for crossings only.", required=True),
    c.text("to_level", "Level after.", required=True),
    c.text("cause", "stock, settings, or why it was recorded in silence; for syncs the error"
           " class.", required=True),
    c.number("available_units", "Available units at that moment."),
    c.number("threshold_units", "Reorder point or default at that moment."),
    c.at("happened_at", "UTC.", required=True),
    c.big("run_id", "The sync run that found it."),
    c.text("message_id", "The mail that tells of it; null = none."),
    c.text("no_mail", "Why no mail tells of it."),
    c.text("actor", "The person who acted; null = the pipeline."),
    c.index("incident_event_incident_idx", "incident_id"),
    c.index("incident_event_subject_idx", "subject", "happened_at"),
    c.index("incident_event_message_idx", "message_id"),
    c.index("incident_event_happened_at_idx", "happened_at"),
)

c.table(
    "ops.outbox", "Every mail, written in the transaction of its reason, delivered afterwards.",
    c.serial("outbox_id"),
    c.text("message_id", "Goes into the mail's headers: a repeat is recognisable.", required=True,
           unique=True),
    c.text("dedupe_key", "What it is about; the same thing is never written twice.", required=True,
           unique=True),
    c.text("kind", "out_of_stock, reorder_needed, back_in_stock, digest, …", required=True),
    c.texts("recipients", "Addresses, as configured then."),
    c.texts("delivered", "Addresses that it was accepted for.", default="'{}'"),
    c.json("refused", "Address → why the mail service refuses it.", default="'{}'"),
    c.text("subject", "Subject line.", required=True),
    c.text("body_text", "Plain text.", required=True),
    c.text("body_html", "HTML.", required=True),
    c.text("attachment_name", "File name of the attachment; null = none."),
    c.binary("attachment", "The attached CSV."),
    c.text("state", "pending, held (quiet hours), sending, sent, merged or dead.", required=True),
    c.integer("attempts", "Attempts so far.", default="0"),
    c.integer("unknown_outcomes", "Attempts of which nobody knows whether they arrived; one repeat"
              " is allowed.", default="0"),
    c.at("next_attempt_at", "UTC, not before.", required=True),
    c.flag("is_deferred", "Whether it waits for some of its addresses alone; then other mails pass"
           " it by.", default="false"),
    c.text("route", "Name of the route that it is for; null = it is for everybody."),
    c.text("last_error", "What the last attempt met."),
    c.text("merged_into", "message_id of the mail that says it instead."),
    c.big("run_id", "The sync run it came from."),
    c.at("created_at", "UTC.", required=True, index=True),
    c.at("sent_at", "UTC, when it was accepted for every address that takes mail."),
    c.index("outbox_waiting_idx", "next_attempt_at",
            where="state IN ('pending', 'held', 'sending')"),
)

c.table(
    "ops.touched_item", "Products whose stock changed since the last evaluation of critical items.",
    c.text("product_url", "The product.", key=True),
)

c.table(
    "ops.evaluation", "The last evaluation of critical items.",
    c.only_row(),
    c.day("snapshot_on", "Business day of the stock it is about.", required=True),
    c.at("read_at", "UTC, the read of stock that was evaluated.", required=True),
    c.units("default_units", "Threshold of products without a reorder point, then."),
    c.big("catalogue_runs", "Catalogue syncs that had ended by then; another number = look at every"
          " product.", required=True),
    c.at("evaluated_at", "UTC.", required=True),
    c.big("run_id", "The sync run that did."),
    c.big("watched", "Products watched then.", required=True),
    c.at("summary_at", "UTC, when people were told what is watched: once, after the first plan;"
         " null = not yet."),
)
