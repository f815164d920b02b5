"""What people chose about items at one stroke, so that it can be taken back; views they keep."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Table

from finale_pipeline.warehouse.tables.columns import at, metadata, text_

choice = Table(
    "choice",
    metadata,
    Column("choice_id", BigInteger, primary_key=True, autoincrement=True, comment="Number."),
    text_("state", "acknowledged, snoozed, ordered or open.", required=True),
    text_("note", "What the person wrote."),
    at("snoozed_until", "UTC, end of a snooze; null = none."),
    text_("made_by", "Who chose it: a person, or the way it came.", required=True),
    at("made_at", "UTC.", required=True),
    text_("undone_by", "Who took it back; null = nobody."),
    at("undone_at", "UTC, when."),
    schema="ops",
    comment="What a person chose about some items that are out or low, all of them at once.",
)

choice_item = Table(
    "choice_item",
    metadata,
    Column("choice_id", ForeignKey("ops.choice.choice_id", ondelete="CASCADE"), primary_key=True,
           autoincrement=False, comment="The choice."),
    Column("incident_id", BigInteger, primary_key=True, autoincrement=False,
           comment="The incident that it is about."),
    text_("state_before", "The incident's state before.", required=True),
    at("snoozed_until_before", "UTC, end of its snooze before."),
    Column("even_if_worse_before", Boolean, nullable=False,
           comment="Whether it would have stayed snoozed when it got worse, before."),
    text_("note_before", "Its note before."),
    text_("decided_by_before", "Who had decided last, before."),
    at("decided_at_before", "UTC, when that was."),
    schema="ops",
    comment="What each incident was before a choice: what taking it back brings back.",
)

saved_view = Table(
    "saved_view",
    metadata,
    text_("kept_by", "Who keeps it; `page` = whoever gives no name.", key=True),
    text_("name", "What they call it.", key=True),
    text_("query", "Filters and order of the list, as in the address bar.", required=True),
    at("kept_at", "UTC.", required=True),
    schema="ops",
    comment="Views of the list of items that people keep by name.",
)
