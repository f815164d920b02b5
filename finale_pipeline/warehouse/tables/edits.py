"""What buyers change about suggested orders; only ever added to."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Numeric, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from finale_pipeline.warehouse.tables.columns import at, metadata, text_, units

purchase_order_edit = Table(
    "purchase_order_edit",
    metadata,
    Column("edit_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    Column("snapshot_on", Date, nullable=False, comment="Day of the plan that was edited."),
    text_("vendor_url", "The vendor of the line; empty = none is known.", required=True),
    text_("product_url", "The product of the line.", required=True),
    units("quantity_units", "Units to order from this edit on; null = as suggested.",
          required=False),
    Column("unit_cost", Numeric, comment="Price of one unit from this edit on; null = as"
           " suggested."),
    Column("is_dropped", Boolean, nullable=False, comment="Whether the line is not to be ordered"
           " from this edit on."),
    units("old_quantity_units", "Units to order before it."),
    Column("old_unit_cost", Numeric, comment="Price of one unit before it; null = unknown."),
    Column("was_dropped", Boolean, nullable=False, comment="Whether the line was dropped before"
           " it."),
    units("suggested_units", "What the plan suggested at that time."),
    Column("suggested_cost", Numeric, comment="The price that the plan knew at that time; null ="
           " unknown."),
    Column("broken_rules", ARRAY(Text), nullable=False, comment="Rules that the line breaks from"
           " this edit on, because the buyer insisted: pack, minimum; and vendor_minimum where the"
           " order stays below the vendor's least value."),
    text_("edited_by", "Who: a person, or the way it came.", required=True),
    at("edited_at", "UTC.", required=True),
    text_("note", "Why, in their words."),
    Column("change_id", BigInteger, comment="The change of many lines that it is part of; null ="
           " it was made singly."),
    Column("is_standing", Boolean, nullable=False, server_default=text("false"),
           comment="Whether it holds for the plans of later days, too, until it is changed."),
    Index("purchase_order_edit_standing_idx", "vendor_url", "product_url", "edit_id",
          postgresql_where=text("is_standing")),
    Index("purchase_order_edit_change_idx", "change_id",
          postgresql_where=text("change_id IS NOT NULL")),
    Index("purchase_order_edit_line_idx", "snapshot_on", "vendor_url", "product_url", "edit_id",
          unique=True),
    Index("purchase_order_edit_product_url_idx", "product_url"),
    schema="plan",
    comment="What buyers changed about the lines of a day's plan: one row per change, never"
    " updated; the newest of a line holds. Planning the same day again keeps it, a new day begins"
    " without.",
)

plan_change = Table(
    "plan_change",
    metadata,
    Column("change_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    Column("snapshot_on", Date, nullable=False, comment="Day of the plan that was changed."),
    text_("kind", "horizon, budget or minimum.", required=True),
    text_("made_by", "Who: a person, or the way it came.", required=True),
    at("made_at", "UTC.", required=True),
    text_("undone_by", "Who took it back; null = nobody."),
    at("undone_at", "UTC, when."),
    schema="plan",
    comment="Changes of many lines of a day's plan at one stroke, each of which can be undone.",
)
