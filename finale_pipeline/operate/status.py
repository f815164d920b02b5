"""`finale status`: what runs now, how the last syncs ended, what the warehouse holds."""

from typing import TYPE_CHECKING, Any, cast

from finale_pipeline.operate.source import with_running_sandbox
from finale_pipeline.warehouse import embedded, leases, schema
from finale_pipeline.warehouse.connect import Connection, connect, database_url

if TYPE_CHECKING:
    from finale_pipeline.settings import Settings

TABLES = ("core.product", "core.vendor", "core.facility", "core.stock_level")


def status(settings: "Settings") -> tuple[str, int]:
    """Return what to say, and the exit code: 0, or that of the newest failure."""
    if settings.database_url is None:
        url = embedded.running_url((settings.home / "postgres").resolve())
        if url is None:
            return "The embedded database is not running; `finale dev` starts it.", 8
    else:
        url = database_url(settings)
    source = with_running_sandbox(settings)
    name = "sandbox" if settings.is_sandbox else source.account
    with connect(url, name="finale status") as connection:
        schema.require_current(connection)
        leases.bury_dead(connection, now=_now())
        lines = [f"account    {name if source.account else 'none configured'}"]
        lines += _held(connection) + _runs(connection)
    return "\n".join(lines), 0


def _now() -> Any:
    from finale_pipeline.sync.source import utc_now  # noqa: PLC0415 - the one clock

    return utc_now()


def _held(connection: Connection) -> list[str]:
    counts = []
    for table in TABLES:
        row = cast(
            "tuple[int]",
            connection.execute(f"SELECT count(*) FROM {table}").fetchone(),  # noqa: S608 - ours
        )
        counts.append(f"{row[0]:,} {table.removeprefix('core.').replace('_', ' ')}s")
    row = cast(
        "tuple[Any]",
        connection.execute(
            "SELECT to_char(max(read_at), 'YYYY-MM-DD HH24:MI:SS') FROM ops.feed"
        ).fetchone(),
    )
    return [
        f"warehouse  {', '.join(counts)}".replace("facilitys", "facilities"),
        f"stock      read {row[0]} UTC" if row[0] else "stock      never read",
    ]


def _runs(connection: Connection) -> list[str]:
    rows = connection.execute(
        "SELECT DISTINCT ON (strategy) strategy, run_id, status,"
        " to_char(started_at, 'YYYY-MM-DD HH24:MI:SS'),"
        " round(extract(epoch FROM coalesce(finished_at, now()) - started_at)::numeric, 1),"
        " step, round(progress * 100), error FROM ops.sync_run ORDER BY strategy, run_id DESC"
    ).fetchall()
    lines = []
    for strategy, run_id, state, started, seconds, step, percent, error in rows:
        line = f"{strategy!s:10} {state} (run {run_id}, {started} UTC, {seconds} s)"
        if state == "running":
            line += f", {step} ({percent} %)" if percent is not None else f", {step}"
        lines.append(line + (f"\n           {error}" if error else ""))
    return lines or ["syncs      none yet"]
