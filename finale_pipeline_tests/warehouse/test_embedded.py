"""The embedded server starts in any folder, is its user's own, and says why when it does not."""

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil  # type: ignore[import-untyped]
import psycopg
import pytest

from finale_pipeline import disk
from finale_pipeline.cli import main
from finale_pipeline.errors import LocalError
from finale_pipeline.warehouse import definitions, embedded, environment, schema
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.live import free_port


def test_users_of_one_machine_do_not_meet(server: str) -> None:
    data = Path(parse_qs(urlsplit(server).query)["host"][0])
    assert (data.parent / "postgres.lock").exists()
    assert stat.S_IMODE((data / ".s.PGSQL.5432").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalError, match="file/home: Not a directory"):
        embedded.start(tmp_path / "file" / "home" / "postgres")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as another user")
def test_root_opens_no_folder_of_others_and_says_which_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    with pytest.raises(LocalError, match=f"cannot pass {tmp_path}") as refused:
        embedded.start(tmp_path / "home" / "postgres")
    assert f"chmod o+x {tmp_path}" in refused.value.step
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder such as people have, in an environment such as they have."""
    for name, value in {"LANG": "xx_YY.KOI8", "LC_ALL": "xx_YY", "TZ": "Mars/Crater"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("HOME", raising=False)
    shops = "Läden 'Öl' & \"Wein\" #1?: C:\\x"
    data = tmp_path / "my projects, 100% $HOME" / shops / ("n" * 90) / "postgres"
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
        assert connection.execute("SELECT lower('Ö')").fetchone() == ("ö",)
    assert embedded.stop(odd)
    assert not embedded.stop(odd)
    assert embedded.running_url(odd) is None
    assert embedded.start(odd) == url


def test_sockets_of_two_odd_folders_do_not_meet(tmp_path: Path) -> None:
    places = {disk.socket_folder(tmp_path / name) for name in ("a b", "a  b", "ä")}
    assert len(places) == 3
    assert {disk.socket_folder(tmp_path / name) for name in ("a b", "a  b", "ä")} == places
    assert all(stat.S_IMODE(place.stat().st_mode) == 0o700 for place in places)
    for place in places:
        place.rmdir()


@pytest.mark.parametrize("made", ["link", "open"])
def test_a_place_that_others_made_takes_no_socket(tmp_path: Path, made: str) -> None:
    folder = tmp_path / "a b"
    place = disk.socket_folder(folder)
    place.rmdir()
    if made == "link":
        place.symlink_to(tmp_path)
    else:
        place.mkdir()
        place.chmod(0o777)
    with pytest.raises(PermissionError, match="delete"):
        disk.socket_folder(folder)
    place.unlink() if made == "link" else place.rmdir()


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


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """The data folder of a server of this test alone."""
    tmp_path.chmod(0o755)
    yield tmp_path / "postgres"
    embedded.stop(tmp_path / "postgres")


def facts(url: str) -> list[tuple[object, ...]]:
    """What the server is, and what the user of a URL may."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT current_user::text, rolsuper, (SELECT count(*)::int FROM core.product)"
            " FROM pg_roles WHERE rolname = current_user"
        ).fetchall()


def test_the_owner_is_no_administrator_also_where_all_was_the_administrators(data: Path) -> None:
    url = embedded.start(data)
    schema.upgrade(url)
    assert facts(url) == [("finale", False, 0)]
    # As before this user was made: all is the administrator's, a role for people too.
    for database in ("finale", "finale_dagster"):
        with psycopg.connect(embedded.administrator_url(data, database), autocommit=True) as admin:
            admin.execute(f"ALTER DATABASE {database} OWNER TO postgres")
            admin.execute("REASSIGN OWNED BY finale TO postgres")
            admin.execute("DROP OWNED BY finale")
    admin_url = embedded.administrator_url(data, "postgres")
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("DROP ROLE finale")
        admin.execute("CREATE ROLE bea LOGIN IN ROLE finale_reader")
    (data / embedded.PREPARED).unlink()
    assert embedded.start(data) == url
    assert facts(url) == [("finale", False, 0)]
    with connect(url, name="t") as connection:
        schema.require_current(connection)
        left = connection.execute(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE relnamespace::regnamespace::text"
            " IN ('core', 'plan', 'ops', 'mart') AND relowner <> 'finale'::regrole"
        ).fetchall()
        assert left == []
        definitions.grant(connection)
        limits = connection.execute("SELECT rolconfig FROM pg_roles WHERE rolname = 'bea'")
        assert "statement_timeout=5min" in str(limits.fetchone())
        for forbidden in (
            "COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('/etc/passwd')",
            "ALTER ROLE finale SUPERUSER", "SET ROLE postgres",
            "GRANT pg_execute_server_program TO finale",
        ):  # fmt: skip
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden.encode())


@pytest.fixture
def stranger() -> "Iterator[subprocess.Popen[bytes]]":
    """A process that has nothing to do with us."""
    with subprocess.Popen(["/bin/sleep", "600"]) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_number_that_is_a_strangers_today_keeps_nobody_from_starting(
    data: Path, stranger: "subprocess.Popen[bytes]"
) -> None:
    embedded.start(data)
    pid_file = (data / "postmaster.pid").read_text()
    embedded.stop(data)
    # As after a power cut: the file is still there, and its number was given to somebody else.
    _, rest = pid_file.split("\n", 1)
    (data / "postmaster.pid").write_text(f"{stranger.pid}\n{rest}")
    assert embedded.running_url(data) is None
    assert not embedded.stop(data)
    assert stranger.poll() is None
    url = embedded.start(data)
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert embedded.stop(data)
    assert stranger.poll() is None


def test_the_server_inherits_neither_our_secrets_nor_our_rights(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FINALE_API_SECRET", "SENDGRID_API_KEY", "AWS_SECRET_ACCESS_KEY", "PGTZ"):
        monkeypatch.setenv(name, "hidden")
    embedded.start(data)
    process = psutil.Process(int((data / "postmaster.pid").read_text().split("\n")[0]))
    assert "hidden" not in process.environ().values()
    assert set(process.environ()) <= {*environment.INHERITED, "LC_ALL", "PGDATA"}
    if os.geteuid() == 0:
        assert process.username() == "pgserver"
        assert 0 not in {*process.gids(), *groups_of(process.pid)}


def groups_of(pid: int) -> set[int]:
    (line,) = [
        text for text in Path(f"/proc/{pid}/status").read_text().splitlines() if "Groups:" in text
    ]
    return {int(number) for number in line.split()[1:]}


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
