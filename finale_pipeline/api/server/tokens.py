"""Tokens as they are sent, and where none is needed."""

import base64
import binascii
from typing import TYPE_CHECKING

from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import LOOPBACK

if TYPE_CHECKING:
    from starlette.datastructures import Headers

    from finale_pipeline.settings import Settings


def sent_token(headers: "Headers") -> bytes:
    """Return the token of a request, empty when it has none.

    Programs send it as a bearer token. Browsers ask for a name and a password, of which the
    password is the token: they keep it without a cookie.
    """
    kind, _, given = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return given.strip().encode("utf-8", "replace")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(given, validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""


def require_token_off_loopback(settings: "Settings") -> None:
    """Refuse to serve other machines without a token.

    Raises:
        ConfigError: With the setting to set.
    """
    if settings.api_host in LOOPBACK or settings.api_token or settings.api_read_token:
        return
    raise ConfigError(
        f"FINALE_API_HOST={settings.api_host} lets other machines in, and no token is set.",
        data="Nothing was started.",
        step="Set FINALE_API_TOKEN to a long random text, or leave FINALE_API_HOST out.",
    )
