"""`finale doctor`: examines settings, disk, database, source and data; each finding has a step."""

import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError, PipelineError
from finale_pipeline.health import installation, rules
from finale_pipeline.health.daemons import dagster, syncs
from finale_pipeline.health.findings import Finding
from finale_pipeline.settings import ENV_FILE
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

FREE_BYTES = 2 << 30
ASK_THE_DATABASE = {"mail", "source", "compare", "dagster"}
"""Examinations that would only say once more that it failed."""


def examine(settings: "Settings") -> list[Finding]:
    """Examine everything; a failed part does not hide the others."""
    parts: dict[str, Callable[[Settings], Iterator[Finding]]] = {
        "secrets": _secrets,
        "files": _files,
        "access": installation.access,
        "disk": _disk,
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


def _secrets(_settings: "Settings") -> Iterator[Finding]:
    path = Path(ENV_FILE)
    if path.exists() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        yield Finding(
            "secrets", "warning", "Others on this machine can read .env.", "Run: chmod 600 .env"
        )
    else:
        yield Finding("secrets", "ok", "nobody else can read them here")


def _files(settings: "Settings") -> Iterator[Finding]:
    """Examine whether others can open what we wrote; PostgreSQL sees to its own folder."""
    server = settings.home / "postgres"
    opened = sorted(
        str(path)
        for path in (settings.home.rglob("*") if settings.home.exists() else ())
        if server not in (path, *path.parents)
        and not path.is_symlink()
        and stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO)
    )
    if opened:
        more = f" and {len(opened) - 1} more" if len(opened) > 1 else ""
        yield Finding(
            "files", "warning", f"Others on this machine may open {opened[0]}{more}.",
            f"Run: chmod -R go-rwx {settings.home}",
        )  # fmt: skip
    else:
        yield Finding("files", "ok", f"nobody else may open what is in {settings.home}")


def _disk(settings: "Settings") -> Iterator[Finding]:
    home = settings.home if settings.home.exists() else Path()
    free = shutil.disk_usage(home).free
    says = f"{free / 1e9:.1f} GB free where {settings.home} is"
    if free < FREE_BYTES:
        yield Finding("disk", "warning", says, "Free some; PostgreSQL stops when it is full.")
    else:
        yield Finding("disk", "ok", says)


def _database(settings: "Settings") -> Iterator[Finding]:
    url = database_url(settings)
    with connect(url, name="finale doctor") as connection:
        schema.require_current(connection)
        yield Finding("database", "ok", f"{shown_url(url)}, schema {schema.HEAD}")
        yield _encoding(connection)
        yield from syncs(connection)
        yield from rules.orders(connection)


def _encoding(connection: Connection) -> Finding:
    encoding, version = health_reads.server(connection)
    if encoding != "UTF8":
        step = "Create the database anew with ENCODING 'UTF8'."
        return Finding("database", "failed", f"Its encoding is {encoding}.", step, 4)
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
