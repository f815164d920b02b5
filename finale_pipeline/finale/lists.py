"""Entries of nested lists, read as top-level cells are: what cannot be read is named."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl

from finale_pipeline.finale import cells
from finale_pipeline.finale.records import Field, Resource


@dataclass(frozen=True, slots=True)
class EntryFields:
    """The fields of a list's entries that we read.

    Attributes:
        texts: Those that are texts.
        numbers: Those that are numbers.
    """

    texts: tuple[str, ...]
    numbers: tuple[str, ...] = ()


ITEM = EntryFields(
    ("productUrl", "productId", "facilityUrl", "lotId", "normalizedPackingString"),
    ("quantity", "unitPrice"),
)
ENTRIES = {
    "supplierList": EntryFields(
        ("supplierPartyUrl", "supplierPrefOrderId", "currencyUomId", "supplierProductId"),
        ("price", "leadTime"),
    ),
    "reorderGuidelineList": EntryFields(
        ("facilityUrl", "reorderCalculationMethodId"), ("reorderPoint", "reorderQuantity")
    ),
    "contactMechList": EntryFields(
        (
            "contactMechTypeId", "contactMechPurposeTypeId", "infoString", "address1", "address2",
            "city", "stateProvinceGeoId", "postalCode", "countryGeoId",
        )
    ),
    "orderItemList": ITEM, "shipmentItemList": ITEM,
    "workEffortConsumeList": ITEM, "workEffortProduceList": ITEM,
    "orderRoleList": EntryFields(("roleTypeId", "partyId")),
}  # fmt: skip
"""By Finale's name of the list."""
NUMBERS = {"stdPackingUnitsPerCase"}
"""Handed on as they are: single numbers, by Finale's name."""
STRICT = {
    name: msgspec.defstruct(
        name.capitalize(),
        [
            *((text, str | None, None) for text in entry.texts),
            *((number, float | None, None) for number in entry.numbers),
        ],
    )
    for name, entry in ENTRIES.items()
}
LONG = re.compile(r":\s*-?\d[\d.]{16}")
"""A number of more digits than a double surely has; texts stand in quotes."""
ENTRY = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
Note = tuple[str, str, str]
"""Key of the record, what of it cannot be read, the value."""


def checked(frame: pl.DataFrame, resource: Resource) -> tuple[pl.DataFrame, list[Note]]:
    """Return records whose lists hold only what can be read, and what could not be.

    Args:
        frame: With the helper columns of the resource, JSON text.
        resource: What it is.
    """
    notes: list[Note] = []
    for source, helper in resource.helpers:
        if source in NUMBERS:
            notes += _no_numbers(frame, resource.key[0], source, helper)
        if source in ENTRIES and not _is_plain(frame[helper], source):
            frame, mended = _mended(frame, resource.key[0], source, helper)
            notes += mended
    return frame, notes


def _no_numbers(frame: pl.DataFrame, key: str, source: str, helper: str) -> list[Note]:
    field, wrong = Field(source, helper, "number"), {}
    for text in frame[helper].drop_nulls().unique():
        try:
            cells.cell(cells.CELL.decode(text), field)
        except (ValueError, OverflowError) as error:
            wrong[text] = f"{source} {error}"
    found = frame.filter(pl.col(helper).is_in(list(wrong))).select(key, helper).iter_rows()
    return [(record, wrong[text], text) for record, text in found]


def _is_plain(lists: pl.Series, source: str) -> bool:
    text = f"[{','.join(lists.drop_nulls().to_list())}]"
    if longest_text(text) > cells.LONGEST_KEY or LONG.search(text):
        return False
    try:
        msgspec.json.decode(text, type=list[list[STRICT[source]]])  # type: ignore[valid-type]
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def longest_text(text: str) -> int:
    """Return the length of the longest run without a quote; no text in it is longer."""
    return max(map(len, text.split('"')))


def _mended(
    frame: pl.DataFrame, key: str, source: str, helper: str
) -> tuple[pl.DataFrame, list[Note]]:
    notes: list[Note] = []
    texts: list[str | None] = []
    for record, text in frame.select(key, helper).iter_rows():
        if text is None:
            texts.append(None)
            continue
        try:
            sent = msgspec.json.decode(text, type=list[msgspec.Raw])
        except (msgspec.DecodeError, RecursionError):
            notes.append((record, f"{source} is no list", text))
            texts.append(None)
            continue
        entries = []
        for number, raw in enumerate(sent, 1):
            entry = _entry(bytes(raw), source, f"{source}[{number}]", record, notes)
            if entry is not None:
                entries.append(entry)
        texts.append(msgspec.json.encode(entries).decode())
    return frame.with_columns(pl.Series(helper, texts, dtype=pl.String)), notes


def _entry(
    raw: bytes, source: str, where: str, record: str, notes: list[Note]
) -> dict[str, Any] | None:
    shown = cells.escaped(raw[:200].decode(errors="replace"))
    try:
        sent = ENTRY.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        notes.append((record, f"{where} is no record", shown))
        return None
    read: dict[str, Any] = {}
    entry = ENTRIES[source]
    for name, kind in (
        *((n, "text") for n in entry.texts),
        *((n, "number") for n in entry.numbers),
    ):
        if name not in sent:
            continue
        try:
            read[name] = cells.cell(sent[name], Field(name, name, kind))  # type: ignore[arg-type]
        except (ValueError, OverflowError) as error:
            reason = str(error) if type(error) is ValueError else "cannot be read"
            notes.append((record, f"{where}.{name} {reason}", shown))
            if kind == "text":
                return None
    return read
