"""What buyers change about suggested orders; only ever added to."""

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "plan.purchase_order_edit", "What buyers changed about the lines of a day's plan: one row per"
    " change, never updated; the newest of a line holds. Planning the same day again keeps it, a"
    " new day begins without.",
    c.serial("edit_id"),
    c.day("snapshot_on", "Day of the plan that was edited.", required=True),
    c.text("vendor_url", "The vendor of the line; empty = none is known.", required=True),
    c.text("product_url", "The product of the line.", required=True, index=True),
    c.number("quantity_units", "Units to order from this edit on; null = as suggested."),
    c.number("unit_cost", "Price of one unit from this edit on; null = as suggested."),
    c.flag("is_dropped", "Whether the line is not to be ordered from this edit on."),
    c.units("old_quantity_units", "Units to order before it."),
    c.number("old_unit_cost", "Price of one unit before it; null = unknown."),
    c.flag("was_dropped", "Whether the line was dropped before it."),
    c.units("suggested_units", "What the plan suggested at that time."),
    c.number("suggested_cost", "The price that the plan knew at that time; null = unknown."),
    c.texts("broken_rules", "Rules that the line breaks from this edit on, because the buyer"
            " insisted: pack, minimum; and vendor_minimum where the order stays below the vendor's"
            " least value."),
    c.text("edited_by", "Who: a person, or the way it came.", required=True),
    c.at("edited_at", "UTC.", required=True),
    c.text("note", "Why, in their words."),
    c.big("change_id", "The change of many lines that it is part of; null = it was made singly."),
    c.flag("is_standing", "Whether it holds for the plans of later days, too, until it is changed.",
           default="false"),
    c.index("purchase_order_edit_standing_idx", "vendor_url", "product_url", "edit_id",
            where="is_standing"),
    c.index("purchase_order_edit_change_idx", "change_id", where="change_id IS NOT NULL"),
    c.index("purchase_order_edit_line_idx", "snapshot_on", "vendor_url", "product_url", "edit_id",
            unique=True),
)

c.table(
    "plan.plan_change", "Changes of many lines of a day's plan at one stroke, each of which can be"
    " undone.",
    c.serial("change_id"),
    c.day("snapshot_on", "Day of the plan that was changed.", required=True),
    c.text("kind", "horizon, budget or minimum.", required=True),
    c.text("made_by", "Who: a person, or the way it came.", required=True),
    c.at("made_at", "UTC.", required=True),
    c.text("undone_by", "Who took it back; null = nobody."),
    c.at("undone_at", "UTC, when."),
)
