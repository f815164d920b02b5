"""The database, the disk and the environment are not as one would wish."""

from finale_pipeline.drills.registry import drill
from finale_pipeline.drills.scene import Result, Scene, expect, expect_end
from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.warehouse.connect import trusted

ODD_SETTINGS = {
    "datestyle": "German, DMY",
    "intervalstyle": "iso_8601",
    "timezone": "Asia/Tokyo",
    "search_path": "elsewhere",
    "standard_conforming_strings": "off",
    "bytea_output": "escape",
    "default_transaction_isolation": "serializable",
    "extra_float_digits": "-5",
}
ODD_VARIABLES = {
    "PGCLIENTENCODING": "LATIN1",
    "PGTZ": "Asia/Tokyo",
    "PGDATESTYLE": "German",
    "PGOPTIONS": "-c datestyle=SQL",
    "PGHOST": "192.0.2.1",
    "PGUSER": "nobody",
    "LANG": "de_DE.UTF-8",
    "LC_ALL": "de_DE.UTF-8",
    "TZ": "Pacific/Kiritimati",
}


def _change(scene: Scene, how: str) -> None:
    name = scene.connection.info.dbname
    scene.connection.execute(trusted(f"ALTER DATABASE {name} {how}"))


def _expect_named(result: Result, code: int, words: str) -> None:
    expect_end(result, code)
    expect("Traceback" not in result.complaint, result.complaint)
    expect(words in result.complaint, f"{words!r} is not said: {result.complaint}")


@drill(
    "the database has German dates, another encoding, zone and search path; so has the environment",
    "all is stored as without them",
)
def _database_odd_settings(scene: Scene) -> None:
    for name, value in ODD_SETTINGS.items():
        _change(scene, f"SET {name} = '{value}'")
    expect_end(scene.command("sync", "full", **ODD_VARIABLES))
    expect(scene.value("SELECT count(*) FROM core.product") > 0, "nothing was read")
    for name in ODD_SETTINGS:
        _change(scene, f"RESET {name}")
    tables = scene.command("sync", "full", "--json").json["tables"]
    differ = {t: c for t, c in tables.items() if c["inserted"] or c["updated"] or c["removed"]}
    expect(not differ, f"it was stored differently: {differ}")


@drill(
    "a stranger locks the ledger of runs",
    "named with code 8 within the lock's limit; the next sync reads",
)
def _database_ledger_locked(scene: Scene) -> None:
    scene.sync()
    scene.connection.execute("BEGIN")
    scene.connection.execute("LOCK TABLE ops.sync_run IN ACCESS EXCLUSIVE MODE")
    _expect_named(scene.command("sync", "critical"), LocalError.exit_code, "holds a lock")
    scene.connection.execute("ROLLBACK")
    expect_end(scene.command("sync", "critical"), what="the next sync")


@drill(
    "the database takes no connection more",
    "asked again for ten seconds, then named with code 8; the next sync reads",
)
def _database_no_connection(scene: Scene) -> None:
    scene.sync()
    _change(scene, "CONNECTION LIMIT 0")
    _expect_named(scene.command("sync", "critical"), LocalError.exit_code, "has no connection left")
    _change(scene, "CONNECTION LIMIT -1")
    expect_end(scene.command("sync", "critical"), what="the next sync")


@drill("it takes no writes", "named with code 4")
def _database_read_only(scene: Scene) -> None:
    scene.sync()
    _change(scene, "SET default_transaction_read_only = on")
    _expect_named(scene.command("sync", "critical"), ConfigError.exit_code, "takes no writes")


@drill(
    "nobody listens at its address",
    "upgrade, sync, doctor and status say so with code 8, without the password",
)
def _database_gone(scene: Scene) -> None:
    gone = "postgresql://u:hidden@127.0.0.1:9/x"
    for arguments in (("db", "upgrade"), ("sync", "critical"), ("doctor",), ("status",)):
        result = scene.command(*arguments, FINALE_DATABASE_URL=gone)
        text = result.out + result.complaint
        expect_end(result, LocalError.exit_code, what=f"{arguments}")
        expect("does not answer" in text, f"{arguments}: {text}")
        expect("hidden" not in text, f"{arguments}: the password is shown")


@drill(
    "Finale refuses the key in the middle of a full sync",
    "code 4; it says that what was committed stays",
    is_quick=True,
)
def _key_revoked_midway(scene: Scene) -> None:
    scene.sandbox.add_fault("revoke@shipment")
    result = scene.sync()
    expect_end(result, ConfigError.exit_code)
    expect(scene.value("SELECT count(*) FROM core.product") > 0, "products were not committed")
    expect("nothing was changed" not in result.complaint.lower(), result.complaint)
    expect("what was committed before stays" in result.complaint, result.complaint)


@drill(
    "FINALE_HOME has quotes, #, ?, $, %, a colon, a backslash; LANG is not installed",
    "sync, backup and stop work there; a line break is refused by name",
)
def _home_odd_folder(scene: Scene) -> None:
    home = scene.home / "a b" / 'it\'s "#1"? $HOME 100% C:\\x; ä'
    home.mkdir(parents=True)
    for folder in (home, home.parent, scene.home):
        folder.chmod(0o711)
    odd = {"FINALE_HOME": str(home), "FINALE_DATABASE_URL": "", "LANG": "de_DE.UTF-8"}
    try:
        expect_end(scene.command("sync", "full", **odd))
        expect_end(scene.command("backup", **odd), what="the backup")
    finally:
        stopped = scene.command("db", "stop", **odd)
    expect_end(stopped, what="the stop")
    broken = scene.command("status", FINALE_HOME=f"{home}\nx", FINALE_DATABASE_URL="")
    _expect_named(broken, ConfigError.exit_code, "'\\n'")
