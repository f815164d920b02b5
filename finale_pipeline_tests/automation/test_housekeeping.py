"""Old records go, and what shows a partition as materialized stays."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.definitions import definitions
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.sync.helpers import sync

pytestmark = pytest.mark.usefixtures("variables")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(name: str, instance: dg.DagsterInstance) -> Any:
    key = "2026-03-09" if name.endswith("_sync") else None
    return definitions.resolve_job_def(name).execute_in_process(
        instance=instance, partition_key=key
    )


def statuses(instance: dg.DagsterInstance, job: str) -> list[str]:
    return [r.status.value for r in instance.get_runs(dg.RunsFilter(job_name=job))]


def age(instance: dg.DagsterInstance, days: float) -> None:
    """Make all runs so old: their times are all that housekeeping asks for."""
    before = (datetime.now(UTC) - timedelta(days=days)).replace(tzinfo=None)
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("UPDATE runs SET update_timestamp = ?", (str(before),))
        connection.commit()


def test_old_runs_go_and_the_newest_materialization_of_each_partition_stays(
    instance: dg.DagsterInstance,
) -> None:
    assert run("full_sync", instance).success
    for _ in range(3):
        assert run("critical_sync", instance).success
    age(instance, 15)
    done = instance.get_materialized_partitions(dg.AssetKey("products"))
    assert run("housekeeping", instance).success
    # the full sync shows the windows, the last critical one shows today's stock
    assert len(statuses(instance, "full_sync")) == 1
    assert len(statuses(instance, "critical_sync")) == 1
    assert instance.get_materialized_partitions(dg.AssetKey("products")) == done
    assert instance.get_materialized_partitions(dg.AssetKey("inventory_levels"))


def test_young_runs_stay(instance: dg.DagsterInstance) -> None:
    run("full_sync", instance)
    run("critical_sync", instance)
    run("critical_sync", instance)
    age(instance, 13)
    run("housekeeping", instance)
    assert len(statuses(instance, "critical_sync")) == 2


def test_the_ledger_keeps_its_days_and_always_the_last_good_run(
    instance: dg.DagsterInstance, settings: Settings, connection: Connection
) -> None:
    for strategy in ("full", "critical", "critical"):
        sync(settings, strategy)
    connection.execute(
        "UPDATE ops.sync_run SET started_at = started_at - interval '401 days',"
        " finished_at = finished_at - interval '401 days'"
    )
    run("housekeeping", instance)
    rows = connection.execute("SELECT strategy, count(*) FROM ops.sync_run GROUP BY 1 ORDER BY 1")
    assert rows.fetchall() == [("critical", 1), ("full", 1)]
