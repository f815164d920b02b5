"""What all commands share: where settings come from, how an answer is printed."""

import functools
import getpass
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from datetime import date
from typing import Any, Concatenate, ParamSpec, TypeVar

import click

from finale_pipeline import logs
from finale_pipeline.errors import PipelineError
from finale_pipeline.settings import Settings, load_settings
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import Connection, connect, database_url

P = ParamSpec("P")
R = TypeVar("R")

json_option = click.option("--json", "as_json", is_flag=True, help="Answer with JSON.")


def _passing(
    read: Callable[[], Settings],
) -> Callable[[Callable[Concatenate[Settings, P], R]], Callable[P, R]]:
    """Return what gives a command settings; read when it runs, not when its help is shown."""

    def decorate(run: Callable[Concatenate[Settings, P], R]) -> Callable[P, R]:
        @functools.wraps(run)
        def with_settings(*args: P.args, **kwargs: P.kwargs) -> R:
            return run(read(), *args, **kwargs)

        return with_settings

    return decorate


def _settings() -> Settings:
    """Read the settings, and log what is amiss; more than that only where it was set."""
    settings = load_settings()
    level = settings.log_level if "log_level" in settings.model_fields_set else "warning"
    part = click.get_current_context().command_path.removeprefix("finale ")
    logs.configure(part, level=level)
    return settings


def _account() -> Settings:
    settings = _settings()
    if settings.is_sandbox:
        # The simulated account is imported by those alone who use it.
        from finale_pipeline.services.source import with_running_sandbox

        settings = with_running_sandbox(settings)
    return settings


def _warehouse() -> Settings:
    settings = _account()
    schema.prepare(database_url(settings))
    return settings


pass_settings = _passing(_settings)
"""Gives a command the settings."""
pass_account = _passing(_account)
"""Gives a command the settings; where no account is configured, those of a running sandbox."""
pass_warehouse = _passing(_warehouse)
"""Gives a command what `pass_account` does, and a database with tables, new ones if need be."""


def pass_connection(run: Callable[Concatenate[Settings, Connection, P], R]) -> Callable[P, R]:
    """Give a command what `pass_warehouse` does, and a connection to the warehouse."""

    @pass_warehouse
    @functools.wraps(run)
    def with_connection(settings: Settings, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with open_warehouse(settings) as connection:
            return run(settings, connection, *args, **kwargs)

    return with_connection


def answering(
    shown: Callable[[Any], str], exit_code: Callable[[Any], int] = lambda _: 0
) -> Callable[[Callable[..., Any]], Callable[..., int]]:
    """Have a command print what it returns, and end with the exit code of it."""

    def decorate(run: Callable[..., Any]) -> Callable[..., int]:
        @json_option
        @functools.wraps(run)
        def answered(*, as_json: bool, **options: Any) -> int:
            value = run(**options)
            answer(value, shown, as_json=as_json)
            return exit_code(value)

        return answered

    return decorate


@contextmanager
def open_warehouse(settings: Settings) -> Iterator[Connection]:
    """Open the warehouse at this program's schema, under the command's name."""
    context = click.get_current_context(silent=True)
    name = context.command_path if context else "finale"
    with connect(database_url(settings), name=name) as connection:
        schema.require_current(connection)
        yield connection


def say(text: str) -> None:
    """Print an answer."""
    click.echo(_harmless(text))


def note(text: str) -> None:
    """Print what accompanies an answer, beside it."""
    click.echo(_harmless(text), err=True)


def _harmless(text: str) -> str:
    """Return a text without secrets, and without what would command a terminal."""
    lines = logs.scrubbed(text).split("\n")
    return "\n".join("\t".join(map(logs.printable, line.split("\t"))) for line in lines)


def complain(error: PipelineError) -> None:
    """Print what happened, what it means for the data, and the next step."""
    note(f"finale: {error.what}\n  {error.data}\n  {error.step}")


def agreed(question: str) -> bool:
    """Ask at the terminal for a yes."""
    return input(f"{question} [y/N] ").strip().lower() in {"y", "yes"}


def actor() -> str:
    """Return who is at work, by the machine's name of them."""
    return getpass.getuser()


def answer(value: Any, shown: Callable[[Any], str], *, as_json: bool) -> None:
    """Print a command's answer, as JSON or as lines to read."""
    if as_json:
        say(json.dumps(value, default=_jsonable))
    else:
        say(shown(_on_one_line(value)))


def _jsonable(value: Any) -> Any:
    """Return an object by name: as it says itself, or by its fields; anything else as text."""
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return str(value)


def _on_one_line(value: Any) -> Any:
    """Return data whose texts break no line: a product's name could else forge one."""
    if isinstance(value, str):
        return logs.printable(value)
    if isinstance(value, dict):
        return {name: _on_one_line(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_on_one_line(part) for part in value]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: _on_one_line(getattr(value, f.name)) for f in fields(value) if f.init}
        return replace(value, **parts)
    return value


class Day(click.ParamType[date]):
    """A day of the calendar."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day that a text names."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is no day; write it as 2026-03-31.", param, ctx)


DAY = Day()
