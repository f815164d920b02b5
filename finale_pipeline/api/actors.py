"""Who asks: the name that a browser was given beside the token, and the way it came."""

import base64
import binascii
from typing import TYPE_CHECKING

from finale_pipeline.notify.plain import plain

if TYPE_CHECKING:
    from starlette.requests import Request


def actor_of(request: "Request", way: str) -> str:
    """Return who makes a request, for what is kept of it.

    A token names nobody, but browsers send a name with it, which people choose themselves: it
    says who, and proves nothing.

    Args:
        request: The request.
        way: `page` or `api`.
    """
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return way
    try:
        name = base64.b64decode(given, validate=True).partition(b":")[0].decode()
    except (binascii.Error, ValueError):
        return way
    shown = plain(name, most=60)
    return f"{shown} ({way})" if shown else way
