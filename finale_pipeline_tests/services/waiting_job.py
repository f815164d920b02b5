"""A job for the test of run processes: it says that it is there, and waits to be let go."""

import os
from pathlib import Path

import dagster as dg


@dg.op
def wait(context: dg.OpExecutionContext) -> None:
    """Write this process's number into a file, and wait for a line in a pipe."""
    folder = Path(os.environ["WAITING_JOB"])
    begun = folder / context.run_id
    begun.with_suffix(".part").write_text(str(os.getpid()), encoding="ascii")
    begun.with_suffix(".part").rename(begun)
    (folder / "go").read_text(encoding="ascii")


@dg.job(executor_def=dg.in_process_executor)
def waiting() -> None:
    """Begin, and wait."""
    wait()
