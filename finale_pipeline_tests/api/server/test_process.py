"""The API as the process that `finale api` starts: what its log says of who came."""

import json
import signal
import time
from typing import Any

import httpx

from finale_pipeline.settings import Settings
from finale_pipeline_tests.live import free_port
from finale_pipeline_tests.processes import start

TOKEN = "t" * 32


def test_who_came_and_who_was_refused_stands_in_the_log_of_the_process(settings: Settings) -> None:
    """With the level that production has: tests that set it themselves once hid an empty log."""
    port = free_port()
    process = start(settings, "api", FINALE_API_PORT=str(port), FINALE_API_TOKEN=TOKEN)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            while not _answers(client):
                assert process.poll() is None
            numbers = {
                client.get("/api/products", headers=headers).headers["x-request-id"]: status
                for headers, status in (
                    ({}, 401),
                    ({"Authorization": f"Bearer {'x' * 32}"}, 401),
                    ({"Authorization": f"Bearer {TOKEN}"}, 200),
                )
            }
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    for number, status in numbers.items():
        (line,) = [one for one in lines if number in one["event"]]
        assert_tells_all(line, status)
    assert TOKEN not in said


def assert_tells_all(line: dict[str, Any], status: int) -> None:
    assert line["part"] == "api"
    assert line["timestamp"].endswith("+00:00")
    assert line["level"] == ("warning" if status == 401 else "info")
    for word in ("127.0.0.1", "GET /api/products", str(status)):
        assert word in line["event"]


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/livez").status_code == 200
    except httpx.TransportError:
        time.sleep(0.1)
        return False
