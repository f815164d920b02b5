"""What a browser could be made to send by another site's page, at both ports."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from finale_pipeline.api.server.middleware import WEBSOCKETS_PER_CLIENT
from finale_pipeline.api.serving import dagster_server
from finale_pipeline.settings import Settings
from finale_pipeline_tests.api.client import code
from finale_pipeline_tests.api.conftest import settings_of

EVIL = "https://evil.example"
TOKEN = "t" * 32
FOREIGN = (
    {"Origin": EVIL},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
)
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


class Ui:
    """Stands for Dagster's webserver: notes what comes through."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/{path:path}", self._any, methods=["GET", "POST"]),
                WebSocketRoute("/graphql", self._socket),
            ]
        )

    async def _any(self, request: Request) -> Response:
        self.asked.append(f"{request.method} {request.url.path}")
        return JSONResponse({"ok": True}, headers={"Content-Security-Policy": "script-src 'self'"})

    async def _socket(self, websocket: WebSocket) -> None:
        self.asked.append("WEBSOCKET")
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())
        await websocket.close()


@contextmanager
def serving(settings: Settings, ui: Ui, prefix: str = "") -> Iterator[httpx.Client]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        server = dagster_server(ui.app(), settings, prefix)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server ended"
                time.sleep(0.005)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def ui() -> Ui:
    return Ui()


@pytest.fixture
def dagster_ui(ui: Ui, tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(settings_of("postgresql://nowhere/x", tmp_path), ui) as client:
        yield client


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/", "/runs", "/graphql"])
def test_another_sites_page_reaches_nothing_of_dagster(
    dagster_ui: httpx.Client, ui: Ui, headers: dict[str, str], path: str
) -> None:
    assert code(dagster_ui.get(path, headers=headers)) == (403, "other_origin")
    assert code(dagster_ui.post(path, json={"query": "x"}, headers=headers))[0] == 403
    assert ui.asked == []


@pytest.mark.parametrize("headers", FOREIGN)
def test_another_sites_page_reads_nothing_of_ours(
    api: httpx.Client, headers: dict[str, str]
) -> None:
    for path in ("/", "/api/products", "/livez"):
        assert code(api.get(path, headers=headers)) == (403, "other_origin")


def test_a_link_of_another_site_leads_to_pages_and_asks_nothing(
    dagster_ui: httpx.Client, api: httpx.Client, ui: Ui
) -> None:
    assert api.get("/", headers=LINK).status_code == 200
    assert dagster_ui.get("/runs", headers=LINK).status_code == 200
    mutation = {"query": 'mutation{shutdownRepositoryLocation(repositoryLocationName:"x"){id}}'}
    for headers in (LINK, {}):
        answer = dagster_ui.get("/graphql", params=mutation, headers=headers)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert ui.asked == ["GET /runs"]


def test_questions_are_posted_as_json_only(dagster_ui: httpx.Client, ui: Ui) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/graphql"):
        answer = dagster_ui.post("/graphql", content="{}", headers={"Content-Type": kind})
        assert code(answer) == (415, "unsupported_media_type")
    assert code(dagster_ui.post("/report_asset_materialization/x"))[0] == 415
    assert ui.asked == []
    origin = {"Origin": str(dagster_ui.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert dagster_ui.post("/graphql", json={}, headers=origin).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::2]"])
def test_a_name_that_leads_here_is_refused_at_dagsters_port_too(
    dagster_ui: httpx.Client, host: str
) -> None:
    assert dagster_ui.get("/", headers={"Host": host}).status_code == 400


def test_dagster_cannot_be_framed(dagster_ui: httpx.Client) -> None:
    headers = dagster_ui.get("/").headers
    assert headers.get_list("content-security-policy") == [
        "script-src 'self'", "frame-ancestors 'none'"
    ]  # fmt: skip
    assert headers["x-frame-options"] == "DENY"


def address(client: httpx.Client) -> str:
    return f"ws://127.0.0.1:{client.base_url.port}/graphql"


def test_a_websocket_is_for_our_own_page_only(dagster_ui: httpx.Client, ui: Ui) -> None:
    for origin in (EVIL, "null", "http://127.0.0.1:1"):
        with pytest.raises(InvalidStatus) as refused:
            connect(address(dagster_ui), additional_headers={"Origin": origin})
        assert refused.value.response.status_code == 403
    assert ui.asked == []
    own = {"Origin": str(dagster_ui.base_url).rstrip("/")}
    with connect(address(dagster_ui), additional_headers=own) as line:
        line.send("hello")
        assert line.recv() == "hello"


def test_the_websockets_of_one_client_are_bounded_and_keep_no_page_out(
    dagster_ui: httpx.Client,
) -> None:
    with ExitStack() as held:
        for _ in range(WEBSOCKETS_PER_CLIENT):
            line = held.enter_context(connect(address(dagster_ui)))
            held.callback(line.send, "hello")  # the app's end of it waits for a word
        with pytest.raises(InvalidStatus):
            connect(address(dagster_ui))
        assert dagster_ui.get("/runs").status_code == 200


def test_dagster_asks_for_the_token_where_one_is_set(tmp_path: Path, ui: Ui) -> None:
    given = {"api_token": TOKEN, "ui_url": "https://stock.example/dagster"}
    plain = settings_of("postgresql://nowhere/x", tmp_path)
    settings = Settings.model_validate(plain.model_dump() | given)
    with serving(settings, ui) as client:
        assert client.get("/").status_code == 401
        assert client.get("/server_info").status_code == 200
        with pytest.raises(InvalidStatus):
            connect(address(client))
        assert ui.asked == ["GET /server_info"]
        proxied = {"Host": "stock.example", "Origin": "https://stock.example"}
        answer = client.post("/graphql", json={}, headers=proxied, auth=("anna", TOKEN))
        assert answer.status_code == 200
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        with connect(address(client), additional_headers=bearer) as line:
            line.send("hello")
            assert line.recv() == "hello"


def test_below_a_path_behind_a_proxy_the_same_is_refused_and_let_in(tmp_path: Path, ui: Ui) -> None:
    given = {"api_token": TOKEN, "ui_url": "https://stock.example/dagster"}
    plain = settings_of("postgresql://nowhere/x", tmp_path)
    settings = Settings.model_validate(plain.model_dump() | given)
    proxied = {"Host": "stock.example", "Origin": "https://stock.example"}
    anna = ("anna", TOKEN)
    with serving(settings, ui, settings.ui_prefix) as client:
        assert client.get("/dagster/server_info", headers=proxied).status_code == 200
        assert client.get("/dagster/assets", headers=proxied).status_code == 401
        asked = client.get("/dagster/graphql", params={"query": "{x}"}, auth=anna)
        assert asked.status_code == 405
        as_form = client.post("/dagster/graphql", data={"query": "{x}"}, auth=anna)
        assert as_form.status_code == 415
        other = {**proxied, "Origin": EVIL}
        assert client.post("/dagster/graphql", json={}, headers=other, auth=anna).status_code == 403
        answer = client.post("/dagster/graphql", json={}, headers=proxied, auth=anna)
        assert answer.status_code == 200
    assert ui.asked == ["GET /dagster/server_info", "POST /dagster/graphql"]
