"""Creates drafts of purchase orders in Finale: the only code that can write there.

It can do one thing, and once: POST a new order in the state ORDER_CREATED. It cannot change,
commit, complete or cancel one, and it never sends anything twice.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from finale_pipeline.errors import MalformedError, PipelineError, WritesOff
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.cells import escaped
from finale_pipeline.finale.http import httpx
from finale_pipeline.finale.responses import decoded, json_object
from finale_pipeline.finale.transport import Source, http_client

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

DEADLINE = 60.0
"""Seconds in which an answer must have come; afterwards it counts as lost."""
LARGEST_BODY = 16 << 20
SAYING = tuple(
    ("errorMessage errorMessageList errors error message messages msg exception").split()
)
"""Where Finale says what it does not like, with whatever status."""
FIXED = {"orderTypeId": "PURCHASE_ORDER", "statusId": "ORDER_CREATED"}


class WritePermission:
    """Shows that the settings allow writing; without it no writer can be made.

    Args:
        settings: With `allow_writes`.

    Raises:
        WritesOff: They do not.
    """

    def __init__(self, settings: "Settings") -> None:
        if settings.allow_writes is not True:
            raise WritesOff
        self.account = settings.account


@dataclass(frozen=True, slots=True)
class Created:
    """Finale answered with an order; what it holds is not yet compared."""

    order_url: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Finale said no; what it said."""

    why: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """No connection came about, so nothing went out; why."""

    why: str


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """It went out and no usable answer came: it may exist; why."""

    why: str


Outcome = Created | Refused | NotSent | AnswerLost


class OrderWriter:
    """Sends one draft at a time; nothing is retried.

    Args:
        budget: Asked by `reserve`.
        monotonic: Seconds; only differences count.
    """

    def __init__(
        self,
        permission: WritePermission,
        source: Source,
        *,
        budget: Budget,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if permission.account != source.account:
            raise WritesOff
        self._source = source
        self._budget = budget
        self._monotonic = monotonic
        self._http = http_client(source, method="POST")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def reserve(self) -> None:
        """Wait for room in the budget of POSTs; do it before noting that something is sent.

        Raises:
            ThrottledError: That is more than a minute away.
        """
        self._budget.acquire(is_collection=False, method="POST")

    def create(self, body: str, *, until: datetime, clock: Callable[[], datetime]) -> Outcome:
        """Send a new draft once, and say how that ended.

        Args:
            body: The JSON text of the order.
            until: A process that was frozen until after this sends nothing: somebody else may
                have resolved the order meanwhile.
        """
        _require_draft(body)
        if clock() > until:
            return NotSent("This process stood still for too long before sending.")
        path = self._source.path("order/")
        headers = {"Content-Type": "application/json"}
        try:
            with self._http.stream("POST", path, content=body, headers=headers) as response:
                answer = self._read(response, path)
                return self._judged(response, answer, path)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return NotSent(f"No connection: {type(error).__name__}: {error}")
        except httpx.TransportError as error:
            return AnswerLost(f"The connection failed: {type(error).__name__}: {error}")
        except PipelineError as error:
            return AnswerLost(error.what)

    def _read(self, response: httpx.Response, path: str) -> bytes:
        ends_at = self._monotonic() + DEADLINE
        body = bytearray()
        for chunk in decoded(response, path):
            body += chunk
            if len(body) > LARGEST_BODY or self._monotonic() > ends_at:
                raise MalformedError(
                    f"The answer to the order was over {LARGEST_BODY} bytes or {DEADLINE:g} s."
                )
        return bytes(body)

    def _judged(self, response: httpx.Response, answer: bytes, path: str) -> Outcome:
        status = response.status_code
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
            return AnswerLost(f"Finale answered {status}: {_said(answer)}")
        if status >= httpx.codes.MULTIPLE_CHOICES:
            return Refused(f"Finale answered {status}: {_said(answer)}")
        try:
            record = json.loads(json_object(answer, path))
        except ValueError:
            return AnswerLost(f"Finale's answer cannot be read: {_said(answer)}")
        url = record.get("orderUrl")
        if isinstance(url, str) and url.startswith(self._source.path("order/")):
            return Created(url)
        if any(name in record for name in (*SAYING, "success")):
            return Refused(f"Finale refused it: {_said(answer)}")
        return AnswerLost(f"Finale's answer is no order: {_said(answer)}")


def _require_draft(body: str) -> None:
    """Refuse whatever is no new draft of a purchase order; that would be a fault of ours."""
    sent = json.loads(body)
    wrong = {name for name, value in FIXED.items() if sent.get(name) != value}
    wrong |= {name for name in sent if name == "orderUrl" or name.startswith(("action", "auto"))}
    if wrong or not sent.get("orderId") or not sent.get("referenceNumber"):
        raise AssertionError(f"not a new draft: {sorted(wrong)}")


def _said(answer: bytes) -> str:
    """Return what an answer says, short and harmless."""
    try:
        record: Any = json.loads(answer)
        texts = [record[name] for name in SAYING if isinstance(record, dict) and record.get(name)]
    except ValueError:
        texts = []
    text = "; ".join(v if isinstance(v, str) else json.dumps(v) for v in texts)
    return escaped(text or answer[:300].decode(errors="replace") or "nothing", 300)
