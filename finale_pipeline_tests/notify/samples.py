"""One mail of each kind, of the same invented items; tests compare them, pictures show them."""

from datetime import UTC, date, datetime
from decimal import Decimal

from finale_pipeline.domain.alerts import deadman
from finale_pipeline.domain.syncs.outcomes import EndedSync, SyncProblem, SyncProblemKind
from finale_pipeline.notify import stock_mails, sync_mails, watch_mails
from finale_pipeline.notify.lines import ItemLine
from finale_pipeline.notify.messages import Content, Origin, render
from finale_pipeline.warehouse.outbox import Message

NOW = datetime(2026, 3, 9, 12, 15, tzinfo=UTC)
ORIGIN = Origin(
    "https://stock.shop.example", NOW, datetime(2026, 3, 9, 12, 14, tzinfo=UTC), run_id=4711
)
HOSTILE = (
    "<script>alert(1)</script>",
    "Tea\r\nBcc: everyone@evil.example",
    "\u202egnp.exe\u202c cake tin",
    '=HYPERLINK("http://evil.example","click")',
    "{{7*7}} %s {% include '/etc/passwd' %}",
    "Family 👨\u200d👩\u200d👧 lunch box",
)


def line(
    sku: str, name: str, level: str, available: str, threshold: str, **more: object
) -> ItemLine:
    """Return an item."""
    units = Decimal(available)
    values: dict[str, object] = {
        "sku": sku, "name": name, "level": level, "available_units": units,
        "on_hand_units": max(units, Decimal(0)), "reserved_units": Decimal(0),
        "on_order_units": Decimal(0), "due_on": None, "threshold_units": Decimal(threshold),
        "threshold_source": "finale", "suggested_units": None, "suggested_by": None,
        "days_left": None, "money_at_risk": None, "vendor_name": None, "contact": None,
        "account_currency": "GBP", "state": "open", "opened_at": NOW,
        "product_url": f"/demo/api/product/{sku}",
        "why": f"{available} available, below the reorder point of {threshold} (Finale, 1 place);"
        " nothing on order" if level == "low" else f"{available} available; nothing on order",
    }  # fmt: skip
    return ItemLine(**(values | more))  # type: ignore[arg-type]


OUT = [
    line(
        "85123A", "White hanging heart t-light holder", "out", "0", "60",
        suggested_units=Decimal(240), suggested_by="finale", vendor_name="Olive Works",
        contact="orders@olive.example", money_at_risk=Decimal("1534.80"), days_left=Decimal(0),
        on_order_units=Decimal(24), due_on=date(2026, 3, 16),
        why="0 available; 24 on order, due 2026-03-16",
    ),
    line(
        "22423", "Regency cakestand, three tiers", "out", "-3", "24",
        vendor_name="Northern Tin", contact="+44 20 7946 0000", suggested_units=Decimal(96),
        suggested_by="plan", money_at_risk=Decimal("880.00"),
        why="-3 available (negative: more was promised or shipped than there is; check the data);"
        " nothing on order",
    ),
]  # fmt: skip
LOW = [
    line("47566", "Party bunting", "low", "7.5", "40", vendor_name="Olive Works",
         contact="orders@olive.example", suggested_units=Decimal(120), suggested_by="finale",
         days_left=Decimal("3.4"), money_at_risk=Decimal("412.75")),
    line("20725", "Lunch bag, red retrospot", "low", "18", "30", vendor_name="Northern Tin",
         contact="+44 20 7946 0000", suggested_units=Decimal(60), suggested_by="finale"),
    line("POST-9", "", "low", "9", "10", threshold_source="default",
         why="9 available, below the default of 10; nothing on order"),
]  # fmt: skip
ODD = [line(f"ODD-{n}", name, "out", "0", "10", vendor_name=name) for n, name in enumerate(HOSTILE)]
MANY = [line(f"SKU-{n:03}", f"Product {n}", "out", "0", "20") for n in range(37)]
TROUBLE: dict[SyncProblemKind, EndedSync] = {
    "failed": EndedSync(
        4710, "inventory", "schedule", "failed", NOW, "TRANSIENT",
        "Finale answered 503 five times. The last good data stay as they are. Run again later.",
    ),
    "held": EndedSync(
        4709, "inventory", "schedule", "held", NOW, "IMPLAUSIBLE",
        "Two reads of stock in a row cannot be believed: 1,900 products have stock, 2,500 had some."
        " Stock stays as it was. Look at Finale. If it is true: finale sync STRATEGY"
        " --accept-implausible.",
    ),
    "stuck": EndedSync(4708, "full", "schedule", "running", NOW),
    "deferred": EndedSync(
        4707, "critical", "schedule", "throttled", NOW, "THROTTLED", "Run again after 13:00 UTC."
    ),
}  # fmt: skip


SILENT = [
    deadman.Trouble(
        "daemon", "No due time was decided since 12:00 UTC; critical was due 12:15 UTC.",
        "Start Dagster's daemon.",
    ),
    deadman.Trouble("syncs", "No critical sync ended well since 11:45 UTC.", "finale status"),
]  # fmt: skip


def changes(lines: list[ItemLine]) -> dict[str, tuple[str, str]]:
    """Return that each came from ok."""
    return {item.product_url: ("ok", item.level) for item in lines}


def contents() -> dict[str, Content]:
    """Return one content per kind, and two with what must do no harm."""
    well = [line("22423", "Regency cakestand, three tiers", "ok", "96", "24", why="")]
    made = {
        "out_of_stock": stock_mails.out_of_stock(OUT, changes(OUT)),
        "reorder_needed": stock_mails.reorder_needed(LOW, changes(LOW)),
        "back_in_stock": stock_mails.back_in_stock([*well, LOW[0]], changes(well)),
        "summary": stock_mails.summary([*OUT, *LOW], watched=2_074),
        "breaker": stock_mails.breaker(MANY, changes(MANY), watched=200),
        "digest": stock_mails.digest(
            [*OUT, *LOW],
            flapping=2,
            unsent=0,
            totals={"Olive Works": "GBP 3,410.00", "Northern Tin": "EUR 912.50"},
        ),
        "digest_empty": stock_mails.digest([], flapping=0, unsent=1),
        "catch_up": stock_mails.catch_up([*OUT, LOW[0], *well], merged=9),
        "since_backup": stock_mails.since_backup([LOW[0], *well], changes([LOW[0]])),
        "hostile": stock_mails.out_of_stock(ODD, changes(ODD)),
        "test": sync_mails.test_mail("buyer"),
    }
    for trouble, run in TROUBLE.items():
        finding = SyncProblem(run.strategy, trouble, run)
        made[sync_mails.TEXTS[trouble][0]] = sync_mails.trouble(finding, last_good=NOW)
    made["pipeline_silent"] = watch_mails.silent(SILENT)
    made["pipeline_recovered"] = watch_mails.recovered(deadman.Outage(NOW, ("daemon", "outbox")))
    made["restored"] = watch_mails.restored(NOW, [(NOW, "Out of stock: 2 items")])
    made["sync_recovered"] = sync_mails.recovered("inventory", TROUBLE["failed"], since=NOW)
    return made


def rendered(name: str) -> Message:
    """Return one of them as a mail."""
    return render(contents()[name], ORIGIN, message_id=f"id-of-{name}")
