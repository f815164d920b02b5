"""Clocks lie: the source's, and this machine's."""

from datetime import UTC, datetime, timedelta

from finale_pipeline.drills.registry import drill
from finale_pipeline.drills.scene import Scene, expect, expect_end
from finale_pipeline.drills.truth import expect_mirror
from finale_pipeline.errors import ThrottledError
from finale_pipeline.health import rules
from finale_pipeline.notify import decisions
from finale_pipeline.sync.health import write_digest
from finale_pipeline.warehouse.incidents import Choice

THROTTLED = ThrottledError.exit_code


def _today(scene: Scene) -> object:
    return scene.value("SELECT today_on FROM core.today")


@drill(
    "the source's Date is ten days ahead, once",
    "our own clock counts; nothing of the days between is lost",
)
def _source_date_ahead(scene: Scene) -> None:
    scene.sync()
    scene.sandbox.date_ahead = 10 * 86_400
    scene.pass_time(timedelta(hours=1))
    expect_end(scene.sync("active"))
    expect(str(_today(scene)) == "2026-03-09", f"today became {_today(scene)}")
    scene.sandbox.date_ahead = 0
    scene.account.catch_up()
    scene.pass_time(timedelta(days=2))
    scene.sync("active")
    expect_mirror(scene)


@drill(
    "the source's Date is 1970, and the account is read by windows",
    "all of the account is read",
)
def _source_date_1970(scene: Scene) -> None:
    scene.set(row_cap=50)
    scene.sandbox.row_cap = 50
    scene.sandbox.date_ahead = -(scene.now - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    expect_end(scene.sync())
    expect_mirror(scene)


@drill(
    "this machine's clock is 30 days ahead for one full sync",
    "the next sync reads; today is today; nothing of ours stays ahead, snoozes and digests"
    " included; the doctor names it",
)
def _clock_ahead(scene: Scene) -> None:
    scene.sync()
    scene.now += timedelta(days=30)
    scene.sync()
    week = timedelta(days=7)
    short = scene.value("SELECT min(subject) FROM ops.incident WHERE closed_at IS NULL")
    snooze = Choice("snoozed", "drill", "a week", scene.now + week)
    decisions.decide(scene.connection, [short], snooze, now=scene.now)
    write_digest(scene.connection, scene.settings, now=scene.now)
    scene.now -= timedelta(days=30)
    scene.pass_time(timedelta(hours=1))
    scene.account.set_stock(scene.value("SELECT min(product_url) FROM core.stock_level"), 77)
    expect_end(scene.sync(asked=True))
    expect(str(_today(scene)) == "2026-03-09", f"today is {_today(scene)}")
    findings = " ".join(f.says for f in rules.clock(scene.connection, now=scene.now))
    expect("clock was ahead" in findings, "the doctor does not name it")
    until = scene.value("SELECT snoozed_until FROM ops.incident WHERE subject = %s", short)
    is_right = abs(until - scene.now - week) < timedelta(minutes=1)
    expect(is_right, f"a snooze of a week ends {until}")
    expect(not _noted_ahead(scene), f"these lie in the future: {_noted_ahead(scene)}")
    then = scene.now + timedelta(days=30)
    expect(write_digest(scene.connection, scene.settings, now=then), "a day has no digest")
    expect_mirror(scene)


PROMISED = {"due_at", "next_attempt_at", "retry_at", "snoozed_until", "window_to"}
"""May lie in the future."""
UNASKED = {"changed_at", "first_seen_at"}
"""When rows were written: what is computed of rows that are newer is computed once more."""
MOMENTS = (
    "SELECT table_schema || '.' || table_name, column_name FROM information_schema.columns"
    " JOIN pg_tables ON schemaname = table_schema AND tablename = table_name"
    " WHERE table_schema IN ('core', 'ops', 'plan') AND data_type = 'timestamp with time zone'"
    # The ledger of runs is as it was noted; whoever asks it leaves out what is to come.
    " AND table_name NOT IN ('sync_run', 'request', 'request_block')"
)


def _noted_ahead(scene: Scene) -> list[str]:
    """Return columns of ours with a moment more than an hour ahead."""
    columns = [pair for pair in scene.rows(MOMENTS) if pair[1] not in PROMISED | UNASKED]
    late = scene.now + timedelta(hours=2)
    return [
        f"{table}.{column}"
        for table, column in columns
        if scene.value(f"SELECT count(*) FROM {table} WHERE {column} > %s", late)
    ]


@drill(
    "the same for the very first sync",
    "the next sync reads what changed since",
)
def _clock_ahead_first(scene: Scene) -> None:
    scene.now += timedelta(days=30)
    scene.sync()
    scene.now -= timedelta(days=30)
    scene.pass_time(timedelta(days=1))
    scene.account.catch_up()
    expect_end(scene.sync(asked=True))
    expect(str(_today(scene)) == "2026-03-10", f"today is {_today(scene)}")
    expect_mirror(scene)


@drill(
    "a 429 whose reset is ten years ahead",
    "obeyed for an hour, then one request asks",
    is_quick=True,
)
def _pause_for_years(scene: Scene) -> None:
    scene.sync()
    scene.sandbox.add_fault(f"throttle-reset={10 * 365 * 86_400}@inventoryitem*1")
    expect_end(scene.sync("critical"), THROTTLED)
    expect(scene.sync("critical").code == THROTTLED, "the pause was not obeyed")
    before = len(scene.sandbox.requests)
    scene.pass_time(timedelta(hours=1, minutes=1))
    expect(scene.sync("critical").code == 0, "an hour later it still does not ask")
    expect(len(scene.sandbox.requests) > before, "nothing was asked")
