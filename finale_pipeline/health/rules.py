"""Judges the warehouse, its syncs and its mails."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from finale_pipeline.clock import business_day, midnights
from finale_pipeline.domain.syncs.freshness import Grade, grade
from finale_pipeline.domain.syncs.strategy import PLANNED
from finale_pipeline.health.findings import Finding
from finale_pipeline.warehouse import future, holds, incidents, leases, locks, order_writes
from finale_pipeline.warehouse import levels as stock_levels
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads import comparison
from finale_pipeline.warehouse.reads import health as reads
from finale_pipeline.warehouse.requests import blocked_until

MAIL_WITHIN = timedelta(minutes=30)
"""So long a mail may be on its way."""
MANY_ATTEMPTS = 3
MANY_DEAD = 3
"""So many killed or stuck runs in a week are chance; more are a pattern."""
OF_THE_SOURCE = {"CONFIG", "TRANSIENT", "MALFORMED", "DRIFT"}
"""Classes of errors that say that Finale could not be read."""
STATES: dict[Grade, str] = {"fresh": "ok", "late": "warning", "lost": "failed"}


def parts(connection: Connection, *, now: datetime) -> dict[str, list[Finding]]:
    """Judge all that can be judged in a moment, by part; status, health and pages show it."""
    counts = reads.run_counts(connection, now=now)
    return {
        "finale": [*source(connection, counts, now=now)],
        "sync": [*syncs(connection, counts, now=now)],
        "data": [*data(connection, now=now)],
        "outbox": [*mail(connection, now=now)],
    }


def syncs(connection: Connection, counts: reads.RunCounts, *, now: datetime) -> Iterator[Finding]:
    """Judge what keeps stock new: its age, how the last sync ended, strategies in trouble."""
    yield from freshness(connection, now=now, only="inventory_levels")
    kind = counts.last_error_kind
    if kind is not None and kind not in OF_THE_SOURCE:
        yield Finding("last sync", "failed", f"the last sync failed ({kind})", "See: finale status")
    for incident in incidents.open_of_syncs(connection):
        says = f"{incident.strategy} is {incident.level} since {incident.opened_at:%Y-%m-%d %H:%M}"
        yield Finding("syncs", "warning", f"{says} UTC", "See: finale status")


def freshness(
    connection: Connection, *, now: datetime, only: str | None = None
) -> Iterator[Finding]:
    """Judge whether each asset, or one, is late: by its schedules (`assets.due.missed_at`)."""
    for age in reads.asset_ages(connection, only):
        if age.read_at is None or age.late_at is None:
            step = "finale forecast plan" if age.asset in PLANNED else "finale sync full"
            yield Finding("freshness", "warning", f"{age.asset}: never read", step)
            continue
        state = STATES[grade(age.read_at, age.late_at, now=now)]
        says = f"{age.asset}: {(now - age.read_at) / timedelta(minutes=1):.0f} min old"
        if state == "ok":
            yield Finding("freshness", "ok", says)
        else:
            step = "Do the schedules run? See: finale status"
            hours = (age.late_at - age.read_at) / timedelta(hours=1)
            allowed = f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"
            yield Finding("freshness", state, f"{says}, more than {allowed}", step)


def database(connection: Connection) -> Iterator[Finding]:
    """Judge the server, and whether our user may do more than it needs."""
    encoding, version = reads.server(connection)
    yield Finding("database", "ok", f"PostgreSQL {version}, {encoding}")
    if reads.is_administrator(connection):
        says = "Its user is an administrator (SUPERUSER): whoever has SQL run by us may run"
        says += " programs on the server."
        step = "Name a user without SUPERUSER in FINALE_DATABASE_URL, who owns the database."
        yield Finding("database", "warning", says, step)


def compare(connection: Connection) -> Iterator[Finding]:
    """Say what a person should hold against Finale's own pages."""
    for question in comparison.to_compare(connection):
        yield Finding("compare", "look", question.says, question.where)


def ledger(connection: Connection, *, now: datetime) -> Iterator[Finding]:
    """Judge runs, locks, holds, budget, data and freshness, and mark runs that crashed."""
    crashed = [run.run_id for run in leases.mark_crashed_runs(connection, now=now)]
    if crashed:
        yield Finding("syncs", "warning", f"Runs {crashed} had died; they are marked failed now.")
    counts = reads.run_counts(connection, now=now)
    yield levels(connection)
    yield from data(connection, now=now)
    yield from runs(connection, counts)
    yield from source(connection, counts, now=now)
    yield from clock(connection, now=now)
    yield from freshness(connection, now=now)


def clock(connection: Connection, *, now: datetime) -> Iterator[Finding]:
    """Name runs that were noted while this machine's clock was ahead."""
    until = future.ahead_until(connection, now=now)
    if until is not None:
        says = f"Runs were noted up to {until:%Y-%m-%d %H:%M} UTC, which is still to come: this"
        says += " machine's clock was ahead. They count for nothing."
        step = "Nothing is to be done, unless the clock is wrong now."
        yield Finding("clock", "warning", says, step)


def source(connection: Connection, counts: reads.RunCounts, *, now: datetime) -> Iterator[Finding]:
    """Judge the source by what syncs met, not by asking it: questions come out of the budget."""
    until = blocked_until(connection, now=now)
    if until is not None:
        says = f"Finale wants no requests until {until:%Y-%m-%d %H:%M:%S} UTC"
        yield Finding(
            "budget", "warning", says, "To ask nevertheless: finale sync full --ignore-pause"
        )
    if not counts.has_ended:
        yield Finding("last sync", "warning", "Finale was never read", "finale sync full")
    elif counts.last_error_kind in OF_THE_SOURCE:
        says = f"the last sync failed on Finale ({counts.last_error_kind})"
        yield Finding("last sync", "failed", says, "See: finale status")
    else:
        yield Finding("last sync", "ok", "Finale answered")


def runs(connection: Connection, counts: reads.RunCounts) -> Iterator[Finding]:
    """Judge crashed and stuck runs, locks, and due times that came twice."""
    says = f"{counts.running} running; {counts.died} died or got stuck in 7 days"
    if counts.died > MANY_DEAD:
        yield Finding("syncs", "warning", says, "Look for what kills them: memory, deploys.")
    else:
        yield Finding("syncs", "ok", says)
    for table_set in leases.TABLE_SETS:
        yield Finding(
            "locks", "ok", f"{table_set}: {leases.taken(connection, table_set) or 'free'}"
        )
    for stranger in locks.strangers(connection):
        says = (
            f"{stranger.holder} holds our lock {stranger.lock} {stranger.number}: syncs that need"
        )
        step = f"Have that session end; or as an administrator: {stranger.ending}. For tools that"
        step += " read there is a user who cannot hold locks: finale db reader"
        yield Finding("locks", "warning", f"{says} it cannot begin.", step)
    if counts.repeated_ticks:
        says = f"{counts.repeated_ticks} due times came twice in a day: a second daemon runs, or"
        step = "Run one `dagster-daemon` only; nothing was done twice."
        yield Finding("daemons", "warning", f"{says} it was restarted.", step)


def data(connection: Connection, *, now: datetime) -> Iterator[Finding]:
    """Judge what is stored: products without a level, held reads, refused records."""
    if without_stock := reads.products_without_stock(connection):
        says = f"{without_stock} products have no stock level"
        yield Finding("data", "failed", says, "Run: finale sync full")
    else:
        yield Finding("data", "ok", "every product has a stock level")
    if rejects := reads.rejects_since(connection, now - timedelta(days=1)):
        says = f"{rejects} records were refused in a day"
        yield Finding("data", "warning", says, "See: SELECT * FROM ops.sync_reject")
    for hold in holds.all_open(connection):
        step = f"Look at Finale, then: finale approve {hold.run_id}, or finale reject {hold.run_id}"
        yield Finding("held", "warning", f"{hold.subject}: {'; '.join(hold.reasons)}", step)


def days(connection: Connection, zone: str, *, now: datetime) -> Finding:
    """Judge whether the server reckons the account's days as we do, ten years back, two ahead."""
    first = now.date() - timedelta(days=3_650)
    begins = midnights(first, now.date() + timedelta(days=730), ZoneInfo(zone))
    moments = [at for begin in begins for at in (begin, begin - timedelta(seconds=1))]
    expected = [business_day(at, ZoneInfo(zone)) for at in moments]
    other = reads.first_other_day(connection, zone, moments, expected)
    if other is None:
        return Finding("zone", "ok", f"the server reckons days in {zone} as we do")
    return Finding(
        "zone",
        "warning",
        f"The server's rules of the zone {zone} are others than ours, first on {other}: days in its"
        " views may be off by one. What syncs write is reckoned by ours.",
        "Bring the server's time zones up to date (its minor version, or the machine's tzdata).",
    )


def levels(connection: Connection) -> Finding:
    """Judge stock levels by their entries; it reads all of both, so only who asks for all does."""
    wrong = stock_levels.count_wrong(connection)
    if wrong:
        says = f"{wrong} levels differ from the sum of their entries"
        return Finding("data", "warning", says, "Run: finale sync full")
    return Finding("data", "ok", "levels are the sums of their entries")


def mail(connection: Connection, *, now: datetime) -> Iterator[Finding]:
    """Judge the outbox: mails that were given up, wait for too long, or were refused."""
    counts = reads.mail_counts(connection, now=now, allowed=MAIL_WITHIN, attempts=MANY_ATTEMPTS)
    if counts.dead:
        says = f"{counts.dead} mails were given up; the last: {counts.error}"
        step = "Mend the cause, then: finale alerts resend"
        yield Finding("mail", "failed", says, step, 8)
    if counts.late and counts.oldest_late_at:
        says = f"{counts.late} mails wait since {counts.oldest_late_at:%Y-%m-%d %H:%M} UTC"
        step = "Does the mail service answer? See: SELECT * FROM ops.outbox"
        yield Finding("mail", "warning", f"{says}: {counts.error or 'untried'}", step)
    if counts.refused:
        says = f"{counts.refused} mails were refused for some address"
        yield Finding("mail", "warning", says, "See: SELECT * FROM ops.outbox")


def undelivered(connection: Connection, *, now: datetime) -> str | None:
    """Say why people do not hear of what happens; None = mails go out.

    Mails that were given up while later ones were delivered are no silence: `mail` names them.
    """
    counts = reads.mail_counts(connection, now=now, allowed=MAIL_WITHIN, attempts=MANY_ATTEMPTS)
    number = counts.late + (counts.dead if counts.is_silent else 0)
    if not number or counts.oldest_late_at is None:
        return None
    oldest = f"{counts.oldest_late_at:%Y-%m-%d %H:%M} UTC"
    return f"{number} mails are not delivered, the oldest of {oldest}: {counts.error or 'untried'}."


def orders(connection: Connection) -> Iterator[Finding]:
    """Judge the purchase orders that we drafted in Finale."""
    for row in order_writes.open_rows(connection):
        says = f"{row.reference} is {row.state}: {row.error or 'the process ended before its end'}"
        step = "Run: finale orders check; see docs/runbooks/purchase-orders.md"
        yield Finding("orders", "warning", says, step)
    wrong = reads.wrong_orders(connection)
    if wrong:
        says = f"{wrong} orders in Finale are not what was meant"
        yield Finding("orders", "warning", says, "See: finale orders list")
