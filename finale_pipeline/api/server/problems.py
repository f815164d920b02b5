"""Errors as `application/problem+json` (RFC 9457) with codes that stay; details stay in the log.

A browser that asked for a page gets a page that says the same in words.
"""

import logging
from collections.abc import Mapping
from functools import singledispatch
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from psycopg import DataError, InterfaceError, OperationalError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import Scope

from finale_pipeline.api.server.render import html
from finale_pipeline.errors import ConfigError, PipelineError
from finale_pipeline.settings import Settings

log = logging.getLogger("finale_pipeline.api")

MEDIA = "application/problem+json"
UNEXPECTED = "Something failed here; the log has it under the trace_id."
READS = ("GET", "HEAD")

CODES = {
    400: "bad_request",
    401: "no_token",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    409: "conflict",
    413: "body_too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}

T = TypeVar("T")


class Problem(Exception):
    """What a client is told, and may act on.

    Args:
        detail: What happened and what to do, in a sentence or two.
        code: Stays the same between versions; None = the status's own.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
        **facts: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = code or CODES.get(status, "error")
        self.headers = dict(headers or {})
        self.facts = facts

    def body(self, trace_id: str) -> dict[str, Any]:
        """Return what stands in an answer."""
        return {
            "type": f"urn:finale-pipeline:problem:{self.code}",
            "title": self.code.replace("_", " "),
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "trace_id": trace_id,
            **self.facts,
        }

    def response(self, trace_id: str) -> JSONResponse:
        """Return it as an answer."""
        return JSONResponse(self.body(trace_id), self.status, self.headers, media_type=MEDIA)


def there(value: T | None, kind: str, otherwise: str) -> T:
    """Return what was found.

    Raises:
        Problem: 404, unknown_ and the kind: nothing was.
    """
    if value is None:
        raise Problem(404, otherwise, code=f"unknown_{kind}")
    return value


def later(detail: str, *, code: str = "unavailable", seconds: int = 10, **facts: Any) -> Problem:
    """Return a 503 that says after how many seconds to ask again."""
    return Problem(503, detail, code=code, headers={"Retry-After": str(seconds)}, **facts)


def respond(problem: Problem, scope: Scope, settings: Settings) -> Response:
    """Return a problem as whoever asked reads it: a page for a browser on pages, else JSON."""
    is_page = not scope["path"].startswith("/api/")
    if not is_page or "text/html" not in Headers(scope=scope).get("accept", ""):
        return problem.response(scope["trace_id"])
    page = html(
        settings,
        "problem.html",
        status=problem.status,
        page="",
        problem=problem,
        trace_id=scope["trace_id"],
        is_form=scope["method"] not in READS,
    )
    page.headers.update(problem.headers)
    return page


def install(app: FastAPI) -> None:
    """Have every error of an app answered as a problem."""

    async def answer(request: Request, error: Exception) -> Response:
        problem = _of(error, request.scope.get("trace_id", ""))
        return respond(problem, request.scope, request.app.state.context.settings)

    for kind in (
        Problem,
        RequestValidationError,
        HTTPException,
        PipelineError,
        DataError,
        OperationalError,
        InterfaceError,
        Exception,
    ):
        app.add_exception_handler(kind, answer)


@singledispatch
def _of(error: Exception, trace: str) -> Problem:
    """Return what a client is told of an error; details go to the log."""
    log.error("request %s failed", trace, exc_info=error)
    return Problem(500, UNEXPECTED)


@_of.register
def _(error: Problem, _trace: str) -> Problem:
    return error


@_of.register
def _(error: RequestValidationError, _trace: str) -> Problem:
    """Say which parts are wrong, without repeating what was sent: it may be a secret."""
    wrong = [
        {"where": ".".join(str(p) for p in e["loc"]), "what": str(e["msg"])} for e in error.errors()
    ]
    status = 400 if any(e["type"] == "json_invalid" for e in error.errors()) else 422
    detail = "; ".join(f"{w['where']}: {w['what']}" for w in wrong[:5])
    return Problem(status, detail, errors=wrong[:20])


@_of.register
def _(error: HTTPException, _trace: str) -> Problem:
    return Problem(error.status_code, str(error.detail), headers=error.headers)


@_of.register
def _(error: PipelineError, trace: str) -> Problem:
    """A person's mistake is explained; anything else is only in the log."""
    log.warning("request %s: %s", trace, error)
    if isinstance(error, ConfigError):
        return Problem(422, f"{error.what} {error.data} {error.step}", code="refused")
    return later("This cannot be answered now.")


@_of.register
def _(_error: DataError, _trace: str) -> Problem:
    return Problem(422, "The database refuses a value of this request.")


@_of.register(OperationalError)
@_of.register(InterfaceError)
def _(error: Exception, trace: str) -> Problem:
    log.warning("request %s: the database failed: %s", trace, error)
    return later("The database did not answer.", code="database_unavailable", seconds=5)
