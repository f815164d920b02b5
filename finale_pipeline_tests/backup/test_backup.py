"""Backup and restore: the whole drill, and every way in which a restore must change nothing."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from finale_pipeline.backup import manifest
from finale_pipeline.backup.restore import drop_kept
from finale_pipeline.clock import utc_now
from finale_pipeline.errors import ConfigError, LocalError, PipelineError, SkippedError
from finale_pipeline.health.watch import watch
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.health import watch_syncs
from finale_pipeline.warehouse import schema, swap
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.backup.backups import LATER, back_up, bring_back, databases, hashes
from finale_pipeline_tests.conftest import settings_for
from finale_pipeline_tests.mail_server import KEY, MailServer
from finale_pipeline_tests.notify.warehouse import BEGIN, Warehouse
from finale_pipeline_tests.sync.helpers import contents, sync

DAY = 86_400


def test_the_drill(url: str, service: MailServer, account: Account, tmp_path: Path) -> None:
    """C7, B19: sync, back up, go on, lose it, restore, catch up; no mail comes twice."""
    with SandboxServer(account, rate_limits=None) as sandbox:
        settings = settings_for(
            url, sandbox, home=tmp_path, alert_emails=("a@b.example",), alert_from="s@b.example",
            sendgrid_api_key=KEY, sendgrid_base_url=service.base_url,
        )  # fmt: skip
        sync(settings)
        made = back_up(settings, now=utc_now())
        before = hashes(url)
        account.clock.advance(seconds=20 * DAY)
        sync(settings)
        mailed = [mail.subject for mail in service.accepted]
        assert {mail.kind for mail in service.accepted} >= {"out_of_stock", "reorder_needed"}
        with connect(url, name="t") as connection:
            wanted = contents(connection)
        assert hashes(url) != before

        report = bring_back(settings, made.file, now=utc_now())
        changed = {t for t, found in hashes(url).items() if found != before[t]}
        assert changed == {"ops.account", "ops.outbox"}  # when it was restored, and the mail
        assert (report.rows, report.account) == (sum(made.manifest.tables.values()), "demo")
        sync(settings)
        with connect(url, name="t") as connection:
            assert contents(connection) == wanted
            watch_syncs(connection, settings, now=utc_now())
        after = service.accepted[len(mailed) :]
        assert [mail.kind for mail in after] == ["restored", "catch_up"]
        assert not {mail.subject for mail in after} & set(mailed)
        assert "since the backup that was restored" in after[1].text
        account.clock.advance(seconds=20 * DAY)
        sync(settings)
        assert {mail.kind for mail in service.accepted[len(mailed) + len(after) :]} <= {
            "out_of_stock", "reorder_needed", "back_in_stock",
        }  # fmt: skip
        drop_kept(url, str(report.kept))


def test_mails_that_waited_are_named_and_not_sent(
    told: Warehouse, kept: Settings, service: MailServer
) -> None:
    made = back_up(kept)
    told.deliver()
    assert [mail.kind for mail in service.accepted] == ["out_of_stock"]
    assert bring_back(kept, made.file).held_mails == 1
    url = str(kept.database_url and kept.database_url.get_secret_value())
    with connect(url, name="t") as connection:
        again = Warehouse(kept, connection)
        again.now = LATER
        again.evaluate()
        again.deliver()
        assert [mail.kind for mail in service.accepted] == ["out_of_stock", "restored"]
        assert "Out of stock: 1 item (A · Product A)" in service.accepted[1].text
        assert again.states() == ["merged", "sent"]
        again.stock(B=0)
        again.evaluate()
        again.deliver()
    assert service.accepted[-1].kind == "out_of_stock"
    assert len(service.accepted) == 3


def test_what_was_under_way_goes_on_in_silence(
    warehouse: Warehouse, kept: Settings, service: MailServer
) -> None:
    """A run in the backup is no dead one, and troubles that ended since end without a mail."""
    run = warehouse.connection.execute
    run("INSERT INTO ops.incident (subject, state, level, mailed, opened_at)"
        " VALUES ('sync:critical', 'open', 'failed', 'CONFIG', %s)", (BEGIN,))  # fmt: skip
    run("INSERT INTO ops.schedule_tick (schedule_name, tick_at, decided_at, strategy, is_run)"
        " VALUES ('critical', %s, %s, 'critical', true)", (BEGIN, BEGIN))  # fmt: skip
    watch(kept, clock=lambda: BEGIN + timedelta(minutes=40))
    assert [mail.kind for mail in service.accepted] == ["pipeline_silent"]
    run("INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at, locks)"
        " VALUES ('full', 'schedule', 'running', %s, %s, '{}')", (BEGIN, BEGIN))  # fmt: skip
    made = back_up(kept)
    run("SELECT setval('ops.sync_run_run_id_seq', 500)")
    run("INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at, locks)"
        " VALUES ('full', 'test', 'done', %s, %s, '{}')", (BEGIN, BEGIN))  # fmt: skip
    bring_back(kept, made.file)
    url = str(kept.database_url and kept.database_url.get_secret_value())
    with connect(url, name="t") as connection:
        assert connection.execute("SELECT status FROM ops.sync_run").fetchone() == ("interrupted",)
        row = connection.execute(
            "INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at,"
            " finished_at, locks) VALUES ('full', 'schedule', 'done', %s, %s, %s, '{}')"
            " RETURNING run_id",
            (LATER, LATER, LATER),
        ).fetchone()
        assert row == (502,)
        assert watch_syncs(connection, kept, now=LATER) == []
        connection.execute("UPDATE ops.schedule_tick SET decided_at = %s", (LATER,))
    (Path(kept.home) / "watch.json").unlink()
    assert watch(kept, clock=lambda: LATER).exit_code == 0
    assert [mail.kind for mail in service.accepted] == ["pipeline_silent", "restored"]


@pytest.fixture
def filled(warehouse: Warehouse, kept: Settings) -> tuple[Settings, Path, dict[str, Any]]:
    """A warehouse with data, a backup of it, and its hashes."""
    warehouse.add("A", "B")
    warehouse.evaluate()
    made = back_up(kept)
    return kept, made.file, hashes(url_of(kept))


def url_of(settings: Settings) -> str:
    return str(settings.database_url and settings.database_url.get_secret_value())


def edit(file: Path, **changes: object) -> None:
    """Change what stands in a backup's manifest."""
    path = manifest.path_of(file)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def sealed(settings: Settings, file: Path) -> None:
    """Seal a changed manifest, as if this installation had written it so."""
    key = manifest.key_of(settings.home)
    try:
        made = manifest.read(file, key, trust_foreign=True)
    except LocalError:  # which is what the test is about
        return
    manifest.write(file, made, key)


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"account": "other"}, ConfigError, "of the account other"),
        ({"version": "9999"}, ConfigError, "newer than this program"),
        ({"server": 99}, ConfigError, "this server is"),
        ({"sha256": "0"}, LocalError, "not as it was written"),
        ({"tables": {"core.product": 3}}, LocalError, "core.product: 2 of 3 rows"),
        ({"made_at": "yesterday"}, LocalError, "not as it was written"),
        ({"server": "new"}, LocalError, "not as it was written"),
        ({"tables": ["core.product"]}, LocalError, "not as it was written"),
    ],
)
def test_a_backup_that_does_not_fit_changes_nothing(
    filled: tuple[Settings, Path, dict[str, Any]],
    changes: dict[str, object],
    error: type[PipelineError],
    said: str,
) -> None:
    settings, file, before = filled
    edit(file, **changes)
    sealed(settings, file)
    with pytest.raises(error, match=said) as raised:
        bring_back(settings, file)
    assert raised.value.step
    assert hashes(url_of(settings)) == before
    assert databases(url_of(settings)) == set()


def test_a_cut_archive_changes_nothing(filled: tuple[Settings, Path, dict[str, Any]]) -> None:
    settings, file, before = filled
    file.write_bytes(file.read_bytes()[: -file.stat().st_size // 3])
    with pytest.raises(LocalError, match="not as it was written"):
        bring_back(settings, file)
    edit(file, sha256=manifest.sha256(file))
    sealed(settings, file)
    with pytest.raises(LocalError, match="PostgreSQL failed"):
        bring_back(settings, file)
    assert hashes(url_of(settings)) == before
    assert databases(url_of(settings)) == set()


def test_data_are_replaced_only_when_it_is_said(
    filled: tuple[Settings, Path, dict[str, Any]], connection: Connection
) -> None:
    settings, file, before = filled
    with pytest.raises(ConfigError, match=r"demo.*--replace"):
        bring_back(settings, file, replace=False)
    connection.execute("SELECT pg_advisory_lock(7281, 2)")
    with pytest.raises(SkippedError, match="A sync runs"):
        bring_back(settings, file)
    connection.execute("SELECT pg_advisory_unlock_all()")
    assert hashes(url_of(settings)) == before
    report = bring_back(settings, file)
    assert databases(url_of(settings)) == {report.kept}
    with pytest.raises(ConfigError, match="kept no database"):
        drop_kept(url_of(settings), "postgres")
    drop_kept(url_of(settings), str(report.kept))
    assert bring_back(settings, file, discard=True).kept is None
    assert databases(url_of(settings)) == set()


def test_what_a_killed_restore_left_goes_with_the_next(
    filled: tuple[Settings, Path, dict[str, Any]],
) -> None:
    settings, file, _ = filled
    name = swap.name_of(url_of(settings))
    left, others = f"{name}_restoring_20200101_000000", f"{name}_restoring_by_hand_0_000000"
    with swap.maintenance(url_of(settings)) as server:
        for made in (left, others):
            server.execute(f'CREATE DATABASE "{made}"'.encode())
    bring_back(settings, file, discard=True)
    assert databases(url_of(settings)) == {others}


def test_into_an_empty_database_of_a_new_host(
    filled: tuple[Settings, Path, dict[str, Any]], empty_url: str
) -> None:
    settings, file, before = filled
    fresh = settings.model_copy(update={"database_url": SecretStr(empty_url), "account": None})
    report = bring_back(fresh, file, replace=False)
    assert report.kept is None
    after = hashes(empty_url)
    assert {t for t in before if after[t] != before[t]} == {"ops.account", "ops.outbox"}
    with connect(empty_url, name="t") as connection:
        schema.require_current(connection)
        row = connection.execute(
            "SELECT has_table_privilege('finale_reader', 'mart.stock', 'SELECT')"
        )
        assert row.fetchone() == (True,)


def test_a_database_of_somebody_else_is_left_alone(
    filled: tuple[Settings, Path, dict[str, Any]], empty_url: str
) -> None:
    settings, file, _ = filled
    with connect(empty_url, name="t") as connection:
        connection.execute("CREATE TABLE theirs ()")
    other = settings.model_copy(update={"database_url": SecretStr(empty_url)})
    with pytest.raises(ConfigError, match="not ours"):
        bring_back(other, file)


def test_a_backup_that_was_changed_or_is_of_others_is_no_code_of_ours(
    filled: tuple[Settings, Path, dict[str, Any]], tmp_path: Path
) -> None:
    """Who may write into the folder of backups would else be our database's administrator."""
    settings, file, before = filled
    ran = tmp_path / "ran"
    hostile = f"COPY (SELECT 1) TO PROGRAM 'touch {ran}'"
    command = f"core.product; {hostile}; SELECT count(*) FROM core.product"  # noqa: S608
    tables = json.loads(manifest.path_of(file).read_text())["tables"]
    edit(file, tables=tables | {command: 2})
    with pytest.raises(ConfigError, match="A backup is code"):
        bring_back(settings, file)
    with pytest.raises(LocalError, match="did not come back whole"):
        bring_back(settings, file, trust_foreign=True)
    assert not ran.exists()
    assert hashes(url_of(settings)) == before


def test_what_is_hidden_in_a_foreign_backup_runs_no_program(
    filled: tuple[Settings, Path, dict[str, Any]], tmp_path: Path
) -> None:
    settings, _, before = filled
    tmp_path.chmod(0o777)
    ran = tmp_path / "ran"
    harmless = "CREATE OR REPLACE FUNCTION ops.trap() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN"
    with connect(url_of(settings), name="t") as connection:
        connection.execute(f"{harmless} RETURN true; END $$".encode())
        connection.execute("CREATE TABLE public.trap (n int CHECK (ops.trap()))")
        connection.execute("INSERT INTO public.trap VALUES (1)")
        hidden = f"COPY (SELECT 1) TO PROGRAM 'touch {ran}'; RETURN true; END $$"
        connection.execute(f"{harmless} {hidden}".encode())
    hostile = back_up(settings, tmp_path / "hostile.dump").file
    other = settings.model_copy(update={"home": tmp_path / "other"})
    with pytest.raises(LocalError, match="permission denied to COPY to or from an external"):
        bring_back(other, hostile, trust_foreign=True)
    assert not ran.exists()
    assert hashes(url_of(settings)) == before
    admin = SecretStr(url_of(settings).replace("finale@", "postgres@", 1))
    with pytest.raises(ConfigError, match="administrator"):
        bring_back(other.model_copy(update={"database_url": admin}), hostile, trust_foreign=True)
    assert not ran.exists()


def test_another_installation_takes_a_backup_when_it_is_told_to_trust_it(
    filled: tuple[Settings, Path, dict[str, Any]], tmp_path: Path, empty_url: str
) -> None:
    settings, file, _ = filled
    fresh = settings.model_copy(
        update={"database_url": SecretStr(empty_url), "account": None, "home": tmp_path / "other"}
    )
    with pytest.raises(ConfigError, match="--trust-foreign"):
        bring_back(fresh, file, replace=False)
    assert bring_back(fresh, file, replace=False, trust_foreign=True).rows > 0
