"""The definitions load with nothing set, and bring every asset up to date when run."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.definitions import definitions
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline_tests.assets.in_process import (
    TODAY,
    checks,
    materialize,
    rows_told,
    run_job,
    says,
    told,
)
from finale_pipeline_tests.sync.demand import demand_of, stored_demand
from finale_pipeline_tests.sync.helpers import assert_mirrors, contents, sync

pytestmark = pytest.mark.usefixtures("variables")


def test_definitions_load_with_no_environment_no_network_no_database() -> None:
    """And an old account has the days of two years, not a decade that would look unfilled."""
    code = (
        "import finale_pipeline.definitions as d; d.definitions.resolve_all_job_defs();"
        "import sys; heavy = {'polars', 'psycopg', 'sqlalchemy', 'httpx', 'pandas'};"
        "job = d.definitions.resolve_job_def('full_sync');"
        "days = len(job.partitions_def.get_partition_keys());"
        "print(sorted(heavy & set(sys.modules)), 365 < days <= 731)"
    )
    bare = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=bare, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[] True"


def test_definitions_read_no_file_of_ours_more_than_once(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("FINALE_TIMEZONE=Europe/Berlin\n")
    code = (
        "import collections, sys; opened = collections.Counter()\n"
        "sys.addaudithook(lambda e, a: opened.update([str(a[0])]) if e == 'open' else None)\n"
        "import finale_pipeline.definitions as d; d.definitions.resolve_all_job_defs()\n"
        "ours = {p: n for p, n in opened.items() if p == '.env' or 'finale_pipeline/' in p}\n"
        "print(ours['.env'], sum('lineage.json' in p for p in ours), {*ours.values()})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"},
    )  # fmt: skip
    assert done.stdout.strip() == "1 1 {1}", done.stderr


def test_wrong_settings_do_not_hide_the_assets() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import finale_pipeline.definitions"],
        env={**os.environ, "FINALE_TIMEZONE": "Mars/Olympus"}, check=False,
    )  # fmt: skip
    assert done.returncode == 0


def test_every_asset_is_described_for_the_one_who_reads_the_ui() -> None:
    for asset in definitions.resolve_asset_graph().materializable_asset_keys:
        spec = definitions.resolve_assets_def(asset).get_asset_spec(asset)
        assert spec.description
        assert spec.owners
        assert "postgres" in spec.kinds
        assert ("finale" in spec.kinds) == (spec.tags["source"] != "warehouse")
        schema = spec.metadata["dagster/column_schema"]
        assert schema.columns
        assert all(column.description for column in schema.columns)
        assert spec.tags["source"]
        assert spec.group_name in {"catalogue", "stock", "sales", "planning"}


@pytest.mark.synced
def test_a_critical_run_leaves_little_in_dagsters_log(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    """96 of them are a day's; the launcher's and the queue's six events are not among these."""
    result = run_job("critical_sync", instance)
    events = instance.all_logs(result.run_id)
    assert len(events) <= 27
    assert sum(len(dg.serialize_value(event)) for event in events) <= 45_000
    evaluated = {e.check_name for e in result.get_asset_check_evaluations()}
    assert evaluated == {
        "rows_are_readable", "is_plausible", "crossings_are_told", "nothing_needs_a_decision",
    }  # fmt: skip


def test_sales_are_told_of_by_the_day_of_their_last_change(
    instance: dg.DagsterInstance, account: Account, connection: Connection
) -> None:
    run_job("vendors_sync", instance)
    assert run_job("sales_sync", instance).success
    assert stored_demand(connection) == demand_of(account)
    for asset in ("shipments", "purchase_orders"):
        assert told(instance, asset).partition == TODAY
        found = checks(instance, asset)
        assert found.pop("has_no_orphans") is False  # no product was read yet
        assert all(found.values()), found


@pytest.mark.synced
def test_a_range_of_days_of_shipments_is_one_run(
    instance: dg.DagsterInstance, settings: Settings, account: Account, connection: Connection
) -> None:
    connection.execute("UPDATE core.shipment_line SET units = 77, row_hash = 0")
    connection.execute("UPDATE core.shipment SET row_hash = 0")
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey("shipments")],
        tags={
            "dagster/asset_partition_range_start": "2025-12-01",
            "dagster/asset_partition_range_end": "2026-03-09",
        },
    )
    assert result.success
    assert stored_demand(connection) == demand_of(account)
    assert len(instance.get_materialized_partitions(dg.AssetKey("shipments"))) == 99
    runs = connection.execute("SELECT count(*) FROM ops.sync_run WHERE strategy = 'shipments'")
    assert runs.fetchall() == [(1,)]
    days = Counter(r["lastUpdatedDate"][:10] for r in account.records("shipment"))
    wanted = {day: rows for day, rows in days.items() if day >= "2025-12-01"}
    assert +rows_told(instance, "shipments") == wanted
    assert materialize("purchase_orders", instance, TODAY).success


def test_past_days_are_told_once(instance: dg.DagsterInstance) -> None:
    run_job("vendors_sync", instance)
    day = min(rows_told(instance, "vendors"))
    again = run_job("vendors_sync", instance)
    told_again = instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("vendors"), asset_partitions=[day]), limit=9
    )
    assert len(told_again.records) == 1
    assert [e.partition for e in again.get_asset_materialization_events()
            if e.asset_key == dg.AssetKey("vendors")] == [TODAY]  # fmt: skip


@pytest.mark.synced
def test_a_held_stock_read_fails_the_run_and_its_blocking_check(
    instance: dg.DagsterInstance, sandbox: SandboxServer, connection: Connection
) -> None:
    before = contents(connection)
    sandbox.add_fault("half@inventoryitem")
    result = run_job("inventory_sync", instance)
    assert not result.success
    assert contents(connection) == before
    assert checks(instance, "inventory_levels")["is_plausible"] is False
    text, beside = says(result)
    assert "cannot be believed" in text
    assert set(beside) == {"kind", "what_it_means_for_the_data", "next_step"}
    sandbox.clear_faults()
    assert run_job("inventory_sync", instance).success
    assert checks(instance, "inventory_levels")["is_plausible"] is True


@pytest.mark.synced
def test_too_many_unreadable_rows_fail_their_check(
    instance: dg.DagsterInstance, sandbox: SandboxServer
) -> None:
    sandbox.add_fault("bad-rows=50@partygroup")
    assert not run_job("vendors_sync", instance).success
    assert checks(instance, "vendors")["rows_are_readable"] is False


@pytest.mark.synced
def test_a_range_of_windows_is_one_run_that_removes_nothing(
    instance: dg.DagsterInstance, settings: Settings, account: Account, connection: Connection
) -> None:
    connection.execute("UPDATE core.product SET name = 'by hand', row_hash = 0")
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey("products")],
        tags={
            "dagster/asset_partition_range_start": "2025-10-01",
            "dagster/asset_partition_range_end": "2026-03-08",
        },
    )
    assert result.success
    names = connection.execute(
        "SELECT (updated_at)::date::text, count(*) FILTER (WHERE name = 'by hand'), count(*)"
        " FROM core.product GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert {day for day, left, _ in names if left} <= {TODAY}
    days = {str(day): rows for day, _, rows in names if str(day) < TODAY}
    assert +rows_told(instance, "products") == days
    assert len(instance.get_materialized_partitions(dg.AssetKey("products"))) == 159
    runs = connection.execute("SELECT count(*) FROM ops.sync_run WHERE strategy = 'products'")
    assert runs.fetchall() == [(1,)]


@pytest.mark.synced
def test_todays_stock_can_be_materialized_and_the_past_says_where_it_is(
    instance: dg.DagsterInstance, account: Account, connection: Connection
) -> None:
    account.set_stock(next(account.records("product"))["productUrl"], 3)
    assert materialize("inventory_levels", instance, "2026-03-09").success
    assert_mirrors(connection, account)
    past = materialize("inventory_levels", instance, "2026-03-01")
    assert not past.success
    text, beside = says(past)
    assert "2026-03-01 cannot be read any more" in text
    assert "core.stock_daily" in str(beside["next_step"])


def test_a_sync_of_a_past_day_says_which_day_it_reads(instance: dg.DagsterInstance) -> None:
    text, beside = says(run_job("vendors_sync", instance, key="2026-03-01"))
    assert "2026-03-01 cannot be read that way" in text
    assert TODAY in str(beside["next_step"])


def test_a_sync_without_a_day_says_so_and_reads_nothing(
    instance: dg.DagsterInstance, connection: Connection
) -> None:
    job = definitions.resolve_job_def("vendors_sync")
    text, _ = says(job.execute_in_process(instance=instance, raise_on_error=False))
    assert "No day was chosen" in text
    assert connection.execute("SELECT count(*) FROM ops.sync_run").fetchall() == [(0,)]


def test_a_sync_that_finds_the_tables_taken_ends_well_and_changes_nothing(
    instance: dg.DagsterInstance, connection: Connection
) -> None:
    connection.execute("SELECT pg_advisory_lock(%s, 1)", (Lock.TABLE_SET,))
    result = run_job("vendors_sync", instance)
    assert result.success
    assert connection.execute("SELECT count(*) FROM core.vendor").fetchall() == [(0,)]
    assert not instance.get_materialized_partitions(dg.AssetKey("vendors"))
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert "catalogue tables are taken" in run.tags["finale/skipped"]


def test_days_that_a_person_asked_for_are_not_called_done_when_the_tables_are_taken(
    instance: dg.DagsterInstance, connection: Connection
) -> None:
    connection.execute("SELECT pg_advisory_lock(%s, 1)", (Lock.TABLE_SET,))
    text, beside = says(materialize("vendors", instance, TODAY))
    assert "catalogue tables are taken" in text
    assert "finale status" in str(beside["next_step"])
    connection.execute("SELECT pg_advisory_lock(%s, 3)", (Lock.TABLE_SET,))
    tags = {"dagster/backfill": "abc"}
    assert not run_job("sales_sync", instance, tags=tags).success


def sensor_says(name: str, instance: dg.DagsterInstance) -> Any:
    context = dg.build_sensor_context(
        instance=instance, definitions=definitions, resources=definitions.resources
    )
    return definitions.resolve_sensor_def(name).evaluate_tick(context)


def test_the_first_sync_starts_by_itself_and_only_then(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    first = sensor_says("unfinished_syncs", instance)
    asked = [(request.job_name, request.run_key) for request in first.run_requests]
    assert asked == [("full_sync", "first sync")]
    sync(settings)
    assert not sensor_says("unfinished_syncs", instance).run_requests
