"""Runs the command: as a process of its own, as a person would, or called in this one."""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any
from unittest.mock import patch

from finale_pipeline.cli import main
from finale_pipeline.settings import MAIL_SERVICE, Settings, setting_name
from finale_pipeline.warehouse.connect import connect, database_url

OURS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND application_name <> 'tests'"
)


def environment(settings: Settings, **changes: str) -> dict[str, str]:
    """Return the variables that give a process these settings."""
    ours = ("FINALE_", *MAIL_SERVICE)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    given = {}
    for name, value in settings.model_dump(exclude_unset=True).items():
        shown = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        given[setting_name(name)] = ",".join(shown) if isinstance(shown, tuple) else str(shown)
    return inherited | given | changes


def command(*arguments: str) -> list[str]:
    """Return the command line of `finale` with arguments."""
    return [sys.executable, "-m", "finale_pipeline.cli", *arguments]


def start(settings: Settings, *arguments: str, **changes: str) -> "subprocess.Popen[str]":
    """Start the command."""
    return subprocess.Popen(
        command(*arguments),
        env=environment(settings, **changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


class Said:
    """How a command ended: its code, what it said, and its last line as JSON if it is some."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err

    @property
    def json(self) -> Any:
        return json.loads(self.out.strip().splitlines()[-1])


class Ended(Said):
    """How a process of the command ended."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        out, err = process.communicate(timeout=120)
        super().__init__(process.returncode, out, err)


def finale(settings: Settings, *arguments: str, **changes: str) -> Ended:
    """Run the command to its end, as a process."""
    return Ended(start(settings, *arguments, **changes))


def call(settings: Settings, *arguments: str, **changes: str) -> Said:
    """Run the command to its end in this process: all of it but Python's start, at a tenth."""
    out, err = io.StringIO(), io.StringIO()
    given = environment(settings, **changes)
    with patch.dict(os.environ, given, clear=True), redirect_stdout(out), redirect_stderr(err):
        code = main(arguments)
    return Said(code, out.getvalue(), err.getvalue())


def until_its_sessions_end(settings: Settings) -> None:
    """Wait until the server has noticed that a process was killed, and gives its locks back."""
    with connect(database_url(settings), name="tests") as watcher:
        for _ in range(20_000):
            if watcher.execute(OURS).fetchone() == (0,):
                return
    raise AssertionError("a killed process still has a session")
