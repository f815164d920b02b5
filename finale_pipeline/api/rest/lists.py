"""A page of a list as an answer: rows, the next cursor, the next page's address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import Response

from finale_pipeline.api.rest.pagination import Asked, Listing, page
from finale_pipeline.api.rest.responses import Form, as_csv, as_json, form_of
from finale_pipeline.api.server.context import AsOf, Pages, Shared, Warehouse

AsForm = Annotated[Form | None, Query(alias="format", description="Instead of Accept.")]


@dataclass(frozen=True, slots=True)
class Reading:
    """A request that reads a list: from where, which page, in which form."""

    request: Request
    context: Shared
    connection: Warehouse
    headers: AsOf
    paging: Pages
    form: AsForm


async def _reading(
    *,
    request: Request,
    context: Shared,
    connection: Warehouse,
    headers: AsOf,
    paging: Pages,
    form: AsForm = None,
) -> Reading:
    return Reading(request, context, connection, headers, paging, form)


Reads = Annotated[Reading, Depends(_reading)]


def answer(reading: Reading, listing: Listing, filters: Mapping[str, object]) -> Response:
    """Return a page of a list, as JSON or CSV.

    Args:
        reading: The request.
        listing: Which list.
        filters: Values by parameter; None = not filtered.
    """
    paging = reading.paging
    asked = Asked(filters, paging.sort, paging.cursor, paging.limit)
    found = page(reading.connection, listing, asked, reading.context.key)
    said = dict(reading.headers)
    if found.next_cursor is not None:
        url = reading.request.url.include_query_params(cursor=found.next_cursor)
        said["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    if form_of(reading.request, reading.form, ("json", "csv")) == "csv":
        columns = list(found.rows[0]) if found.rows else list(listing.sorts)
        answered = as_csv(found.rows, columns, listing.name)
        answered.headers.update(said)
        return answered
    return as_json({listing.name: found.rows, "next_cursor": found.next_cursor}, headers=said)
