"""Tries what should be refused: `python -m finale_pipeline_tests.attack`.

Starts all of `finale dev` in a folder of its own, asks every path of both ports as a stranger, as
one who may only read, and as a page of another site would make a browser ask, looks at its files
as another user of the machine, and prints what was tried, refused and wrong.
"""

import stat
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from finale_pipeline_tests.live import Live

WRITE, READ = "w" * 32, "r" * 32
PUBLIC = ("/livez", "/readyz", "/style.css", "/server_info", "/runbooks/", "/decide/")
PAGES = (
    "/", "/plan", "/orders", "/orders/draft", "/syncs", "/outbox", "/search", "/products/x",
    "/runbooks/test", "/decide/x.y.z", "/metrics", "/openapi.json", "/livez", "/readyz",
    "/style.css", "/decide/x.%C2%B2.y", "/..%2f..%2fetc%2fpasswd",
)  # fmt: skip
DAGSTER = ("/", "/graphql", "/runs", "/assets", "/server_info", "/report_asset_materialization/x")
MUTATION = 'mutation{shutdownRepositoryLocation(repositoryLocationName:"x"){__typename}}'
FOREIGN = (
    {"Origin": "https://evil.example"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Host": "evil.example"},
)


@dataclass
class Result:
    """What was tried, by who tried, and what went wrong."""

    tried: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def expect(self, who: str, what: str, *, refused: bool) -> None:
        """Note an attempt; one that was not refused is wrong."""
        self.tried[who] += 1
        if not refused:
            self.wrong.append(f"{who}: {what}")


def paths(api: httpx.Client) -> Iterator[tuple[str, str]]:
    """Yield method and path of all that our API declares, and of the pages."""
    document = api.get("/openapi.json", auth=("a", WRITE)).json()
    for path, methods in document["paths"].items():
        for method in methods:
            yield method.upper(), path.replace("{", "").replace("}", "")
    for path in PAGES:
        yield "GET", path
    for path in ("/", "/plan", "/orders/draft"):
        yield "POST", path


def attack(api: httpx.Client, ui: httpx.Client, home: Path) -> Result:
    """Try everything."""
    result = Result()
    for method, path in paths(api):
        _try_path(result, api, method, path)
    for path in DAGSTER:
        for method in ("GET", "POST"):
            _try_path(result, ui, method, path)
    answer = ui.get("/graphql", params={"query": MUTATION}, auth=("a", WRITE))
    result.expect("a foreign page", "a mutation by GET", refused=answer.status_code == 405)
    _try_websockets(result, ui)
    _try_files(result, home)
    return result


def _try_path(result: Result, client: httpx.Client, method: str, path: str) -> None:
    name = f"{client.base_url} {method} {path}"
    if not path.startswith(PUBLIC):
        answer = client.request(method, path)
        result.expect("a stranger", name, refused=answer.status_code == 401)
    for headers in FOREIGN:
        answer = client.request(method, path, headers=headers, auth=("a", WRITE))
        refused = answer.status_code in {400, 403}
        result.expect("a foreign page", f"{name} {headers}", refused=refused)
    answer = client.request(method, path, auth=("a", READ))
    is_well = answer.status_code in {403, 405, 415} if method != "GET" else answer.status_code < 500
    result.expect("a reader", f"{name} {answer.status_code}", refused=is_well)


def _try_websockets(result: Result, ui: httpx.Client) -> None:
    for headers in ({"Origin": "https://evil.example"}, {}):
        try:
            with connect(f"ws://127.0.0.1:{ui.base_url.port}/graphql", additional_headers=headers):
                result.expect("a foreign page", f"a WebSocket {headers}", refused=False)
        except InvalidStatus:
            result.expect("a foreign page", "a WebSocket", refused=True)


def _try_files(result: Result, home: Path) -> None:
    # The drill itself writes dev.log; PostgreSQL sees to its own folder.
    for file in home.rglob("*"):
        if not {"postgres", "dev.log"} & set(file.parts) and not file.is_symlink():
            mode = stat.S_IMODE(file.stat().st_mode)
            result.expect("another user", f"{file} {mode:o}", refused=not mode & 0o077)


def main() -> None:
    """Start it, attack it, print a table."""
    with tempfile.TemporaryDirectory(prefix="finale") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        home.mkdir(mode=0o711)
        given = {"FINALE_API_TOKEN": WRITE, "FINALE_API_READ_TOKEN": READ}
        with Live(home, FINALE_SANDBOX_PRODUCTS="200", **given) as live:
            urls = [f"http://127.0.0.1:{live.ports[name]}" for name in ("API", "UI")]
            for url, path in zip(urls, ("/readyz", "/server_info"), strict=True):
                live.until(lambda u=url + path: _answers(u), f"{url} answers")  # type: ignore[misc]
            with (
                httpx.Client(base_url=urls[0], trust_env=False, timeout=60) as api,
                httpx.Client(base_url=urls[1], trust_env=False, timeout=60) as ui,
            ):
                result = attack(api, ui, home)
    print("| who | tried |\n| --- | --- |")
    for who, number in result.tried.items():
        print(f"| {who} | {number} |")
    print(f"\nwrong: {len(result.wrong)}", *result.wrong, sep="\n  ")
    if result.wrong:
        raise SystemExit(1)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


if __name__ == "__main__":
    main()
