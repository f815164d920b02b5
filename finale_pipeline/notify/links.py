"""Links in mails that let their reader decide: signed, expiring, good for one mail's items only.

Opening a link must change nothing, since mail systems open links to look at them: the page behind
it shows the mail's items, and only its buttons, which post the same token, decide.
"""

import base64
import hashlib
import hmac
import os
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

from finale_pipeline.errors import ConfigError

LASTS = timedelta(days=14)
PURPOSE = b"finale decide 1 "
PARTS = 3


def key_of(home: Path) -> bytes:
    """Return this installation's key; made once, readable by its owner only."""
    path = home / "link.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        home.mkdir(parents=True, exist_ok=True)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(file, "wb") as opened:
        key = secrets.token_bytes(32)
        opened.write(key)
    return key


def sign(key: bytes, message_id: str, *, now: datetime) -> str:
    """Return a token that stands for a mail's items for a fortnight.

    Args:
        key: As `key_of` returns it.
        message_id: The mail.
        now: UTC.
    """
    ends = int((now + LASTS).timestamp())
    return f"{message_id}.{ends}.{_seal(key, message_id, ends)}"


def read(key: bytes, token: str, *, now: datetime) -> str:
    """Return the message_id that a token stands for.

    Raises:
        ConfigError: It is forged, or its time is over; nothing was changed.
    """
    parts = token.split(".")
    refused = ConfigError(
        "This link is not valid.",
        data="Nothing was changed.",
        step="Use the link of a newer mail, or: finale alerts list",
    )
    if len(parts) != PARTS or not parts[1].isdigit() or len(parts[1]) > 12:  # noqa: PLR2004
        raise refused
    message_id, ends = parts[0], int(parts[1])
    if not hmac.compare_digest(_seal(key, message_id, ends).encode(), parts[2].encode()):
        raise refused
    if datetime.fromtimestamp(ends, UTC) < now:
        raise ConfigError(
            "The time of this link is over.",
            data="Nothing was changed.",
            step="Use the link of a newer mail, or: finale alerts list",
        )
    return message_id


def _seal(key: bytes, message_id: str, ends: int) -> str:
    said = PURPOSE + f"{message_id} {ends}".encode()
    seal = hmac.new(key, said, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(seal).decode().rstrip("=")
