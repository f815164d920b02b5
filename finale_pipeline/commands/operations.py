"""The commands of whoever operates it: init, serve, watch, backup, restore."""

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from finale_pipeline.errors import ConfigError, LocalError

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

Add = Callable[[str, Callable[[argparse.Namespace, "Settings"], int], str], argparse.ArgumentParser]
OPTIONS = {
    "account": "FINALE_ACCOUNT",
    "timezone": "FINALE_TIMEZONE",
    "since": "FINALE_SINCE",
    "mail": "FINALE_ALERT_EMAILS",
    "mail_from": "FINALE_ALERT_FROM",
    "home": "FINALE_HOME",
}


def add_commands(add: Add) -> None:
    """Declare the commands and their arguments."""
    init = add("init", run_init, "prepare for a real account: settings, folder, database")
    init.add_argument("--account", help="first part of the address after logging in to Finale")
    init.add_argument("--timezone", metavar="ZONE", help="the account's, such as Europe/Berlin")
    init.add_argument("--since", metavar="DAY", help="first day of the account")
    init.add_argument("--mail", metavar="ADDRESSES", help="who gets mails, with commas")
    init.add_argument("--mail-from", metavar="ADDRESS", help="sender of the mails")
    init.add_argument("--home", metavar="FOLDER", help="where everything is written")
    init.add_argument(
        "--secrets",
        action="store_true",
        help="key and secret anew: asked at a terminal, else two lines of standard input",
    )
    init.add_argument("--yes", action="store_true", help="ask nothing")
    init.add_argument("--json", action="store_true")
    serve = add("serve", run_serve, "run one part for good: what `finale dev` and the units start")
    serve.add_argument("part", choices=("database", "code", "daemon", "web", "api"))
    serve.add_argument("--check", action="store_true", help="only say whether it runs and is well")
    watch = add(
        "watch", run_watch, "a dead man's switch for cron: mail when nothing syncs any more"
    )
    watch.add_argument("--json", action="store_true")
    backup = add("backup", run_backup, "write the warehouse into one file, and read it again")
    backup.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a file or a folder")
    backup.add_argument("--with-dagster", action="store_true", help="its own records, too")
    backup.add_argument(
        "--keep", type=_count, metavar="N", help="delete all but the newest N in the folder"
    )
    backup.add_argument("--json", action="store_true")
    restore = add("restore", run_restore, "make a backup the warehouse; a failure changes nothing")
    restore.add_argument("file", type=Path, metavar="FILE", help="the .dump file of a backup")
    restore.add_argument("--replace", action="store_true", help="even where there are data")
    restore.add_argument("--with-dagster", action="store_true", help="its own records, too")
    restore.add_argument("--discard", action="store_true", help="do not keep the state before")
    restore.add_argument("--json", action="store_true")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def run_init(options: argparse.Namespace, _settings: "Settings") -> int:
    """Prepare for a real account; asks at a terminal, else takes what it is given."""
    from finale_pipeline.commands.init import (  # noqa: PLC0415
        Asking,
        from_environment,
        prepare,
        shown,
    )

    given = {name: str(getattr(options, key)) for key, name in OPTIONS.items()
             if getattr(options, key)}  # fmt: skip
    given |= from_environment()
    if options.secrets:
        given |= _secrets(_typed() if sys.stdin.isatty() else sys.stdin.read())
    is_asked = not options.yes and not options.secrets and sys.stdin.isatty()
    done = prepare(given, Asking(input, getpass.getpass) if is_asked else None)
    _say(json.dumps(done.as_dict()) if options.json else shown(done))
    return done.exit_code


def _typed() -> str:
    return "\n".join(getpass.getpass(f"{what} (not shown): ") for what in ("API key", "Secret"))


def _secrets(text: str) -> dict[str, str]:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 2:  # noqa: PLR2004 - key and secret
        raise ConfigError(
            f"--secrets wants two lines, key and secret; there were {len(lines)}.",
            data="Nothing was written.",
            step='Such as: printf \'%s\\n\' "$KEY" "$SECRET" | finale init --secrets …',
        )
    return {"FINALE_API_KEY": lines[0], "FINALE_API_SECRET": lines[1]}


def run_serve(options: argparse.Namespace, settings: "Settings") -> int:
    """Become a part of the running system."""
    from finale_pipeline.services.processes import is_well, serve  # noqa: PLC0415

    if options.check:
        well = is_well(settings, options.part)
        _say(f"{options.part} is well" if well else f"{options.part} does not answer")
        return 0 if well else LocalError.exit_code
    return serve(settings, options.part)


def run_watch(options: argparse.Namespace, settings: "Settings") -> int:
    """Look once, and tell what is to be told."""
    from finale_pipeline.health.watch import shown, watch  # noqa: PLC0415

    found = watch(settings)
    _say(json.dumps(found.as_dict()) if options.json else shown(found))
    return found.exit_code


def run_backup(options: argparse.Namespace, settings: "Settings") -> int:
    """Write a backup."""
    from finale_pipeline.backup.create import backup, shown  # noqa: PLC0415
    from finale_pipeline.clock import utc_now  # noqa: PLC0415

    done = backup(
        settings, options.file, with_dagster=options.with_dagster, keep=options.keep, now=utc_now()
    )
    _say(json.dumps(done.as_dict()) if options.json else shown(done))
    return 0


def run_restore(options: argparse.Namespace, settings: "Settings") -> int:
    """Make a backup the warehouse."""
    from finale_pipeline.backup.restore import restore, shown  # noqa: PLC0415
    from finale_pipeline.clock import utc_now  # noqa: PLC0415

    done = restore(
        settings,
        options.file,
        replace=options.replace,
        with_dagster=options.with_dagster,
        discard=options.discard,
        now=utc_now(),
    )
    _say(json.dumps(done.as_dict()) if options.json else shown(done))
    return 0


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's answer
