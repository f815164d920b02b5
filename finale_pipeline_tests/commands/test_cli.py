"""The commands: exit codes, the JSON line, what they say; as processes where that matters."""

import getpass
import subprocess
import sys

import pytest

from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.processes import call, command, finale
from finale_pipeline_tests.sync.helpers import assert_ledger_is_closed, contents


def test_a_full_sync_ends_with_one_line_of_json_and_the_days_plan(
    settings: Settings, connection: Connection
) -> None:
    ended = finale(settings, "sync", "full", "--json")
    assert (ended.code, ended.err) == (0, "")
    said = ended.json
    assert set(said) >= {"strategy", "status", "run_id", "seconds", "api_calls", "bytes", "tables"}
    assert (said["strategy"], said["status"]) == ("full", "done")
    # eight collections, the labels of fields, and each order whose lines are wanted
    lines = said["tables"]["core.purchase_order"]["read"]
    assert 9 < said["api_calls"] <= 9 + lines
    assert said["tables"]["core.product"] == {
        "read": 400, "inserted": 400, "updated": 0, "unchanged": 0, "removed": 0, "rejected": 0,
    }  # fmt: skip
    table = call(settings, "sync", "inventory")
    assert table.code == 0
    assert "core.stock_level" in table.out
    status = call(settings, "status")
    assert "full       done" in status.out
    assert "400 products" in status.out
    assert connection.execute("SELECT count(*) > 0 FROM plan.demand").fetchone() == (True,)
    assert connection.execute("SELECT count(*) > 0 FROM plan.decision").fetchone() == (True,)
    doctor = call(settings, "doctor")
    advised = doctor.out + doctor.err
    assert "finale sync full" not in advised
    assert "finale forecast plan" not in advised


def test_a_sync_imports_nothing_that_a_small_account_does_not_need() -> None:
    code = (
        "import sys, finale_pipeline.commands.sync;"
        "heavy = {'numpy', 'pandas', 'sqlalchemy', 'jinja2', 'dagster', 'psutil', 'tqdm'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.synced
@pytest.mark.parametrize(
    "case",
    [
        ("revoke", 4, "config", "FINALE_API_KEY"),
        ("throttle-reset=3600", 5, "throttled", "Run again after"),
        ("half", 7, "implausible", "finale approve"),
        ("short-column=quantityOnHand", 7, "malformed", "refused"),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(
    settings: Settings, sandbox: SandboxServer, case: tuple[str, int, str, str]
) -> None:
    fault, code, status, said = case
    sandbox.add_fault(f"{fault}@inventoryitem")
    ended = call(settings, "sync", "inventory", "--json")
    assert (ended.code, ended.json["status"]) == (code, status)
    assert said in ended.err
    assert "sandbox-secret" not in ended.err + ended.out


def test_a_person_may_ask_though_finale_wants_no_requests(
    settings: Settings, sandbox: SandboxServer
) -> None:
    sandbox.add_fault("throttle-reset=3600@partygroup*1")
    assert call(settings, "sync", "vendors").code == 5
    asked = len(sandbox.requests)
    paused = call(settings, "sync", "vendors")
    assert (paused.code, len(sandbox.requests)) == (5, asked)
    assert "finale sync full --ignore-pause" in call(settings, "doctor").out
    asked = len(sandbox.requests)
    assert call(settings, "sync", "vendors", "--ignore-pause").code == 0
    assert len(sandbox.requests) > asked
    assert call(settings, "sync", "vendors").code == 0  # lifted for all


def test_a_source_that_is_down_is_code_6(settings: Settings) -> None:
    down = settings.model_copy(update={"base_url": "http://127.0.0.1:9"})
    ended = call(down, "sync", "vendors", "--json")
    assert (ended.code, ended.json["status"]) == (6, "transient")


def test_wrong_settings_are_code_4_and_named(settings: Settings) -> None:
    misspelt = call(settings, "status", FINALE_BASE_ULR="x")
    assert misspelt.code == 4
    assert "Did you mean FINALE_BASE_URL?" in misspelt.err
    other = settings.model_copy(update={"account": "Demo"})
    assert call(settings, "sync", "vendors").code == 0
    ended = call(other, "sync", "vendors")
    assert ended.code == 4
    assert "holds the account demo" in ended.err
    assert call(settings, "sync", "everything").code == 2


def test_the_first_command_prepares_an_empty_database(empty_url: str, settings: Settings) -> None:
    empty = settings.model_copy(update={"database_url": empty_url})
    assert call(empty, "sync", "vendors", "--json").json["status"] == "done"


@pytest.mark.synced
def test_the_doctor_finds_what_is_wrong(
    settings: Settings, sandbox: SandboxServer, connection: Connection
) -> None:
    well = call(settings, "doctor", "--json")
    assert well.code == 0
    assert {f["state"] for f in well.json} <= {"ok", "warning"}
    connection.execute("UPDATE core.stock_level SET on_hand_units = on_hand_units + 1")
    sandbox.add_fault("revoke")
    ill = call(settings, "doctor")
    assert ill.code == 4
    assert "400 levels differ from the sum of their entries" in ill.out
    assert "Check FINALE_API_KEY" in ill.out


def test_db_url_hides_the_password(settings: Settings) -> None:
    secret = settings.model_copy(update={"database_url": "postgresql://u:hidden@127.0.0.1:1/x"})
    ended = call(secret, "db", "url")
    assert ended.out.strip() == "postgresql://u@127.0.0.1:1/x"
    refused = finale(secret, "status")
    assert refused.code == 8
    assert "hidden" not in refused.err
    assert "hidden" not in refused.out


@pytest.mark.synced
def test_a_held_sync_is_in_the_ledger_with_its_reason(
    settings: Settings, sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.add_fault("zero-stock@inventoryitem")
    call(settings, "sync", "inventory")
    row = connection.execute(
        "SELECT status, error_kind, error FROM ops.sync_run ORDER BY run_id DESC LIMIT 1"
    ).fetchone()
    assert row is not None
    assert row[:2] == ("held", "IMPLAUSIBLE")
    assert "no product has stock any more" in str(row[2])
    assert_ledger_is_closed(connection)


@pytest.mark.synced
def test_a_person_sees_the_difference_and_decides(
    settings: Settings, sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.add_fault("half@inventoryitem")
    assert call(settings, "sync", "inventory").code == 7
    before = contents(connection)
    assert "finale approve 2" in call(settings, "status").out
    rejected = call(settings, "reject", "2")
    assert rejected.code == 0
    assert call(settings, "sync", "critical").code == 7
    assert contents(connection) == before
    assert call(settings, "status", "--json").json["held"] == []
    approved = call(settings, "approve", "3", "--yes", "--json")
    assert (approved.code, approved.json["status"]) == (0, "done")
    assert "would lose what they have" in approved.err
    assert "products in stock" in approved.err
    assert contents(connection) != before
    decided = connection.execute("SELECT state, decided_by FROM ops.hold").fetchall()
    assert decided == [("approved", getpass.getuser())]
    again = call(settings, "approve", "2", "--yes")
    assert (again.code, "approved already" in again.err) == (4, True)


@pytest.mark.synced
def test_an_approval_does_not_cover_a_worse_read(
    settings: Settings, sandbox: SandboxServer, connection: Connection
) -> None:
    sandbox.add_fault("half@inventoryitem")
    assert call(settings, "sync", "inventory").code == 7
    before = contents(connection)
    sandbox.clear_faults()
    sandbox.add_fault("zero-stock@inventoryitem")
    worse = call(settings, "approve", "2", "--yes")
    assert (worse.code, "no product has stock any more" in worse.err) == (7, True)
    assert contents(connection) == before


def test_smart_begins_with_everything_and_then_reads_little(settings: Settings) -> None:
    first = call(settings, "sync", "smart", "--json")
    assert (first.code, first.json["strategy"]) == (0, "full")
    second = call(settings, "sync", "smart", "--json")
    assert (second.code, second.json["strategy"], second.json["api_calls"]) == (0, "critical", 1)
    runs = {run["strategy"]: run for run in call(settings, "status", "--json").json["runs"]}
    assert runs["full"]["reason"] == "no sync was ever good"
    assert "min ago, under 30" in runs["critical"]["reason"]


def test_who_stops_reading_gets_no_trace() -> None:
    with subprocess.Popen(command("--help"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        assert run.stdout is not None
        run.stdout.close()
        _, said = run.communicate(timeout=60)
    assert (run.returncode, said) == (8, b"")


def test_a_proxy_that_cannot_be_used_is_named_and_leaves_no_run(
    settings: Settings, connection: Connection
) -> None:
    away = settings.model_copy(update={"base_url": "https://finale.invalid"})
    ended = call(away, "sync", "critical", ALL_PROXY="socks5://127.0.0.1:9")
    assert (ended.code, "proxy settings" in ended.err) == (4, True)
    assert connection.execute("SELECT count(*) FROM ops.sync_run").fetchone() == (0,)
