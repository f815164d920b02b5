"""Makes and brings back backups, and compares databases, for tests of them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from finale_pipeline.backup import manifest
from finale_pipeline.backup.create import BackupReport, backup
from finale_pipeline.backup.restore import restore
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import swap
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.notify.warehouse import BEGIN

LATER = BEGIN + timedelta(hours=1)


def hashes(url: str) -> dict[str, Any]:
    """One digest of all rows per table, as PostgreSQL shows them."""
    with connect(url, name="t") as connection:
        tables = connection.texts(manifest.TABLES)
        query = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} t"
        return {t: connection.execute(query.format(t).encode()).fetchone() for t in tables}


def back_up(settings: Settings, target: Path | None = None, **options: Any) -> BackupReport:
    given: dict[str, Any] = {"with_dagster": False, "keep": None, "now": BEGIN} | options
    return backup(settings, target, **given)


def bring_back(settings: Settings, file: Path, **options: Any) -> Any:
    given: dict[str, Any] = {
        "replace": True,
        "with_dagster": False,
        "discard": False,
        "now": LATER,
    } | options
    return restore(settings, file, **given)


def databases(url: str) -> set[str]:
    """Databases that were made beside this one."""
    with swap.maintenance(url) as server:
        rows = server.execute("SELECT datname::text FROM pg_database").fetchall()
    return {str(row[0]) for row in rows if str(row[0]).startswith(f"{swap.name_of(url)}_")}
