"""How fast the buyer's pages come: `python -m benchmarks.pages [--products 30000] [--open 600]`.

Builds an account of that size in a folder of its own, syncs and plans it, decides about all items
but so many as a buyer would, then asks every page in turn. Prints the median of each and the size
of its HTML, and fails where one is above the bounds. Ends by itself.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

import httpx

from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.services.source import sandbox_environment
from finale_pipeline_tests.live import free_port
from finale_pipeline_tests.processes import command

MOST_MS, MOST_BYTES = 150.0, 300_000
PAGES = (
    "/", "/?show=nothing", "/?category=Bath&sort=-risk", "/?rows=100", "/plan",
    "/plan/order?vendor=/demo/api/partygroup/10004", "/plan/order?vendor=", "/vendors",
    "/vendors/10004", "/excess", "/excess?kind=dead", "/points", "/arrivals", "/changes",
    "/products/P-1", "/search?q=soap", "/search/hits?q=P-1", "/orders",
)  # fmt: skip


@contextmanager
def filled(products: int) -> Iterator[httpx.Client]:
    """Fill a warehouse from a sandbox of that size, and serve its pages."""
    account = invented_account(products=products)
    since = (account.first_change() - timedelta(days=1)).date().isoformat()
    with (
        tempfile.TemporaryDirectory(prefix="finale-bench") as folder,
        SandboxServer(account, rate_limits=None) as sandbox,
    ):
        Path(folder).chmod(0o755)
        port = free_port()
        environment = {
            **os.environ, **sandbox_environment(sandbox.base_url, since),
            "FINALE_HOME": f"{folder}/home", "FINALE_API_PORT": str(port),
            "FINALE_COLLECTIONS_PER_HOUR": "100000", "FINALE_GET_PER_MINUTE": "100000",
        }  # fmt: skip
        subprocess.run(command("sync", "full"), env=environment, check=True, capture_output=True)
        api = subprocess.Popen(command("api"), env=environment, stderr=subprocess.DEVNULL)
        try:
            base = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
                _wait(client)
                yield client
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


def main() -> int:
    """Run it and return 0 when every page is within the bounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--products", type=int, default=30_000)
    parser.add_argument("--open", type=int, default=600)
    parser.add_argument("--turns", type=int, default=9)
    asked = parser.parse_args()
    bad = 0
    with filled(asked.products) as client:
        left = decide_down_to(client, asked.open)
        print(f"{asked.products:,} products, {left:,} items to decide")
        for path in PAGES:
            answer = client.get(path)
            seconds = []
            for _ in range(asked.turns):
                begin = time.perf_counter()
                answer = client.get(path)
                seconds.append(time.perf_counter() - begin)
            took, size = median(seconds) * 1_000, len(answer.content)
            is_good = answer.status_code == 200 and took <= MOST_MS and size <= MOST_BYTES
            bad += not is_good
            print(f"{'' if is_good else '! '}{path:48}{took:8.0f} ms{size / 1_000:8.0f} kB")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
