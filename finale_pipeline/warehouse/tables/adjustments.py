"""What buyers know of demand that no sale of the past can tell."""

from sqlalchemy import CheckConstraint

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "plan.demand_adjustment", "Promotions, planned events and successors, said by buyers; kept by"
    " people, never written by a sync. Days that one was about are left out of what is learnt.",
    c.serial("adjustment_id"),
    c.text("scope", "What it is about: product, vendor or category.", required=True),
    c.text("scope_key", "The product's or vendor's url, or the category's name.", required=True),
    c.text("kind", "times: demand is `value` times what is expected; units: `value` units are"
           " expected in that time, and no others; successor: it takes the place of `scope_key`'s"
           " predecessor, whose sales count as its own.", required=True),
    c.number("value", "Factor or units; null for a successor."),
    c.text("predecessor_url", "The product that it takes the place of; null = of another kind."),
    c.day("from_on", "The first business day; null for a successor."),
    c.day("until_on", "The last business day; null for a successor."),
    c.text("note", "Why, in their words."),
    c.text("made_by", "Who.", required=True),
    c.at("made_at", "UTC.", required=True),
    c.text("withdrawn_by", "Who took it back; null = it holds."),
    c.at("withdrawn_at", "UTC, when it was taken back."),
    CheckConstraint("scope IN ('product', 'vendor', 'category')", name="demand_adjustment_scope"),
    CheckConstraint(
        "CASE kind WHEN 'successor' THEN scope = 'product' AND predecessor_url IS NOT NULL"
        " WHEN 'times' THEN value >= 0 AND from_on <= until_on"
        " WHEN 'units' THEN scope = 'product' AND value >= 0 AND from_on <= until_on"
        " ELSE false END",
        name="demand_adjustment_kind",
    ),
    c.index("demand_adjustment_scope_idx", "scope", "scope_key"),
)
