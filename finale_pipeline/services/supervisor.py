"""Runs services as processes: starts them again when they die, keeps their logs, stops them all."""

import fcntl
import logging
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO, Self

LOG_BYTES, LOG_FILES = 5_000_000, 3
STOP_SECONDS = 6.0
"""What has not ended by then is killed: Ctrl-C must not take longer than a person waits."""
LONGEST_PAUSE = 30.0
MANY_DEATHS, WITHIN_SECONDS = 3, 60.0
"""So many deaths within so short a time have a cause that starting again does not mend."""


@dataclass(slots=True)
class Restarts:
    """How long to wait before a service that died is started again.

    >>> restarts = Restarts()
    >>> [restarts.pause_after(at) for at in (0.0, 100.0, 130.0, 135.0)]
    [1.0, 2.0, 4.0, None]
    """

    _deaths: deque[float] = field(default_factory=deque)

    def pause_after(self, now: float) -> float | None:
        """Return the seconds to wait after a death; None = it died too often, and is given up.

        Args:
            now: When it died, in seconds of any clock that only moves forward.
        """
        self._deaths.append(now)
        while self._deaths[0] < now - WITHIN_SECONDS * 10:
            self._deaths.popleft()
        if sum(at > now - WITHIN_SECONDS for at in self._deaths) >= MANY_DEATHS:
            return None
        return min(float(2 ** (len(self._deaths) - 1)), LONGEST_PAUSE)


class SupervisedProcess:
    """One service as a process, in a session of its own.

    Args:
        log: Where its output goes; rotated by size. Beside it lies its lock, which the process
            holds as long as it lives, whatever becomes of us.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        folder: Path,
    ) -> None:
        self.name = name
        self.log = log
        self.restarts = Restarts()
        self.starts_at: float | None = None
        self._command, self._environment, self._folder = [*command], environment, folder
        self._output = RotatingFileHandler(
            log, maxBytes=LOG_BYTES, backupCount=LOG_FILES - 1, encoding="utf-8", errors="replace"
        )
        self._last = ""
        self.start()

    def start(self) -> None:
        """Start it."""
        self.starts_at = None
        with _lock_file(self.log).open("a+") as lock:
            with suppress(BlockingIOError):  # what it started may still end
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # In a session of its own: Ctrl-C reaches it through us, after which all of it is swept.
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock.fileno(),),
            )
            lock.truncate(0)
            lock.write(str(self.process.pid))
        assert self.process.stdout is not None  # noqa: S101 - it was asked for
        self._reader = threading.Thread(
            target=self._copy, args=(self.process.stdout,), name=f"log of {self.name}", daemon=True
        )
        self._reader.start()

    def _copy(self, output: IO[bytes]) -> None:
        for line in output:
            text = line.decode(errors="replace").rstrip()
            self._last = text.strip() or self._last
            self._output.emit(logging.makeLogRecord({"msg": text}))
        output.close()

    def death(self) -> str | None:
        """Return how it ended, with the last line of its log; None while it runs."""
        code = self.process.poll()
        if code is None:
            return None
        self._reader.join(1)  # what it said last
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"{ended}: {self._last[-300:]}" if self._last else ended

    def interrupt(self) -> None:
        """Ask it, and all that it started, to end."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)

    def sweep(self) -> None:
        """End whatever is left of it, and close its log."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join(1)
        self._output.close()


def _lock_file(log: Path) -> Path:
    return log.with_suffix(".lock")


def end_left_running(home: Path, names: Iterable[str]) -> list[str]:
    """End services whose supervisor was killed, and all that they started.

    Only what holds its own lock is ended: a number alone may be a stranger's by now.

    Args:
        home: Folder whose `logs` they write.

    Returns:
        The names of those that were left running.
    """
    left = {name: pid for name in names if (pid := _holder(home / "logs" / f"{name}.log"))}
    deadline = time.monotonic() + STOP_SECONDS
    for number in (signal.SIGINT, signal.SIGKILL):
        for pid in left.values():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)
        while number == signal.SIGINT and time.monotonic() < deadline:
            if not any(_holder(home / "logs" / f"{name}.log") for name in left):
                break
            time.sleep(0.05)
    return sorted(left)


def _holder(log: Path) -> int | None:
    """Return the process that holds a service's lock; None = nobody does."""
    path = _lock_file(log)
    with suppress(FileNotFoundError, ValueError), path.open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = int(lock.read())
            return pid if _has_open(pid, path) else None
    return None


def _has_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open; where the system does not say, the lock is believed."""
    opened = Path("/proc") / str(pid) / "fd"
    if not Path("/proc/self/fd").exists():
        return True
    try:
        return any(link.resolve() == path.resolve() for link in opened.iterdir())
    except OSError:
        return False


class Supervisor:
    """Services that run together.

    Args:
        home: Folder whose `logs` they write.
        say: Told what happens, in words for a person.
    """

    def __init__(
        self,
        services: Mapping[str, Sequence[str]],
        home: Path,
        *,
        environment: Mapping[str, str],
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self._say = say
        logs = home / "logs"
        logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._services = [
            SupervisedProcess(name, command, logs / f"{name}.log", environment, folder)
            for name, command in services.items()
        ]

    def look(self, now: float) -> str | None:
        """Start what died again, after a pause that grows; return why not when it dies too often.

        Args:
            now: In seconds of a clock that only moves forward.
        """
        for service in self._services:
            if service.starts_at is not None:
                if now >= service.starts_at:
                    service.start()
                continue
            died = service.death()
            if died is None:
                continue
            pause = service.restarts.pause_after(now)
            if pause is None:
                return f"{service.name} {died}. It died {MANY_DEATHS} times within a minute."
            service.starts_at = now + pause
            self._say(
                f"{service.name:10} {died}\n{'':10} It is started again in {pause:g} s; its log:"
                f" {service.log}"
            )
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all of them, side by side."""
        left = [service for service in self._services if service.process.poll() is None]
        self._say(f"Stopping {', '.join(service.name for service in left) or 'nothing'}.")
        for service in left:
            service.interrupt()
        deadline = time.monotonic() + STOP_SECONDS
        while left and time.monotonic() < deadline:
            for service in [s for s in left if s.process.poll() is not None]:
                left.remove(service)
                self._say(f"{service.name:10} stopped")
            time.sleep(0.05)
        for service in self._services:
            service.sweep()
        for service in left:
            self._say(f"{service.name:10} did not end in {STOP_SECONDS:g} s and was killed")
