"""What can be reached from outside without a token (row A16), and settings that others can read."""

from pathlib import Path

import httpx
import pytest

from finale_pipeline.health.doctor import examine
from finale_pipeline.settings import Settings
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.notify.warehouse import Warehouse


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/.git/config", "/.env", "/static/"])
def test_there_is_no_other_door(api: httpx.Client, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_with_a_token_set_the_probes_alone_need_none_and_tell_nothing(
    stock: Warehouse, dagster: FakeDagster
) -> None:
    settings = Settings.model_validate(stock.settings.model_dump() | {"api_read_token": "t"})
    with running(settings, dagster, stock.clock) as api:
        assert api.get("/livez").json() == {"status": "alive"}
        assert api.get("/readyz").json() == {"status": "ready"}
        for path in ("/openapi.json", "/metrics", "/api/sync-finale/health", "/docs"):
            assert api.get(path).status_code == 401


@pytest.mark.parametrize(("mode", "state"), [(0o640, "warning"), (0o600, "ok")])
def test_settings_that_others_can_read_are_warned_of(
    stock: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, state: str
) -> None:
    """S6."""
    monkeypatch.chdir(tmp_path)
    Path(".env").touch(mode)
    Path(".env").chmod(mode)
    found = {f.what: f.state for f in examine(stock.settings.model_copy(update={"account": None}))}
    assert found["secrets"] == state
