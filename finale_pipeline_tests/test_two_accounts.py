"""Two accounts on one Dagster: assets, runs, schedules, budgets, mails, pages do not mix."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.handler import KEY, SECRET
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.conftest import new_database
from finale_pipeline_tests.live import Live, free_port
from finale_pipeline_tests.processes import command
from finale_pipeline_tests.sync.helpers import assert_mirrors, let_the_pause_pass
from finale_pipeline_tests.test_asset_runs import ended, today

pytestmark = pytest.mark.slow

LAUNCH = """
mutation ($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries { name loadStatus
  locationOrLoadError { __typename } } } } }
"""
NODES = "{ assetNodes { assetKey { path } partitionStats { numMaterialized } } }"
SCHEDULES = """
query ($location: String!) { schedulesOrError(repositorySelector:
  {repositoryLocationName: $location, repositoryName: "__repository__"}) {
  ... on Schedules { results { name scheduleState { id status } } } } }
"""
STOP = "mutation ($id: String!) { stopRunningSchedule(id: $id) { __typename } }"
NAMES = ("CRITICAL", "INVENTORY", "ACTIVE", "FULL", "SMART")
OFF = {f"FINALE_SCHEDULE_{name}": "off" for name in NAMES if name != "CRITICAL"}


@dataclass
class Shop:
    """An account with its sandbox, its warehouse and its folder."""

    name: str
    home: Path
    account: Account
    sandbox: SandboxServer
    url: str
    api_port: int

    def settings(self, dagster: str) -> dict[str, str]:
        return {
            "FINALE_LOCATION": self.name, "FINALE_BASE_URL": self.sandbox.base_url,
            "FINALE_ACCOUNT": "demo", "FINALE_API_KEY": KEY, "FINALE_API_SECRET": SECRET,
            "FINALE_SINCE": self.account.first_change().date().isoformat(),
            "FINALE_DATABASE_URL": self.url, "FINALE_DAGSTER_DATABASE_URL": dagster,
            "FINALE_ALERT_EMAILS": f"{self.name}@shop.example",
            "FINALE_SCHEDULE_CRITICAL": "0 0 1 1 *", "FINALE_API_PORT": str(self.api_port), **OFF,
        }  # fmt: skip

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with connect(self.url, name="drill") as connection:
            return connection.execute(query, values).fetchall()

    def ask(self, path: str) -> httpx.Response:
        """Ask its pages and API."""
        return httpx.get(f"http://127.0.0.1:{self.api_port}{path}", timeout=60, trust_env=False)

    def is_served(self) -> bool:
        try:
            return self.ask("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def skus(self) -> set[str]:
        return {product["productId"] for product in self.account.records("product")}


@pytest.fixture
def shops(
    server: str, upgraded: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Shop]]:
    """Two accounts of different size."""
    made = {}
    for name, products in (("north", 150), ("south", 90)):
        account = invented_account(products=products, years=0.2, seed=products)
        sandbox = SandboxServer(account).__enter__()
        home = tmp_path_factory.mktemp(name)
        url = new_database(server, template=upgraded)
        made[name] = Shop(name, home, account, sandbox, url, free_port())
    try:
        yield made
    finally:
        for shop in made.values():
            shop.sandbox.__exit__(None, None, None)


@pytest.fixture
def live(server: str, shops: dict[str, Shop]) -> Iterator[Live]:
    """All of north's services, and of south its code server and its API."""
    north, south = shops.values()
    dagster = new_database(server, template="template0")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("FINALE_", "DAGSTER_"))}
    given = inherited | south.settings(dagster) | {"FINALE_HOME": str(south.home)}
    (north.home / "workspace-more.yaml").write_text(
        "  - grpc_server:\n"
        f"      socket: {south.home.resolve()}/dagster/code.sock\n      location_name: south\n"
    )
    with ExitStack() as stack:
        for part in ("code", "api"):
            log = stack.enter_context((south.home / f"{part}.log").open("wb"))
            process = subprocess.Popen(command("serve", part), env=given, stdout=log, stderr=log)
            stack.callback(process.wait, 60)
            stack.callback(process.send_signal, signal.SIGINT)
        with Live(north.home, **north.settings(dagster)) as running:
            running.until(lambda: loaded(running) == {"north", "south"}, "both are loaded")
            yield running


def loaded(live: Live) -> set[str]:
    try:
        found = live.dagster(LOCATIONS)["workspaceOrError"]["locationEntries"]
    except (OSError, json.JSONDecodeError):
        return set()
    states = {entry["name"]: entry["locationOrLoadError"] or {} for entry in found}
    return {n for n, state in states.items() if state.get("__typename") == "RepositoryLocation"}


def launch(live: Live, location: str, job: str) -> str:
    selector = {"repositoryLocationName": location, "repositoryName": "__repository__",
                "pipelineName": job}  # fmt: skip
    tags = [{"key": "dagster/partition", "value": today()}]
    params = {"selector": selector, "runConfigData": {}, "mode": "default",
              "executionMetadata": {"tags": tags}}  # fmt: skip
    answer = live.dagster(LAUNCH, params=params)["launchPipelineExecution"]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return str(answer["run"]["runId"])


def days(live: Live) -> dict[str, int]:
    """Asset → days that are materialized."""
    return {
        "/".join(node["assetKey"]["path"]): (node["partitionStats"] or {}).get("numMaterialized", 0)
        for node in live.dagster(NODES)["assetNodes"]
    }


def statuses(live: Live, location: str) -> dict[str, str]:
    found = live.dagster(SCHEDULES, location=location)["schedulesOrError"]["results"]
    return {schedule["name"]: schedule["scheduleState"]["status"] for schedule in found}


def test_two_accounts_on_one_dagster_do_not_mix(live: Live, shops: dict[str, Shop]) -> None:
    north, south = shops.values()
    done = "SELECT dagster_run_id FROM ops.sync_run WHERE status = 'done' AND strategy = 'full'"
    for shop in (north, south):  # each starts its own first sync, by its own sensor
        live.until(partial(shop.rows, done), f"{shop.name} is synced")
        with connect(shop.url, name="drill") as connection:
            assert_mirrors(connection, shop.account)
        ((run_id,),) = shop.rows(done)
        assert ended(live, run_id)[0] == "SUCCESS"
    told = days(live)
    assert told["north/inventory_levels"] == told["south/inventory_levels"] == 1
    assert "inventory_levels" not in told
    mails = "SELECT DISTINCT recipients FROM ops.outbox"
    assert [shop.rows(mails) for shop in (north, south)] == [
        [(["north@shop.example"],)], [(["south@shop.example"],)],
    ]  # fmt: skip

    # Each is served its own products, and counts its own requests.
    for shop in (north, south):
        live.until(shop.is_served, f"{shop.name} is served")
        served = shop.ask("/api/products?limit=1000").json()["products"]
        assert {product["sku"] for product in served} == shop.skus()
        for sku in sorted(north.skus() ^ south.skus())[:9]:
            answer = shop.ask(f"/products/{quote(sku, safe='')}")
            assert answer.status_code == (200 if sku in shop.skus() else 404), sku
        counted = shop.rows("SELECT count(*) FROM ops.request")
        assert counted == [(len(shop.sandbox.requests),)]

    # One whom Finale has told to wait leaves the other's requests alone.
    north.sandbox.add_fault("throttle-reset=3600@partygroup*1")
    assert ended(live, launch(live, "north", "vendors_sync"))[0] == "FAILURE"
    assert ended(live, launch(live, "south", "vendors_sync"))[0] == "SUCCESS"
    blocked = "SELECT count(*) FROM ops.request_block WHERE blocked_until > now()"
    assert (north.rows(blocked), south.rows(blocked)) == ([(1,)], [(0,)])
    with connect(north.url, name="drill") as connection:
        let_the_pause_pass(connection)

    # A run of south's that waits is left alone by north's sensors; and is in south's ledger alone.
    south.sandbox.add_fault("slow=25@inventoryitem*1")
    run_id = launch(live, "south", "critical_sync")
    of_it = "SELECT status FROM ops.sync_run WHERE dagster_run_id = %s"
    live.until(lambda: south.rows(of_it, run_id) == [("running",)], "it runs")
    other = launch(live, "north", "critical_sync")
    assert ended(live, other)[0] == "SUCCESS"
    assert ended(live, run_id)[0] == "SUCCESS"
    assert (north.rows(of_it, run_id), south.rows(of_it, other)) == ([], [])

    # A schedule that is stopped for one is not stopped for the other.
    (stopped,) = [
        schedule["scheduleState"]["id"]
        for schedule in live.dagster(SCHEDULES, location="south")["schedulesOrError"]["results"]
        if schedule["name"] == "critical_schedule"
    ]
    live.dagster(STOP, id=stopped)
    assert statuses(live, "south")["critical_schedule"] == "STOPPED"
    assert statuses(live, "north")["critical_schedule"] == "RUNNING"
    examined = subprocess.run(
        command("doctor", "--json"), capture_output=True, text=True, check=False,
        env=live.environment,
    )  # fmt: skip
    (schedules,) = [
        found for found in json.loads(examined.stdout.splitlines()[-1])
        if found["what"] == "schedules"
    ]  # fmt: skip
    assert schedules["state"] == "ok", schedules
