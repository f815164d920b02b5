"""The first full sync by Dagster: every asset is up to date, and what warns has a reason."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg
import pytest

from finale_pipeline.assets.partitions import SINCE, business_days
from finale_pipeline.definitions import definitions
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline_tests.assets.in_process import TODAY, rows_told, run_job, told
from finale_pipeline_tests.conftest import NOW, drop_database, new_database, settings_for
from finale_pipeline_tests.processes import environment
from finale_pipeline_tests.sync.helpers import assert_mirrors
from finale_pipeline_tests.test_fortnight import Oracle


@dataclass(frozen=True, slots=True)
class First:
    """A full sync of a shop without oddities, as `finale dev` has it; tests only look at it."""

    account: Account
    connection: Connection
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult


@pytest.fixture(scope="module")
def first(server: str, upgraded: str) -> Iterator[First]:
    account = invented_account(products=400, clock=Clock(frozen_at=NOW), years=0.4, odd=False)
    url = new_database(server, template=upgraded)
    with (
        SandboxServer(account, rate_limits=None) as sandbox,
        connect(url, name="tests") as connection,
        dg.DagsterInstance.ephemeral() as instance,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in environment(settings_for(url, sandbox, since=SINCE)).items():
            patch.setenv(name, value)
        yield First(account, connection, instance, run_job("full_sync", instance))
    drop_database(server, url)


def test_every_asset_is_up_to_date(first: First) -> None:
    assert first.result.success
    assert_mirrors(first.connection, first.account)
    every = business_days.get_partition_keys()
    whole = {day for day in every if day <= TODAY}
    for asset in ("products", "vendors", "shipments", "purchase_orders"):
        assert first.instance.get_materialized_partitions(dg.AssetKey(asset)) == whole
    for asset in ("inventory_levels", "critical_items"):
        assert first.instance.get_materialized_partitions(dg.AssetKey(asset)) == {TODAY}
    for asset in ("forecasts", "purchase_plan"):  # of our own day, the account's being long ago
        assert first.instance.get_materialized_partitions(dg.AssetKey(asset)) == {max(every)}
    for asset in ("facilities", "vendors", "products", "inventory_levels"):
        latest = told(first.instance, asset)
        assert latest.partition == (None if asset == "facilities" else TODAY)
        assert {"rows_read", "rows_inserted", "rows_rejected", "api_calls", "bytes", "seconds",
                "watermark", "dagster/row_count"} <= set(latest.metadata)  # fmt: skip
    ledger = first.connection.execute("SELECT trigger, dagster_run_id FROM ops.sync_run")
    assert ledger.fetchall() == [("ui", first.result.run_id)]


def test_every_check_is_green_but_one_that_shows_what_is_really_out_or_low(first: First) -> None:
    found = first.result.get_asset_check_evaluations()
    keys = definitions.resolve_asset_graph().asset_check_keys
    assert {evaluation.asset_check_key for evaluation in found} == keys
    # The account lives in March, so what today's forecasts are worth by it says nothing.
    failed = [e for e in found if not e.passed and e.asset_key != dg.AssetKey("forecasts")]
    assert [e.check_name for e in failed] == ["nothing_needs_a_decision"]
    (short,) = failed
    assert short.severity is dg.AssetCheckSeverity.WARN
    really = Counter(Oracle(first.account).levels.values())
    assert {level: short.metadata[level].value for level in ("out", "low")} == {
        level: really[level] for level in ("out", "low")
    }
    assert really["out"] > 0


def test_each_day_says_its_own_rows_not_the_runs(first: First) -> None:
    for asset, collection in (("products", "product"), ("shipments", "shipment")):
        records = first.account.records(collection)
        wanted = Counter(r["lastUpdatedDate"][:10] for r in records)
        assert +rows_told(first.instance, asset) == wanted
