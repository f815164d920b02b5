"""Links in delivered mails that let their reader decide: signed, expiring, for one mail's items.

A link is made when its mail is delivered and is stored nowhere: who may read the outbox may not
decide. Opening it changes nothing, since mail systems open links to look at them: the page behind
it shows the mail's items, and only its buttons, which post the same token, decide.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings import keys

LASTS = timedelta(days=14)
KEY_FILE = "link.key"
SALT = "finale decide 2"
"""Links of another salt are refused: those of versions that stored them in the outbox."""


def key_of(home: Path) -> bytes:
    """Return this installation's key, made when it is missing, readable by its owner only.

    Raises:
        ConfigError: The file holds no key: cut short by a full disk, or written by hand.
    """
    return keys.key_of(home / KEY_FILE, step="Make a new one: finale alerts revoke-links")


def revoke(home: Path) -> None:
    """Replace the key: no link that was delivered until now is valid any more."""
    write_whole(home / KEY_FILE, secrets.token_bytes(keys.KEY_BYTES))


def unsigned(message_id: str) -> str:
    """Return the path in a stored mail where the delivered one has its link; it opens nothing."""
    return f"/decide/{message_id}"


def signed(text: str, key: bytes, message_id: str, *, now: datetime) -> str:
    """Return a stored mail's text with its link; a text without one stays as it is."""
    return text.replace(unsigned(message_id), f"/decide/{sign(key, message_id, now=now)}")


def sign(key: bytes, message_id: str, *, now: datetime) -> str:
    """Return a token that stands for a mail's items for a fortnight."""
    return str(_serializer(key, now).dumps(message_id))


def read(key: bytes, token: str, *, now: datetime) -> str:
    """Return the message_id that a token stands for.

    Raises:
        ConfigError: It is forged, revoked, or its time is over; nothing was changed.
    """
    try:
        return str(_serializer(key, now).loads(token, max_age=int(LASTS.total_seconds())))
    except BadSignature as error:
        is_over = isinstance(error, SignatureExpired)
        raise ConfigError(
            "The time of this link is over." if is_over else "This link is not valid.",
            data="Nothing was changed.",
            step="Use the link of a newer mail, or: finale alerts list",
        ) from error


class _Signer(TimestampSigner):
    """Signs with a time that is given, instead of the machine's."""

    def __init__(self, *args: Any, now: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self._now = int(now.timestamp())

    def get_timestamp(self) -> int:
        return self._now


def _serializer(key: bytes, now: datetime) -> URLSafeTimedSerializer:
    options = {"key_derivation": "hmac", "digest_method": hashlib.sha256, "now": now}
    return URLSafeTimedSerializer(key, salt=SALT, signer=_Signer, signer_kwargs=options)
