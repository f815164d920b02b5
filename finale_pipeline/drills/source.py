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


def _rows_missing_once(scene: Scene) -> None:
    scene.sync()
    for percent in (5, 15, 25):
        scene.sandbox.add_fault(f"missing-rows={percent}@inventoryitem*1")
        seen = scene.sync("critical")
        expect(seen.code == 0, f"{percent} %: it ended with {seen.code}: {seen.said}")
        expect_mirror(scene)


def _rows_missing_always(scene: Scene) -> None:
    scene.sync()
    zeros = "SELECT count(*) FROM core.stock_level WHERE on_hand_units = 0"
    before = scene.value(zeros)
    scene.sandbox.add_fault("missing-rows=15@inventoryitem")
    seen = scene.sync("critical")
    expect(scene.value(zeros) == before, f"{scene.value(zeros) - before} false zeros")
    scene.sandbox.clear_faults()
    scene.sandbox.add_fault("lost-rows=15@inventoryitem")
    seen = scene.sync("critical")
    expect(seen.code == HELD, f"the same rows missing twice: it ended with {seen.code}")
    expect(scene.value(zeros) == before, f"{scene.value(zeros) - before} false zeros")
    scene.sandbox.clear_faults()
    scene.sync("critical")
    expect_mirror(scene)


def _columns_emptied(scene: Scene) -> None:
    scene.sync()
    faults = [
        f"{kind}={column}@product"
        for kind in ("drop-column", "null-column")
        for column in ("supplierList", "reorderGuidelineList", "internalName", "cost")
    ]
    for fault in faults:
        scene.account.edit_products(3)
        scene.sandbox.add_fault(f"{fault}*1")
        seen = scene.sync()
        expect(seen.code == 0, f"{fault} once: it ended with {seen.code}: {seen.said}")
        scene.account.edit_products(3)
        scene.sandbox.add_fault(fault)
        seen = scene.sync()
        expect(seen.code == HELD, f"{fault} twice: it ended with {seen.code}")
        scene.sandbox.clear_faults()
    scene.sync()
    expect_mirror(scene)


def _stock_columns_short(scene: Scene) -> None:
    scene.sync()
    for column in ("quantityReserved", "quantityOnOrder"):
        for kind in ("short-column", "doubled-column"):
            scene.sandbox.add_fault(f"{kind}={column}@inventoryitem")
            seen = scene.sync("critical")
            expect(seen.code == HELD, f"{kind}={column}: it ended with {seen.code}")
            scene.sandbox.clear_faults()
    expect_mirror(scene)


def _shipments_without_lines(scene: Scene) -> None:
    for kind in ("null-column", "drop-column", "short-column"):
        scene.sandbox.add_fault(f"{kind}=shipmentItemList@shipment*1")
        scene.sync()
        scene.sync()
        expect_mirror(scene)
        scene.pass_time(timedelta(hours=5))
        scene.account.catch_up()
        scene.sandbox.add_fault(f"{kind}=shipmentItemList@shipment*1")
        scene.sync("active")
        scene.sync("active")
        expect_mirror(scene)


def _lines_lost_before(scene: Scene) -> None:
    scene.sync()
    scene.rows(
        "DELETE FROM core.shipment_line WHERE shipment_url IN"
        " (SELECT shipment_url FROM core.shipment ORDER BY updated_at DESC LIMIT 9)"
    )
    seen = scene.sync()
    expect(seen.code == 0, f"it ended with {seen.code}: {seen.said}")
    expect_mirror(scene)


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
        "stock-rows-missing-once",
        "5, 15, 25 % of the stock's rows are missing in one answer",
        "the second read has them; no level changes",
        _rows_missing_once,
    ),
    Drill(
        "stock-rows-missing-always",
        "15 % of the rows are missing in every answer: others each time, or the same",
        "no false zero: kept as last read, or held for a person",
        _rows_missing_always,
        is_quick=True,
    ),
    Drill(
        "columns-emptied",
        "suppliers, reorder rules, names or costs are missing or null in answers with products",
        "missing once: the second read counts; twice: held; nothing is wiped",
        _columns_emptied,
    ),
    Drill(
        "stock-columns-short",
        "reserved or on order is short, or stands twice and is empty the second time",
        "the answer is refused with code 7",
        _stock_columns_short,
    ),
    Drill(
        "shipments-without-lines",
        "an answer with shipments lacks their lines, or half of them",
        "read again; no sale is lost",
        _shipments_without_lines,
    ),
    Drill(
        "lines-lost-before",
        "lines of shipments were lost, by whatever",
        "the next full sync has them again",
        _lines_lost_before,
    ),
    Drill(
        "stock-half",
        "half of the stock's rows are missing in every answer",
        "held for a person; no level changes",
        _half_of_stock,
    ),
)
