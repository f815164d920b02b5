"""Dagster's own webserver and daemon, asked as its pages ask: what a person sees of the assets."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from finale_pipeline.warehouse.locks import Lock
from finale_pipeline_tests.live import Live

pytestmark = pytest.mark.slow

LOCATION = {
    "repositoryLocationName": "finale_pipeline.definitions",
    "repositoryName": "__repository__",
}
LAUNCH = """
mutation ($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
BACKFILL = """
mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
STATE = """
query ($id: String!) { partitionBackfillOrError(backfillId: $id) {
  ... on PartitionBackfill { status } } }
"""
TERMINATE = "mutation ($id: String!) { terminateRun(runId: $id) { __typename } }"
RUN = """
query ($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value } } } }
"""
NODES = """
{ assetNodes { assetKey { path }
  targetingInstigators { ... on Schedule { name } ... on Sensor { name } }
  partitionStats { numMaterialized numFailed numMaterializing }
  assetChecksOrError { ... on AssetChecks { checks { name canExecuteIndividually
    executionForLatestMaterialization { evaluation { success severity } } } } } } }
"""
FAILURE = """
query ($id: ID!) { logsForRun(runId: $id) { ... on EventConnection { events {
  __typename ... on ExecutionStepFailureEvent { error { message }
  failureMetadata { metadataEntries { label ... on TextMetadataEntry { text } } } } } } } }
"""


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A small account, synced by itself; no schedule disturbs."""
    home = tmp_path_factory.mktemp("home")
    names = ("CRITICAL", "INVENTORY", "ACTIVE", "FULL", "SMART")
    off = {f"FINALE_SCHEDULE_{name}": "off" for name in names}
    with Live(home, FINALE_SANDBOX_PRODUCTS="300", **off) as running:
        running.until(
            lambda: running.rows("SELECT FROM ops.sync_run WHERE status = 'done'"), "first sync"
        )
        running.until(lambda: not running.run_processes(), "its run has ended")
        yield running


def node(live: Live, asset: str) -> dict[str, Any]:
    nodes = live.dagster(NODES)["assetNodes"]
    return next(n for n in nodes if n["assetKey"]["path"] == [asset])


def stats(live: Live, *assets: str) -> list[tuple[int, int]]:
    """Today's partition of some assets as the pages count it: (in progress, failed)."""
    found = [node(live, asset)["partitionStats"] for asset in assets]
    return [(n["numMaterializing"], n["numFailed"]) for n in found]


def today() -> str:
    return datetime.now(UTC).date().isoformat()  # the sandbox's zone is UTC, its clock ours


def launch(live: Live, job: str, *, checks: list[tuple[str, str]] | None = None) -> str:
    selector: dict[str, Any] = {**LOCATION, "pipelineName": job}
    tags = [{"key": "dagster/partition", "value": today()}]
    if checks is not None:
        selector["assetSelection"] = []
        selector["assetCheckSelection"] = [
            {"assetKey": {"path": [asset]}, "name": name} for asset, name in checks
        ]
        tags = []
    params = {"selector": selector, "runConfigData": {}, "mode": "default",
              "executionMetadata": {"tags": tags}}  # fmt: skip
    answer = live.dagster(LAUNCH, params=params)["launchPipelineExecution"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["runId"])


def ended(live: Live, run_id: str) -> tuple[str, dict[str, str]]:
    """Wait for a run's end; its status and tags."""

    def look() -> Any:
        run = live.dagster(RUN, id=run_id)["runOrError"]
        return run if run["status"] in {"SUCCESS", "FAILURE", "CANCELED"} else None

    run = live.until(look, "the run has ended")
    return run["status"], {tag["key"]: tag["value"] for tag in run["tags"]}


def backfill(live: Live, asset: str, days: int) -> tuple[str, str]:
    """Backfill the last days of an asset, as its dialog does; its id and how it ended."""
    last = datetime.now(UTC).date()
    keys = [(last - timedelta(days=n)).isoformat() for n in reversed(range(days))]
    params = {"assetSelection": [{"path": [asset]}], "partitionNames": keys}
    answer = live.dagster(BACKFILL, params=params)["launchPartitionBackfill"]
    assert answer["__typename"] == "LaunchBackfillSuccess", answer
    name = str(answer["backfillId"])

    def look() -> Any:
        status = live.dagster(STATE, id=name)["partitionBackfillOrError"]["status"]
        return status if status.startswith("COMPLETED") or status == "FAILED" else None

    return name, live.until(look, "the backfill has ended")


def runs_of(live: Live, name: str) -> int:
    rows = live.dagster_rows("SELECT count(*) FROM run_tags WHERE key = 'dagster/backfill'"
                             " AND value = %s", name)  # fmt: skip
    return int(rows[0][0])


def test_after_the_first_sync_all_is_green_but_what_needs_a_decision(live: Live) -> None:
    states = {}
    for found in live.dagster(NODES)["assetNodes"]:
        for check in found["assetChecksOrError"].get("checks", []):
            ran = check["executionForLatestMaterialization"]
            states[check["name"]] = ran["evaluation"]["success"] or ran["evaluation"]["severity"]
    assert states.pop("nothing_needs_a_decision") == "WARN"  # a shop always lacks something
    # Of 300 products and 60 days of sales, chance decides whether this share lies in its bounds.
    assert states.pop("q95_covers_what_it_says") in {True, "WARN"}
    assert set(states.values()) == {True}, states


def test_every_asset_lists_what_starts_it_and_every_check_can_be_executed(live: Live) -> None:
    started_by = {i["name"] for i in node(live, "inventory_levels")["targetingInstigators"]}
    assert started_by >= {f"{name}_schedule" for name in
                          ("critical", "inventory", "active", "full", "smart")}  # fmt: skip
    assert "critical_schedule" not in {
        i["name"] for i in node(live, "products")["targetingInstigators"]
    }
    for found in live.dagster(NODES)["assetNodes"]:
        if found["assetKey"]["path"][0] == "mart":
            continue  # views are computed when they are asked
        assert found["targetingInstigators"], found
        for check in found["assetChecksOrError"]["checks"]:
            assert check["canExecuteIndividually"] == "CAN_EXECUTE"


def test_assets_are_in_progress_while_they_are_read_and_green_afterwards(live: Live) -> None:
    live.sandbox("fault", fault="slow=8@inventoryitem*1")
    run_id = launch(live, "critical_sync")
    both = ("inventory_levels", "critical_items")
    live.until(lambda: stats(live, *both) == [(1, 0), (1, 0)], "both are in progress")
    assert ended(live, run_id)[0] == "SUCCESS"
    assert stats(live, *both) == [(0, 0), (0, 0)]


def test_a_day_of_critical_runs_fills_less_than_five_megabytes(live: Live) -> None:
    run_id = launch(live, "critical_sync")
    assert ended(live, run_id)[0] == "SUCCESS"
    sizes = live.dagster_rows("SELECT length(event) FROM event_logs WHERE run_id = %s", run_id)
    assert len(sizes) <= 34
    assert 96 * sum(size for (size,) in sizes) <= 5_000_000


def test_a_failure_leaves_exactly_the_unfinished_assets_failed(live: Live) -> None:
    live.sandbox("fault", fault="half@inventoryitem*2")
    run_id = launch(live, "full_sync")
    assert ended(live, run_id)[0] == "FAILURE"
    read = ("products", "vendors")
    unread = ("inventory_levels", "critical_items", "shipments", "purchase_orders", "forecasts",
              "purchase_plan")  # fmt: skip
    assert stats(live, *read) == [(0, 0)] * len(read)
    assert stats(live, *unread) == [(0, 1)] * len(unread)
    events = live.dagster(FAILURE, id=run_id)["logsForRun"]["events"]
    (failed,) = [e for e in events if e["__typename"] == "ExecutionStepFailureEvent"]
    beside = {m["label"]: m.get("text") for m in failed["failureMetadata"]["metadataEntries"]}
    assert "cannot be believed" in failed["error"]["message"]
    assert beside["kind"] == "IMPLAUSIBLE"
    assert "finale approve" in beside["next_step"]
    live.sandbox("heal")
    assert ended(live, launch(live, "full_sync"))[0] == "SUCCESS"
    assert stats(live, *unread) == [(0, 0)] * len(unread)


def test_a_skipped_sync_is_green_says_why_and_tells_of_nothing(live: Live) -> None:
    with live.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s, 1)", (Lock.TABLE_SET,))
        status, tags = ended(live, launch(live, "vendors_sync"))
        backfilled = backfill(live, "products", 2)[1]
    assert status == "SUCCESS"
    assert "catalogue tables are taken" in tags["finale/skipped"]
    assert stats(live, "vendors") == [(0, 0)]
    assert backfilled == "COMPLETED_FAILED"


def test_a_cancelled_sync_ends_as_cancelled_in_both_and_does_not_come_back(live: Live) -> None:
    live.sandbox("fault", fault="slow=60@product*1")
    run_id = launch(live, "full_sync")
    running = "SELECT FROM ops.sync_run WHERE dagster_run_id = %s AND step LIKE 'part%%'"
    live.until(lambda: live.rows(running, run_id), "it reads")
    live.dagster(TERMINATE, id=run_id)
    assert ended(live, run_id)[0] == "CANCELED"
    live.sandbox("heal")
    status = "SELECT status FROM ops.sync_run WHERE dagster_run_id = %s"
    assert live.rows(status, run_id) == [("interrupted",)]
    assert ended(live, launch(live, "full_sync"))[0] == "SUCCESS"


def test_a_year_of_products_and_a_month_of_forecasts_are_one_run_each(live: Live) -> None:
    name, status = backfill(live, "products", 365)
    assert (status, runs_of(live, name)) == ("COMPLETED_SUCCESS", 1)
    name, status = backfill(live, "forecasts", 30)
    assert (status, runs_of(live, name)) == ("COMPLETED_SUCCESS", 1)


def test_a_check_is_executed_by_itself(live: Live) -> None:
    before = live.rows("SELECT count(*) FROM ops.sync_run WHERE strategy = 'critical_items'")
    check = ("critical_items", "crossings_are_told")
    assert ended(live, launch(live, "__ASSET_JOB", checks=[check]))[0] == "SUCCESS"
    after = live.rows("SELECT count(*) FROM ops.sync_run WHERE strategy = 'critical_items'")
    assert after[0][0] == before[0][0] + 1
