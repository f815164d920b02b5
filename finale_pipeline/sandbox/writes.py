"""Answers POSTs to the simulated account: which order they are for, refusals, faults, the log."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from finale_pipeline.sandbox import postfaults
from finale_pipeline.sandbox.postfaults import Reply
from finale_pipeline.sandbox.quirks import Quirks
from finale_pipeline.sandbox.scenarios import Fault
from finale_pipeline.sandbox.sent import OrderRefused, body_of
from finale_pipeline.sandbox.states import SHIPMENT_STEPS, STEPS

if TYPE_CHECKING:
    from finale_pipeline.sandbox.account import Account

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Posted:
    """A POST that came, and its end.

    Attributes:
        at: The account's time, UTC.
        target: What it was for, such as `order` or `order/lock`.
        outcome: `done`, `refused: ` and why, or `not done`.
        url: Of the record that it made or changed.
        status: That was answered; None = no answer at all.
    """

    at: str
    path: str
    target: str
    body_sha256: str
    outcome: str
    fault: str | None
    url: str | None
    status: int | None


class _Target(NamedTuple):
    """What a POST is for: the name by which faults meet it, and the record's url if there is."""

    name: str
    url: str = ""


def _target(account: "Account", path: str) -> _Target | None:
    tables = account.tables
    if path.rstrip("/") == f"/{account.name}/api/order":
        return _Target("order")
    if tables["order"].find(path) is not None:
        return _Target("order/update", path)
    url, _, step = path.rpartition("/")
    for collection, steps in (("order", STEPS), ("shipment", SHIPMENT_STEPS)):
        if step in steps and tables[collection].find(url) is not None:
            return _Target(f"{collection}/{step}", url)
    return None


def answer(
    account: "Account",
    path: str,
    body: bytes,
    fault_for: Callable[[str], Fault | None],
    log: list[Posted],
) -> Reply | None:
    """Carry out a POST and write it into the log.

    Returns:
        What is answered; None = there is nothing to write at that path.
    """
    with account.mutex:
        account.catch_up()
        target = _target(account, unquote(urlsplit(path).path))
        if target is None:
            return None
        fault = fault_for(target.name)
        reply, outcome, url = Reply(200), "not done", None
        if fault is None or fault.kind in postfaults.AFTER:
            reply, outcome, url = _carried_out(account, target, body, fault)
        if fault is not None:
            reply = postfaults.spoilt(fault.kind, fault.argument, reply)
        at = account.clock.now().isoformat()
        digest, kind = sha256(body).hexdigest(), fault.kind if fault else None
        log.append(Posted(at, path, target.name, digest, outcome, kind, url, reply.status))
        return reply


def _carried_out(
    account: "Account", target: _Target, body: bytes, fault: Fault | None
) -> tuple[Reply, str, str | None]:
    """Return the answer, the outcome and the record's url."""
    try:
        record = _done(account, target, body_of(body), fault)
    except OrderRefused as refused:
        return _refusal(refused, account.quirks), f"refused: {refused.why}", target.url or None
    url = record["shipmentUrl" if target.name.startswith("shipment") else "orderUrl"]
    return Reply(200, json.dumps(record).encode()), "done", url


def _done(account: "Account", target: _Target, sent: Record, fault: Fault | None) -> Record:
    book = account.book
    collection, _, step = target.name.partition("/")
    if not step:
        is_garbled = fault is not None and fault.kind == "post-garbage"
        return book.create(sent, garbage=fault.argument if fault and is_garbled else None)
    if step == "update":
        return book.update(target.url, sent)
    if collection == "shipment":
        return book.act_on_shipment(target.url, step, sent)
    return book.act(target.url, step)


def _refusal(refused: OrderRefused, quirks: Quirks) -> Reply:
    """Return a refusal in the form that the account's quirks give it."""
    message = str(refused)
    form = "400" if refused.why == "unreadable" else getattr(quirks, refused.why)
    if form != "200":
        return Reply(int(form), json.dumps({"error": message}).encode())
    body: dict[str, Any] = {
        "success": False,
        "errors": [{"message": message}],
        "errorMessageList": [message],
        "messages": [message],
    }
    return Reply(200, json.dumps({quirks.error_key: body.get(quirks.error_key, message)}).encode())
