"""Judges the installation: files, disk, who can reach it, mail, Finale, backups, the watch."""

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from finale_pipeline.backup import create as backup
from finale_pipeline.clock import utc_now
from finale_pipeline.disk import write_whole
from finale_pipeline.errors import LocalError
from finale_pipeline.finale.records import FACILITY
from finale_pipeline.health import rules, watch_state
from finale_pipeline.health.findings import Finding
from finale_pipeline.settings import ENV_FILE, LOOPBACK, Settings
from finale_pipeline.sync.source import open_client
from finale_pipeline.warehouse.connect import connect, database_url

FREE_BYTES = 2 << 30
FULL_BYTES = 256 << 20
"""With less the next large sync fills it: PostgreSQL's log of changes alone may take more."""
BACKUP_DAYS = 7
WATCH_MINUTES = 30
CLOCKS_DIFFER_SECONDS = 60
VERIFIED = {"verify-full", "verify-ca"}
"""Values of sslmode with which a server proves itself."""


def secrets(_settings: Settings) -> Iterator[Finding]:
    """Examine whether others can read `.env`."""
    path = Path(ENV_FILE)
    if path.exists() and path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        says = "Others on this machine can read .env."
        yield Finding("secrets", "warning", says, "Run: chmod 600 .env")
    else:
        yield Finding("secrets", "ok", "nobody else can read them here")


def files(settings: Settings) -> Iterator[Finding]:
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
        says = f"Others on this machine may open {opened[0]}{more}."
        yield Finding("files", "warning", says, f"Run: chmod -R go-rwx {settings.home}")
    else:
        yield Finding("files", "ok", f"nobody else may open what is in {settings.home}")


def disk(settings: Settings) -> Iterator[Finding]:
    """Examine whether HOME takes files, and for how long yet."""
    home = settings.home if settings.home.exists() else Path()
    free = shutil.disk_usage(home).free
    says = f"{free / 1e9:.1f} GB free where {settings.home} is"
    try:
        probe = home / f".doctor.{os.getpid()}"
        write_whole(probe, b"x" * 65_536)
        probe.unlink()
    except OSError as error:
        says = f"{home} takes no file: {error.strerror} ({says})."
        step = "Free space there, or give its user the right to write; then: finale doctor"
        yield Finding("disk", "failed", says, step, LocalError.exit_code)
        return
    if free < FULL_BYTES:
        step = "Free space there: the database, logs, reports and backups need it."
        yield Finding("disk", "failed", says, step, LocalError.exit_code)
    elif free < FREE_BYTES:
        yield Finding("disk", "warning", says, "Free some; PostgreSQL stops when it is full.")
    else:
        yield Finding("disk", "ok", says)


LOG_IN = "Set FINALE_API_TOKEN, such as from: openssl rand -hex 32"


def access(settings: Settings) -> Iterator[Finding]:
    """Examine what other machines can reach without a log-in."""
    has_token = settings.api_token is not None or settings.api_read_token is not None
    ports = {
        "Dagster's UI": ("FINALE_UI_HOST", settings.ui_host),
        "The API": ("FINALE_API_HOST", settings.api_host),
    }
    is_open = False
    for what, (setting, host) in ports.items():
        if host not in LOOPBACK and not has_token:
            is_open = True
            says = f"{what} is to listen on {host} ({setting}) without a token, which it refuses."
            yield Finding("access", "warning", says, LOG_IN)
    yield from _unencrypted(settings)
    if settings.allow_writes and not has_token:
        says = "FINALE_ALLOW_WRITES is on and the API has no token: whoever can log in to this"
        says += " machine can draft orders in Finale."
        yield Finding("access", "warning", says, LOG_IN)
    if not is_open:
        yield Finding("access", "ok", "nothing of ours is open to other machines without a log-in")


def _unencrypted(settings: Settings) -> Iterator[Finding]:
    """Examine what leaves this machine in the clear."""
    if settings.smtp_host not in {None, *LOOPBACK} and settings.smtp_security == "none":
        says = f"Mails go to {settings.smtp_host} unencrypted."
        yield Finding("access", "warning", says, "Set FINALE_SMTP_SECURITY=starttls, or tls.")
    for name in ("database_url", "dagster_database_url"):
        url = getattr(settings, name)
        parts = urlsplit(url.get_secret_value()) if url else None
        is_here = parts is None or parts.hostname in {None, *LOOPBACK}
        if parts and not is_here and not VERIFIED & set(parse_qs(parts.query).get("sslmode", [])):
            says = f"Nothing proves that {parts.hostname} is your database server (FINALE_"
            says += f"{name.upper()}): whoever stands between reads what is sent."
            step = "Add sslmode=verify-full, and sslrootcert, to the URL."
            yield Finding("access", "warning", says, step)


def mail(settings: Settings) -> Iterator[Finding]:
    """Examine whether mails go out, and where to."""
    with connect(database_url(settings), name="finale doctor") as connection:
        findings = [*rules.mail(connection, now=utc_now())]
    yield from findings
    if not settings.sends_mail:
        step = "To send them set SENDGRID_API_KEY or FINALE_SMTP_HOST; see .env.example."
        yield Finding("mail", "warning", f"Mails become files in {settings.home / 'outbox'}.", step)
    elif not findings:
        yield Finding("mail", "ok", f"mails go to {len(settings.alert_emails)} addresses")
    if settings.sends_mail and settings.reads_sandbox:
        yield Finding("mail", "warning", "Mails leave this machine, with a sandbox's data.")


def source(settings: Settings) -> Iterator[Finding]:
    """Ask Finale once: whether it answers, knows us, and has our time."""
    if settings.account is None:
        yield Finding("source", "warning", "No account is configured.", "See .env.example.")
        return
    with open_client(settings, database_url(settings)) as client:
        client.body(FACILITY)
        off = (client.source_now() - utc_now()).total_seconds()
    yield Finding("source", "ok", f"{settings.base_url} knows us as {settings.account}")
    if abs(off) > CLOCKS_DIFFER_SECONDS:
        says = f"This machine's clock differs from Finale's by {off:.0f} s."
        step = "Set the clock; a sandbox whose clock was moved differs too."
        yield Finding("clock", "warning", says, step)


def backups(settings: Settings) -> Iterator[Finding]:
    """Examine the age of the last backup; a sandbox needs none."""
    last = backup.newest(settings)
    if last is None and settings.reads_sandbox:
        return
    step = "Run: finale backup; every night: deploy/systemd/finale-backup.timer"
    if last is None:
        yield Finding("backup", "warning", "No backup was ever made.", step)
        return
    days = (utc_now() - last) / timedelta(days=1)
    if days > BACKUP_DAYS:
        yield Finding("backup", "warning", f"The last backup is {days:.0f} days old.", step)
    else:
        yield Finding("backup", "ok", f"the last one is of {last:%Y-%m-%d %H:%M} UTC")


def watched(settings: Settings) -> Iterator[Finding]:
    """Examine whether the dead man's switch looks; a sandbox needs none."""
    state = watch_state.read(settings.home)
    if state is None and settings.reads_sandbox:
        return
    step = (
        "Let it run every five minutes: deploy/systemd/finale-watch.timer, or cron:"
        " */5 * * * * cd FOLDER && .venv/bin/finale watch"
    )
    if state is None:
        says = "finale watch never ran: nobody tells when all of this stops."
        yield Finding("watch", "warning", says, step)
        return
    minutes = (utc_now() - state.looked_at) / timedelta(minutes=1)
    if minutes > WATCH_MINUTES:
        yield Finding("watch", "warning", f"finale watch last ran {minutes:.0f} min ago.", step)
    else:
        yield Finding("watch", "ok", f"looked {minutes:.0f} min ago")
