"""The words of the OpenAPI document: answers, examples, columns described by their comments."""

from functools import cache
from typing import Any

from finale_pipeline.api.rest.responses import CSV, XLSX
from finale_pipeline.api.server.problems import MEDIA, Problem
from finale_pipeline.warehouse.reads.listing import Listing
from finale_pipeline.warehouse.tables import metadata

Answers = dict[int | str, dict[str, Any]]

PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "trace_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stays the same between versions."},
        "detail": {"type": "string", "description": "What happened and what to do."},
        "trace_id": {"type": "string", "description": "Under which the log has more."},
    },
}
HEADERS = {
    "X-Data-As-Of": {
        "description": "When stock was last read, UTC.",
        "schema": {"type": "string"},
    },
    "X-Finale-Run-Id": {
        "description": "The newest good sync run.",
        "schema": {"type": "string"},
    },
}
SAID = {
    400: "The request cannot be read, or is for another host.",
    401: "No token, or a wrong one.",
    403: "The token may only read, or the request comes from another site's page.",
    404: "There is no such thing.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "A parameter or the body is wrong; nothing was changed.",
    429: "Too many requests; `Retry-After` says when again.",
    500: "A fault of ours.",
    503: "The database or Dagster does not answer; `Retry-After` says when again.",
}


def problems(*, conflict: str | None = None) -> Answers:
    """Return the answers that every route may give.

    Args:
        conflict: When it answers 409, and what that means; None = never.
    """
    meanings = SAID if conflict is None else SAID | {409: conflict}
    return {
        status: {
            "description": meaning,
            "content": {
                MEDIA: {
                    "schema": PROBLEM,
                    "example": Problem(status, meaning).body("5f3c0e8f6c0d4d3f9b0f3b9d0a3b6f11"),
                }
            },
        }
        for status, meaning in sorted(meanings.items())
    }


def good(what: str, example: object, *, status: int = 200, forms: tuple[str, ...] = ()) -> Answers:
    """Return the good answer of a route.

    Args:
        example: Of it, as JSON.
        forms: Other media types it comes in.
    """
    content: dict[str, Any] = {"application/json": {"schema": {}, "example": example}}
    content |= {form: {"schema": {"type": "string", "format": "binary"}} for form in forms}
    return {status: {"description": what, "headers": HEADERS, "content": content}}


def listed(listing: Listing, columns: str) -> Answers:
    """Return the good answer of a list, with the meaning of its columns: names with spaces."""
    meanings = _meanings()
    row = {
        "type": "object",
        "properties": {name: {"description": meanings.get(name, name)} for name in columns.split()},
    }
    body = {
        "type": "object",
        "required": [listing.name, "next_cursor"],
        "properties": {
            listing.name: {"type": "array", "items": row},
            "next_cursor": {"type": ["string", "null"], "description": "Of the next page."},
        },
    }
    response = good(
        f"A page of {listing.name}.", {listing.name: [], "next_cursor": None}, forms=(CSV,)
    )
    response[200]["content"]["application/json"]["schema"] = body
    return response


WORKBOOK = (CSV, XLSX)


@cache
def _meanings() -> dict[str, str]:
    """Return what columns mean, by name, from the comments of the tables."""
    meanings: dict[str, str] = {}
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.comment:
                meanings.setdefault(column.name, column.comment)
    return meanings
