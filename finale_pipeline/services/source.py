"""Which account commands work on: the configured one, or the sandbox of a running `finale dev`."""

import json
import os
from pathlib import Path

from finale_pipeline.disk import write_whole
from finale_pipeline.sandbox.handler import KEY, SECRET
from finale_pipeline.settings import Settings

NOTE = "sandbox.json"


def note_sandbox(home: Path, base_url: str, since: str) -> Path:
    """Leave a note where this process serves the sandbox, for commands in other terminals."""
    note = home / NOTE
    write_whole(note, json.dumps({"base_url": base_url, "pid": os.getpid(), "since": since}))
    return note


def sandbox_environment(base_url: str, since: str) -> dict[str, str]:
    """Return the settings that make a process use the sandbox."""
    return {
        "FINALE_BASE_URL": base_url,
        "FINALE_ACCOUNT": "demo",
        "FINALE_API_KEY": KEY,
        "FINALE_API_SECRET": SECRET,
        "FINALE_SINCE": since,
        # Nobody is ordered from there, so drafts can be tried out.
        "FINALE_ALLOW_WRITES": os.environ.get("FINALE_ALLOW_WRITES", "true"),
    }


def with_running_sandbox(settings: Settings) -> Settings:
    """Return settings that read the running sandbox when no account is configured."""
    if not settings.is_sandbox:
        return settings
    try:
        note = json.loads((settings.home / NOTE).read_text())
        os.kill(int(note["pid"]), 0)
    except (OSError, ValueError, KeyError):
        return settings
    variables = sandbox_environment(str(note["base_url"]), str(note["since"]))
    values = {name.removeprefix("FINALE_").lower(): value for name, value in variables.items()}
    return Settings.model_validate(settings.model_dump() | values)
