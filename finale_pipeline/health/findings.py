"""What an examination finds: a state, what it says, what to do."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found.

    Attributes:
        state: ok, warning, failed, or look: a person should compare it.
        step: What to do; empty when nothing is.
        exit_code: 0, or that of the failure.
    """

    what: str
    state: str
    says: str
    step: str = ""
    exit_code: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the finding by name."""
        return asdict(self)
