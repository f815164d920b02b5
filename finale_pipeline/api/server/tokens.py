"""Tokens as they are sent, and where none is needed."""

import base64
import binascii

from starlette.datastructures import Headers

from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import LOOPBACK, Settings

LEAST_CHARACTERS = 32
"""Of a token off loopback: 128 bits, written as hexadecimal digits."""


def sent_token(headers: Headers) -> bytes:
    """Return the token of a request, empty when it has none.

    Programs send it as a bearer token. Browsers ask for a name and a password, of which the
    password is the token: they keep it without a cookie.
    """
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip().encode("utf-8", "replace")
    return basic_login(headers)[1]


def basic_login(headers: Headers) -> tuple[bytes, bytes]:
    """Return the name and the password that a browser sends; both empty when it sends none."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return b"", b""
    try:
        name, _, password = base64.b64decode(credentials, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return b"", b""
    return name, password


def require_tokens(settings: Settings, host: str, setting: str) -> None:
    """Refuse to serve other machines without a token that nobody guesses.

    Raises:
        ConfigError: With the setting to set.
    """
    tokens = [t.get_secret_value() for t in (settings.api_token, settings.api_read_token) if t]
    what, step = "", "Make each with: openssl rand -hex 32"
    if len(tokens) > len(set(tokens)):
        what = "FINALE_API_TOKEN and FINALE_API_READ_TOKEN are the same text: who may read may"
        what += " write."
    elif host not in LOOPBACK and not tokens:
        what = f"{setting}={host} lets other machines in, and no token is set."
        step = f"Set FINALE_API_TOKEN, or leave {setting} out. {step}"
    elif host not in LOOPBACK and min(map(len, tokens)) < LEAST_CHARACTERS:
        what = f"{setting}={host} lets other machines in, and a token is shorter than"
        what += f" {LEAST_CHARACTERS} characters."
    if what:
        raise ConfigError(what, data="Nothing was started.", step=step)
