"""The app over real HTTP, on a port of its own, with a Dagster that notes what it is asked."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from finale_pipeline.api.serving import api_server
from finale_pipeline.settings import Settings
from finale_pipeline.settings.changed import changes


class FakeDagster:
    """Answers the GraphQL of Dagster's webserver, as that does, and keeps what it launched."""

    def __init__(self) -> None:
        self.launched: list[dict[str, Any]] = []
        self.off: set[str] = set()
        self.home: Path | None = None
        self.reloads = True
        self.crons: dict[str, str] = {}
        self.is_broken = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps({"data": outer.answer(asked["query"], asked["variables"])})
                self.send_response(500 if outer.is_broken else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._http.server_port
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "launchPipelineExecution" in query:
            self.launched.append(variables["params"])
            run = {"runId": f"run-{len(self.launched)}"}
            return {"launchPipelineExecution": {"__typename": "LaunchRunSuccess", "run": run}}
        state = {"__typename": "ScheduleStateResult", "scheduleState": {"status": "?"}}
        if "reloadRepositoryLocation" in query:
            return {"reloadRepositoryLocation": self._reloaded()}
        if "startSchedule" in query:
            self.off.discard(variables["selector"]["scheduleName"])
            return {"startSchedule": state}
        if "stopRunningSchedule" in query:
            self.off.add(variables["id"])
            return {"stopRunningSchedule": state}
        names = ("critical_schedule", "full_schedule", "morning_digest_daily")
        results = [self._schedule(name) for name in names]
        return {"schedulesOrError": {"__typename": "Schedules", "results": results}}

    def _reloaded(self) -> dict[str, Any]:
        """Read the file of changes as the code server does when it loads anew."""
        if not self.reloads:
            return {"__typename": "ReloadNotSupported"}
        changed = changes(self.home) if self.home else {}
        self.crons = {f"{name}_schedule": change.cron for name, change in changed.items()}
        loaded = {"__typename": "RepositoryLocation"}
        return {"__typename": "WorkspaceLocationEntry", "locationOrLoadError": loaded}

    def _schedule(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "pipelineName": name.replace("schedule", "sync"),
            "cronSchedule": self.crons.get(name, "*/15 * * * *"),
            "executionTimezone": "UTC",
            "description": "",
            "scheduleState": {
                "id": name,
                "selectorId": name,
                "status": "STOPPED" if name in self.off else "RUNNING",
                "ticks": [
                    {"timestamp": 1773057600.0, "status": "SUCCESS", "runIds": [], "skipReason": ""}
                ],
            },
            "futureTicks": {"results": [{"timestamp": 1773058500.0}]},
        }

    def tags(self, number: int = -1) -> dict[str, str]:
        """Return the tags of a launched run."""
        pairs = self.launched[number]["executionMetadata"]["tags"]
        return {pair["key"]: pair["value"] for pair in pairs}


@contextmanager
def running(
    settings: Settings,
    dagster: FakeDagster,
    clock: Callable[[], datetime],
    *,
    header_seconds: float = 10,
) -> Iterator[httpx.Client]:
    """Serve the app in a thread and give a client of it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        port = listener.getsockname()[1]
        given = settings.model_copy(update={"ui_port": dagster.port, "api_port": port})
        app = api_server(given, clock=clock, header_seconds=header_seconds)
        thread = threading.Thread(target=app.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not app.started:
                assert thread.is_alive(), "the server ended"
                time.sleep(0.005)
            with httpx.Client(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
            ) as client:
                yield client
        finally:
            app.should_exit = True
            thread.join()


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of a problem, after looking at its form."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["trace_id"] == answer.headers["X-Request-Id"]
    return answer.status_code, body["code"]
