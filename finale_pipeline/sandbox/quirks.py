"""What nobody knows about Finale's writes, as switches: a client must work with either answer."""

from dataclasses import dataclass, fields
from typing import Any

from finale_pipeline.errors import ConfigError

HEADERS = ("refused", "always", "seconds", "never")
FORMS = ("200", "400", "403", "500")
"""Status of a refusal; 200 = an error's JSON with that status."""
ERROR_KEYS = tuple(
    ("errorMessage success error message msg exception errors errorMessageList messages").split()
)


@dataclass
class Quirks:
    """How the account behaves where the real one is not known.

    Attributes:
        clash: Form of the refusal of an orderId that is taken.
        limit: Form for an id or reference that is too long.
        value: Form for a value that cannot be read.
        locked: Form for an update of a locked order.
        state: Form for an update of a finished order, and for a step that is not legal.
        error_key: Where a refusal with status 200 has its message.
        url_differs: Whether an order's url has another number than its orderId.
        lines_in_collection: Whether order collections have lines, as they had in 2018.
        loose_text: Whether ranges over references and ids ignore case and take in what only
            begins with the upper bound.
        shown_after_seconds: So long after its creation an order is in no collection.
        shown_after_reads: So many collection reads do not show a new order.
        rate_headers: When an answer tells the budgets: refused = with a 429 alone, the reset in
            Unix milliseconds; always = with every answer; seconds = with a 429, in Unix seconds;
            never = a 429 has no header at all.
        vendors_deliver: Whether a committed order comes on its receiveDate, tomorrow at the
            earliest; without one after two weeks.
    """

    clash: str = "400"
    limit: str = "400"
    value: str = "400"
    locked: str = "403"
    state: str = "400"
    error_key: str = "errorMessage"
    url_differs: bool = True
    lines_in_collection: bool = False
    loose_text: bool = True
    shown_after_seconds: float = 0.0
    shown_after_reads: int = 0
    vendors_deliver: bool = True
    rate_headers: str = "refused"

    def budget_headers(self, headers: dict[str, str], *, is_refused: bool) -> dict[str, str]:
        """Return what an answer tells of the budgets.

        Args:
            headers: All there is to tell, the reset in Unix milliseconds.
            is_refused: Whether the answer is a 429.
        """
        if self.rate_headers == "never" or not (is_refused or self.rate_headers == "always"):
            return {}
        if self.rate_headers == "seconds" and "X-RateLimit-Reset" in headers:
            return headers | {"X-RateLimit-Reset": headers["X-RateLimit-Reset"][:-3]}
        return headers

    def set(self, text: str) -> None:
        """Turn a switch, written `NAME=VALUE`.

        Raises:
            ConfigError: There is no such switch, or it has no such position.
        """
        name, _, value = text.partition("=")
        switches = {field.name: getattr(self, field.name) for field in fields(self)}
        if name not in switches:
            listed = ", ".join(
                f"{one}={str(position).lower() if isinstance(position, bool) else position}"
                for one, position in switches.items()
            )
            raise ConfigError(f"{name!r} is no quirk.", step=f"They are: {listed}.")
        setattr(self, name, _position(name, value, type(switches[name])))


def _position(name: str, value: str, kind: type) -> Any:
    words: tuple[str, ...] = {str: FORMS, bool: ("true", "false")}.get(kind, ())
    words = {"error_key": ERROR_KEYS, "rate_headers": HEADERS}.get(name, words)
    digits = value.replace(".", "", 1) if kind is float else value
    if value not in words if words else not digits.isdigit():
        allowed = f"one of {', '.join(words)}" if words else "a number"
        raise ConfigError(f"{name} cannot be {value!r}.", step=f"Use {allowed}.")
    return value == "true" if kind is bool else kind(value)
