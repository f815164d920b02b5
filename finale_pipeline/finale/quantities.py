"""Quantities as Finale sends them → units.

Finale keeps case stock and open stock of a product apart. A quantity that comes with a packing
counts packs of it, and the packing's leading number says how many units a pack holds:
`12 cs 12/1` is 12, `24/4/2/1` is 24. Where an account shows that its quantities are units already,
the other reading is taken. Packings differ from row to row and from the product's own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from finale_pipeline.domain.packing import LEADING, Reading

DECIMALS = 9
"""Units are rounded to so many places, so that 0.1 cases of 3 are 0.3 units."""
ENOUGH = 30
"""Rows with a packing that a judgement needs; by chance all of them are whole cases in one of 2^30
accounts."""
FEW, MANY = 0.01, 0.2
"""Shares of rows that are no whole cases: below FEW quantities count units, above MANY cases."""
FEW_ORDERS = 3
"""So many orders whose totals show the same decide; a total is no chance."""
CENT = 0.01


def units_per_pack(packing: str | None) -> float:
    """Return how many units one counted thing is; 1 without a packing, or with one of no number.

    >>> [units_per_pack(text) for text in ("12 cs 12/1", "24/4/2/1", "", None, "each", "0 cs")]
    [12.0, 24.0, 1.0, 1.0, 1.0, 1.0]
    """
    match = re.match(LEADING, packing or "", re.ASCII)
    return (float(match[1]) if match else 1.0) or 1.0


def per_pack(packing: pl.Expr) -> pl.Expr:
    """Return `units_per_pack` of a column."""
    number = packing.str.extract(LEADING).cast(pl.Float64).fill_null(1.0)
    return pl.when(number > 0).then(number).otherwise(1.0)


def with_pack(products: pl.DataFrame) -> pl.DataFrame:
    """Return products with `pack_units`, the units of a case; null when they have none.

    Args:
        products: With `packing` and the helper column `units_per_case`, JSON text.
    """
    leading = per_pack(pl.col("packing"))
    stated = pl.col("units_per_case").str.strip_chars('"').cast(pl.Float64, strict=False)
    pack = pl.when(leading > 1).then(leading).when(stated > 0).then(stated)
    return products.with_columns(pack_units=pack)


def to_units(quantity: float | None, packing: str | None, reading: Reading) -> float | None:
    """Return a quantity in units; None when there is none."""
    pack = 1.0 if reading == "units" else units_per_pack(packing)
    if quantity is None or pack == 1:
        return quantity
    return round(quantity * pack, DECIMALS)


def in_units(frame: pl.DataFrame, quantities: dict[str, str], reading: Reading) -> pl.DataFrame:
    """Return a frame whose quantities are units.

    Args:
        frame: With a column `packing`.
        quantities: Columns as Finale counted → the names of their columns in units.
    """
    factor = per_pack(pl.col("packing")) if reading == "cases" else pl.lit(1.0)
    units = [
        pl.when(factor == 1)
        .then(pl.col(sent))
        .otherwise((pl.col(sent) * factor).round(DECIMALS))
        .alias(name)
        for sent, name in quantities.items()
    ]
    return frame.with_columns(units).drop(quantities)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an account's own numbers say about its quantities.

    Attributes:
        reading: The reading that they show; None = they do not decide it.
    """

    reading: Reading | None
    why: str


def evidence(quantities: pl.Series, packings: pl.Series) -> Evidence:
    """Judge whether quantities beside packings count cases or units.

    Units of case stock are whole cases, so a number that is no multiple of its pack counts cases;
    where nearly all of many rows are multiples, they count units.

    Args:
        quantities: On hand, as Finale sent them.
    """
    rows = pl.DataFrame({"quantity": quantities, "packing": packings}).with_columns(
        pack=per_pack(pl.col("packing"))
    )
    rows = rows.filter((pl.col("pack") > 1) & (pl.col("quantity").abs() > 0))
    odd = int(((rows["quantity"] % rows["pack"]).abs() > 0).sum())
    why = f"{odd} of {len(rows)} stock rows with a packing hold no multiple of their pack"
    if len(rows) < ENOUGH or FEW <= odd / len(rows) <= MANY:
        return Evidence(None, why)
    return Evidence("cases" if odd / len(rows) > MANY else "units", why)


Line = tuple[float | None, float | None, str | None]
"""Of an order: quantity and price as sent, packing."""


def evidence_of_orders(orders: Sequence[tuple[Sequence[Line], float | None]]) -> Evidence:
    """Judge by orders' own totals whether quantities beside packings count cases or units.

    Price times quantity is the total where a price stands for one counted thing, whatever that is,
    and decides nothing. A total larger by the packs shows quantities of cases at the price of a
    unit, and one smaller by the packs shows quantities of units at the price of a case.

    Args:
        orders: Lines of each, and the sum of its lines as Finale has it; None = unknown.
    """
    shown = [_shown(lines, total) for lines, total in orders if total is not None]
    cases, units = shown.count("cases"), shown.count("units")
    why = f"the totals of {cases} orders show cases and those of {units} show units"
    if max(cases, units) < FEW_ORDERS or min(cases, units) > FEW * max(cases, units):
        return Evidence(None, why)
    return Evidence("cases" if cases > units else "units", why)


def unit_prices(lines: Sequence[Line], total: float | None, reading: Reading) -> list[float | None]:
    """Return the price of one unit on each line of an order.

    A price stands for one counted thing: a case where cases are counted. Where the order's own
    total shows that it stands for the other one, it is taken so.

    Args:
        lines: Quantity as sent, price as sent, packing.
        total: Sum of the lines as Finale has it; None = unknown.
        reading: What the quantities count.
    """
    shown = None if total is None else _shown(lines, total)
    counts_unit = shown == "cases" or (reading == "units" and shown != "units")
    if counts_unit:
        return [price for _, price, _ in lines]
    return [
        None if price is None else round(price / units_per_pack(packing), DECIMALS)
        for _, price, packing in lines
    ]


def _shown(lines: Sequence[Line], total: float) -> Reading | None:
    """Return what an order's total shows its quantities to count; None = it shows nothing."""
    if any(quantity is None or price is None for quantity, price, _ in lines):
        return None
    plain = [(q or 0) * (p or 0) for q, p, _ in lines]
    packs = [units_per_pack(packing) for _, _, packing in lines]
    rounding = CENT * max(len(lines), 1)

    def gives(amounts: Iterable[float]) -> bool:
        return abs(sum(amounts) - total) <= rounding

    if gives(plain):
        return None
    if gives(a * pack for a, pack in zip(plain, packs, strict=True)):
        return "cases"
    return "units" if gives(a / pack for a, pack in zip(plain, packs, strict=True)) else None
