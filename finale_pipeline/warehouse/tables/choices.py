"""What people chose about items at one stroke, so that it can be taken back; views they keep."""

from sqlalchemy import ForeignKey

from finale_pipeline.warehouse.tables import columns as c

c.table(
    "ops.choice", "What a person chose about some items that are out or low, all of them at once.",
    c.serial("choice_id"),
    c.text("state", "acknowledged, snoozed, ordered or open.", required=True),
    c.text("note", "What the person wrote."),
    c.at("snoozed_until", "UTC, end of a snooze; null = none."),
    c.text("made_by", "Who chose it: a person, or the way it came.", required=True),
    c.at("made_at", "UTC.", required=True),
    c.text("undone_by", "Who took it back; null = nobody."),
    c.at("undone_at", "UTC, when."),
)

c.table(
    "ops.choice_item", "What each incident was before a choice: what taking it back brings back.",
    c.big("choice_id", "The choice.", ForeignKey("ops.choice.choice_id", ondelete="CASCADE"),
          key=True),
    c.big("incident_id", "The incident that it is about.", key=True),
    c.text("state_before", "The incident's state before.", required=True),
    c.at("snoozed_until_before", "UTC, end of its snooze before."),
    c.flag("even_if_worse_before", "Whether it would have stayed snoozed when it got worse,"
           " before."),
    c.text("note_before", "Its note before."),
    c.text("decided_by_before", "Who had decided last, before."),
    c.at("decided_at_before", "UTC, when that was."),
)

c.table(
    "ops.saved_view", "Views of the list of items that people keep by name.",
    c.text("kept_by", "Who keeps it; `page` = whoever gives no name.", key=True),
    c.text("name", "What they call it.", key=True),
    c.text("query", "Filters and order of the list, as in the address bar.", required=True),
    c.at("kept_at", "UTC.", required=True),
)
