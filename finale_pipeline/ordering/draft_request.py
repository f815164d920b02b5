"""What somebody asks to be drafted: a day's plan, one vendor of it, or lines of their own."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finale_pipeline.domain.orders.purchase_orders import body_hash
from finale_pipeline.text import number


@dataclass(frozen=True, slots=True)
class RequestedLine:
    """A line that somebody asks for: SKU or product_url, units, price; None = the plan's cost."""

    product: str
    quantity_units: Decimal
    unit_price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class DraftRequest:
    """What somebody asks for.

    Attributes:
        vendor: Only this one; needed for given lines.
        vendors: Only these, instead of one.
        on: Day of the plan; None = the newest.
        place: Where it goes, by name; None = as the settings say.
        again: Whether one more order is wanted where there is one.
        accept_duplicates: Whether open orders for the same products are known and meant.
        key: What the caller named the request.
        seen: Digest of what a person looked at and agreed to; nothing else is sent.
    """

    actor: str
    vendor: str | None = None
    vendors: tuple[str, ...] = ()
    on: date | None = None
    lines: tuple[RequestedLine, ...] = ()
    place: str | None = None
    again: bool = False
    accept_duplicates: bool = False
    key: str | None = None
    seen: str | None = None

    def fingerprint(self) -> str:
        """Return a hash of what is asked for, whoever asks and whatever duplicates they know of."""
        lines = sorted(
            (x.product, *("" if n is None else number(n) for n in (x.quantity_units, x.unit_price)))
            for x in self.lines
        )
        asked_for = (self.vendor, str(self.on), lines, self.place, self.again)
        return body_hash(repr(asked_for if not self.vendors else (*asked_for, self.vendors)))
