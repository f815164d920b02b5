"""Lists in pages: what may be sorted and filtered, signed cursors, the answer with its links."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from itsdangerous import BadData, URLSafeSerializer
from starlette.responses import Response

from finale_pipeline.api.rest.responses import Form, as_csv, as_json, form_of, in_words
from finale_pipeline.api.server.context import AsOf, Context, Headers, Shared, Warehouse
from finale_pipeline.api.server.problems import Problem
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.reads.listing import Listing

SALT = "finale cursor 2"
MAX_ROWS = 1_000


AsForm = Annotated[Form | None, Query(alias="format", description="Instead of Accept.")]


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A request that reads a list: from where, which page, in which form.

    Attributes:
        sort: A column of `Listing.sorts`; `-` before it = downwards; None = as usual.
        cursor: Of the page before; None = the first page.
        limit: Rows of the page.
    """

    request: Request
    context: Context
    connection: Connection
    headers: Headers
    sort: str | None
    cursor: str | None
    limit: int
    form: Form | None


async def _reading(
    *,
    request: Request,
    context: Shared,
    connection: Warehouse,
    headers: AsOf,
    sort: Annotated[
        str | None,
        Query(max_length=40, description="Column to sort by; `-` before it = downwards."),
    ] = None,
    cursor: Annotated[
        str | None, Query(max_length=2_000, description="`next_cursor` of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS, description="Rows of a page.")] = 100,
    form: AsForm = None,
) -> ListRequest:
    return ListRequest(request, context, connection, headers, sort, cursor, limit, form)


Reads = Annotated[ListRequest, Depends(_reading)]


def answer(reading: ListRequest, listing: Listing, filters: Mapping[str, object]) -> Response:
    """Return a page of a list, as JSON or CSV.

    Args:
        filters: Values by parameter; None = not filtered.

    Raises:
        Problem: 422: the sort is not on the list, or the cursor is not one of ours.
    """
    page, next_cursor = _page(reading, listing, filters)
    rows = [in_words(row) for row in page]
    headers = dict(reading.headers)
    if next_cursor is not None:
        url = reading.request.url.include_query_params(cursor=next_cursor)
        headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    if form_of(reading.request, reading.form, ("json", "csv")) == "csv":
        columns = list(rows[0]) if rows else list(listing.sorts)
        return as_csv(rows, columns, listing.name, headers)
    return as_json({listing.name: rows, "next_cursor": next_cursor}, headers=headers)


def _page(
    reading: ListRequest, listing: Listing, filters: Mapping[str, object]
) -> tuple[list[dict[str, Any]], str | None]:
    """Return the rows of a page, and the cursor of the next one; None = it was the last."""
    order, key = reading.sort or listing.order, reading.context.key
    column, down = order.removeprefix("-"), order.startswith("-")
    if column not in listing.sorts:
        raise Problem(422, f"Sort by one of: {', '.join(listing.sorts)}.", code="unknown_sort")
    active = {name: value for name, value in filters.items() if value is not None}
    values: dict[str, object] = {**listing.fixed, **active, "limit": reading.limit + 1}
    where = [listing.filters[name] for name in active]
    if reading.cursor is not None:
        where.append(_after(listing, order, reading.cursor, key, values))
    query = (
        f"SELECT * FROM ({listing.query}) t WHERE {' AND '.join(where) or 'true'}"
        f" ORDER BY {column} {'DESC' if down else 'ASC'} NULLS LAST, {listing.key[0]}"
        " LIMIT %(limit)s"
    )
    rows = reading.connection.rows(query, **values)
    if len(rows) <= reading.limit:
        return rows, None
    last = rows[reading.limit - 1]
    return rows[: reading.limit], _sealed([order, last[column], last[listing.key[0]]], key)


def _after(listing: Listing, order: str, cursor: str, key: bytes, values: dict[str, object]) -> str:
    """Return the condition of rows behind a cursor, and add its values; nulls are last."""
    try:
        sort, value, row = _serializer(key).loads(cursor)
    except BadData:
        raise Problem(
            422, "The cursor is not one of ours; begin anew.", code="invalid_cursor"
        ) from None
    if sort != order:
        raise Problem(422, "The cursor is of another sort.", code="invalid_cursor")
    column, down = order.removeprefix("-"), order.startswith("-")
    kind, (row_column, row_kind) = listing.sorts[column], listing.key
    values |= {"after_value": value, "after_row": row}
    same_row = f"{row_column} > %(after_row)s::{row_kind}"
    if value is None:
        return f"({column} IS NULL AND {same_row})"
    bound = f"%(after_value)s::{kind}"
    beyond = f"{column} {'<' if down else '>'} {bound}"
    return f"({beyond} OR {column} IS NULL OR ({column} = {bound} AND {same_row}))"


def _sealed(parts: list[Any], key: bytes) -> str:
    token = _serializer(key).dumps([p if p is None else _text(p) for p in parts])
    return token if isinstance(token, str) else token.decode()


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _serializer(key: bytes) -> URLSafeSerializer:
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(key, salt=SALT, signer_kwargs=options)
