"""The embedded server starts in any folder, is its user's own, and says why when it does not."""

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from finale_pipeline import disk
from finale_pipeline.cli import main
from finale_pipeline.errors import LocalError
from finale_pipeline.warehouse import embedded
from finale_pipeline_tests.live import free_port


def test_users_of_one_machine_do_not_meet(server: str) -> None:
    data = Path(parse_qs(urlsplit(server).query)["host"][0])
    assert (data.parent / "postgres.lock").exists()
    assert stat.S_IMODE((data / ".s.PGSQL.5432").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="file/home: Not a directory"):
        embedded.start(tmp_path / "file" / "home" / "postgres")


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder such as people have, in an environment such as they have."""
    for name, value in {"LANG": "xx_YY.KOI8", "LC_ALL": "xx_YY", "TZ": "Mars/Crater"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HOME", raising=False)
    data = tmp_path / "my projects, 100% $HOME" / "Läden 'Öl' & \"Wein\"" / ("n" * 90) / "postgres"
    data.parent.mkdir(parents=True)
    mask = os.umask(0o077)
    try:
        yield data
    finally:
        os.umask(mask)
        embedded.stop(data)


def test_it_starts_in_any_folder_and_any_environment(odd: Path) -> None:
    url = embedded.start(odd)
    assert embedded.start(odd) == url
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT current_setting('data_directory'), lower('Ö')").fetchone()
    assert row == (str(odd), "ö")
    assert embedded.stop(odd)
    assert not embedded.stop(odd)
    assert embedded.running_url(odd) is None
    assert embedded.start(odd) == url


def test_sockets_of_two_odd_folders_do_not_meet(tmp_path: Path) -> None:
    places = {disk.socket_folder(tmp_path / name) for name in ("a b", "a  b", "ä")}
    assert len(places) == 3
    assert all(stat.S_IMODE(place.stat().st_mode) == 0o700 for place in places)
    for place in places:
        place.rmdir()


def test_a_server_that_cannot_start_says_why_in_one_line(tmp_path: Path) -> None:
    data = tmp_path / "postgres"
    tmp_path.chmod(0o755)
    embedded.start(data)
    embedded.stop(data)
    with (data / "postgresql.auto.conf").open("a") as conf:
        conf.write("shared_buffers = 'a lot'\n")
    with pytest.raises(LocalError) as failed:
        embedded.start(data)
    assert "shared_buffers" in failed.value.what or "errors" in failed.value.what
    assert "\n" not in failed.value.what
    assert failed.value.data == "Nothing was read and nothing was changed."


def test_on_loopback_only_a_password_lets_in(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    data = tmp_path / "postgres"
    url = embedded.start(data, port=free_port())
    try:
        port = parse_qs(urlsplit(url).query)["port"][0]
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/finale")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE someone LOGIN PASSWORD 'right'")
        psycopg.connect(f"postgresql://someone:right@127.0.0.1:{port}/finale").close()
    finally:
        embedded.stop(data)


def test_a_tool_logs_in_as_the_reader_and_can_only_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o755)
    port = free_port()
    monkeypatch.setenv("FINALE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FINALE_DATABASE_PORT", str(port))
    monkeypatch.delenv("FINALE_DATABASE_URL", raising=False)
    try:
        assert main(["db", "reader", "--json"]) == 0
        first = json.loads(capsys.readouterr().out)
        assert main(["db", "url", "--reader"]) == 0
        url = capsys.readouterr().out.strip()
        assert url == f"postgresql://finale_analyst@127.0.0.1:{port}/finale"
        with psycopg.connect(url, password=first["password"]) as connection:
            assert connection.execute("SELECT count(*) FROM mart.stock").fetchone() == (0,)
        for forbidden, error in (
            ("SELECT * FROM core.product", psycopg.errors.InsufficientPrivilege),
            ("CREATE TABLE mart.x ()", psycopg.errors.Error),
            ("DELETE FROM ops.sync_run", psycopg.errors.Error),
        ):
            with psycopg.connect(url, password=first["password"]) as connection:
                connection.read_only = False
                with pytest.raises(error):
                    connection.execute(forbidden)
        assert main(["db", "reader"]) == 0
        said = capsys.readouterr().out
        assert f"port       {port}" in said
        assert first["password"] not in said
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url, password=first["password"])
    finally:
        embedded.stop(tmp_path / "home" / "postgres")
