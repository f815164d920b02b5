"""What an examination finds: a state, what it says, what to do."""

from collections.abc import Iterable
from dataclasses import dataclass

from finale_pipeline.errors import PipelineError

STATES = ("ok", "look", "warning", "failed")
"""The states of a finding, the worst last; look: a person should compare it."""
NOT_WELL = 9
"""Exit code of an examination that found something failed and no error of our own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found.

    Attributes:
        exit_code: 0 unless it failed; NOT_WELL, or that of the error.
    """

    what: str
    state: str
    says: str
    step: str = ""
    exit_code: int = 0

    def __post_init__(self) -> None:
        """What failed has an exit code."""
        if self.state == "failed" and not self.exit_code:
            object.__setattr__(self, "exit_code", NOT_WELL)

    @classmethod
    def of(cls, what: str, error: PipelineError) -> "Finding":
        """Return the finding that an error is."""
        return cls(what, "failed", error.what, error.step, error.exit_code)


def worst(findings: Iterable[Finding]) -> str:
    """Return the worst of their states; ok when there are none."""
    return max((finding.state for finding in findings), key=STATES.index, default=STATES[0])
