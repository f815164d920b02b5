"""The `.env` file: read and changed line by line, readable by its owner only."""

import re
from collections.abc import Mapping
from pathlib import Path

from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError, LocalError

HEAD = "# Settings of finale_pipeline; all of them, with defaults: .env.example\n"
LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")
PLAIN = re.compile(r"[\w@%+:,./=*-]*", re.ASCII)


def names(text: str) -> set[str]:
    """Return the names that a file's text sets."""
    return {match[1] for line in text.splitlines() if (match := LINE.match(line))}


def changed(text: str, values: Mapping[str, str]) -> str:
    """Return a file's text with some values set; every other line stays as it is.

    >>> changed("A=1", {"A": "2", "B": "two words"}).splitlines()
    ['A=2', "B='two words'"]
    """
    lines, left = [], dict(values)
    for line in text.splitlines():
        match = LINE.match(line)
        if match and match[1] in values:
            if match[1] in left:
                lines.append(f"{match[1]}={quoted(left.pop(match[1]))}")
            continue  # a second line of the same name would win over the first
        lines.append(line)
    lines += [f"{name}={quoted(value)}" for name, value in left.items()]
    return "\n".join(lines) + "\n"


def quoted(value: str) -> str:
    """Return a value as this program, systemd and compose read it alike.

    Raises:
        ConfigError: It cannot be written: a line break, or a quote.

    >>> quoted("Europe/Berlin"), quoted("a b#c$d")
    ('Europe/Berlin', "'a b#c$d'")
    """
    if PLAIN.fullmatch(value):
        return value
    if any(c in value for c in "'\\\n\r\0"):
        raise ConfigError(
            "A value has a quote, a backslash or a line break in it, which .env cannot hold.",
            data="Nothing was written.",
            step="Was the right text copied? Else set it in the environment of the services.",
        )
    return f"'{value}'"


def write(path: Path, text: str) -> None:
    """Write the file, whole or not at all, readable by its owner only.

    Raises:
        LocalError: The folder takes no files.
    """
    try:
        write_whole(path, text)
    except OSError as error:
        raise LocalError(
            f"{path.resolve()} cannot be written: {error.strerror}.",
            data="It is as it was.",
            step="Run it in a folder of yours, such as the checkout.",
        ) from error
