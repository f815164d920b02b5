"""Nested lists of a record → rows of their own: suppliers, reorder rules, contacts, roles."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
import polars as pl

from finale_pipeline.finale.cells import LARGEST, NUMBER

Number = float | str | None
T = TypeVar("T")


class Supplier(msgspec.Struct, rename="camel"):
    """An entry of supplierList."""

    supplier_party_url: str | None = None
    supplier_pref_order_id: str | None = None
    price: Number = None
    currency_uom_id: str | None = None
    supplier_product_id: str | None = None
    lead_time: Number = None


class Guideline(msgspec.Struct, rename="camel"):
    """An entry of reorderGuidelineList."""

    facility_url: str | None = None
    reorder_point: Number = None
    reorder_quantity: Number = None
    reorder_calculation_method_id: str | None = None


class Contact(msgspec.Struct, rename="camel"):
    """An entry of contactMechList."""

    contact_mech_type_id: str | None = None
    contact_mech_purpose_type_id: str | None = None
    info_string: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state_province_geo_id: str | None = None
    postal_code: str | None = None
    country_geo_id: str | None = None


SUPPLIER_ROWS = {
    "product_url": pl.String,
    "vendor_url": pl.String,
    "is_main": pl.Boolean,
    "price": pl.Float64,
    "currency": pl.String,
    "vendor_sku": pl.String,
    "lead_time_days": pl.Float64,
}
RULE_ROWS = {
    "product_url": pl.String,
    "facility_url": pl.String,
    "reorder_point_units": pl.Float64,
    "reorder_quantity_units": pl.Float64,
    "method": pl.String,
}
CONTACT_ROWS = {
    "vendor_url": pl.String,
    "position": pl.Int64,
    "kind": pl.String,
    "purpose": pl.String,
    "value": pl.String,
    "address1": pl.String,
    "address2": pl.String,
    "city": pl.String,
    "state": pl.String,
    "postal_code": pl.String,
    "country": pl.String,
}


def supplier_rows(products: pl.DataFrame) -> pl.DataFrame:
    """Return the suppliers of products; one row per product and vendor, the main one first.

    Args:
        products: With the helper column `suppliers`.
    """
    rows = [
        (
            url,
            s.supplier_party_url,
            "MAIN" in (s.supplier_pref_order_id or ""),
            number(s.price),
            s.currency_uom_id,
            s.supplier_product_id,
            number(s.lead_time),
        )
        for url, s in entries(products, "product_url", "suppliers", Supplier)
        if s.supplier_party_url
    ]
    frame = _frame(rows, SUPPLIER_ROWS)
    key = ["product_url", "vendor_url"]
    if frame.select(key).is_duplicated().any():
        frame = frame.sort("is_main", descending=True, maintain_order=True)
        frame = frame.unique(key, keep="first", maintain_order=True)
    return frame


def rule_rows(products: pl.DataFrame) -> pl.DataFrame:
    """Return the reorder rules of products; one row per product and place.

    Args:
        products: With the helper column `guidelines`.
    """
    rows = [
        (
            url,
            g.facility_url or "",
            number(g.reorder_point),
            number(g.reorder_quantity),
            g.reorder_calculation_method_id,
        )
        for url, g in entries(products, "product_url", "guidelines", Guideline)
    ]
    frame = _frame(rows, RULE_ROWS)
    return frame.unique(["product_url", "facility_url"], keep="last", maintain_order=True)


def contact_rows(vendors: pl.DataFrame) -> pl.DataFrame:
    """Return the contacts of vendors, numbered from 1 in Finale's order.

    Args:
        vendors: With the helper column `contacts`.
    """
    rows: list[tuple[object, ...]] = []
    for url, position, c in numbered(vendors, "vendor_url", "contacts", Contact):
        rows.append(
            (
                url,
                position,
                c.contact_mech_type_id,
                c.contact_mech_purpose_type_id,
                c.info_string,
                c.address1,
                c.address2,
                c.city,
                c.state_province_geo_id,
                c.postal_code,
                c.country_geo_id,
            )
        )
    return _frame(rows, CONTACT_ROWS)


def suppliers_only(parties: pl.DataFrame) -> pl.DataFrame:
    """Return the parties having the role SUPPLIER.

    Args:
        parties: With the helper column `roles`.
    """
    return parties.filter(
        pl.col("roles").str.contains('"SUPPLIER"', literal=True).fill_null(value=False)
    )


def _frame(rows: Sequence[tuple[object, ...]], schema: dict[str, Any]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pl.DataFrame(
        [pl.Series(n, c, dtype=d) for (n, d), c in zip(schema.items(), columns, strict=True)]
    )


def entries(frame: pl.DataFrame, key: str, column: str, kind: type[T]) -> Iterator[tuple[str, T]]:
    """Yield each entry with its record's key; all lists are decoded at once, then one by one."""
    filled = frame.select(key, column).drop_nulls(column)
    texts = filled[column].to_list()
    try:
        lists = msgspec.json.decode(f"[{','.join(texts)}]", type=list[list[kind]])  # type: ignore[valid-type]
    except msgspec.ValidationError:
        lists = [_readable(text, kind) for text in texts]
    for url, entries in zip(filled[key], lists, strict=True):
        for entry in entries:
            yield url, entry


def numbered(
    frame: pl.DataFrame, key: str, column: str, kind: type[T]
) -> Iterator[tuple[str, int, T]]:
    """Yield each entry with its record's key and its place in the record's list, from 1."""
    last, position = "", 0
    for url, entry in entries(frame, key, column, kind):
        position = position + 1 if url == last else 1
        last = url
        yield url, position, entry


def _readable(text: str, kind: type[T]) -> list[T]:
    """Return the entries of a list that can be read; the record's payload keeps the others."""
    entries = []
    try:
        cells = msgspec.json.decode(text, type=list[msgspec.Raw])
    except msgspec.ValidationError:
        return []
    for cell in cells:
        try:
            entries.append(msgspec.json.decode(cell, type=kind, strict=False))
        except msgspec.ValidationError:
            continue
    return entries


def number(value: Number) -> float | None:
    """Return a quantity or price; null when it is none, or too large to be one."""
    if isinstance(value, str):
        value = float(value) if NUMBER.fullmatch(value) else None
    return None if value is None or not abs(value) <= LARGEST else value
