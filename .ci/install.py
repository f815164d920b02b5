"""Installs this project into the environment that runs it, and says how far it is.

Usage: python .ci/install.py [EXTRA]
"""

import compileall
import os
import re
import subprocess
import sys
import sysconfig

EXTRA = f"[{sys.argv[1]}]" if len(sys.argv) > 1 else ""
PIP = [
    sys.executable,
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--progress-bar",
    "off",
    "--no-compile",
]
STEP = 20
"""So many packages between two lines."""


def compile_packages() -> None:
    """Compile what pip left: it takes one core and packages' own tests, a third of the work."""
    packages = sysconfig.get_path("purelib")
    others_tests = re.compile(re.escape(packages) + r"/.*/tests?/")
    compileall.compile_dir(packages, rx=others_tests, quiet=2, workers=0)


def main() -> int:
    """Run pip; show all that it said when it fails."""
    os.umask(0o022)  # under root PostgreSQL's user comes to its programs, which hold no secret
    print("Installing what constraints.txt pins: one to three minutes the first time.", flush=True)
    said, count = [], 0
    arguments = ["-c", "constraints.txt", "-e", f".{EXTRA}"]
    with subprocess.Popen(
        [*PIP, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            said.append(line)
            if line.startswith("Collecting"):
                count += 1
                if count % STEP == 0:
                    print(f"  {count} packages found, now {line.split()[1]}", flush=True)
            elif line.startswith("Installing collected"):
                print(f"  installing {line.count(',') + 1} packages", flush=True)
    if pip.returncode:
        sys.stdout.writelines(said[-40:])
        print("Nothing was started. See the lines above; then run make again.")
    else:
        compile_packages()
    return pip.returncode


if __name__ == "__main__":
    sys.exit(main())
