"""What columns of all tables have in common: one way to write text, units, times, hashes."""

from typing import Any

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()

HASH = "64-bit hash of the row's content; rows are written only when it differs."
CHANGED = "UTC, when a sync last changed this row."


def text_(name: str, comment: str, *, required: bool = False, key: bool = False) -> Column[str]:
    """Return a text column; required or part of the key = never null."""
    return Column(name, Text, primary_key=key, nullable=not (required or key), comment=comment)


def units(name: str, comment: str, *, required: bool = True) -> Column[Any]:
    """Return a quantity in stock-keeping units, exact."""
    return Column(name, Numeric, nullable=not required, comment=comment)


def at(name: str, comment: str, *, required: bool = False) -> Column[Any]:
    """Return an instant, stored as UTC."""
    return Column(name, DateTime(timezone=True), nullable=not required, comment=comment)


def row_hash() -> Column[int]:
    """Return the hash that decides whether a row is written."""
    return Column("row_hash", BigInteger, nullable=False, comment=HASH)


def changed() -> Column[Any]:
    """Return when a sync last changed the row."""
    return at("changed_at", CHANGED, required=True)


def first_seen() -> Column[Any]:
    """Return when a sync first wrote the row."""
    return at("first_seen_at", "UTC, when a sync first wrote this row.", required=True)


def removed() -> Column[Any]:
    """Return the soft delete."""
    return at("removed_at", "UTC, when a complete read no longer had it; null = it is there.")


def payload() -> Column[Any]:
    """Return what the source sent beside the typed columns."""
    return Column(
        "payload",
        JSONB,
        nullable=False,
        comment="Every field as Finale sent it that has no column of its own; nulls left out.",
    )
