"""The command `finale`: finds the command that was asked for, and sets the exit code.

A command's module is imported when it is asked for, and no other: a sync must start fast, and
`finale --help` imports none.
"""

import gc
import logging
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from finale_pipeline import disk
from finale_pipeline.commands.common import complain
from finale_pipeline.errors import InterruptedSync, LocalError, PipelineError

COMMANDS = {
    "dev": "start everything: database, sandbox, Dagster, API and pages",
    "init": "prepare for a real account: settings, folder, database",
    "sync": "read Finale in this process, without Dagster",
    "status": "say what runs, and how the last syncs ended",
    "doctor": "examine settings, disk, database, source and data",
    "approve": "show what a run held, and write it if you agree",
    "reject": "note that what a run held is wrong",
    "alerts": "what is out or low, what was mailed, what is decided",
    "explain": "show how a product's order is decided, and why mails came or did not",
    "forecast": "plan a day, or score forecasts on the past",
    "points": "Finale's reorder points against ours, and which holds",
    "orders": "draft purchase orders in Finale, and see them",
    "backup": "write the warehouse into one file, and read it again",
    "restore": "make a backup the warehouse; a failure changes nothing",
    "db": "the database: upgrade, stop, url, a user who reads; drop what a restore kept",
    "watch": "a dead man's switch for cron: mail when nothing syncs any more",
    "serve": "run one service for good: what `finale dev` and the units start",
    "api": "serve the API and the pages, without Dagster",
    "sandbox": "serve a simulated account on loopback",
    "drill": "do what may go wrong to a scratch installation, and say what survived",
}
"""Each command's module in `commands/` has its name and declares it as `command`."""


class Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"finale_pipeline.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each one does."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="finale-pipeline", prog_name="finale")
def finale() -> None:
    """A Finale Inventory account in your own Postgres."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 usage, 3 to 9 as errors.py says."""
    os.umask(disk.UMASK)
    try:
        code: Any = finale.main(
            None if arguments is None else list(arguments), "finale", standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except PipelineError as error:
        complain(error)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return InterruptedSync.exit_code
    except SystemExit:  # click's, where whoever read what we say has left, such as `head`
        return InterruptedSync.exit_code
    except Exception as error:  # noqa: BLE001 - no fault may look like one of Python's own codes
        failure = _named(error) or _fault(error)
        complain(failure)
        return failure.exit_code
    return code or 0


def _named(error: Exception) -> PipelineError | None:
    """Return what the disk or the database refused, in words; None = a fault of ours."""
    from finale_pipeline.warehouse.connect import database_errors  # the driver

    if isinstance(error, OSError) and error.filename is not None:
        return LocalError(
            f"{error.filename}: {error.strerror}.",
            data="Nothing more was written; what was committed stays.",
            step="Give it room or rights there; or name another folder with FINALE_HOME.",
        )
    try:
        with database_errors("the command ran"):
            raise error  # noqa: TRY301 - so that one place names them
    except PipelineError as named:
        return named
    except Exception:  # noqa: BLE001 - the same again
        return None


def _fault(error: Exception) -> PipelineError:
    """Return a fault of this program as an error with a next step; the log gets its trace."""
    logging.getLogger(__name__).error("a fault of this program", exc_info=error)
    return LocalError(
        f"This program has a fault: {type(error).__name__}: {error}.",
        data="What was committed stays.",
        step="Report it, with the lines above. `finale doctor` examines whether the data are well.",
    )


def entry() -> None:
    """Run as the installed command."""
    # Python would search all that is imported for garbage while it imports the command, and once
    # more before it ends.
    gc.freeze()
    code = main()
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    entry()
