"""What buyers say of demand, as it is stored: promotions, planned quantities, successors."""

from dataclasses import astuple, dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from finale_pipeline.errors import ConfigError
from finale_pipeline.warehouse.connect import Connection, database_errors

Scope = Literal["product", "vendor", "category"]
Kind = Literal["times", "units", "successor"]


@dataclass(frozen=True, slots=True)
class NewAdjustment:
    """What a buyer says; fields are the columns of plan.demand_adjustment."""

    scope: Scope
    scope_key: str
    kind: Kind
    value: Decimal | None = None
    from_on: date | None = None
    until_on: date | None = None
    predecessor_url: str | None = None
    note: str | None = None

    def check(self) -> None:
        """Raise a ConfigError where it says nothing, or what cannot be."""
        step = "Give a factor or a quantity of 0 or more, with a first and a last day."
        if self.kind == "successor":
            if self.predecessor_url is None or self.predecessor_url == self.scope_key:
                raise ConfigError(
                    "A successor takes the place of another product.",
                    step="Name the product whose sales count as its own.",
                )
            return
        if self.value is None or not self.value.is_finite() or self.value < 0:
            raise ConfigError("It is not said how much is expected.", step=step)
        if self.from_on is None or self.until_on is None or self.until_on < self.from_on:
            raise ConfigError("It is not said from when to when.", step=step)
        if self.kind == "units" and self.scope != "product":
            raise ConfigError(
                "A quantity is of one product.", step="Say a factor for a vendor or a category."
            )


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a buyer said, and who; it is about a SKU, a vendor's name or a category."""

    adjustment_id: int
    scope: str
    about: str
    kind: str
    value: Decimal | None
    from_on: date | None
    until_on: date | None
    predecessor: str | None
    note: str | None
    made_by: str
    made_at: datetime

    @property
    def says(self) -> str:
        """It in a sentence, without who."""
        if self.kind == "successor":
            return f"{self.about} takes the place of {self.predecessor}"
        what = f"{self.value:f} times" if self.kind == "times" else f"{self.value:f} units"
        return f"{self.about}: {what} from {self.from_on} to {self.until_on}"


def adjust(connection: Connection, adjustment: NewAdjustment, *, actor: str, now: datetime) -> int:
    """Store what a buyer says; return its number. It counts from the next plan on.

    Raises:
        ConfigError: It says nothing, or what cannot be.
    """
    adjustment.check()
    with database_errors("writing plan.demand_adjustment"):
        return connection.count(
            "INSERT INTO plan.demand_adjustment (scope, scope_key, kind, value, from_on, until_on,"
            " predecessor_url, note, made_by, made_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING adjustment_id",
            *astuple(adjustment),
            actor,
            now,
        )


def withdraw(connection: Connection, adjustment_id: int, *, actor: str, now: datetime) -> bool:
    """Take one back; return whether it held until now."""
    with database_errors("writing plan.demand_adjustment"):
        updated = connection.execute(
            "UPDATE plan.demand_adjustment SET withdrawn_by = %s, withdrawn_at = %s"
            " WHERE adjustment_id = %s AND withdrawn_at IS NULL",
            (actor, now, adjustment_id),
        )
    return updated.rowcount > 0


LISTED = """
SELECT a.adjustment_id, a.scope, coalesce(p.sku, v.name, a.scope_key) AS about, a.kind, a.value,
       a.from_on, a.until_on, o.sku AS predecessor, a.note, a.made_by, a.made_at
FROM plan.demand_adjustment a
LEFT JOIN core.product p ON a.scope = 'product' AND p.product_url = a.scope_key
LEFT JOIN core.vendor v ON a.scope = 'vendor' AND v.vendor_url = a.scope_key
LEFT JOIN core.product o ON o.product_url = a.predecessor_url
WHERE a.withdrawn_at IS NULL AND (%(url)s::text IS NULL OR a.scope_key = %(url)s)
ORDER BY a.adjustment_id DESC LIMIT 500
"""


def listed(connection: Connection, product_url: str | None = None) -> list[Adjustment]:
    """Return those that hold, the newest first; of one product, or of all."""
    with database_errors("reading plan.demand_adjustment"):
        return connection.objects(Adjustment, LISTED, url=product_url)


def url_of(connection: Connection, scope: Scope, name: str) -> str:
    """Return the key of what people call so; a ConfigError where not just one is."""
    query = {
        "product": "SELECT product_url FROM core.product WHERE sku = %s AND removed_at IS NULL",
        "vendor": "SELECT vendor_url FROM core.vendor WHERE name = %s AND removed_at IS NULL",
        "category": "SELECT DISTINCT category FROM core.product WHERE category = %s",
    }[scope]
    rows = connection.execute(query, (name,)).fetchall()
    if len(rows) != 1:
        how = "no" if not rows else f"{len(rows)} times a"
        raise ConfigError(
            f"There is {how} {scope} named {name}.", step="Write the name as Finale does."
        )
    return str(rows[0][0])
