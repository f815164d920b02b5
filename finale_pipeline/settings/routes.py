"""Who else gets alerts: some vendors' or categories', by mail, Slack, Teams or a webhook."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, TypeAdapter, ValidationError, model_validator

from finale_pipeline.settings.types import LOOPBACK, Address

CHANNELS = ("mail", "slack", "teams", "webhook")
EXAMPLE = '[{"name": "anna", "mail": "anna@shop.example", "vendors": ["Acme"]}]'


def is_safe(url: str) -> bool:
    """Whether what is sent to an address can be read by nobody else: https, or this machine."""
    parts = urlsplit(url)
    return (parts.scheme == "https" and bool(parts.hostname)) or (
        parts.scheme == "http" and parts.hostname in LOOPBACK
    )


def _safe(url: str) -> str:
    if not is_safe(url.strip()):
        raise ValueError("it is no https address")
    return url.strip()


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("it holds a control character")
    return name


Hook = Annotated[str, AfterValidator(_safe)]


class Route(BaseModel, frozen=True, extra="forbid", defer_build=True):
    """A way of alerts to somebody: a name, one channel, and whose items; no vendors = of all.

    The name stands in the outbox instead of an address that is secret. With vendors and
    categories either suffices.
    """

    name: Annotated[str, Field(min_length=1), AfterValidator(_printable)]
    mail: Address | None = None
    slack: Hook | None = None
    teams: Hook | None = None
    webhook: Hook | None = None
    vendors: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _has_one_channel(self) -> Self:
        if sum(getattr(self, channel) is not None for channel in CHANNELS) != 1:
            raise ValueError(f"it needs one of {', '.join(CHANNELS)}")
        return self

    @property
    def channel(self) -> str:
        """One of `CHANNELS`."""
        return next(channel for channel in CHANNELS if getattr(self, channel) is not None)

    @property
    def target(self) -> str:
        """An address, or the secret URL of a channel."""
        return str(getattr(self, self.channel))

    @property
    def recipient(self) -> str:
        """What stands in the outbox."""
        return self.mail or f"{self.channel}:{self.name}"

    def wants(self, *, vendor: str | None, category: str | None) -> bool:
        """Whether an item of a vendor and a category is theirs."""
        everything = not self.vendors and not self.categories
        return everything or vendor in self.vendors or category in self.categories


def parsed(text: str) -> tuple[Route, ...]:
    """Return the routes of a setting.

    Raises:
        ValueError: It is no list of routes; the text itself, which holds secrets, is not named.

    >>> parsed('[{"name": "tea", "slack": "https://hooks.example/x"}]')[0].recipient
    'slack:tea'
    """
    try:
        routes = TypeAdapter(tuple[Route, ...]).validate_json(text)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(n + 1) if isinstance(n, int) else n for n in wrong["loc"])
        raise ValueError(
            f"is no list of routes ({place or 'all'}: {wrong['msg']}); write it as {EXAMPLE}"
        ) from None
    if len({route.name for route in routes}) < len(routes):
        raise ValueError("has two routes of one name")
    return routes
