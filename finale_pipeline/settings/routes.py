"""Who else gets alerts: some vendors' or categories', by mail, Slack, Teams or a webhook."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

CHANNELS = ("mail", "slack", "teams", "webhook")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
EXAMPLE = '[{"name": "anna", "mail": "anna@shop.example", "vendors": ["Acme"]}]'


@dataclass(frozen=True, slots=True)
class Route:
    """A way of alerts to somebody.

    Attributes:
        name: Of the route; stands in the outbox instead of an address that is secret.
        channel: One of `CHANNELS`.
        target: An address, or the secret URL of a channel.
        vendors: Names; empty = of all.
        categories: The same of categories; with both, either suffices.
    """

    name: str
    channel: str
    target: str
    vendors: frozenset[str]
    categories: frozenset[str]

    @property
    def recipient(self) -> str:
        """What stands in the outbox."""
        return self.target if self.channel == "mail" else f"{self.channel}:{self.name}"

    def wants(self, *, vendor: str | None, category: str | None) -> bool:
        """Whether an item of a vendor and a category is theirs."""
        everything = not self.vendors and not self.categories
        return everything or vendor in self.vendors or category in self.categories


def parsed(text: str) -> tuple[Route, ...]:
    """Return the routes of a setting.

    Raises:
        ValueError: It is no list of routes; the text itself, which holds secrets, is not named.
    """
    try:
        given = json.loads(text)
    except ValueError:
        message = f"is no JSON; write it as {EXAMPLE}"
        raise ValueError(message) from None
    if not isinstance(given, list):
        message = f"is no list; write it as {EXAMPLE}"
        raise ValueError(message)  # noqa: TRY004 - of a setting
    routes = tuple(_route(entry, number) for number, entry in enumerate(given, 1))
    names = [route.name for route in routes]
    if len(set(names)) < len(names):
        message = "has two routes of one name"
        raise ValueError(message)
    return routes


def _route(entry: Any, number: int) -> Route:
    """Return one of them.

    >>> _route({"name": "tea", "slack": "https://hooks.example/x", "categories": ["Tea"]}, 1)
    ... # doctest: +ELLIPSIS
    Route(name='tea', channel='slack', ...categories=frozenset({'Tea'}))
    """
    allowed = {"name", "vendors", "categories", *CHANNELS}
    if not isinstance(entry, dict) or set(entry) - allowed:
        message = f"route {number} has other keys than {', '.join(sorted(allowed))}"
        raise ValueError(message)
    channels = [channel for channel in CHANNELS if isinstance(entry.get(channel), str)]
    name = entry.get("name")
    if len(channels) != 1 or not isinstance(name, str) or not name.isprintable() or not name:
        message = f"route {number} needs a name and one of {', '.join(CHANNELS)}"
        raise ValueError(message)
    target = entry[channels[0]].strip()
    if channels[0] == "mail" and ("@" not in target or not target.isprintable() or " " in target):
        message = f"route {number} has no mail address"
        raise ValueError(message)
    if channels[0] != "mail" and not _is_safe(target):
        message = f"route {number} needs an https address"
        raise ValueError(message)
    wanted = [_names(entry.get(key, []), number) for key in ("vendors", "categories")]
    return Route(name, channels[0], target, *wanted)


def _is_safe(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return (parts.scheme == "https" and bool(host)) or (parts.scheme == "http" and host in LOOPBACK)


def _names(given: Any, number: int) -> frozenset[str]:
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        message = f"route {number} has vendors or categories that are no list of names"
        raise ValueError(message)
    return frozenset(given)
