"""The command `finale`: reads arguments, calls what does the work, prints, sets the exit code.

Heavy packages are imported by the command that needs them: a sync must start fast.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finale_pipeline.errors import InterruptedSync, PipelineError

if TYPE_CHECKING:
    from finale_pipeline.operate.syncing import Report
    from finale_pipeline.settings import Settings

Command = Callable[[argparse.Namespace, "Settings"], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 usage, 3 to 8 as errors.py says."""
    options = _parser().parse_args(arguments)
    try:
        from finale_pipeline.settings import load_settings  # noqa: PLC0415 - after usage errors

        command: Command = options.command
        return command(options, load_settings())
    except PipelineError as error:
        _complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return InterruptedSync.exit_code


def entry() -> None:
    """Run as the installed command."""
    sys.exit(main())


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command's answer


def _complain(error: PipelineError) -> None:
    print(f"finale: {error.what}\n  {error.data}\n  {error.step}", file=sys.stderr)  # noqa: T201


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="finale", description="A Finale Inventory account in your own Postgres."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=command)
        return added

    add("dev", _dev, "start everything: database, sandbox, Dagster")
    sync = add("sync", _sync, "read Finale in this process, without Dagster")
    sync.add_argument("strategy", choices=("full", "inventory", "vendors"))
    sync.add_argument("--json", action="store_true", help="end with one line of JSON")
    sync.add_argument(
        "--accept-implausible",
        action="store_true",
        help="write a read that was held; look at Finale first",
    )
    add("status", _status, "say what runs, and how the last syncs ended")
    doctor = add("doctor", _doctor, "examine settings, database, source and data")
    doctor.add_argument("--json", action="store_true")
    database = add("db", _db, "the database: upgrade, stop, url")
    database.add_argument("action", choices=("upgrade", "stop", "url"))
    forecast = add("forecast", _forecast, "plan a day, or score forecasts on the past")
    forecast.add_argument("action", choices=("plan", "backtest"))
    forecast.add_argument("--on", type=date.fromisoformat, metavar="DAY", help="the day to plan")
    forecast.add_argument("--orders", type=Path, metavar="FILE", help="parquet file to score")
    forecast.add_argument("--json", action="store_true")
    sandbox = add("sandbox", _sandbox, "serve a simulated account on loopback")
    sandbox.add_argument("--port", type=int, default=3002)
    sandbox.add_argument("--products", type=int, default=2500)
    sandbox.add_argument("--seed", type=int, default=7)
    sandbox.add_argument("--orders", metavar="FILE", help="parquet file of real order lines")
    sandbox.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[=ARG][@PATH][*TIMES][+SKIP]",
        help="a fault to meet, such as status=503@product*2; an unknown one lists all",
    )
    sandbox.add_argument("--no-limits", action="store_true", help="without request budgets")
    sandbox.add_argument("--latency", type=float, default=0, metavar="SECONDS")
    sandbox.add_argument("--bandwidth", type=float, metavar="BYTES_PER_SECOND")
    return parser


def _sync(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.operate.source import with_running_sandbox  # noqa: PLC0415
    from finale_pipeline.operate.syncing import run_strategy  # noqa: PLC0415

    report = run_strategy(
        with_running_sandbox(settings),
        options.strategy,
        trigger="cli",
        accept_implausible=options.accept_implausible,
    )
    if report.error:
        _complain(report.error)
    if options.json:
        _say(json.dumps(report.as_dict()))
    elif not report.error:
        _say(_table(report))
    if isinstance(report.error, InterruptedSync):
        sys.stdout.flush()
        os._exit(report.error.exit_code)  # a lane may still wait for the network
    return report.error.exit_code if report.error else 0


def _table(report: "Report") -> str:
    done: dict[str, Any] = report.as_dict()
    names = ("read", "inserted", "updated", "unchanged", "removed", "rejected")
    lines = [f"{'':28}" + "".join(f"{name:>11}" for name in names)]
    for table, counts in done["tables"].items():
        lines.append(f"{table:28}" + "".join(f"{counts[name]:>11,}" for name in names))
    return "\n".join(
        [
            *lines,
            f"{done['strategy']} sync {done['run_id']} done in {done['seconds']:.1f} s:"
            f" {done['api_calls']} requests, {done['bytes'] / 1e6:.1f} MB",
        ]
    )


def _db(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.warehouse import connect, embedded, schema  # noqa: PLC0415

    if options.action == "stop":
        if settings.database_url is not None:
            _say("FINALE_DATABASE_URL names a server of your own; it is left alone.")
            return 0
        stopped = embedded.stop((settings.home / "postgres").resolve())
        _say("The embedded database is stopped." if stopped else "It was not running.")
        return 0
    url = connect.database_url(settings)
    if options.action == "url":
        _say(connect.without_password(url))
    else:
        _say(f"The schema is at {schema.upgrade(url)}.")
    return 0


def _sandbox(options: argparse.Namespace, _settings: "Settings") -> int:
    from finale_pipeline.operate.sandbox import serve  # noqa: PLC0415

    serve(options, _say)
    return 0


def _forecast(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.operate import forecasting  # noqa: PLC0415

    if options.action == "plan":
        done = forecasting.plan(settings, options.on)
        _say(json.dumps(done) if options.json else forecasting.shown_plan(done))
    else:
        found = forecasting.backtest(settings, options.orders)
        _say(json.dumps(found.as_dict()) if options.json else forecasting.shown_backtest(found))
    return 0


def _status(_options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.operate.status import status  # noqa: PLC0415

    text, code = status(settings)
    _say(text)
    return code


def _doctor(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.operate.doctor import examine, shown  # noqa: PLC0415

    findings = examine(settings)
    _say(json.dumps([f.as_dict() for f in findings]) if options.json else shown(findings))
    return max((f.exit_code for f in findings), default=0)


def _dev(_options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.operate.dev import run  # noqa: PLC0415

    return run(settings, _say)


if __name__ == "__main__":
    entry()
