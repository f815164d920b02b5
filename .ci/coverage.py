"""Prints how much of each folder the tests reached, and fails where all of it is less than before.

Usage: python .ci/coverage.py FOLDER
"""

import functools
import json
import sys
from collections import defaultdict
from pathlib import Path

from slipcover import merge_coverage

GATE = 0.93
"""Of all lines and branches; 93.5 % were reached when it was set, give or take what is random.

What runs in processes of its own (drills, services) is not seen.
"""
KINDS = ("covered_lines", "covered_branches", "missing_lines", "missing_branches")


def main(folder: str) -> int:
    """Print a line per folder, least first; return 1 below the gate."""
    found = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, file in functools.reduce(merge_coverage, found)["files"].items():
        lines, branches, *missing = (file["summary"][kind] for kind in KINDS)
        room = "/".join(Path(name).parts[:2]) if len(Path(name).parts) > 2 else "(top)"
        for one in (room, "all"):
            sums[one][0] += lines + branches
            sums[one][1] += lines + branches + sum(missing)
    for room, (reached, total) in sorted(sums.items(), key=lambda s: s[1][0] / s[1][1]):
        print(f"{room:32} {reached / total:6.1%} of {total:,} lines and branches")
    reached, total = sums["all"]
    if reached >= GATE * total:
        return 0
    print(f"The tests reach less than {GATE:.1%} of all.")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
