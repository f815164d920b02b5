"""How tables and their columns are declared: a line each, with the meaning, never null if required.

Numbers are exact. What has a default, is a flag, a list or JSON is always there.
"""

from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.schema import Column, SchemaItem

metadata = sa.MetaData(naming_convention={"ix": "%(table_name)s_%(column_0_name)s_idx"})


def table(name: str, comment: str, *items: SchemaItem, prefixes: list[str] | None = None) -> None:
    """Declare a table by schema and name."""
    schema, _, own = name.partition(".")
    sa.Table(own, metadata, *items, schema=schema, comment=comment, prefixes=prefixes)


def column(
    kind: Any, name: str, comment: str, *items: SchemaItem, required: bool = False,
    key: bool = False, default: str | None = None, index: bool = False, unique: bool | None = None,
) -> Column[Any]:
    """Return a column; `default` is SQL, `items` are what else it is: a reference, a formula."""
    return Column(
        name, kind, *items, primary_key=key, index=index or None, unique=unique, comment=comment,
        nullable=not (required or key or default is not None),
        server_default=None if default is None else sa.text(default),
    )


text = partial(column, sa.Text)
number, real = partial(column, sa.Numeric), partial(column, sa.Double)
integer, big = partial(column, sa.Integer), partial(column, sa.BigInteger)
day, at = partial(column, sa.Date), partial(column, sa.DateTime(timezone=True))
binary = partial(column, sa.LargeBinary)
units = partial(column, sa.Numeric, required=True)
flag = partial(column, sa.Boolean, required=True)
texts = partial(column, ARRAY(sa.Text), required=True)
json = partial(column, JSONB, required=True)


def serial(name: str, comment: str = "Number.") -> Column[int]:
    """Return a key that counts up."""
    return Column(name, sa.BigInteger, primary_key=True, autoincrement=True, comment=comment)


def only_row(comment: str = "True: there is one row.") -> Column[bool]:
    """Return the key of a table of one row."""
    return flag("only_row", comment, key=True)


def index(name: str, *columns: Any, unique: bool = False, where: str | None = None) -> sa.Index:
    """Return an index, of rows of which `where` is true."""
    return sa.Index(name, *columns, unique=unique, postgresql_where=where and sa.text(where))


def changed() -> Column[Any]:
    """Return when a sync last changed the row."""
    return at("changed_at", "UTC, when a sync last changed this row.", required=True)


def versioned() -> tuple[Column[Any], ...]:
    """Return what a row is written by: when it last was, and what of."""
    hashed = "64-bit hash of the row's content; rows are written only when it differs."
    return changed(), big("row_hash", hashed, required=True)


def record() -> tuple[Column[Any], ...]:
    """Return what every record of Finale's has, and its soft delete."""
    written, row_hash = versioned()
    first_seen = at("first_seen_at", "UTC, when a sync first wrote this row.", required=True)
    removed = "UTC, when a complete read no longer had it; null = it is there."
    return first_seen, written, at("removed_at", removed), row_hash


def payload() -> Column[Any]:
    """Return what the source sent beside the typed columns."""
    return json(
        "payload", "Every field as Finale sent it that has no column of its own; nulls left out."
    )
