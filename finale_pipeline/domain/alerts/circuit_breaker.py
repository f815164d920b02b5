"""Holds single mails back when too many items worsen at once, or may have been mailed before."""

from collections.abc import Sequence
from dataclasses import replace

from finale_pipeline.domain.alerts.incidents import AlertDecision, AlertEvent, Incident, Rules


def hold_back(
    decisions: Sequence[AlertDecision], *, watched: int, rules: Rules
) -> list[AlertDecision]:
    """Return the decisions; those that would mail too many worsenings are held back.

    So many at once are rather a fault of the data, or an event that is known anyway, than news
    about each item: the operator gets one mail.
    """
    limit = max(rules.breaker_least, rules.breaker_share * watched)
    worse = {"out_of_stock", "reorder_needed"}
    if sum(1 for d in decisions if d.event and d.event.mail in worse) <= limit:
        return list(decisions)
    return [_held(d, d.event) if d.event and d.event.mail in worse else d for d in decisions]


def in_one_mail(decisions: Sequence[AlertDecision]) -> list[AlertDecision]:
    """Return the decisions with one mail for all that they would tell.

    After a backup was restored, what crossed since it may have been mailed by the database that
    is gone: a single picture of the present repeats nothing, and loses nothing.
    """
    return [
        replace(d, event=replace(d.event, mail="catch_up")) if d.event and d.event.mail else d
        for d in decisions
    ]


def _held(decision: AlertDecision, event: AlertEvent) -> AlertDecision:
    event = replace(event, kind="held_back", mail="breaker")
    incident = replace(decision.stored.incident or Incident(), mailed=None)
    return replace(decision, event=event, stored=replace(decision.stored, incident=incident))
