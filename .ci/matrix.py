"""Tries the interpreters that are here, each in an environment as odd as machines of others are.

Usage: python .ci/matrix.py [VERSION ...]

For each: a copy of the checkout in a folder with a space and an umlaut, an environment of its own,
`make install`, then `finale dev` until its pages show stock, and its end by Ctrl-C. Prints a table.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

PROJECT = Path(__file__).parents[1]
VERSIONS = ("3.11", "3.12", "3.13")
ODD = {"LANG": "C", "LC_ALL": "C", "TZ": "Pacific/Kiritimati"}
SECONDS = 240
DIRECTLY = build_opener(ProxyHandler({}))


def interpreter(version: str, user: str | None) -> str | None:
    """Return an interpreter of a version that a user can start, on PATH or among pyenv's."""
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin"))
    for folder in (*os.environ.get("PATH", "").split(os.pathsep), *map(str, pyenv)):
        program = str(Path(folder) / f"python{version}")
        try:
            asked = subprocess.run([program, "-c", "import ensurepip"], user=user, check=False)
        except OSError:
            continue
        if asked.returncode == 0:
            return program
    return None


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def shows_stock(url: str) -> bool:
    """Whether the first page answers and has read the account."""
    try:
        with DIRECTLY.open(url + "/api/sync-finale/critical", timeout=5) as answer:
            return b'"as_of": null' not in answer.read() and answer.status == 200
    except (URLError, OSError):
        return False


def tried(python: str, user: str | None) -> str:
    """Install and start it as a user, None = ours; return how that went."""
    with tempfile.TemporaryDirectory(prefix="matrix") as scratch:
        root = Path(scratch) / "my projects" / "Läden"
        root.parent.mkdir()
        ignored = shutil.ignore_patterns(".venv*", ".git", ".finale*", "*_cache", "*.egg-info")
        shutil.copytree(PROJECT, root, ignore=ignored)
        entry = pwd.getpwnam(user) if user else None
        for path in (scratch, root.parent, *root.rglob("*"), root):
            if entry:
                os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
        Path(scratch).chmod(0o711)
        root.parent.chmod(0o711)
        ports = {f"FINALE_{name}_PORT": str(free_port()) for name in ("UI", "API", "SANDBOX")}
        environment = {
            **{n: v for n, v in os.environ.items() if not n.startswith(("FINALE_", "HOME", "LC_"))},
            **ODD, **ports, "FINALE_SANDBOX_PRODUCTS": "300", "TMPDIR": scratch,
        }  # fmt: skip
        options = {"cwd": root, "env": environment, "umask": 0o077}
        if entry:
            options |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
        made = subprocess.run(
            ["make", "install", f"PYTHON={python}"],  # noqa: S607 - whichever is on PATH
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
        if made.returncode:
            return f"make install failed: {made.stderr.strip()[-200:] or made.stdout[-200:]}"
        with (Path(scratch) / "log").open("w+") as log:
            process = subprocess.Popen(
                [".venv/bin/finale", "dev"], stdout=log, stderr=log, **options
            )
            started = time.monotonic()
            url = f"http://127.0.0.1:{ports['FINALE_API_PORT']}"
            while not shows_stock(url) and process.poll() is None:
                if time.monotonic() - started > SECONDS:
                    break
                time.sleep(0.5)
            filled = time.monotonic() - started
            is_well = process.poll() is None and shows_stock(url)
            process.send_signal(signal.SIGINT)
            asked = time.monotonic()
            code = process.wait(60)
            log.seek(0)
            said = " ".join(log.read().split())[-300:]
        if not is_well or code:
            return f"finale dev: code {code}: {said}"
        return f"well: stock after {filled:.0f} s, stopped in {time.monotonic() - asked:.1f} s"


def main() -> int:
    """Try all; return 1 when one failed."""
    users = [None, "nobody"] if os.geteuid() == 0 else [None]
    failed = False
    print("| Python | as | |\n| --- | --- | --- |", flush=True)
    for version in sys.argv[1:] or VERSIONS:
        for user in users:
            python = interpreter(version, user)
            how = tried(python, user) if python else "no interpreter here that this user can start"
            failed = failed or not how.startswith(("well", "no interpreter"))
            name = user or pwd.getpwuid(os.geteuid()).pw_name
            print(f"| {version} | {name} | {how} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
