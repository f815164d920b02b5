"""No other code can write to Finale: shown by the text of the code, and by what the source got."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import finale_pipeline
from finale_pipeline.errors import WritesOff
from finale_pipeline.finale.budget import Budget
from finale_pipeline.finale.orders import OrderWriter, WritePermission
from finale_pipeline.finale.transport import http_client
from finale_pipeline.health.doctor import examine
from finale_pipeline.ordering.resolving import check
from finale_pipeline.sync.source import source_of
from finale_pipeline.sync.strategies import STRATEGIES
from finale_pipeline.warehouse.requests import Limits, SharedLedger
from finale_pipeline_tests.ordering.shelf import Shelf
from finale_pipeline_tests.sync.helpers import sync

ROOT = Path(finale_pipeline.__file__).parent
WRITER = "finale/orders.py"
OTHER_SERVERS = {
    "api/server/dagster.py": "Dagster's GraphQL",
    "notify/sendgrid_sender.py": "the mail service",
    "notify/channels.py": "Slack, Teams and webhooks",
}
"""What else sends requests, and to whom."""
CLIENTS = {"httpx", "requests", "urllib3", "http.client", "urllib.request", "aiohttp", "socket"}
VERBS = {"POST", "PUT", "PATCH", "DELETE"}
CALLS = {"post", "patch", "delete", "request"}
"""What writes by an HTTP client; `put` and `send` are words of the outbox, which has none."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in ROOT.rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(("sandbox/", "drills/")):  # these know simulated accounts alone
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_few_modules_can_send_a_request_and_one_of_them_a_write() -> None:
    senders = {name for name, tree in modules() if imports(tree) & CLIENTS}
    names = ("transport", "deadline", "http", "responses")
    finales = {WRITER, *(f"finale/{name}.py" for name in names)}
    # The others listen, look whether a port is free, or talk to a process of ours.
    assert senders - finales - set(OTHER_SERVERS) <= {
        "services/dev.py", "services/ports.py", "services/processes.py", "services/runs.py",
        "warehouse/embedded.py",
    }  # fmt: skip


def test_no_text_but_the_writers_names_a_verb_that_writes() -> None:
    """Routes of our own API are declared by decorators, which send nothing."""
    named = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and node.value in VERBS
    }
    assert named - {"api/server/middleware.py"} == {WRITER}  # it says which verb a caller may use
    called = {
        name
        for name, tree in modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CALLS
        and not (
            isinstance(node.func.value, ast.Name)
            and node.func.value.id in {"router", "AssetCheckExecutionsTable"}
        )
    }
    assert called <= set(OTHER_SERVERS), called


def test_only_drafting_imports_the_writer() -> None:
    target = "finale_pipeline.finale.orders"
    users = {name for name, tree in modules() if target in imports(tree)}
    assert users == {"ordering/context.py", "ordering/drafting.py", "ordering/submission.py"}


def test_no_action_of_an_order_is_in_the_code() -> None:
    """Commit, complete, cancel and update exist nowhere."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "finale").glob("*.py")]
    texts += [path.read_text(encoding="utf-8") for path in (ROOT / "ordering").glob("*.py")]
    for word in ("/lock", "/complete", "/cancel", "/edit", "actionUrl", "autoUnlock"):
        assert not any(word in text for text in texts), word


def test_no_writer_without_permission_and_none_for_another_account(shelf: Shelf) -> None:
    with pytest.raises(WritesOff):
        WritePermission(shelf.settings.model_copy(update={"allow_writes": False}))
    permission = WritePermission(shelf.settings.model_copy(update={"account": "other"}))
    ledger = SharedLedger("postgresql://nowhere", Limits())
    budget = Budget(ledger, clock=shelf.account.clock.now, sleep=shelf.wait)
    with pytest.raises(WritesOff):
        OrderWriter(permission, source_of(shelf.settings), budget=budget)


@pytest.mark.parametrize(
    "body",
    [
        '{"orderTypeId":"SALES_ORDER","statusId":"ORDER_CREATED","orderId":"1","referenceNumber":"x"}',
        '{"orderTypeId":"PURCHASE_ORDER","statusId":"ORDER_LOCKED","orderId":"1"}',
        '{"orderTypeId":"PURCHASE_ORDER","statusId":"ORDER_CREATED","referenceNumber":"x"}',
        '{"orderTypeId":"PURCHASE_ORDER","statusId":"ORDER_CREATED","orderId":"1",'
        '"referenceNumber":"x","orderUrl":"/demo/api/order/1"}',
        '{"orderTypeId":"PURCHASE_ORDER","statusId":"ORDER_CREATED","orderId":"1",'
        '"referenceNumber":"x","autoUnlockRelock":true}',
    ],
)
def test_the_writer_sends_nothing_but_new_drafts(shelf: Shelf, body: str) -> None:
    clock = shelf.account.clock.now
    with shelf.context.writer() as writer, pytest.raises(AssertionError, match="not a new draft"):
        writer.create(body, until=clock(), clock=clock)
    assert shelf.sandbox.posts == []


def test_a_client_that_reads_refuses_to_write(shelf: Shelf) -> None:
    reader = http_client(source_of(shelf.settings), method="GET")
    with reader, pytest.raises(AssertionError, match="only GET may go out"):
        reader.post("/demo/api/order/", content="{}")
    assert shelf.sandbox.posts == []


def test_nothing_but_drafting_sends_a_write(shelf: Shelf) -> None:
    """Every strategy, the doctor and a check of orders, with writing allowed."""
    posted: list[str] = []
    shelf.sandbox.on_request = lambda path: posted.append(path) if "POST" in path else None
    shelf.plan(vendors=1)
    for strategy in STRATEGIES:
        sync(shelf.settings, strategy)
        shelf.later(minutes=1)
    examine(shelf.settings)
    check(shelf.context, "buyer")
    assert posted == []
    drafted = shelf.draft(accept_duplicates=True)  # of the plan that the full sync made
    assert posted == ["POST /demo/api/order/"] * len(drafted.rows)
    assert posted
