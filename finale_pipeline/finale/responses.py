"""What an answer of Finale is: data, or an error by its status, its text or its failure."""

import ssl
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from finale_pipeline.errors import (
    COMMITTED_STAYS,
    AddressRefused,
    ConfigError,
    CredentialsRefused,
    MalformedError,
    SourceUnavailable,
    UnknownPath,
)
from finale_pipeline.finale.http import httpx
from finale_pipeline.finale.pages import Pages

ENDED_IN_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
"""A handshake that ends so says nothing of trust: the connection broke, as any other does."""
MILLISECONDS = 1e11
"""A larger number of Unix time is in milliseconds: as seconds it would be after the year 5000."""


def decoded(response: httpx.Response, path: str) -> Iterator[bytes]:
    """Yield the body, unzipped by steps: a bomb must not be unpacked before it is measured."""
    encoding = response.headers.get("content-encoding", "identity")
    if encoding == "identity":
        yield from response.iter_raw()
        return
    if encoding != "gzip":
        raise MalformedError(f"The answer for {path} has the unknown encoding {encoding[:40]!r}.")
    unzip = zlib.decompressobj(wbits=31)
    try:
        for chunk in response.iter_raw():
            rest = chunk
            while rest:
                if unzip.eof:  # gzip allows several members, one after the other
                    unzip = zlib.decompressobj(wbits=31)
                yield unzip.decompress(rest, 1 << 20)
                rest = unzip.unconsumed_tail or unzip.unused_data
    except zlib.error as error:
        raise MalformedError(f"The answer for {path} is no valid gzip: {error}.") from error
    if not unzip.eof:
        raise SourceUnavailable(f"The compressed answer for {path} ended early.")


def json_object(body: bytes, path: str) -> bytes:
    """Return an answer that can be a JSON object, without space around it.

    Raises:
        CredentialsRefused: It is a page.
        SourceUnavailable: It is empty or ended in the middle.
        MalformedError: It is anything else.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text.startswith(b"<"):
        raise login_page(path)
    if not text:
        raise SourceUnavailable(f"The answer for {path} is empty.")
    if text.startswith(b"{") and not text.endswith(b"}"):
        raise SourceUnavailable(f"The answer for {path} ended in the middle.")
    if not text.startswith(b"{"):
        raise MalformedError(f"The answer for {path} is no JSON object ({len(body)} bytes).")
    return text


def json_pages(body: Pages, path: str) -> Pages:
    """Return an answer that can be a JSON object, without space around it; raises as above."""
    body.strip()
    if bytes(body.view()[:1]) != b"{" or bytes(body.view()[-1:]) != b"}":
        json_object(bytes(body.view()), path)
    return body


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait as Retry-After says, as a number or a date; None when it says nothing."""
    if not value:
        return None
    try:
        return float(value) if value.strip().isdigit() else _until(value, now)
    except (ValueError, TypeError, OverflowError):
        return None


def _until(value: str, now: datetime) -> float:
    moment = parsedate_to_datetime(value)
    return (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()


def reset_at(value: str | None) -> datetime | None:
    """Return the moment that X-RateLimit-Reset names, by the source's clock; None when it is none.

    Finale sends Unix time in milliseconds; its documentation means seconds, which are read too.

    >>> reset_at("1773050400000") == reset_at("1773050400")
    True
    """
    try:
        number = float(value or "")
        return datetime.fromtimestamp(number / 1000 if number > MILLISECONDS else number, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def login_page(path: str) -> CredentialsRefused:
    """Return the error for HTML in the place of data."""
    return CredentialsRefused(
        f"{path} answered with a page of HTML instead of data; that is how a login page looks.",
        step="Check FINALE_BASE_URL, FINALE_ACCOUNT and the API key.",
    )


def status_error(status: int, path: str) -> Exception:
    """Return what a status other than 200 and 429 means."""
    if status in {401, 403}:
        return CredentialsRefused(
            f"Finale answered {status} to {path}.",
            step="Check FINALE_API_KEY and FINALE_API_SECRET; the key may have been revoked. To"
            " enter both anew: finale init --secrets",
        )
    if status == httpx.codes.NOT_FOUND:
        return UnknownPath(
            f"Finale knows no {path}.",
            step="Check FINALE_ACCOUNT, with its exact letter case.",
        )
    if httpx.codes.is_redirect(status):
        return AddressRefused(
            f"Finale redirects {path} ({status}); credentials are never sent on.",
            step="Check FINALE_BASE_URL.",
        )
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status == httpx.codes.REQUEST_TIMEOUT:
        return SourceUnavailable(f"Finale answered {status} to {path}.")
    return MalformedError(f"Finale answered {status} to {path}.", step="Report this request.")


def connection_error(error: Exception, path: str) -> Exception:
    """Return what a failure below HTTP means."""
    reason = f"{type(error).__name__}: {error}"
    if _is_of_trust(error):
        return ConfigError(
            f"No trusted connection for {path}: {reason}.",
            data=COMMITTED_STAYS,
            step="Check FINALE_BASE_URL, and the certificates this machine trusts.",
        )
    return SourceUnavailable(f"The connection for {path} failed: {reason}.")


def _is_of_trust(error: BaseException) -> bool:
    """Whether TLS failed, and not because the connection ended; texts differ between OpenSSLs."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, ssl.SSLError):
            return not isinstance(below, ENDED_IN_TLS)
        below = below.__cause__ or below.__context__
    return False
