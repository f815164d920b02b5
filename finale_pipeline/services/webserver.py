"""Dagster's UI behind our middleware: `python -m finale_pipeline.services.webserver WORKSPACE`."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from finale_pipeline import disk, logs
from finale_pipeline.api.serving import serve_dagster
from finale_pipeline.errors import PipelineError
from finale_pipeline.services.processes import leave
from finale_pipeline.settings import load_settings


def main(workspace: Path) -> int:
    """Serve until asked to stop; return the exit code."""
    os.umask(disk.UMASK)
    try:
        settings = load_settings()
        logs.configure("web", level=settings.log_level)
        with suppress(KeyboardInterrupt):  # Ctrl-C, raised once more when it has stopped
            serve_dagster(settings, workspace)
    except PipelineError as error:
        print(f"finale: {error.what}\n  {error.step}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    leave(main(Path(sys.argv[1])))
