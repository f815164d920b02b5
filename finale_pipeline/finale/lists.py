"""Entries of nested lists, read as top-level cells are: what cannot be read is named."""

from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
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
        gc=False,
    )
    for name, entry in ENTRIES.items()
}
ENTRY = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
Note = tuple[str, str, str]
"""Key of the record, what of it cannot be read, the value."""


def entries(
    frame: pl.DataFrame, helper: str, source: str, notes: list[Note] | None = None
) -> pl.DataFrame:
    """Return the entries of records' lists, in Finale's order.

    Args:
        frame: The records: their key first, and the helper column, JSON text.
        source: Finale's name of the list.
        notes: Gets what of them cannot be read.

    Returns:
        A row per entry: the record's key, `position` from 1, the entry's fields by their names.
    """
    key = frame.columns[0]
    filled = frame.select(key, helper).drop_nulls(helper)
    read = _entries(filled, source)
    if read is None:
        mended, found = _mended(filled, key, source, helper)
        read = _entries(mended.drop_nulls(helper), source, is_mended=True)
        if notes is not None:
            notes += found
    if read is None:
        raise AssertionError(f"what was mended of {source} cannot be read")
    return read


def _entries(filled: pl.DataFrame, source: str, *, is_mended: bool = False) -> pl.DataFrame | None:
    """Return the entries where all are as promised; None = one is not."""
    key, helper = filled.columns
    kind: Any = STRICT[source]
    try:
        text = f"[{','.join(filled[helper].to_list())}]"
        lists = msgspec.json.decode(text, type=list[list[kind]])
    except (msgspec.DecodeError, RecursionError):
        return None
    flat = [entry for entries in lists for entry in entries]
    fields = ENTRIES[source]
    columns = [
        pl.Series(name, list(map(attrgetter(name), flat)), dtype=dtype)
        for names, dtype in ((fields.texts, pl.String), (fields.numbers, pl.Float64))
        for name in names
    ]
    if not is_mended and not all(map(_is_usual, columns)):
        return None
    counted = filled.select(key, n=pl.Series(list(map(len, lists)), dtype=pl.UInt32))
    counted = counted.filter(pl.col("n") > 0)
    owners = counted.select(
        pl.col(key).repeat_by("n").explode(), pl.int_ranges(1, pl.col("n") + 1).explode()
    )
    return owners.rename({owners.columns[1]: "position"}).with_columns(columns)


def _is_usual(column: pl.Series) -> bool:
    """Whether no text may be too long for a key, and a double holds all digits of every number."""
    if column.dtype == pl.String:
        longest = column.str.len_bytes().max()
        return not isinstance(longest, int) or longest <= cells.LONGEST_KEY
    largest = column.abs().max()
    return not isinstance(largest, float) or largest <= cells.EXACT


def checked(frame: pl.DataFrame, resource: Resource) -> tuple[pl.DataFrame, list[Note]]:
    """Return records whose lists hold only what can be read, and what could not be.

    Args:
        frame: With the helper columns of the resource, JSON text.
        resource: What it is.
    """
    notes: list[Note] = []
    key = resource.key[0]
    for source, helper in resource.helpers:
        filled = frame.select(key, helper).drop_nulls(helper)
        if source in ENTRIES and _entries(filled, source) is None:
            frame, mended = _mended(frame, key, source, helper)
            notes += mended
    return frame, notes


def no_numbers(frame: pl.DataFrame, resource: Resource) -> list[Note]:
    """Return what should be numbers beside the lists, and are none."""
    return [
        note
        for source, helper in resource.helpers
        if source in NUMBERS
        for note in _no_numbers(frame, resource.key[0], source, helper)
    ]


def _no_numbers(frame: pl.DataFrame, key: str, source: str, helper: str) -> list[Note]:
    field, wrong = Field(source, helper, "number"), {}
    for text in {*frame[helper].to_list()} - {None}:
        try:
            cells.cell(cells.CELL.decode(text), field)
        except (ValueError, OverflowError) as error:
            wrong[text] = f"{source} {error}"
    if not wrong:
        return []
    found = frame.filter(pl.col(helper).is_in(list(wrong))).select(key, helper).iter_rows()
    return [(record, wrong[text], text) for record, text in found]


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
