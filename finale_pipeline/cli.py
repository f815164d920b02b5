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

from finale_pipeline.commands import operations as operations_command
from finale_pipeline.commands.alerts import add_arguments, run, run_explain
from finale_pipeline.commands.orders import add_arguments as add_order_arguments
from finale_pipeline.commands.orders import run as run_orders
from finale_pipeline.errors import InterruptedSync, PipelineError

if TYPE_CHECKING:
    from finale_pipeline.commands.sync import Report
    from finale_pipeline.settings import Settings

Command = Callable[[argparse.Namespace, "Settings"], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 usage, 3 to 8 as errors.py says."""
    options = _parser().parse_args(arguments)
    try:
        from finale_pipeline.settings import Settings, load_settings  # noqa: PLC0415 - after usage

        command: Command = options.command
        is_ready = command is not operations_command.run_init  # which writes the settings
        return command(options, load_settings() if is_ready else Settings.model_construct())
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
    add("api", _api, "serve the API and the pages, without Dagster")
    sync = add("sync", _sync, "read Finale in this process, without Dagster")
    sync.add_argument(
        "strategy", choices=("critical", "inventory", "active", "full", "vendors", "sales", "smart")
    )
    sync.add_argument("--json", action="store_true", help="end with one line of JSON")
    approve = add("approve", _approve, "show what a run held, and write it if you agree")
    approve.add_argument("run", type=int, metavar="RUN", help="number of the run that held it")
    approve.add_argument("--yes", action="store_true", help="agree without being asked")
    approve.add_argument("--json", action="store_true", help="end with one line of JSON")
    reject = add("reject", _reject, "note that what a run held is wrong")
    reject.add_argument("run", type=int, metavar="RUN", help="number of the run that held it")
    status = add("status", _status, "say what runs, and how the last syncs ended")
    status.add_argument("--json", action="store_true")
    doctor = add("doctor", _doctor, "examine settings, database, source and data")
    doctor.add_argument("--json", action="store_true")
    operations_command.add_commands(add)
    database = add("db", _db, "the database: upgrade, stop, url; drop what a restore kept")
    database.add_argument("action", choices=("upgrade", "stop", "url", "drop"))
    database.add_argument("name", nargs="?", metavar="NAME", help="what to drop")
    alerts = add("alerts", _alerts, "what is out or low, what was mailed, what is decided")
    explain = add("explain", _explain, "say why a mail about a product came, or did not")
    add_arguments(alerts, explain)
    add_order_arguments(add("orders", _orders, "draft purchase orders in Finale, and see them"))
    text = "plan a day, score forecasts on the past, or draw a product's stock to come"
    forecast = add("forecast", _forecast, text)
    forecast.add_argument("action", choices=("plan", "backtest", "picture"))
    forecast.add_argument("sku", nargs="?", metavar="SKU", help="the product to draw")
    forecast.add_argument("--on", type=date.fromisoformat, metavar="DAY", help="the day to plan")
    forecast.add_argument("--orders", type=Path, metavar="FILE", help="parquet file to score")
    forecast.add_argument("--engine", choices=("local", "dask"), help="score statsforecast too")
    forecast.add_argument("--out", type=Path, metavar="FILE", help="where to put the picture")
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
    sandbox.add_argument(
        "--quirk",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how writes behave where Finale's own behaviour is not known; a wrong one lists all",
    )
    sandbox.add_argument("--no-limits", action="store_true", help="without request budgets")
    sandbox.add_argument("--latency", type=float, default=0, metavar="SECONDS")
    sandbox.add_argument("--bandwidth", type=float, metavar="BYTES_PER_SECOND")
    return parser


def _sync(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.commands.sync import run_strategy  # noqa: PLC0415
    from finale_pipeline.services.source import with_running_sandbox  # noqa: PLC0415

    report = run_strategy(
        with_running_sandbox(settings), options.strategy, trigger="cli", bar=sys.stderr.isatty()
    )
    return _reported(report, as_json=options.json)


def _reported(report: "Report", *, as_json: bool) -> int:
    if report.error:
        _complain(report.error)
    if as_json:
        _say(json.dumps(report.as_dict()))
    elif not report.error:
        _say(_table(report))
    if isinstance(report.error, InterruptedSync):
        sys.stdout.flush()
        os._exit(report.error.exit_code)  # a lane may still wait for the network
    return report.error.exit_code if report.error else 0


def _approve(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.commands.holds import approve  # noqa: PLC0415
    from finale_pipeline.services.source import with_running_sandbox  # noqa: PLC0415

    def confirm(difference: str) -> bool:
        print(difference, file=sys.stderr)  # noqa: T201 - stdout is for the answer
        return options.yes or input("Write it? [y/N] ").strip().lower() in {"y", "yes"}

    done = approve(with_running_sandbox(settings), options.run, confirm=confirm)
    if done is None:
        _say("Nothing was changed; it stays held.")
        return 0
    return _reported(done[1], as_json=options.json)


def _reject(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.commands.holds import reject  # noqa: PLC0415

    hold = reject(settings, options.run)
    _say(
        f"{hold.subject} stays as it is. Reads that say the same are held without a word; the"
        " first believable one is taken."
    )
    return 0


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
    if options.action == "drop":
        from finale_pipeline.backup.restore import drop_kept  # noqa: PLC0415

        drop_kept(url, options.name or "")
        _say(f"The database {options.name} is deleted.")
    elif options.action == "url":
        _say(connect.without_password(url))
    else:
        _say(f"The schema is at {schema.upgrade(url)}.")
    return 0


def _sandbox(options: argparse.Namespace, _settings: "Settings") -> int:
    from finale_pipeline.services.sandbox import serve  # noqa: PLC0415

    serve(options, _say)
    return 0


def _forecast(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.commands import forecast as forecasting  # noqa: PLC0415

    if options.action == "plan":
        done = forecasting.plan(settings, options.on)
        _say(json.dumps(done) if options.json else forecasting.shown_plan(done))
    elif options.action == "picture":
        drawn = forecasting.picture(settings, options.sku, options.on, options.out)
        _say(json.dumps(drawn) if options.json else f"{drawn['says']}\n{drawn['picture']}")
    else:
        found = forecasting.backtest(settings, options.orders, options.engine)
        _say(json.dumps(found.as_dict()) if options.json else forecasting.shown_backtest(found))
    return 0


def _status(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.commands.status import shown, status  # noqa: PLC0415

    found = status(settings)
    _say(json.dumps(found.as_dict()) if options.json else shown(found))
    return 0


def _doctor(options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.health.doctor import examine, shown  # noqa: PLC0415
    from finale_pipeline.services.source import with_running_sandbox  # noqa: PLC0415

    findings = examine(with_running_sandbox(settings))
    _say(json.dumps([f.as_dict() for f in findings]) if options.json else shown(findings))
    return max((f.exit_code for f in findings), default=0)


def _alerts(options: argparse.Namespace, settings: "Settings") -> int:
    return run(options, settings, _say)


def _explain(options: argparse.Namespace, settings: "Settings") -> int:
    return run_explain(options, settings, _say)


def _orders(options: argparse.Namespace, settings: "Settings") -> int:
    return run_orders(options, settings, _say)


def _api(_options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.services.serving import serve  # noqa: PLC0415

    return serve(settings)


def _dev(_options: argparse.Namespace, settings: "Settings") -> int:
    from finale_pipeline.services import dev  # noqa: PLC0415

    return dev.run(settings, _say)


if __name__ == "__main__":
    entry()
