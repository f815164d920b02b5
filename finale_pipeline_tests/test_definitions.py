"""The definitions load with nothing set, and bring every asset up to date when run."""

import os
import subprocess
import sys
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.definitions import definitions
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.sync.demand import demand_of, stored_demand
from finale_pipeline_tests.sync.helpers import assert_mirrors, contents, sync

pytestmark = pytest.mark.usefixtures("variables")


def run_job(name: str, instance: dg.DagsterInstance, **options: Any) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(name).execute_in_process(
        instance=instance, raise_on_error=False, **options
    )


def checks(instance: dg.DagsterInstance, asset: str) -> dict[str, bool]:
    """The latest evaluation of every check of an asset."""
    found = {}
    for key in definitions.resolve_asset_graph().asset_check_keys:
        if key.asset_key == dg.AssetKey(asset):
            records = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
            for record in records:
                event = record.event.dagster_event if record.event else None
                if event is not None:
                    found[key.name] = event.asset_check_evaluation_data.passed
    return found


def materialize(
    asset: str, instance: dg.DagsterInstance, key: str | None
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(asset)],
        partition_key=key,
        raise_on_error=False,
    )


def test_definitions_load_with_no_environment_no_network_no_database() -> None:
    code = (
        "import finale_pipeline.definitions as d; d.definitions.resolve_all_job_defs();"
        "import sys; heavy = {'polars', 'psycopg', 'sqlalchemy.orm', 'httpx', 'pandas'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    bare = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=bare, cwd="/", capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


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
        assert spec.kinds == {"finale", "postgres"}
        assert spec.tags["source"]
        assert spec.group_name in {"catalogue", "stock", "sales", "planning"}


def test_a_full_sync_brings_every_asset_up_to_date(
    instance: dg.DagsterInstance, account: Account, connection: Connection
) -> None:
    result = run_job("full_sync", instance)
    assert result.success
    assert_mirrors(connection, account)
    windows = definitions.resolve_assets_def("products").partitions_def
    assert windows is not None
    done = instance.get_materialized_partitions(dg.AssetKey("products"))
    assert done == set(windows.get_partition_keys())
    assert instance.get_materialized_partitions(dg.AssetKey("inventory_levels")) == {"2026-03-09"}
    for asset in ("facilities", "vendors", "products", "inventory_levels"):
        event = instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert event is not None
        assert event.asset_materialization is not None
        said = event.asset_materialization.metadata
        assert {"rows_read", "rows_inserted", "rows_rejected", "api_calls", "bytes", "seconds",
                "watermark", "dagster/row_count", "dagster/column_schema"} <= set(said)  # fmt: skip
        schema: Any = said["dagster/column_schema"].value
        assert all(column.description for column in schema.columns)
        found = checks(instance, asset)
        assert found.pop("has_no_negative_stock", False) is False  # the sandbox has some
        assert all(passed for name, passed in found.items() if name != "skus_are_unique"), found
    ledger = connection.execute("SELECT trigger, dagster_run_id FROM ops.sync_run").fetchall()
    assert ledger == [("ui", result.run_id)]


def test_sales_are_told_of_by_the_day_of_their_last_change(
    instance: dg.DagsterInstance, account: Account, connection: Connection
) -> None:
    run_job("vendors_sync", instance)
    assert run_job("sales_sync", instance).success
    assert stored_demand(connection) == demand_of(account)
    for asset in ("shipments", "purchase_orders"):
        told = instance.get_materialized_partitions(dg.AssetKey(asset))
        assert "2026-03-09" in told
        assert len(told) > 5
        found = checks(instance, asset)
        assert found.pop("has_no_orphans") is False  # no product was read yet
        assert all(found.values()), found
    assert run_job("sales_sync", instance).success
    again = instance.get_materialized_partitions(dg.AssetKey("shipments"))
    assert again == {s["lastUpdatedDate"][:10] for s in account.records("shipment")} | {
        "2026-03-09"
    }


def test_a_range_of_days_of_shipments_is_one_run(
    instance: dg.DagsterInstance, settings: Settings, account: Account, connection: Connection
) -> None:
    sync(settings, "sales")
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
    assert materialize("purchase_orders", instance, "2026-03-09").success


def test_a_second_full_sync_tells_only_of_the_present_window(
    instance: dg.DagsterInstance,
) -> None:
    run_job("full_sync", instance)
    again = run_job("full_sync", instance)
    told = [
        event.partition
        for event in again.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("products")
    ]
    assert told == ["2026-03-01"]


def test_a_held_stock_read_fails_the_run_and_its_blocking_check(
    instance: dg.DagsterInstance, sandbox: SandboxServer, connection: Connection
) -> None:
    run_job("full_sync", instance)
    before = contents(connection)
    sandbox.add_fault("half@inventoryitem")
    result = run_job("inventory_sync", instance)
    assert not result.success
    assert contents(connection) == before
    assert checks(instance, "inventory_levels")["is_plausible"] is False
    failure = result.failure_data_for_node("run_inventory")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert set(failure.user_failure_data.metadata) >= {"kind", "next_step"}
    sandbox.clear_faults()
    assert run_job("inventory_sync", instance).success
    assert checks(instance, "inventory_levels")["is_plausible"] is True


def test_too_many_unreadable_rows_fail_their_check(
    instance: dg.DagsterInstance, sandbox: SandboxServer
) -> None:
    run_job("full_sync", instance)
    sandbox.add_fault("bad-rows=5@partygroup")
    assert not run_job("vendors_sync", instance).success
    assert checks(instance, "vendors")["rows_are_readable"] is False


def test_a_range_of_windows_is_one_run_that_removes_nothing(
    instance: dg.DagsterInstance, settings: Settings, account: Account, connection: Connection
) -> None:
    sync(settings)
    connection.execute("UPDATE core.product SET name = 'by hand', row_hash = 0")
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey("products")],
        tags={
            "dagster/asset_partition_range_start": "2025-10-01",
            "dagster/asset_partition_range_end": "2026-03-01",
        },
    )
    assert result.success
    assert_mirrors(connection, account)
    done = instance.get_materialized_partitions(dg.AssetKey("products"))
    assert len(done) == 6
    runs = connection.execute("SELECT count(*) FROM ops.sync_run WHERE strategy = 'products'")
    assert runs.fetchall() == [(1,)]


def test_todays_stock_can_be_materialized_and_the_past_says_where_it_is(
    instance: dg.DagsterInstance, account: Account, connection: Connection
) -> None:
    run_job("full_sync", instance)
    account.set_stock(next(account.records("product"))["productUrl"], 3)
    assert materialize("inventory_levels", instance, "2026-03-09").success
    assert_mirrors(connection, account)
    past = materialize("inventory_levels", instance, "2026-03-01")
    assert not past.success
    failure = past.failure_data_for_node("inventory_levels")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "2026-03-01 cannot be read any more" in str(failure.user_failure_data.description)
    assert "core.stock_daily" in str(failure.user_failure_data.metadata["next_step"])


def test_the_ui_offers_no_day_of_stock_that_could_never_be_filled() -> None:
    code = (
        "from finale_pipeline.assets.stock import stock_days as d; import datetime as t;"
        "print(d.get_partition_keys(current_time=t.datetime(2026, 3, 9, 12, tzinfo=t.UTC)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "FINALE_STOCK_SINCE": "2026-03-08"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "['2026-03-08', '2026-03-09']"


def test_what_is_computed_from_stock_can_be_backfilled_before_its_first_day() -> None:
    """The default mapping of days refuses a backfill that begins before them."""
    graph = definitions.resolve_asset_graph()
    levels = dg.AssetKey("inventory_levels")
    for key in graph.get(levels).child_keys:
        mapping = graph.get_partition_mapping(key, levels)
        assert not isinstance(mapping, dg.TimeWindowPartitionMapping) or (
            mapping.allow_nonexistent_upstream_partitions
        ), f"{key.to_user_string()}: allow_nonexistent_upstream_partitions"


def test_a_sync_that_finds_the_tables_taken_ends_well_and_changes_nothing(
    instance: dg.DagsterInstance, connection: Connection
) -> None:
    connection.execute("SELECT pg_advisory_lock(7281, 1)")
    assert run_job("vendors_sync", instance).success
    assert connection.execute("SELECT count(*) FROM core.vendor").fetchall() == [(0,)]
    assert not instance.get_materialized_partitions(dg.AssetKey("vendors"))


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
