"""Keys of this installation: files in HOME that are made once, and are whole or refused."""

import secrets
from pathlib import Path

from finale_pipeline.disk import create_whole
from finale_pipeline.errors import ConfigError

KEY_BYTES = 32


def key_of(path: Path, *, step: str) -> bytes:
    """Return a key, made when it is missing, readable by its owner only.

    Raises:
        ConfigError: The file holds no key: cut short by a full disk, or written by hand.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        create_whole(path, secrets.token_bytes(KEY_BYTES))  # another process may be the first
        key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"{path} holds {len(key)} bytes and not the {KEY_BYTES} of a key.",
            data="What it would prove is refused; nothing was changed.",
            step=step,
        )
    return key
