"""The dead man's switch: told once per outage and once at its end, with any part dead."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from finale_pipeline.clock import utc_now
from finale_pipeline.health.findings import NOT_WELL
from finale_pipeline.health.watch import Watched, watch
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.mail_server import MailServer
from finale_pipeline_tests.notify.warehouse import BEGIN, Warehouse
from finale_pipeline_tests.processes import finale

Look = Callable[..., Watched]
DOWN = "postgresql://nobody@127.0.0.1:9/none"


def kinds(service: MailServer) -> list[str]:
    return [mail.kind for mail in service.accepted]


def ran(connection: Connection, strategy: str, at: datetime, *, status: str = "done") -> None:
    connection.execute(
        "INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at,"
        " finished_at, locks) VALUES (%s, 'schedule', %s, %s, %s, %s, '{}')",
        (strategy, status, at, at, None if status == "running" else at),
    )


def decided(connection: Connection, at: datetime) -> None:
    connection.execute(
        "INSERT INTO ops.schedule_tick (schedule_name, tick_at, decided_at, strategy, is_run)"
        " VALUES ('critical', %s, %s, 'critical', true)",
        (at, at),
    )


@pytest.fixture
def look(warehouse: Warehouse) -> Look:
    """Let minutes pass since the last good full sync, and look; other settings on demand."""
    ran(warehouse.connection, "full", BEGIN)
    decided(warehouse.connection, BEGIN)

    def look(minutes: float, **changes: object) -> Watched:
        settings = Settings.model_validate(warehouse.settings.model_dump() | changes)
        return watch(settings, clock=lambda: BEGIN + timedelta(minutes=minutes))

    return look


def test_all_well_is_quiet(look: Look, service: MailServer) -> None:
    assert [t.kind for t in look(3).troubles] == []
    assert look(14).exit_code == 0
    assert kinds(service) == []


def test_a_dead_daemon_is_told_within_two_intervals_and_once(
    look: Look, service: MailServer, warehouse: Warehouse
) -> None:
    """P17: the webserver may run on; what decides nothing is dead."""
    found = look(21)
    assert ([t.kind for t in found.troubles], found.exit_code) == (["daemon"], NOT_WELL)
    assert kinds(service) == ["pipeline_silent"]
    (mail,) = service.accepted
    assert "critical was due 2026-03-09 12:15 UTC" in mail.text
    assert "systemctl restart finale-code" in mail.text
    for minutes in (26, 33, 300):
        assert look(minutes).exit_code == NOT_WELL
    assert "syncs" in [t.kind for t in look(310).troubles]
    assert kinds(service) == ["pipeline_silent"]
    late = BEGIN + timedelta(minutes=315)
    decided(warehouse.connection, late)
    assert look(316).exit_code == NOT_WELL
    ran(warehouse.connection, "full", late)
    assert look(317).exit_code == 0
    assert look(318).exit_code == 0
    assert kinds(service) == ["pipeline_silent", "pipeline_recovered"]


def test_without_dagster_two_missed_syncs_are_told(
    look: Look, service: MailServer, warehouse: Warehouse
) -> None:
    warehouse.connection.execute("DELETE FROM ops.schedule_tick")
    assert look(31).exit_code == 0
    assert [t.kind for t in look(33).troubles] == ["syncs"]
    assert kinds(service) == ["pipeline_silent"]


@pytest.mark.parametrize(
    ("ending", "minutes", "late"),
    [("inventory done", 30, False), ("vendors done", 30, True), ("full running", 30, False),
     ("full running", 1, True), ("critical throttled", 30, True)],
)  # fmt: skip
def test_what_counts_as_a_sign_of_life(
    look: Look, warehouse: Warehouse, ending: str, minutes: float, late: bool
) -> None:
    """A larger sync covers a smaller, and one that beats is at work; a silent one is not."""
    warehouse.connection.execute("DELETE FROM ops.schedule_tick")
    strategy, status = ending.split()
    ran(warehouse.connection, strategy, BEGIN + timedelta(minutes=minutes), status=status)
    if status == "running":
        warehouse.connection.execute("SELECT pg_advisory_lock(7282, max(run_id)::int)"
                                     " FROM ops.sync_run")  # fmt: skip
    assert (look(33).exit_code == NOT_WELL) == late


def test_a_weekly_sync_has_two_weeks(look: Look, warehouse: Warehouse) -> None:
    only_full = {"schedule_critical": "off", "schedule_inventory": "off",
                 "schedule_active": "off", "schedule_smart": "off"}  # fmt: skip
    warehouse.connection.execute("DELETE FROM ops.schedule_tick")
    days = 24 * 60
    assert look(12 * days, **only_full).exit_code == 0
    assert look(13 * days, **only_full).exit_code == NOT_WELL


def test_what_another_mail_told_is_not_told_again(
    look: Look, service: MailServer, warehouse: Warehouse
) -> None:
    warehouse.connection.execute("DELETE FROM ops.schedule_tick")
    for strategy in ("critical", "inventory"):
        warehouse.connection.execute(
            "INSERT INTO ops.incident (subject, state, level, mailed, opened_at)"
            " VALUES (%s, 'open', 'failed', 'CONFIG', %s)",
            (f"sync:{strategy}", BEGIN),
        )
    found = look(33)
    assert found.exit_code == NOT_WELL
    assert found.troubles[0].told_by == "incident 1, failed"
    assert kinds(service) == []


def test_an_unreachable_database_is_told_directly_and_its_return_once(
    look: Look, service: MailServer
) -> None:
    assert look(1).exit_code == 0
    for minutes in (5, 10):
        assert [t.kind for t in look(minutes, database_url=DOWN).troubles] == ["database"]
    assert kinds(service) == ["pipeline_silent"]
    assert "does not answer" in service.accepted[0].text
    assert look(12).exit_code == 0
    assert look(13).exit_code == 0
    assert kinds(service) == ["pipeline_silent", "pipeline_recovered"]


def test_late_syncs_after_an_outage_of_the_database_are_the_same_outage(
    look: Look, service: MailServer, warehouse: Warehouse
) -> None:
    look(50, database_url=DOWN)
    assert {t.kind for t in look(60).troubles} == {"daemon", "syncs"}
    ran(warehouse.connection, "full", BEGIN + timedelta(minutes=61))
    decided(warehouse.connection, BEGIN + timedelta(minutes=61))
    assert look(62).exit_code == 0
    assert kinds(service) == ["pipeline_silent", "pipeline_recovered"]


def test_a_service_that_is_down_too_is_tried_again_with_one_file(
    look: Look, service: MailServer, warehouse: Warehouse
) -> None:
    service.add_fault("status=503*2")
    for minutes in (5, 10, 15, 20):
        look(minutes, database_url=DOWN)
    assert kinds(service) == ["pipeline_silent"]
    files = list((warehouse.settings.home / "outbox").glob("*.eml"))
    assert [file.name[:33] for file in files] == ["2026-03-09_120500_pipeline_silent"]


def test_an_unknown_outcome_is_repeated_once_and_recognisable(
    look: Look, service: MailServer
) -> None:
    service.add_fault("cut")
    for minutes in (5, 10, 15):
        look(minutes, database_url=DOWN)
    assert len(service.accepted) == 2
    assert len({mail.message_id for mail in service.accepted}) == 1


def test_quiet_hours_hold_the_direct_mail_too(look: Look, service: MailServer) -> None:
    quiet = {"database_url": DOWN, "quiet_hours": "12:00-12:10"}
    assert "quiet hours" in look(5, **quiet).did
    assert kinds(service) == []
    look(11, **quiet)
    assert kinds(service) == ["pipeline_silent"]


def test_without_a_mail_service_it_is_a_file(look: Look, warehouse: Warehouse) -> None:
    for minutes in (5, 10):
        look(minutes, database_url=DOWN, sendgrid_api_key=None)
    assert len(list((warehouse.settings.home / "outbox").glob("*_pipeline_silent_*.eml"))) == 1


def test_a_disk_that_takes_nothing_is_told_of_all_the_same(
    look: Look, service: MailServer, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    found = look(5, database_url=DOWN, home=tmp_path / "file" / "home")
    assert kinds(service) == ["pipeline_silent"]
    assert "may be told again" in found.did
    found = look(5, database_url=DOWN, home=tmp_path / "file" / "home", sendgrid_api_key=None)
    assert "takes no files: Not a directory. It is tried again" in found.did


def test_mails_that_a_dead_daemon_left_are_delivered(
    look: Look, service: MailServer, told: Warehouse
) -> None:
    decided(told.connection, BEGIN + timedelta(minutes=30))
    assert look(40).exit_code == 0
    assert kinds(service) == ["out_of_stock"]


def test_a_stuck_outbox_is_told_and_its_end(
    look: Look, service: MailServer, told: Warehouse
) -> None:
    service.add_fault("status=503")
    for minutes in range(31, 75, 4):
        decided(told.connection, BEGIN + timedelta(minutes=minutes))
        ran(told.connection, "full", BEGIN + timedelta(minutes=minutes))
        found = look(minutes)
    assert [t.kind for t in found.troubles] == ["outbox"]
    assert "503" in found.troubles[0].says
    assert len(list((told.settings.home / "outbox").glob("*_pipeline_silent_*.eml"))) == 1
    service.clear_faults()
    for minutes in (75, 80, 85):
        ran(told.connection, "full", BEGIN + timedelta(minutes=minutes))
        decided(told.connection, BEGIN + timedelta(minutes=minutes))
        look(90 if minutes == 85 else minutes + 4)
    assert sorted(kinds(service)) == ["out_of_stock", "pipeline_recovered", "pipeline_silent"]


def test_the_command_says_it_and_has_a_code_of_its_own(
    mailing: Settings, url: str, tmp_path: Path
) -> None:
    new = finale(mailing, "watch", "--json")
    assert (new.code, new.json["fine"], new.json["troubles"]) == (NOT_WELL, False, [])
    assert new.json["notes"][0]["says"] == "Finale was never read"
    with connect(url, name="t") as connection:
        ran(connection, "full", utc_now())
    well = finale(mailing, "watch", "--json")
    assert (well.code, well.json["fine"]) == (0, True)
    down = mailing.model_copy(update={"database_url": "postgresql://u:hidden@127.0.0.1:9/x"})
    ill = finale(down, "watch")
    assert ill.code == NOT_WELL
    assert "does not answer" in ill.out
    assert "Told by SendGrid." in ill.out
    again = finale(down, "watch", "--json")
    assert (again.code, again.json["did"]) == (NOT_WELL, "")
    assert "hidden" not in ill.out + ill.err
    assert "hidden" not in json.dumps(again.json)
    assert (tmp_path / "watch.json").exists()


def test_the_embedded_database_is_not_started_by_a_look(tmp_path: Path) -> None:
    alone = Settings.model_validate({"home": tmp_path})
    found = finale(alone, "watch")
    assert found.code == NOT_WELL
    assert "Nothing was set up here" in found.out
    assert not (tmp_path / "postgres").exists()
