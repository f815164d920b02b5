"""Evaluates the levels of all items: critical items, crossings, incidents, mails; all or nothing.

Whoever read stock calls it. A run that dies between its stock and its evaluation leaves the work
to the next run, which evaluates what was left before it reads anew: no crossing is lost.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial

import xxhash

from finale_pipeline.domain.alerts.circuit_breaker import hold_back, in_one_mail
from finale_pipeline.domain.alerts.incidents import AlertDecision, Rules, decide
from finale_pipeline.errors import SkippedError
from finale_pipeline.notify import routing, stock_mails, telling
from finale_pipeline.notify.delivery import deliver
from finale_pipeline.notify.lines import ItemLine, critical_lines, lines_of
from finale_pipeline.notify.messages import Content, Origin, new_id, origin_of
from finale_pipeline.planning.decisions import decide_again
from finale_pipeline.settings import Settings
from finale_pipeline.sync.run import SyncRun
from finale_pipeline.warehouse import critical, incidents, items
from finale_pipeline.warehouse.reads.incidents import CROSSINGS

TABLE = "plan.critical_item"

log = logging.getLogger(__name__)


def evaluate_left_behind(run: SyncRun) -> None:
    """Evaluate stock that an earlier run wrote and did not come to evaluate."""
    if items.is_behind(run.connection):
        evaluate_critical(run)


def evaluate_critical(run: SyncRun) -> None:
    """Compute levels, decide what crossed, write incidents and mails; in one transaction."""
    read = items.last_read(run.connection)
    if read is None or not items.any_product(run.connection):
        return
    day, read_at = read
    now = run.clock()
    with run.batch("critical items"):
        decide_again(run.connection, run.settings, stock_on=day, now=now)
        last = items.last_evaluation(run.connection)
        catalogue_runs, is_moving = items.catalogue_runs(run.connection)
        default = default_of(run.settings)
        current = items.Evaluation(day, read_at, default, catalogue_runs)
        is_partial = (
            not is_moving and last == replace(current, read_at=last.read_at) if last else False
        )
        evaluated = items.evaluate(run.connection, default=default, now=now, is_partial=is_partial)
        decisions = _decide(run, evaluated.candidates, now, is_first=last is None)
        changed = critical.refresh(run.connection, evaluated, day=day, now=now)
        watched = items.watched(run.connection)
        decisions = hold_back(decisions, watched=watched, rules=rules_of(run.settings))
        if items.was_restored(run.connection):
            decisions = in_one_mail(decisions)
        origin = origin_of(run.settings, now, read_at, run.run_id)
        _write(run, decisions, now, origin, watched)
        items.note_evaluation(run.connection, current, now=now, run_id=run.run_id, watched=watched)
        if items.wants_summary(run.connection, is_full=run.strategy == "full"):
            content = stock_mails.summary(critical_lines(run.connection, now=now), watched=watched)
            key = f"summary:{run.run_id}:first run"
            routing.put_one(run.connection, run.settings, content, origin, key)
            items.note_summary(run.connection, now=now)
    run.add(TABLE, changed)


@dataclass(frozen=True, slots=True)
class Told:
    """What an evaluation of stock told, and whether all of it left.

    Attributes:
        sent: Mails of theirs that left.
        crossings: Changes of level that this run found.
        lines: Who was told what: the mails of this run, those that left now, those that wait.
        is_behind: Whether stock was read that is still not evaluated.
    """

    sent: int
    crossings: int
    lines: Sequence[telling.AlertLine]
    is_behind: bool


def tell_crossings(run: SyncRun) -> Told:
    """Evaluate what was read and not evaluated, send what waits, and say who was told what.

    The last step of whoever read stock, at the command line and in Dagster. A sick mail service
    does not fail it: what could not be sent waits in the outbox and is in the answer. A slow one
    holds no sync up: all locks are given back before.
    """
    try:
        with run.holding("stock"):
            evaluate_left_behind(run)
    except SkippedError as error:
        log.info("what is not evaluated yet is left to another sync: %s", error.what)
    run.release_all()
    began = run.clock()
    deliver(run.connection, run.settings, clock=run.clock)
    lines = telling.alert_lines(run.connection, run_id=run.run_id, since=began, now=run.clock())
    return Told(
        len({line.message_id for line in lines if line.state == "sent"}),
        run.connection.count(CROSSINGS, run.run_id),
        lines,
        items.is_behind(run.connection),
    )


def evaluate_days(run: SyncRun, days: Sequence[date]) -> None:
    """Evaluate the day of the stored stock; compute the others from history, without mails."""
    read = items.last_read(run.connection)
    present = read[0] if read else None
    if present in days:
        evaluate_critical(run)
    rebuild_days(run, [day for day in days if day != present])


def rebuild_days(run: SyncRun, days: Sequence[date]) -> None:
    """Compute critical items of past days from the history of stock; tells nobody.

    Args:
        days: Business days; those on which stock was not read get the stock of the last read.
    """
    for count, day in enumerate(days, 1):
        with run.batch(f"critical items of {day}", count / len(days)):
            changed = critical.rebuild(
                run.connection, day=day, default=default_of(run.settings), now=run.clock()
            )
        run.add(TABLE, changed)


def rules_of(settings: Settings) -> Rules:
    """Return how crossings are judged."""
    return Rules(breaker_share=settings.breaker_share)


def default_of(settings: Settings) -> Decimal:
    """Return the threshold of products without a reorder point, in units, exact."""
    return Decimal(str(settings.low_stock_default_units))


def _decide(
    run: SyncRun, candidates: Sequence[items.Candidate], now: datetime, *, is_first: bool
) -> list[AlertDecision]:
    rules = rules_of(run.settings)
    decided = (
        decide(stored, current, now=now, rules=rules, is_first_run=is_first)
        for stored, current in candidates
    )
    decisions = [decision for decision in decided if decision is not None]
    items.store_levels(run.connection, decisions)
    return decisions


def _write(
    run: SyncRun, decisions: Sequence[AlertDecision], now: datetime, origin: Origin, watched: int
) -> None:
    """Write incidents, events, and one mail per kind."""
    by_mail: dict[str, dict[str, tuple[str, str]]] = defaultdict(dict)
    for d in decisions:
        if d.event is not None and d.event.mail is not None:
            by_mail[d.event.mail][d.current.product_url] = (d.event.from_level, d.event.to_level)
    message_ids = {mail: new_id() for mail in by_mail}
    incidents.write(run.connection, decisions, message_ids=message_ids, now=now, run_id=run.run_id)
    for mail, changes in by_mail.items():
        about = xxhash.xxh3_64_hexdigest(repr(sorted(changes.items())).encode())
        routing.put(
            run.connection,
            run.settings,
            partial(_content, mail, changes, watched),
            lines_of(run.connection, changes),
            origin,
            dedupe_key=f"{mail}:{run.run_id}:{about}",
            message_id=message_ids[mail],
        )


def _content(
    mail: str, changes: stock_mails.Changes, watched: int, lines: Sequence[ItemLine]
) -> Content:
    if mail == "breaker":
        return stock_mails.breaker(lines, changes, watched=watched)
    write = {
        "out_of_stock": stock_mails.out_of_stock,
        "reorder_needed": stock_mails.reorder_needed,
        "back_in_stock": stock_mails.back_in_stock,
        "catch_up": stock_mails.since_backup,
    }[mail]
    return write(lines, changes)
