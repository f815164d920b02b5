"""`finale doctor`: examines settings, disk, database, source and data; each finding has a step."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError, PipelineError
from finale_pipeline.health import installation, rules
from finale_pipeline.health.daemons import dagster, syncs
from finale_pipeline.health.findings import Finding
from finale_pipeline.warehouse import schema
from finale_pipeline.warehouse.connect import (
    Connection,
    connect,
    database_errors,
    database_url,
    running_server,
    shown_url,
)
from finale_pipeline.warehouse.reads import comparison
from finale_pipeline.warehouse.reads import health as health_reads

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

ASK_THE_DATABASE = {"mail", "source", "compare", "dagster"}
"""Examinations that would only say once more that it failed."""


def examine(settings: "Settings") -> list[Finding]:
    """Examine everything; a failed part does not hide the others."""
    parts: dict[str, Callable[[Settings], Iterator[Finding]]] = {
        "secrets": installation.secrets,
        "files": installation.files,
        "access": installation.access,
        "disk": installation.disk,
        "database": _database,
        "mail": _mail,
        "compare": _compare,  # of what is stored: also while Finale does not answer
        "source": _source,
        "dagster": dagster,
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
            return [Finding("database", "failed", error.what, error.step, error.exit_code)]
        for what, part in parts.items():
            if what in ASK_THE_DATABASE and any(f.exit_code for f in findings):
                continue
            try:
                with database_errors(f"the doctor examined {what}"):
                    findings += part(settings)
            except PipelineError as error:
                findings.append(Finding(what, "failed", error.what, error.step, error.exit_code))
    return findings


def shown(findings: list[Finding]) -> str:
    """Return the findings as lines to read."""
    return "\n".join(
        f"{f.state:8} {f.what:10} {f.says}" + (f"\n{'':20}{f.step}" if f.step else "")
        for f in findings
    )


def _database(settings: "Settings") -> Iterator[Finding]:
    url = database_url(settings)
    with connect(url, name="finale doctor") as connection:
        schema.require_current(connection)
        yield Finding("database", "ok", f"{shown_url(url)}, schema {schema.HEAD}")
        yield _version(connection)
        if health_reads.is_administrator(connection):
            yield Finding(
                "database", "warning",
                "Its user is an administrator (SUPERUSER): whoever has SQL run by us may run"
                " programs on the server.",
                "Name a user without SUPERUSER in FINALE_DATABASE_URL, who owns the database.",
            )  # fmt: skip
        yield rules.days(connection, settings.timezone, now=utc_now())
        yield from syncs(connection)
        yield from rules.orders(connection)


def _version(connection: Connection) -> Finding:
    encoding, version = health_reads.server(connection)
    return Finding("database", "ok", f"PostgreSQL {version}, {encoding}")


def _mail(settings: "Settings") -> Iterator[Finding]:
    with connect(database_url(settings), name="finale doctor") as connection:
        findings = [*rules.mail(connection, now=utc_now())]
    yield from findings
    if not settings.sends_mail:
        yield Finding(
            "mail", "warning", f"Mails become files in {settings.home / 'outbox'}.",
            "To send them set SENDGRID_API_KEY or FINALE_SMTP_HOST; see .env.example.",
        )  # fmt: skip
    elif not findings:
        yield Finding("mail", "ok", f"mails go to {len(settings.alert_emails)} addresses")
    if settings.sends_mail and settings.reads_sandbox:
        yield Finding("mail", "warning", "Mails leave this machine, with a sandbox's data.")


def _compare(settings: "Settings") -> Iterator[Finding]:
    """What to hold against Finale's own pages; for an account that is no simulation."""
    if settings.reads_sandbox:
        return
    with connect(database_url(settings), name="finale doctor") as connection:
        questions = comparison.to_compare(connection)
    for question in questions:
        yield Finding("compare", "look", question.says, question.where)


def _source(settings: "Settings") -> Iterator[Finding]:
    from finale_pipeline.clock import utc_now  # noqa: PLC0415
    from finale_pipeline.finale.records import FACILITY  # noqa: PLC0415 - only when it is asked
    from finale_pipeline.sync.source import open_client  # noqa: PLC0415

    if settings.account is None:
        yield Finding("source", "warning", "No account is configured.", "See .env.example.")
        return
    with open_client(settings, database_url(settings)) as client:
        client.body(FACILITY)
        off = (client.source_now() - utc_now()).total_seconds()
    says = f"{settings.base_url} knows us as {settings.account}"
    yield Finding("source", "ok", says)
    if abs(off) > 60:  # noqa: PLR2004 - a minute
        yield Finding(
            "clock", "warning", f"This machine's clock differs from Finale's by {off:.0f} s.",
            "Set the clock; a sandbox whose clock was moved differs too.",
        )  # fmt: skip
