"""The files of a backup, and the programs that write them."""

import fcntl
import os
import stat
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from finale_pipeline.backup import manifest
from finale_pipeline.errors import ConfigError, LocalError
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import clients
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.backup.backups import back_up
from finale_pipeline_tests.notify.warehouse import BEGIN
from finale_pipeline_tests.processes import finale


def test_a_backup_is_private_whole_and_old_ones_go(kept: Settings, tmp_path: Path) -> None:
    files = [back_up(kept, tmp_path / "b", now=BEGIN + timedelta(days=n)).file for n in range(3)]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(manifest.path_of(files[0]).stat().st_mode) == 0o600
    stranger = tmp_path / "b" / "finale.dump"
    stranger.touch()
    done = back_up(kept, tmp_path / "b", keep=2, now=BEGIN + timedelta(days=3))
    assert done.deleted == [files[1], files[0]]
    left = {path.name for path in (tmp_path / "b").iterdir()}
    names = {path.name for path in (files[2], done.file)}
    assert left == {stranger.name, *names, *(f"{name}.json" for name in names)}
    with pytest.raises(ConfigError, match="--keep needs a folder"):
        back_up(kept, tmp_path / "b" / "finale.dump", keep=2)


def test_a_backup_elsewhere_needs_no_home(kept: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    homeless = kept.model_copy(update={"home": tmp_path / "file" / "home"})
    assert back_up(homeless, tmp_path / "b").file.exists()


def test_a_failed_backup_leaves_no_file(kept: Settings, tmp_path: Path) -> None:
    gone = kept.model_copy(
        update={"database_url": SecretStr("postgresql://u:hidden@127.0.0.1:9/x")}
    )
    with pytest.raises(LocalError) as raised:
        back_up(gone, tmp_path / "b")
    assert "hidden" not in str(raised.value)
    assert list((tmp_path / "b").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="cannot be made"):
        back_up(kept, tmp_path / "file" / "b")


def test_what_a_killed_backup_left_goes_and_what_a_living_one_writes_stays(
    kept: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    left = [folder / f".finale_2026-01-0{day}_010000.dump{end}" for day, end in
            ((1, ".part"), (2, ".dagster.part"), (3, ".part"))]  # fmt: skip
    for part in left:
        part.touch()
    with left[2].open("rb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        back_up(kept, folder)
        assert [part.exists() for part in left] == [False, False, True]


def test_no_program_of_the_servers_version_says_what_to_install() -> None:
    with pytest.raises(ConfigError, match="postgresql-client-99"):
        clients.tool("pg_dump", server=99)


def test_the_password_is_in_no_list_of_processes(url: str, tmp_path: Path) -> None:
    """S: whoever may list processes must not read it; the program gets it by the environment."""
    spy = tmp_path / "pg_dump"
    spy.write_text('#!/bin/sh\necho "$*|$PGPASSWORD"\n')
    spy.chmod(0o755)
    host = parse_qs(urlsplit(url).query)["host"][0]
    said = clients.run(
        spy, f"postgresql://u:hidden@/x?host={host}", ["--list"], doing="to test"
    ).strip()
    arguments, _, password = said.rpartition("|")
    assert (password, "hidden" in arguments) == ("hidden", False)
    assert "hidden" not in os.environ.values()


def test_the_commands_with_dagsters_own_database(
    url: str, empty_url: str, kept: Settings, tmp_path: Path
) -> None:
    settings = kept.model_copy(update={"dagster_database_url": SecretStr(empty_url)})
    with connect(empty_url, name="t") as connection:
        connection.execute("CREATE TABLE runs (run_id text)")
        connection.execute("INSERT INTO runs VALUES ('one')")
    file = tmp_path / "whole.dump"
    made = finale(settings, "backup", str(file), "--with-dagster", "--json")
    assert (made.code, made.json["with_dagster"]) == (0, True)
    with connect(empty_url, name="t") as connection:
        connection.execute("DELETE FROM runs")
    back = finale(settings, "restore", str(file), "--with-dagster", "--replace")
    assert back.code == 0
    assert "Next: restart the services" in back.out
    with connect(empty_url, name="t") as connection:
        assert connection.execute("SELECT run_id FROM runs").fetchall() == [("one",)]
    plain = finale(settings, "backup", str(tmp_path / "plain.dump"))
    assert "It was read again and is whole." in plain.out
    refused = finale(settings, "restore", str(tmp_path / "plain.dump"), "--with-dagster")
    assert (refused.code, "without Dagster" in refused.err) == (4, True)
    assert finale(settings, "restore", str(tmp_path / "none.dump")).code == 4
    assert finale(settings, "backup", "--keep", "0").code == 2
    assert url
