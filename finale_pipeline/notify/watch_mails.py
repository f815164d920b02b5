"""What the dead man's switch says, and what a restored database says."""

from collections.abc import Sequence
from datetime import datetime

from finale_pipeline.domain.alerts.deadman import Outage, Trouble
from finale_pipeline.notify.messages import Content
from finale_pipeline.text import utc

SHORT = {
    "database": "the database does not answer",
    "daemon": "Dagster's daemon decides nothing",
    "syncs": "no good sync",
    "outbox": "mails are not delivered",
}


def silent(troubles: Sequence[Trouble]) -> Content:
    """Something that should happen by itself does not."""
    summary = "; ".join(dict.fromkeys(SHORT[t.kind] for t in troubles))
    facts = [pair for t in troubles for pair in (("What was found", t.says), ("Do", t.step))]
    return Content(
        "pipeline_silent",
        f"Stock watch: {summary}",
        f"Stock is not watched as it should be: {summary}",
        intro=[
            "Until this is mended, stock mails may be late or missing; the data stay as the last"
            " good sync left them. You hear of this once, and again when it is over.",
        ],
        facts=facts,
    )


def recovered(outage: Outage) -> Content:
    """All that was told is over."""
    summary = "; ".join(SHORT[kind] for kind in outage.told)
    return Content(
        "pipeline_recovered",
        "Stock watch: all is well again",
        "Stock is watched again",
        intro=["Syncs are in time, the daemon decides, mails go out."],
        facts=[("In trouble since", utc(outage.opened_at)), ("It was", summary)],
    )


def silent_key(outage: Outage) -> str:
    """Return what a mail about an outage is about: each trouble that came to it is a mail."""
    return f"pipeline_silent:{outage.opened_at.isoformat()}:{','.join(outage.told)}"


def recovered_key(outage: Outage) -> str:
    """Return what the mail about an outage's end is about."""
    return f"pipeline_recovered:{outage.opened_at.isoformat()}"


def restored(made_at: datetime, waiting: Sequence[tuple[datetime, str]]) -> Content:
    """A backup was restored.

    Args:
        made_at: UTC, when the backup was made.
        waiting: Mails that waited in it: when they were written, and their subject.
    """
    facts = [(utc(at), subject) for at, subject in waiting]
    return Content(
        "restored",
        f"Database restored from the backup of {utc(made_at)}",
        f"The database is as it was {utc(made_at)}",
        intro=[
            "The next sync reads what changed in Finale since then. Whatever crossed a level"
            " meanwhile is told in one mail, since some of it may have been mailed before.",
            f"{len(waiting)} mails waited in the backup. They are not sent again, for they may"
            " have arrived since; this is what they said:"
            if waiting
            else "No mail waited in the backup.",
        ],
        facts=facts,
    )
