"""What buyers know of demand that no sale of the past can tell."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Date, Index, Numeric, Table

from finale_pipeline.warehouse.tables.columns import at, metadata, text_

demand_adjustment = Table(
    "demand_adjustment",
    metadata,
    Column("adjustment_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    text_("scope", "What it is about: product, vendor or category.", required=True),
    text_("scope_key", "The product's or vendor's url, or the category's name.", required=True),
    text_("kind", "times: demand is `value` times what is expected; units: `value` units are"
          " expected in that time, and no others; successor: it takes the place of `scope_key`'s"
          " predecessor, whose sales count as its own.", required=True),
    Column("value", Numeric, comment="Factor or units; null for a successor."),
    text_("predecessor_url", "The product that it takes the place of; null = of another kind."),
    Column("from_on", Date, comment="The first business day; null for a successor."),
    Column("until_on", Date, comment="The last business day; null for a successor."),
    text_("note", "Why, in their words."),
    text_("made_by", "Who.", required=True),
    at("made_at", "UTC.", required=True),
    text_("withdrawn_by", "Who took it back; null = it holds."),
    at("withdrawn_at", "UTC, when it was taken back."),
    CheckConstraint("scope IN ('product', 'vendor', 'category')", name="demand_adjustment_scope"),
    CheckConstraint(
        "CASE kind WHEN 'successor' THEN scope = 'product' AND predecessor_url IS NOT NULL"
        " WHEN 'times' THEN value >= 0 AND from_on <= until_on"
        " WHEN 'units' THEN scope = 'product' AND value >= 0 AND from_on <= until_on"
        " ELSE false END",
        name="demand_adjustment_kind",
    ),
    Index("demand_adjustment_scope_idx", "scope", "scope_key"),
    schema="plan",
    comment="Promotions, planned events and successors, said by buyers; kept by people, never"
    " written by a sync. Days that one was about are left out of what is learnt.",
)
