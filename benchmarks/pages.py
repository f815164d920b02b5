"""How fast the buyer's pages come: `python -m benchmarks.pages [--products 30000] [--open 600]`.

Builds an account of that size in a folder of its own, syncs and plans it, decides about all items
but so many as a buyer would, then asks every page in turn; that of forecasts once every product has
sold for half a year and twelve past weeks were planned. Prints the median of each, what processor
time API and database server took for one, and the size of its HTML, and fails where one is above
the bounds. Ends by itself.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx

from benchmarks.ground import cpu_with_children
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.services.source import sandbox_environment
from finale_pipeline.warehouse import embedded
from finale_pipeline.warehouse.connect import connect
from finale_pipeline.warehouse.reads.forecasts import WEEKS
from finale_pipeline_tests.live import free_port
from finale_pipeline_tests.processes import command

MOST_MS, MOST_BYTES = 150.0, 300_000
PAGES = (
    "/", "/?show=nothing", "/?category=Bath&sort=-risk", "/?rows=100", "/plan",
    "/plan/order?vendor=/demo/api/partygroup/10004", "/plan/order?vendor=", "/vendors",
    "/vendors/10004", "/excess", "/excess?kind=dead", "/points", "/arrivals", "/changes",
    "/products/P-1", "/search?q=soap", "/search/hits?q=P-1", "/orders",
)  # fmt: skip


FORECASTS = ("/forecasts", "/forecasts?sku=P-1", "/products/P-1")
SALES = """
INSERT INTO core.sales_daily
    (product_url, sold_on, units, orders, dated_by, units_by_ship_date, changed_at)
SELECT product_url, current_date - n, 1 + h % 4, 1, 'order', 0, now()
FROM core.product, generate_series(1, 182) n, abs(hashtext(product_url || n)) h
WHERE h % 5 < 2 ON CONFLICT DO NOTHING
"""
"""Two days in five have a sale."""


@dataclass(frozen=True, slots=True)
class Served:
    """An API over a filled warehouse.

    Attributes:
        home: Its folder.
        api: Its process.
    """

    client: httpx.Client
    home: Path
    api: int
    environment: dict[str, str]

    def cpu(self) -> tuple[float, float]:
        """Return the seconds of processor time of API and database so far."""
        database = (
            (self.home / "postgres" / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        )
        return cpu_with_children(self.api), cpu_with_children(int(database))

    def live_through(self) -> None:
        """Let every product have sold for half a year, and plan the first days of past weeks."""
        with connect(embedded.start(self.home / "postgres"), name="benchmark") as connection:
            connection.execute(SALES)
            connection.execute("ANALYZE core.sales_daily")
        for weeks in range(WEEKS, 0, -1):
            day = datetime.now(UTC).date() - timedelta(weeks=weeks)
            finale(self.environment, "forecast", "plan", "--on", day.isoformat())


def finale(environment: dict[str, str], *words: str) -> None:
    """Run a command of ours to its good end."""
    subprocess.run(command(*words), env=environment, check=True, capture_output=True)


@contextmanager
def filled(products: int) -> Iterator[Served]:
    """Fill a warehouse from a sandbox of that size, and serve its pages."""
    account = invented_account(products=products)
    since = (account.first_change() - timedelta(days=1)).date().isoformat()
    with (
        tempfile.TemporaryDirectory(prefix="finale-bench") as folder,
        SandboxServer(account, rate_limits=None) as sandbox,
    ):
        Path(folder).chmod(0o755)
        port = free_port()
        home = Path(folder, "home")
        environment = {
            **os.environ, **sandbox_environment(sandbox.base_url, since),
            "FINALE_HOME": str(home), "FINALE_API_PORT": str(port),
            "FINALE_COLLECTIONS_PER_HOUR": "100000", "FINALE_GET_PER_MINUTE": "100000",
        }  # fmt: skip

        finale(environment, "sync", "full")
        api = subprocess.Popen(command("api"), env=environment, stderr=subprocess.DEVNULL)
        try:
            base = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
                _wait(client)
                yield Served(client, home, api.pid, environment)
        finally:
            api.terminate()
            api.wait(60)
            subprocess.run(command("db", "stop"), env=environment, check=False, capture_output=True)


def _wait(client: httpx.Client) -> None:
    for _ in range(600):
        try:
            client.get("/livez")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the API does not answer")


def decide_down_to(client: httpx.Client, many: int) -> int:
    """Decide about the least urgent items until so many are left, and return how many are."""
    found = client.get("/api/sync-finale/critical").json()
    items = [*found["out_of_stock"], *found["below_reorder_point"]]
    for begin in range(many, len(items), 900):
        products = [item["product_url"] for item in items[begin : begin + 900]]
        fields = {"product": products, "do": "acknowledged"}
        answer = client.post("/decide", data=fields)
        if answer.is_error:
            answer.raise_for_status()
    return min(many, len(items))


def measured(served: Served, path: str, turns: int) -> bool:
    """Ask a page so many times and print what that took; return whether it is within the bounds."""
    answer = served.client.get(path)
    seconds, before = [], served.cpu()
    for _ in range(turns):
        begin = time.perf_counter()
        answer = served.client.get(path)
        seconds.append(time.perf_counter() - begin)
    cpu = [1_000 * (b - a) / turns for a, b in zip(before, served.cpu(), strict=True)]
    took, size = median(seconds) * 1_000, len(answer.content)
    is_good = answer.status_code == 200 and took <= MOST_MS and size <= MOST_BYTES
    print(
        f"{'' if is_good else '! '}{path:48}{took:8.0f} ms, CPU of API {cpu[0]:5.0f},"
        f" database {cpu[1]:5.0f}{size / 1_000:8.0f} kB"
    )
    return is_good


def main() -> int:
    """Run it and return 0 when every page is within the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=30_000)
    parser.add_argument("--open", type=int, default=600)
    parser.add_argument("--turns", type=int, default=9)
    asked = parser.parse_args()
    with filled(asked.products) as served:
        left = decide_down_to(served.client, asked.open)
        print(f"{asked.products:,} products, {left:,} items to decide")
        good = [measured(served, path, asked.turns) for path in PAGES]
        served.live_through()
        print("each sold for half a year")
        good += [measured(served, path, asked.turns) for path in FORECASTS]
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
