"""Faults that POSTs meet, and orders that are kept or shown otherwise than they were sent."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

Order = dict[str, Any]
LOGIN_PAGE = b"<!DOCTYPE html><html><title>Log in</title><body><form>...</form></body></html>"
INTERNAL_ERROR = b'{"success":false,"errorMessage":"internal error"}'

KINDS = {
    "post-cut": "nothing is done; the connection is closed without an answer",
    "post-lost": "done, but the connection is closed without an answer",
    "post-status": "nothing is done; answer with that status (500)",
    "post-status-after": "done, but answer with that status (500)",
    "post-error": "nothing is done; a JSON object with an error, status 200",
    "post-html": "nothing is done; a login page, status 200",
    "post-html-after": "done, but a login page, status 200",
    "post-empty": "nothing is done; an empty body, status 200",
    "post-empty-after": "done, but an empty body, status 200",
    "post-truncate": "done, but half of the answer's body",
    "post-slow": "done, but so many seconds before the answer (1)",
    "post-throttle": "nothing is done; 429 with Retry-After of so many seconds (2)",
    "post-readonly": "nothing is done; 403: this key may not write",
    "post-revoke": "nothing is done; 401: the key was revoked",
    "post-garbage": "an order is made, but that of it otherwise than sent (quantity)",
    "record-garbage": "that of a single order is shown otherwise than it is kept (quantity)",
}
AFTER = {kind for kind, what in KINDS.items() if not what.startswith("nothing is done")}
"""Kinds that strike after it was done."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered.

    Attributes:
        status: HTTP status; None = the connection is closed without an answer.
    """

    status: int | None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0


REPLIES: dict[str, Callable[[str], Reply]] = {
    "cut": lambda _: Reply(None),
    "lost": lambda _: Reply(None),
    "reset": lambda _: Reply(None),
    "status": lambda status: Reply(int(status), b'{"error":"sick"}'),
    "error": lambda _: Reply(200, INTERNAL_ERROR),
    "error-object": lambda _: Reply(200, INTERNAL_ERROR),
    "html": lambda _: Reply(200, LOGIN_PAGE, {"Content-Type": "text/html"}),
    "empty": lambda _: Reply(200),
    "empty-object": lambda _: Reply(200, b"{}"),
    "throttle": lambda seconds: Reply(429, b"{}", {"Retry-After": seconds}),
    "throttle-bare": lambda _: Reply(429, b"{}"),
    "readonly": lambda _: Reply(403, b'{"error":"permission denied"}'),
    "revoke": lambda _: Reply(401, b'{"error":"unauthorized"}'),
    "redirect": lambda _: Reply(302, headers={"Location": "https://elsewhere.example/login"}),
}
"""What faults of reads and of POSTs answer in place of the right answer, by their argument."""


def spoilt(kind: str, argument: str, reply: Reply) -> Reply:
    """Return what a POST's fault makes of its answer; `reply` is the one without the fault."""
    name = kind.removeprefix("post-").removesuffix("-after")
    if name in REPLIES:
        return REPLIES[name](argument)
    if name == "truncate":
        return replace(reply, body=reply.body[: len(reply.body) // 2])
    return replace(reply, seconds=float(argument)) if name == "slow" else reply


def garble(order: Order, what: str, other_product: tuple[str, str]) -> None:
    """Change one thing of an order.

    Args:
        other_product: productUrl and productId that none of its lines has.
    """
    lines = [dict(line) for line in order["orderItemList"]]
    if what in LINE_GARBAGE and lines:
        LINE_GARBAGE[what](lines[0], *other_product)
    order["orderItemList"] = lines
    if what in ORDER_GARBAGE:
        ORDER_GARBAGE[what](order, *other_product)


def _supplier(order: Order, _url: str, _sku: str) -> None:
    suppliers = {role["partyId"] for role in order["orderRoleList"]}
    other = next(party for party in ("10001", "10002") if party not in suppliers)
    order["orderRoleList"] = [{"roleTypeId": "SUPPLIER", "partyId": other}]


def _extra_line(order: Order, url: str, sku: str) -> None:
    line = {"productUrl": url, "productId": sku, "quantity": 1, "unitPrice": 1}
    line["orderItemUrl"] = f"{order['orderUrl']}/orderItem/00009999"
    order["orderItemList"].append(line)


Garbage = dict[str, Callable[[Order, str, str], object]]
LINE_GARBAGE: Garbage = {
    "quantity": lambda line, _url, _sku: line.update(quantity=line["quantity"] * 10 + 1),
    "price": lambda line, _url, _sku: line.update(unitPrice=line["unitPrice"] + 0.5),
    "product": lambda line, url, sku: line.update(productUrl=url, productId=sku),
    "unlinked": lambda line, _url, _sku: line.update(productUrl=None, productId=None),
}
ORDER_GARBAGE: Garbage = {
    "supplier": _supplier,
    "missing-line": lambda order, _url, _sku: order.update(
        orderItemList=order["orderItemList"][:-1]
    ),
    "extra-line": _extra_line,
    "place": lambda order, _url, _sku: order.update(destinationFacilityUrl=None),
    "reference": lambda order, _url, _sku: order.update(referenceNumber=None),
    "status": lambda order, _url, _sku: order.update(statusId="ORDER_LOCKED"),
}
GARBAGE = (*LINE_GARBAGE, *ORDER_GARBAGE)
"""What can differ in an order; of a line it is the first."""
