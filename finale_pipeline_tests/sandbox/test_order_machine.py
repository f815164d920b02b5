"""Orders made, changed, locked, edited, completed, cancelled and received in any order."""

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline_tests.sandbox.conftest import small_account
from finale_pipeline_tests.sandbox.writing import DRAFT, Buyer, buyer_of

STEPS = int(os.environ.get("FINALE_MACHINE_STEPS", "20"))
EXAMPLES = int(os.environ.get("FINALE_MACHINE_EXAMPLES", "5"))
SKUS = ("P-1", "P-2", "P-3")
MOVES = {
    ("lock", "CREATED"): "LOCKED",
    ("complete", "CREATED"): "COMPLETED",
    ("complete", "LOCKED"): "COMPLETED",
    ("cancel", "CREATED"): "CANCELLED",
    ("cancel", "LOCKED"): "CANCELLED",
    ("edit", "LOCKED"): "CREATED",
    ("edit", "COMPLETED"): "CREATED",
}
UNITS = st.dictionaries(st.sampled_from(SKUS), st.integers(1, 50), max_size=3)


@dataclass
class Known:
    """What the model knows of an order."""

    status: str
    lines: dict[str, int]
    reference: str
    shipment: str
    shipment_status: str = "INPUT"
    came: dict[str, int] = field(default_factory=dict)

    def to_come(self) -> dict[str, int]:
        rest = {sku: units - self.came.get(sku, 0) for sku, units in self.lines.items()}
        return {sku: units for sku, units in rest.items() if units > 0}

    def receive(self) -> dict[str, int]:
        arrived = self.to_come()
        for sku, units in arrived.items():
            self.came[sku] = self.came.get(sku, 0) + units
        return arrived


def lines(units: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"productUrl": f"/demo/api/product/{sku}", "quantity": number, "unitPrice": 2.5}
        for sku, number in units.items()
    ]


class Orders(RuleBasedStateMachine):
    """A model that knows only the table of states and sums of units."""

    orders = Bundle("orders")

    @initialize()
    def begin(self) -> None:
        sandbox = SandboxServer(small_account(), rate_limits=None)
        self.opened = ExitStack()
        self.buyer: Buyer = self.opened.enter_context(buyer_of(self.opened.enter_context(sandbox)))
        self.buyer.control("quirk", quirk="vendors_deliver=false")
        self.known: dict[str, Known] = {}
        self.on_hand = {sku: self.buyer.on_hand(sku) for sku in SKUS}
        self.posts = 0

    def teardown(self) -> None:
        if hasattr(self, "opened"):
            self.opened.close()

    def post(self, path: str, sent: object, *, is_legal: bool) -> dict[str, Any]:
        answer = self.buyer.post(path, sent)
        self.posts += 1
        assert answer.status_code == 200 if is_legal else answer.status_code in {400, 403}
        return dict(answer.json())

    @rule(
        target=orders,
        units=UNITS,
        number=st.sampled_from(["A", "B", "C", "D", None]),
        is_locked=st.booleans(),
    )
    def create(self, units: dict[str, int], number: str | None, is_locked: bool) -> Any:
        status = "LOCKED" if is_locked else "CREATED"
        is_free = number not in {k.reference for k in self.known.values()} - {""}
        sent = DRAFT | {
            "orderId": number,
            "referenceNumber": number or "",
            "statusId": f"ORDER_{status}",
            "orderItemList": lines(units),
            "shipmentList": [{"shipmentTypeId": "PURCHASE_SHIPMENT"}],
        }
        made = self.post("/demo/api/order/", sent, is_legal=number is None or is_free)
        if "orderUrl" not in made:
            return multiple()
        (shipment,) = made["shipmentUrlList"]
        self.known[made["orderUrl"]] = Known(status, units, number or "", shipment)
        return made["orderUrl"]

    @rule(url=orders, units=UNITS, unlocks=st.booleans(), status=st.sampled_from(["", "LOCKED"]))
    def update(self, url: str, units: dict[str, int], unlocks: bool, status: str) -> None:
        known = self.known[url]
        sent: dict[str, Any] = {"orderItemList": lines(units), "autoUnlockRelock": unlocks}
        if status:
            sent["statusId"] = f"ORDER_{status}"
        is_legal = known.status == "CREATED" or (known.status == "LOCKED" and unlocks)
        self.post(url, sent, is_legal=is_legal)
        if is_legal:
            known.lines, known.status = units, status or known.status

    @rule(url=orders, step=st.sampled_from(["lock", "complete", "cancel", "edit"]))
    def act(self, url: str, step: str) -> None:
        known = self.known[url]
        then = MOVES.get((step, known.status))
        self.post(f"{url}/{step}", {}, is_legal=then is not None)
        if then is None:
            return
        known.status = then
        if then == "CANCELLED" and known.shipment_status == "INPUT":
            known.shipment_status = "CANCELLED"

    @rule(url=orders, step=st.sampled_from(["receive", "receive", "cancel"]))
    def the_shipment(self, url: str, step: str) -> None:
        known = self.known[url]
        is_legal = known.shipment_status == "INPUT"
        self.post(f"{known.shipment}/{step}", {}, is_legal=is_legal)
        if is_legal:
            known.shipment_status = "DELIVERED" if step == "receive" else "CANCELLED"
            for sku, units in known.receive().items() if step == "receive" else ():
                self.on_hand[sku] += units

    @rule(url=orders)
    def the_order_and_its_shipment_are_read(self, url: str) -> None:
        (listed,) = self.buyer.find(orderTypeId=["PURCHASE_ORDER"] * 2, orderUrl=[url, url])
        assert listed["statusId"] == self.buyer.read(url)["statusId"]
        shipment = self.buyer.read(self.known[url].shipment)
        assert shipment["statusId"] == f"SHIPMENT_{self.known[url].shipment_status}"

    @rule(url=orders)
    def people_receive_the_rest(self, url: str) -> None:
        self.buyer.control("arrive", order=url)
        for sku, units in self.known[url].receive().items():
            self.on_hand[sku] += units

    @rule(url=orders)
    def the_answer_is_lost(self, url: str) -> None:
        """The step was taken all the same."""
        self.buyer.control("fault", fault="post-status-after=500@order/lock*1")
        answer = self.buyer.post(f"{url}/lock", {})
        self.posts += 1
        assert answer.status_code == 500
        if self.known[url].status == "CREATED":
            self.known[url].status = "LOCKED"

    @invariant()
    def the_book_holds_exactly_the_orders_of_the_model(self) -> None:
        if not hasattr(self, "known"):
            return
        listed = {o["orderUrl"]: o for o in self.buyer.control("orders", origin="posted")}
        assert set(listed) == set(self.known)
        assert len(self.buyer.control("posts")) == self.posts
        for url, known in self.known.items():
            order = listed[url]
            assert order["statusId"] == f"ORDER_{known.status}"
            kept = {line["productId"]: line["quantity"] for line in order["orderItemList"]}
            assert kept == known.lines
            assert Decimal(str(order["orderItemListTotal"])) == sum(kept.values()) * Decimal("2.5")
            legal = {step.title() for step, status in MOVES if status == known.status}
            assert {name[9:] for name in order if name.startswith("actionUrl")} == legal

    @invariant()
    def the_stock_is_as_the_model_says(self) -> None:
        if not hasattr(self, "known"):
            return
        rows = self.buyer.stock()
        for url, known in self.known.items():
            expected = known.to_come() if known.status == "LOCKED" else {}
            found = {r["productId"]: r["quantityOnOrder"] for r in rows if r["orderUrl"] == url}
            assert found == expected
        for sku in SKUS:
            units = [float(r["quantityOnHand"]) for r in rows if r["productId"] == sku]
            assert sum(units) == self.on_hand[sku]


def test_orders_in_any_order_are_as_a_small_model_says() -> None:
    run_state_machine_as_test(
        Orders, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None)
    )
