"""Asks for known faults of the pinned versions, and says as loudly where it got no answer.

Usage: python .ci/audit.py PIP_AUDIT CONSTRAINTS
"""

import json
import subprocess
import sys
from typing import Any

NOTHING = "NOTHING IS PROVEN"


def verdict(report: dict[str, Any]) -> tuple[str, bool]:
    """Return what a report of pip-audit means, and whether all is well.

    A package that the index tells nothing about is no package without faults.
    """
    packages = report["dependencies"]
    silent = [p["name"] for p in packages if "skip_reason" in p]
    lines = [
        f"{p['name']} {p['version']}: {v['id']}; mended in {', '.join(v['fix_versions']) or '?'}"
        for p in packages
        for v in p.get("vulns", [])
    ]
    faults = len(lines)
    if silent:
        which = "any package" if len(silent) == len(packages) else ", ".join(sorted(silent))
        lines.append(
            f"{NOTHING} about {which}: the index gave no answer for {len(silent)} of"
            f" {len(packages)} packages. Run it where PyPI itself answers."
        )
    lines.append(f"{len(packages)} packages, {len(packages) - len(silent)} asked, {faults} faults.")
    return "\n".join(lines), bool(packages) and not faults and not silent


def main(program: str, constraints: str) -> int:
    """Ask, print, and return 1 unless every package was found to be well."""
    arguments = ["--requirement", constraints, "--no-deps", "--disable-pip", "--format", "json"]
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    try:
        report = json.loads(ran.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        print(f"{NOTHING}: pip-audit gave no report.\n{ran.stderr[-600:]}")
        return 1
    said, is_well = verdict(report)
    print(said)
    return int(not is_well)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
