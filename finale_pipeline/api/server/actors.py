"""In whose name a request writes, and what it calls itself; both are believed, not verified."""

from typing import Annotated

from fastapi import Depends, Header, Request
from starlette.datastructures import Headers

from finale_pipeline.api.server.tokens import basic_login
from finale_pipeline.text import plain

API, PAGE = "api", "page"
MOST = 80
"""Characters of a name."""


async def _over_api(
    request: Request,
    name: Annotated[
        str | None,
        Header(
            alias="X-Actor",
            min_length=1,
            max_length=MOST,
            pattern=r"^[!-~]([ -~]*[!-~])?$",
            description="Who asks, for the records; believed, not verified: the token is what"
            " lets in.",
        ),
    ] = None,
) -> str:
    return _signed(name or _login(request.headers), API)


async def _on_page(request: Request) -> str:
    return _signed(_login(request.headers), PAGE)


def _signed(name: str | None, way: str) -> str:
    return f"{name} ({way})" if name else way


def claimed_name(headers: Headers) -> str | None:
    """Return the name that a request gives; people choose it themselves."""
    return plain(headers.get("x-actor", ""), most=MOST) or _login(headers)


def _login(headers: Headers) -> str | None:
    """Return the name that a browser sends beside the token."""
    try:
        return plain(basic_login(headers)[0].decode(), most=MOST) or None
    except UnicodeDecodeError:
        return None


Actor = Annotated[str, Depends(_over_api)]
"""Who asks over the API, such as `Anna (api)`; `api` for whoever gives no name."""
OnPage = Annotated[str, Depends(_on_page)]
"""Who fills a page's form in, such as `Anna (page)`."""
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="The same key gets the same answer, and the same sync or orders, however often"
        " it is sent; of a sync within a day.",
    ),
]
"""What a request calls itself, so that it can be sent again."""
