"""Medians of paired turns, as rows of one table."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.ground import Measured

HEAD = (
    "case", "seconds", "CPU s", "against", "seconds", "CPU s", "CPU ratio (turns)", "aim",
    "ratio of seconds", "rows written", "WAL MB", "peak MB", "requests",
)  # fmt: skip

STEADY = 1.5
"""Where the other contender's processor time moved by a larger factor between turns, the machine
was disturbed, and no ratio is printed."""


@dataclass(frozen=True)
class Row:
    """One line of the table: what was run, against what, and its aim."""

    cells: tuple[str, ...]

    def __str__(self) -> str:
        return "| " + " | ".join(self.cells) + " |"


def head() -> str:
    """Return the table's head."""
    return "\n".join([str(Row(HEAD)), "|" + " --- |" * len(HEAD)])


def compared(
    case: str,
    ours: Sequence[Measured],
    against: str,
    theirs: Sequence[Measured],
    *,
    aim: str = "",
    inverse: bool = False,
) -> Row:
    """Return a line that compares two contenders turn by turn.

    Args:
        case: What was run.
        ours: Our turns.
        against: Whom against.
        theirs: Their turns, in the same order.
        aim: As the issue has it.
        inverse: Whether the ratio says how many times faster we are, not how much slower.
    """
    pairs = [(t.seconds / o.seconds) if inverse else (o.seconds / t.seconds)
             for o, t in zip(ours, theirs, strict=True)]  # fmt: skip
    cpu = [(t.cpu / o.cpu) if inverse else (o.cpu / t.cpu)
           for o, t in zip(ours, theirs, strict=True)]  # fmt: skip
    spread = f" ({min(cpu):.2f} to {max(cpu):.2f})" if len(cpu) > 1 else ""
    moved = max(t.cpu for t in theirs) / min(t.cpu for t in theirs)
    is_steady = moved <= STEADY
    tables = bool(ours[0].said.get("tables"))
    return Row(
        (
            case,
            f"{median(o.seconds for o in ours):.2f}",
            f"{median(o.cpu for o in ours):.2f}",
            against,
            f"{median(t.seconds for t in theirs):.2f}",
            f"{median(t.cpu for t in theirs):.2f}",
            f"**{median(cpu):.2f}**{spread}" if is_steady else f"none: it moved by {moved:.1f}",
            aim,
            f"{median(pairs):.2f}" if is_steady else "",
            f"{max(o.written() for o in ours):,}" if tables else "",
            f"{median(o.wal_mb for o in ours):.1f}",
            f"{max(o.peak_mb for o in ours):.0f}",
            str(max(o.said.get("api_calls", 0) for o in ours) or ""),
        )
    )


def single(case: str, value: str, aim: str = "") -> Row:
    """Return a line with one number."""
    return Row((case, value, "", "", "", "", "", aim, "", "", "", "", ""))
