"""Prints how much of each folder the tests reach, from what `make test COVERAGE=1` measured."""

import json
from collections import defaultdict
from pathlib import Path

COUNTED = ("covered_lines", "covered_branches", "num_statements", "num_branches")


def main() -> None:
    """Print a line per folder, least first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, found in json.loads(Path(".coverage.json").read_text())["files"].items():
        summary = found["summary"]
        lines, branches, all_lines, all_branches = (summary[key] for key in COUNTED)
        folder = "/".join(Path(name).parts[:2]) if len(Path(name).parts) > 2 else "(top)"
        sums[folder][0] += lines + branches
        sums[folder][1] += all_lines + all_branches
    for folder, (reached, all_of_it) in sorted(sums.items(), key=lambda s: s[1][0] / s[1][1]):
        print(f"{folder:32} {reached / all_of_it:6.1%} of {all_of_it:,} lines and branches")


if __name__ == "__main__":
    main()
