"""`finale doctor`: examines settings, disk, database, source and data; each finding has a step."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError, PipelineError
from finale_pipeline.health import installation, rules, scheduling
from finale_pipeline.health.findings import NOT_WELL, Finding
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import (
    connect,
    database_errors,
    database_url,
    running_server,
    shown_url,
)

ASK_THE_DATABASE = {"mail", "source", "compare", "dagster"}
"""Examinations that would only say once more that it failed."""


def examine(settings: Settings) -> list[Finding]:
    """Examine everything; a failed part does not hide the others."""
    parts: dict[str, Callable[[Settings], Iterator[Finding]]] = {
        "secrets": installation.secrets,
        "files": installation.files,
        "access": installation.access,
        "disk": installation.disk,
        "database": _database,
        "mail": installation.mail,
        "compare": _compare,  # of what is stored: also while Finale does not answer
        "source": installation.source,
        "dagster": scheduling.examine,
        "backup": installation.backups,
        "watch": installation.watched,
    }
    if settings.database_url is None and not (settings.home / "postgres" / "PG_VERSION").exists():
        says = f"Nothing was set up here: {settings.home} has no database."
        step = "With a simulated account: finale dev; with your own: finale init"
        return [Finding("setup", "failed", says, step, ConfigError.exit_code)]
    findings: list[Finding] = []
    with ExitStack() as stack:
        try:
            stack.enter_context(running_server(settings))  # stopped again if it did not run
        except PipelineError as error:
            return [Finding.of("database", error)]
        for what, part in parts.items():
            is_broken = any(f.exit_code not in {0, NOT_WELL} for f in findings)
            if what in ASK_THE_DATABASE and is_broken:
                continue
            try:
                with database_errors(f"the doctor examined {what}"):
                    findings += part(settings)
            except PipelineError as error:
                findings.append(Finding.of(what, error))
    return findings


def exit_code(findings: list[Finding]) -> int:
    """Return 0, or that of the worst error, or NOT_WELL where something failed without one."""
    codes = {f.exit_code for f in findings}
    return max(codes - {NOT_WELL}, default=0) or max(codes, default=0)


def shown(findings: list[Finding]) -> str:
    """Return the findings as lines to read."""
    return "\n".join(
        f"{f.state:8} {f.what:10} {f.says}" + (f"\n{'':20}{f.step}" if f.step else "")
        for f in findings
    )


def _database(settings: Settings) -> Iterator[Finding]:
    url, now = database_url(settings), utc_now()
    with connect(url, name="finale doctor") as connection:
        schema.require_current(connection)
        yield Finding("database", "ok", f"{shown_url(url)}, schema {schema.HEAD}")
        yield from rules.database(connection)
        yield rules.days(connection, settings.timezone, now=now)
        yield from rules.ledger(connection, now=now)
        yield from rules.orders(connection)


def _compare(settings: Settings) -> Iterator[Finding]:
    """For an account that is no simulation."""
    if not settings.reads_sandbox:
        with connect(database_url(settings), name="finale doctor") as connection:
            yield from rules.compare(connection)
