"""What mails about syncs say, and the test mail."""

from datetime import datetime

from finale_pipeline.domain.syncs.outcomes import EndedSync, SyncProblem
from finale_pipeline.notify.messages import Content
from finale_pipeline.text import utc

TEXTS = {
    "failed": (
        "sync_failed",
        "Sync failed: {strategy} ({kind})",
        "The data stay as the last good sync left them. You hear of this once, and again when it"
        " works.",
    ),
    "held": (
        "data_held",
        "Data held: the {strategy} sync read something that cannot be believed",
        "Nothing was changed: not the levels, not the alerts. A person has to look.",
    ),
    "stuck": (
        "sync_stuck",
        "Sync stuck: {strategy}",
        "It has given no sign of life, so it is ended and marked as failed; what it committed"
        " stays. Stock alerts may be late until the next sync.",
    ),
    "deferred": (
        "sync_deferred",
        "Sync deferred three times: {strategy}",
        "Finale's request budget was used up, by us or by others with the same key. The data are as"
        " old as the last good sync.",
    ),
}
"""Of each kind of trouble: the mail's kind, its subject, and what it means."""


def trouble(finding: SyncProblem, *, last_good: datetime | None) -> Content:
    """A strategy does not work.

    Args:
        last_good: UTC, when a run of it last ended well.
    """
    run = finding.run
    facts = [
        ("What happened", run.error or "no word since the last sign of life"),
        ("Class", run.error_kind or finding.kind),
        ("Strategy", finding.strategy),
        ("Run", f"{run.run_id}, started by {run.trigger}, {utc(run.at)}"),
        ("Last good", utc(last_good) if last_good else "never"),
    ]
    kind, subject, meaning = TEXTS[finding.kind]
    title = subject.format(strategy=finding.strategy, kind=run.error_kind or finding.kind)
    return Content(kind, title, title, intro=[meaning], facts=facts)


def recovered(strategy: str, run: EndedSync, *, since: datetime) -> Content:
    """A strategy works again, whose failure was mailed."""
    return Content(
        "sync_recovered",
        f"Sync works again: {strategy}",
        f"The {strategy} sync works again",
        intro=["The data are up to date."],
        facts=[
            ("In trouble since", utc(since)),
            ("Good again", f"run {run.run_id}, {utc(run.at)}"),
        ],
    )


def test_mail(asked_by: str) -> Content:
    """Nothing but that mails arrive."""
    return Content(
        "test",
        "Test mail of the stock alerts",
        "Mails arrive",
        intro=[f"{asked_by} asked for this test. Nothing else is the matter."],
    )
