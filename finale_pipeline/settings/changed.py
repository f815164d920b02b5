"""Cron times that were changed while it runs: one file in HOME, which goes before the settings."""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, TypeAdapter, ValidationError

from finale_pipeline.disk import write_whole
from finale_pipeline.errors import ConfigError
from finale_pipeline.settings.groups import Schedules
from finale_pipeline.settings.types import Cron

FILE = "schedules.json"
SCHEDULES = tuple(
    name.removeprefix("schedule_") for name in Schedules.model_fields if "schedule_" in name
)
"""Schedules whose time is a setting."""


class ScheduleChange(BaseModel, extra="forbid", defer_build=True):
    """A schedule's time, with who changed it and when (UTC)."""

    cron: Cron
    by: str
    at: datetime


def changes(home: Path) -> dict[str, ScheduleChange]:
    """Return what was changed, by schedule.

    Raises:
        ConfigError: The file was damaged.
    """
    path = home / FILE
    try:
        text = path.read_bytes()
        stored = TypeAdapter(dict[str, ScheduleChange]).validate_json(text)
        unknown = sorted(set(stored) - set(SCHEDULES))
    except FileNotFoundError:
        return {}
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"{path} cannot be read: {type(error).__name__}.",
            step="Correct it, or delete it to return to the settings.",
        ) from error
    if unknown:
        raise ConfigError(f"{path} names {unknown[0]!r}, which is no schedule.", step="Correct it.")
    return stored


@contextmanager
def changing(home: Path, name: str, change: ScheduleChange | None) -> Iterator[None]:
    """Write a change while the body has it take effect; when that fails, all is as before.

    One at a time, over all processes.

    Args:
        name: One of `SCHEDULES`.
        change: The new time; None = the setting's again.
    """
    with (home / f"{FILE}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = changes(home)
        after = {key: value for key, value in before.items() if key != name}
        if change is not None:
            after[name] = change
        _write(home, after)
        try:
            yield
        except BaseException:
            _write(home, before)
            raise


def _write(home: Path, changes_by_name: Mapping[str, ScheduleChange]) -> None:
    adapter = TypeAdapter(dict[str, ScheduleChange])
    write_whole(home / FILE, adapter.dump_json(dict(changes_by_name), indent=1))
