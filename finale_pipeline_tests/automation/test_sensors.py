"""The sensor that closes what is dead, in the ledger and in Dagster."""

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.assets.partitions import SINCE, ZONE
from finale_pipeline.clock import utc_now
from finale_pipeline.definitions import definitions
from finale_pipeline.warehouse import leases
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.leases import Progress
from finale_pipeline.warehouse.locks import Lock

pytestmark = pytest.mark.usefixtures("variables")


@pytest.fixture
def started(instance: dg.DagsterInstance) -> dg.DagsterRun:
    """A run that Dagster believes to be at work."""
    job = definitions.resolve_job_def("critical_sync")
    return instance.create_run_for_job(job, tags=job.tags, status=dg.DagsterRunStatus.STARTED)


def look(instance: dg.DagsterInstance) -> Any:
    context = dg.build_sensor_context(
        instance=instance, definitions=definitions, resources=definitions.resources
    )
    return definitions.resolve_sensor_def("dead_and_stuck_runs").evaluate_tick(context)


def status(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status.value


def open_run(connection: Connection, run: dg.DagsterRun) -> int:
    return leases.open_run(
        connection,
        strategy="critical",
        trigger="schedule",
        table_sets=("stock",),
        dagster_run_id=run.run_id,
        now=utc_now(),
    )


def test_a_living_run_is_left_alone(
    url: str, instance: dg.DagsterInstance, started: dg.DagsterRun
) -> None:
    with connect(url, name="alive") as own:
        open_run(own, started)
        assert "alive" in look(instance).skip_message
        assert status(instance, started) == "STARTED"


def test_a_killed_run_is_closed_in_both(
    url: str, instance: dg.DagsterInstance, started: dg.DagsterRun, connection: Connection
) -> None:
    with connect(url, name="killed") as own:
        run_id = open_run(own, started)
    connection.execute("SELECT pg_advisory_lock(%s, %s)", (Lock.RUN, run_id))
    connection.execute("SELECT pg_advisory_unlock(%s, %s)", (Lock.RUN, run_id))

    said = look(instance).skip_message

    assert said == f"Ended syncs: {run_id}; closed 1 of Dagster's runs."
    assert status(instance, started) == "FAILURE"
    row = connection.execute("SELECT status FROM ops.sync_run").fetchone()
    assert row == ("failed",)


def test_a_silent_run_is_cancelled_in_both(
    url: str, instance: dg.DagsterInstance, started: dg.DagsterRun
) -> None:
    with connect(url, name="frozen") as own:
        run_id = open_run(own, started)
        leases.heartbeat(own, run_id, Progress("stock"), now=utc_now() - timedelta(minutes=31))
        said = look(instance).skip_message
    assert said == f"Ended syncs: {run_id}; closed 1 of Dagster's runs."
    assert status(instance, started) == "FAILURE"


def test_a_run_that_is_over_in_the_ledger_may_wind_up_before_it_is_closed(
    url: str, instance: dg.DagsterInstance, started: dg.DagsterRun, connection: Connection
) -> None:
    with connect(url, name="over") as own:
        run_id = open_run(own, started)
        leases.close_run(
            own, run_id, leases.Ending("done"), now=utc_now(), counts={}, api_calls=0, bytes_read=0
        )
    assert "alive" in look(instance).skip_message
    connection.execute("UPDATE ops.sync_run SET finished_at = finished_at - interval '3 min'")
    look(instance)
    assert status(instance, started) == "FAILURE"


def test_a_run_whose_process_never_came_is_closed_after_a_while(
    instance: dg.DagsterInstance, started: dg.DagsterRun
) -> None:
    assert "alive" in look(instance).skip_message
    with instance.run_storage.connect() as storage:  # type: ignore[attr-defined]
        storage.exec_driver_sql("UPDATE runs SET create_timestamp = '2020-01-01 00:00:00'")
        storage.commit()
    look(instance)
    assert status(instance, started) == "FAILURE"


def test_a_wrong_setting_turns_one_check_red_until_it_is_mended(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tick(cursor: str | None) -> Any:
        context = dg.build_sensor_context(
            instance=instance, definitions=definitions, resources=definitions.resources,
            cursor=cursor,
        )  # fmt: skip
        return definitions.resolve_sensor_def("settings_watch").evaluate_tick(context)

    monkeypatch.setenv("FINALE_TIMEZONE", ZONE)
    monkeypatch.setenv("FINALE_SINCE", SINCE.isoformat())
    assert tick(None).asset_events == []
    monkeypatch.setenv("FINALE_TIMEZONE", "Mars/Olympus")
    wrong = tick(None)
    (said,) = wrong.asset_events
    assert (said.asset_key.to_user_string(), said.check_name) == (
        "facilities",
        "settings_are_right",
    )
    assert (said.passed, said.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "Mars/Olympus" in said.description
    assert tick(wrong.cursor).asset_events == []
    monkeypatch.setenv("FINALE_TIMEZONE", "America/New_York")
    (other,) = tick(wrong.cursor).asset_events
    assert "Reload the code location" in other.description
    monkeypatch.setenv("FINALE_TIMEZONE", ZONE)
    (mended,) = tick(wrong.cursor).asset_events
    assert mended.passed
