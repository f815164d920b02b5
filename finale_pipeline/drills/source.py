"""The source lies, or is cut."""

from datetime import UTC, datetime, timedelta

from finale_pipeline.drills.registry import Drill
from finale_pipeline.drills.scene import Scene, expect
from finale_pipeline.drills.truth import expect_mirror
from finale_pipeline.errors import ImplausibleError, ThrottledError
from finale_pipeline.health import rules

HELD = ImplausibleError.exit_code
THROTTLED = ThrottledError.exit_code


def _half_of_stock(scene: Scene) -> None:
    scene.sync()
    before = scene.rows("SELECT product_url, on_hand_units FROM core.stock_level ORDER BY 1")
    scene.sandbox.add_fault("half@inventoryitem")
    seen = scene.sync("critical")
    after = scene.rows("SELECT product_url, on_hand_units FROM core.stock_level ORDER BY 1")
    expect(seen.code == HELD, f"it ended with {seen.code}")
    expect(after == before, "levels changed")


def _today(scene: Scene) -> object:
    return scene.value("SELECT today_on FROM core.today")


def _date_ahead(scene: Scene) -> None:
    scene.sync()
    scene.sandbox.date_ahead = 10 * 86_400
    scene.pass_time(timedelta(hours=1))
    seen = scene.sync("active")
    expect(seen.code == 0, f"it ended with {seen.code}: {seen.said}")
    expect(str(_today(scene)) == "2026-03-09", f"today became {_today(scene)}")
    scene.sandbox.date_ahead = 0
    scene.account.catch_up()
    scene.pass_time(timedelta(days=2))
    scene.sync("active")
    expect_mirror(scene)


def _date_of_1970(scene: Scene) -> None:
    scene.set(row_cap=50)
    scene.sandbox.row_cap = 50
    scene.sandbox.date_ahead = -(scene.now - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    seen = scene.sync()
    expect(seen.code == 0, f"it ended with {seen.code}: {seen.said}")
    expect_mirror(scene)


def _our_clock_ahead(scene: Scene) -> None:
    scene.sync()
    scene.now += timedelta(days=30)
    scene.sync()
    scene.now -= timedelta(days=30)
    scene.pass_time(timedelta(hours=1))
    scene.account.set_stock(_first_product(scene), 77)
    seen = scene.sync(asked=True)
    expect(seen.code == 0, f"the next sync ended with {seen.code}: {seen.said}")
    expect(str(_today(scene)) == "2026-03-09", f"today is {_today(scene)}")
    said = " ".join(f.says for f in rules.clock(scene.connection, now=scene.now))
    expect("clock was ahead" in said, "the doctor does not name it")
    expect_mirror(scene)


def _our_clock_ahead_at_first(scene: Scene) -> None:
    scene.now += timedelta(days=30)
    scene.sync()
    scene.now -= timedelta(days=30)
    scene.pass_time(timedelta(days=1))
    scene.account.catch_up()
    seen = scene.sync(asked=True)
    expect(seen.code == 0, f"the next sync ended with {seen.code}: {seen.said}")
    expect(str(_today(scene)) == "2026-03-10", f"today is {_today(scene)}")
    expect_mirror(scene)


def _pause_for_years(scene: Scene) -> None:
    scene.sync()
    scene.sandbox.add_fault(f"throttle-reset={10 * 365 * 86_400}@inventoryitem*1")
    seen = scene.sync("critical")
    expect(seen.code == THROTTLED, f"it ended with {seen.code}")
    expect(scene.sync("critical").code == THROTTLED, "the pause was not obeyed")
    asked = len(scene.sandbox.requests)
    scene.pass_time(timedelta(hours=1, minutes=1))
    expect(scene.sync("critical").code == 0, "an hour later it still does not ask")
    expect(len(scene.sandbox.requests) > asked, "nothing was asked")


def _first_product(scene: Scene) -> str:
    return str(scene.value("SELECT min(product_url) FROM core.stock_level"))


DRILLS = (
    Drill(
        "source-date-ahead",
        "the source's Date is ten days ahead, once",
        "our own clock counts; nothing of the days between is lost",
        _date_ahead,
    ),
    Drill(
        "source-date-1970",
        "the source's Date is 1970, and the account is read by windows",
        "all of the account is read",
        _date_of_1970,
    ),
    Drill(
        "clock-ahead",
        "this machine's clock is 30 days ahead for one full sync",
        "the next sync reads; today is today; doctor and watch name it",
        _our_clock_ahead,
    ),
    Drill(
        "clock-ahead-first",
        "the same for the very first sync",
        "the next sync reads what changed since",
        _our_clock_ahead_at_first,
    ),
    Drill(
        "pause-for-years",
        "a 429 whose reset is ten years ahead",
        "obeyed for an hour, then one request asks",
        _pause_for_years,
        is_quick=True,
    ),
    Drill(
        "stock-half",
        "half of the stock's rows are missing in every answer",
        "held for a person; no level changes",
        _half_of_stock,
    ),
)
