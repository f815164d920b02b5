"""Types of settings: what a zone, a cron time, an address may be, and what is said if not."""

import re
from datetime import date, time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from finale_pipeline.settings.cron import checked_cron

LOOPBACK = {"127.0.0.1", "localhost", "::1"}

LINKS = {
    "CET": "Europe/Brussels", "EET": "Europe/Athens", "MET": "Europe/Brussels",
    "WET": "Europe/Lisbon", "EST": "America/Panama", "MST": "America/Phoenix",
    "HST": "Pacific/Honolulu",
}  # fmt: skip
"""Names that are a zone for Python, a link since 2024, and an abbreviation for PostgreSQL, which
knows no summer there."""


def known_zone(name: str) -> str:
    """Return the name of a time zone that everybody reads alike."""
    name = LINKS.get(name, name)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; use a name such as Europe/Berlin") from error
    return name


OFF = "off"


def cron_or_off(text: str) -> str:
    """Return a cron time of five fields, or `off`."""
    return OFF if text.strip().lower() == OFF else checked_cron(text)


Cron = Annotated[str, AfterValidator(cron_or_off)]
Minutes = Annotated[float, Field(gt=0)]


def listed(value: object) -> object:
    """Split a list that is written with commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def address(text: str) -> str:
    """Return the text if it may be an e-mail address."""
    if not ADDRESS.fullmatch(text) or len(text) > 254:  # noqa: PLR2004 - RFC 5321
        raise ValueError(f"{text!r} is no e-mail address")
    return text


def hours(text: str) -> str:
    """Return the text if it is a span of hours such as 22:00-07:00."""
    begin, _, end = text.partition("-")
    try:
        same = time.fromisoformat(begin.strip()) == time.fromisoformat(end.strip())
    except ValueError:
        same = True
    if same:
        raise ValueError(f"{text!r} is no span of hours; write it as 22:00-07:00")
    return text


Address = Annotated[str, AfterValidator(address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Share = Annotated[float, Field(ge=0, le=1)]
Level = Annotated[float, Field(ge=0.5, lt=1)]
Zone = Annotated[str, AfterValidator(known_zone)]
Hours = Annotated[str, AfterValidator(hours)]
Addresses = Annotated[tuple[Address, ...], BeforeValidator(listed)]
Names = Annotated[tuple[str, ...], BeforeValidator(listed)]


def day(value: object) -> object:
    """Return a day that is written as its year, month and day."""
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value.strip())
    except ValueError as error:
        raise ValueError(f"{value!r} is no day; write it as 2019-05-31") from error


Day = Annotated[date, BeforeValidator(day)]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], BeforeValidator(lambda v: str(v).strip().lower())
]


def secret(value: SecretStr) -> SecretStr:
    """Return a secret without the line break that a file or a copy may have brought along.

    Raises:
        ValueError: It holds control characters, which no header and no log-in takes.
    """
    text = value.get_secret_value().strip()
    if not text.isprintable():
        raise ValueError("it holds a line break or another control character; copy it again")
    return SecretStr(text)


def database_address(value: SecretStr) -> SecretStr:
    """Return a database's URL; none of it is said when it is wrong.

    Raises:
        ValueError: It holds what ends a URL: the rest, and with it the host, would be left out.
    """
    text = secret(value).get_secret_value()
    if "#" in text or " " in text:
        raise ValueError(
            "it holds a # or a space; in a password write # as %23, a space as %20, % as %25"
        )
    return SecretStr(text)


def folder(path: Path) -> Path:
    """Return a folder's path if files that name it, line by line, can.

    Raises:
        ValueError: It holds a character that they cannot; the message names it.
    """
    for character in str(path):
        if not character.isprintable():
            raise ValueError(f"its path holds the character {character!r}; name another folder")
    return path


Secret = Annotated[SecretStr, AfterValidator(secret)]
DatabaseAddress = Annotated[SecretStr, AfterValidator(database_address)]
Folder = Annotated[Path, AfterValidator(folder)]
