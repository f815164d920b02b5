"""The source lies, or is cut."""

import random
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from finale_pipeline.drills.registry import drill
from finale_pipeline.drills.scene import Scene, expect, expect_end
from finale_pipeline.drills.truth import expect_mirror
from finale_pipeline.errors import ImplausibleError, SourceUnavailable, ThrottledError
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.transport import Source, Transport
from finale_pipeline.warehouse.requests import Limits, SharedLedger

HELD = ImplausibleError.exit_code
LONG = 20
"""Seconds, far above any limit of a drill."""
THROTTLED = ThrottledError.exit_code


@drill(
    "half of the stock's rows are missing in every answer",
    "held for a person; no level changes",
)
def _stock_half(scene: Scene) -> None:
    scene.sync()
    before = scene.rows("SELECT product_url, on_hand_units FROM core.stock_level ORDER BY 1")
    scene.sandbox.add_fault("half@inventoryitem")
    expect_end(scene.sync("critical"), HELD)
    after = scene.rows("SELECT product_url, on_hand_units FROM core.stock_level ORDER BY 1")
    expect(after == before, "levels changed")


@drill(
    "5, 15, 25 % of the stock's rows are missing in one answer",
    "the second read has them; no level changes",
)
def _stock_rows_missing_once(scene: Scene) -> None:
    scene.sync()
    for percent in (5, 15, 25):
        scene.sandbox.add_fault(f"missing-rows={percent}@inventoryitem*1")
        expect_end(scene.sync("critical"), what=f"{percent} %")
        expect_mirror(scene)


@drill(
    "15 % of the rows are missing in every answer: others each time, or the same",
    "no false zero: kept as last read, or held for a person",
    is_quick=True,
)
def _stock_rows_missing_always(scene: Scene) -> None:
    scene.sync()
    zeros = "SELECT count(*) FROM core.stock_level WHERE on_hand_units = 0"
    before = scene.value(zeros)
    scene.sandbox.add_fault("missing-rows=15@inventoryitem")
    scene.sync("critical")
    expect(scene.value(zeros) == before, f"{scene.value(zeros) - before} false zeros")
    scene.sandbox.clear_faults()
    scene.sandbox.add_fault("lost-rows=15@inventoryitem")
    expect_end(scene.sync("critical"), HELD, what="the same rows missing twice")
    expect(scene.value(zeros) == before, f"{scene.value(zeros) - before} false zeros")
    scene.sandbox.clear_faults()
    scene.sync("critical")
    expect_mirror(scene)


@drill(
    "suppliers, reorder rules, names or costs are missing or null in answers with products",
    "missing once: the second read counts; twice: held; nothing is wiped",
)
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
        expect_end(scene.sync(), what=f"{fault} once")
        scene.account.edit_products(3)
        scene.sandbox.add_fault(fault)
        expect_end(scene.sync(), HELD, what=f"{fault} twice")
        scene.sandbox.clear_faults()
    scene.sync()
    expect_mirror(scene)


@drill(
    "reserved or on order is null or missing once; short; there twice, empty the second time",
    "null or missing: the second read counts; else the answer is refused with code 7",
)
def _stock_columns_short(scene: Scene) -> None:
    scene.sync()
    for column in ("quantityReserved", "quantityOnOrder"):
        for kind in ("null-column", "drop-column"):
            scene.sandbox.add_fault(f"{kind}={column}@inventoryitem*1")
            expect_end(scene.sync("critical"), what=f"{kind}={column} once")
            expect_mirror(scene)
        for kind in ("short-column", "doubled-column"):
            scene.sandbox.add_fault(f"{kind}={column}@inventoryitem")
            expect_end(scene.sync("critical"), HELD, what=f"{kind}={column}")
            scene.sandbox.clear_faults()
    expect_mirror(scene)


@drill(
    "an answer with shipments lacks their lines, or half of them",
    "read again; no sale is lost",
)
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


@drill(
    "a line of a shipment of long ago came with another quantity, once",
    "within a month all history is read again, window by window within the budget",
)
def _history_wrong_once(scene: Scene) -> None:
    """A plausible lie about an old shipment, before what every full sync reads again."""
    scene.set(reread_days=1, row_cap=60)
    scene.sandbox.row_cap = 60
    key = _tampered(scene, "shipment", "shipmentItemList", _last(quantity=7777))
    scene.sandbox.tamper = None
    scene.sync()
    wrong = "SELECT count(*) FROM core.shipment_line WHERE shipment_url = %s AND units >= 7777"
    expect(scene.value(wrong, key), "the lie was not believed: this drills nothing")
    scene.pass_time(timedelta(days=31))
    scene.account.catch_up()
    scene.set(collections_per_hour=60)
    before = len(scene.sandbox.requests)
    hours = 1
    while scene.sync().code == THROTTLED and hours < LONG:
        scene.pass_time(timedelta(hours=1, minutes=1))
        hours += 1
    expect(1 < hours < LONG, f"it took {hours} turns of the budget")
    requests = [r for r in scene.sandbox.requests[before:] if "/shipment?" in r]
    expect(len(requests) == len(set(requests)), "windows that were read were read again")
    expect_mirror(scene)


@drill(
    "lines of shipments were lost, by whatever",
    "the next full sync has them again",
)
def _lines_lost_before(scene: Scene) -> None:
    scene.sync()
    scene.rows(
        "DELETE FROM core.shipment_line WHERE shipment_url IN"
        " (SELECT shipment_url FROM core.shipment ORDER BY updated_at DESC LIMIT 9)"
    )
    expect_end(scene.sync())
    expect_mirror(scene)


def _tampered(scene: Scene, path: str, column: str, change: Callable[[Any], Any]) -> str:
    """Change a cell of the first record in every answer that has one; return the record's key."""
    keys = {"product": "productUrl", "shipment": "shipmentUrl", "inventoryitem": "productUrl"}
    tampered: list[str] = []

    def tamper(collection: str, columns: dict[str, Any]) -> None:
        if collection != path or not columns.get(keys[path]):
            return
        urls, cells = columns[keys[path]], columns[column]
        filled = (i for i, cell in enumerate(cells) if cell not in (None, [], 0))
        place = urls.index(tampered[0]) if {*tampered} & {*urls} else next(filled, None)
        if place is not None and urls[place] in (tampered or urls):
            tampered.append(urls[place])
            cells[place] = change(cells[place])

    scene.sandbox.tamper = tamper
    expect_end(scene.sync())
    expect(tampered, "nothing was tampered with")
    return tampered[0]


def _last(**values: object) -> Callable[[Any], Any]:
    """Return what changes the last entry of a list."""
    return lambda entries: [*entries[:-1], entries[-1] | values]


def _always(value: object) -> Callable[[Any], Any]:
    return lambda _: value


def _named(scene: Scene, key: str, reason: str) -> None:
    rows = scene.rows("SELECT reason FROM ops.sync_reject WHERE record_key = %s", key)
    expect(any(reason in text for (text,) in rows), f"not named: {rows}")


@drill(
    "numbers in lists as 1E+3, with ten decimals, with a comma",
    "read exactly; what is no number is named, the rest of its record loads",
)
def _odd_numbers(scene: Scene) -> None:
    for sent, point in (("1E+3", 1000), ("12.3456789012", Decimal("12.3456789012"))):
        key = _tampered(scene, "product", "reorderGuidelineList", _last(reorderPoint=sent))
        stored = scene.value(
            "SELECT max(reorder_point_units) FROM core.reorder_rule WHERE product_url = %s", key
        )
        expect(stored == point, f"{sent} became {stored}")
    key = _tampered(scene, "product", "reorderGuidelineList", _last(reorderPoint="1,200"))
    _named(scene, key, "reorderPoint is no number")
    key = _tampered(scene, "shipment", "shipmentItemList", _last(quantity="3.0000000001"))
    last = "SELECT units FROM core.shipment_line WHERE shipment_url = %s ORDER BY position DESC"
    stored = scene.value(last, key)
    expect(stored == Decimal("3.0000000001"), f"ten decimals became {stored}")
    key = _tampered(scene, "shipment", "shipmentItemList", _last(quantity="1,200"))
    _named(scene, key, "quantity is no number")


@drill(
    "a number where a list's entry has text",
    "read as text, as at the top level",
    is_quick=True,
)
def _number_for_text(scene: Scene) -> None:
    key = _tampered(scene, "shipment", "shipmentItemList", _last(lotId=20261128))
    lots = scene.rows("SELECT lot_id FROM core.shipment_line WHERE shipment_url = %s", key)
    expect(("20261128",) in lots, f"the line's lot is {lots}")
    scene.sandbox.tamper = None
    expect_mirror(scene)


@drill(
    "times with an offset, a space, fractions; and one that is none",
    "read exactly; what is no time is named",
)
def _odd_stamps(scene: Scene) -> None:
    for sent in ("2026-03-01T12:00:00+02:00", "2026-03-01 10:00:00", "2026-03-01T10:00:00.000Z"):
        key = _tampered(scene, "shipment", "shipDate", _always(sent))
        stored = scene.value("SELECT shipped_at FROM core.shipment WHERE shipment_url = %s", key)
        expect(stored == datetime(2026, 3, 1, 10, tzinfo=UTC), f"{sent} became {stored}")
        scene.rows("TRUNCATE core.shipment, core.shipment_line, ops.watermark")
    key = _tampered(scene, "shipment", "shipDate", lambda _: "yesterday")
    _named(scene, key, "shipDate is no time")


@drill(
    "a product is stamped a year ahead, then edited",
    "the edit counts",
)
def _stamped_in_future(scene: Scene) -> None:
    key = _tampered(scene, "product", "lastUpdatedDate", lambda _: "2027-01-01T00:00:00")
    scene.sandbox.tamper = None
    scene.pass_time(timedelta(minutes=1))
    scene.account.edit_products(len(list(scene.account.records("product"))))
    scene.pass_time(timedelta(minutes=15))
    scene.sync()
    stored = scene.value("SELECT name FROM core.product WHERE product_url = %s", key)
    true = next(r for r in scene.account.records("product") if r["productUrl"] == key)
    expect(stored == true["internalName"], f"it kept {stored!r}")


@drill(
    "the same where the account is read by windows, of a known and of a new product",
    "both are here, and a later edit counts",
)
def _stamped_in_future_windows(scene: Scene) -> None:
    """No window that Finale allows reaches the stamp: one is known, the other has stock alone."""
    scene.set(row_cap=50)
    scene.sandbox.row_cap = 50
    scene.sync()
    year = timedelta(days=365).total_seconds()
    scene.account.clock.advance(seconds=year)
    [edited] = scene.account.edit_products(1)
    [new] = scene.account.create_products(1)
    scene.account.clock.advance(seconds=-year)
    scene.account.set_stock(new, 5)
    scene.pass_time(timedelta(minutes=1))
    scene.sync()
    expect_mirror(scene)
    unedited = {edited, new}
    while unedited:
        scene.pass_time(timedelta(minutes=1))
        unedited -= set(scene.account.edit_products(40))
    scene.pass_time(timedelta(minutes=15))
    scene.sync()
    expect_mirror(scene)


@drill(
    "a SKU of 1,000 CJK characters; addresses of 3,000 in a supplier and a line",
    "named; the rest loads",
)
def _long_keys(scene: Scene) -> None:
    long = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=3000))
    key = _tampered(scene, "inventoryitem", "productId", lambda _: "商" * 1000)
    scene.sandbox.tamper = None
    scene.sync()
    expect_mirror(scene)
    key = _tampered(
        scene,
        "product",
        "supplierList",
        lambda all_: [*all_, {"supplierPartyUrl": f"/demo/api/partygroup/{long}"}],
    )
    _named(scene, key, "longer than")
    key = _tampered(
        scene,
        "shipment",
        "shipmentItemList",
        lambda items: [*items, {"productUrl": f"/demo/api/product/{long}", "quantity": 1}],
    )
    _named(scene, key, "longer than")
    scene.sandbox.tamper = None
    expect_mirror(scene)


@drill(
    "8,000 levels in a field nobody knows; half a pair after an escaped backslash",
    "what is ours loads",
)
def _deep_and_halves(scene: Scene) -> None:
    def tamper(collection: str, columns: dict[str, Any]) -> None:
        if collection == "product" and columns.get("productUrl"):
            columns["oddField"] = ["\\ud83d\udc00"] + [None] * (len(columns["productUrl"]) - 1)

    scene.sandbox.tamper = tamper
    expect_end(scene.sync(), what="half a pair")
    expect_mirror(scene)
    scene.sandbox.tamper = None
    scene.account.edit_products(3)
    scene.sandbox.add_fault("deep-column=8000@product")
    expect_end(scene.sync(), what="8,000 levels")
    expect_mirror(scene)


@drill(
    "a header that trickles without end",
    "the request ends at its limit",
    is_quick=True,
)
def _trickling_head(scene: Scene) -> None:
    """A server that sends a header line each 50 ms, without end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def serve() -> None:
            peer, _ = server.accept()
            with peer, suppress(OSError):
                peer.recv(65_536)
                peer.sendall(b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.05):
                    peer.sendall(b"X-A: b\r\n")

        threading.Thread(target=serve, daemon=True).start()
        source = Source(f"http://127.0.0.1:{server.getsockname()[1]}", "demo", "k", "s")
        ledger = SharedLedger(scene.url, Limits())
        budget = Budget(ledger, clock=scene.clock, sleep=scene.sleep)
        begun = time.monotonic()
        try:
            with Transport(
                source, budget=budget, clock=scene.clock, sleep=scene.sleep, deadline=0.5
            ) as transport:
                transport.get("facility", {})
        except SourceUnavailable as error:
            outcome = error.what
        else:
            outcome = "it was answered"
        finally:
            ended.set()
            ledger.close()
        expect("took longer" in outcome, outcome)
        expect(time.monotonic() - begun < LONG, "it did not end in time")
