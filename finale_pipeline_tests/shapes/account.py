"""Serves recorded shapes of Finale's answers: JSON of a file, sent as it stands.

A shape is a file: what it shows, the collections and single records that it answers with (in the
place of those of `base.json`), and what the warehouse must hold after a full sync. Its values are
invented, its names and forms are Finale's.
"""

import base64
import json
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from finale_pipeline.sandbox.listening import HttpService, Listener, RequestHandler

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
"""The account's time at the first sync; each further one is a day later."""
FOLDER = Path(__file__).parent
Shape = dict[str, Any]


def load(name: str) -> Shape:
    """Return a shape with what it leaves to the base."""
    base, shape = (
        json.loads((FOLDER / f"{n}.json").read_text(encoding="utf-8")) for n in ("base", name)
    )
    return {
        "shows": shape["shows"],
        "settings": shape.get("settings", {}),
        "collections": base["collections"] | shape.get("collections", {}),
        "records": shape.get("records", {}),
        "warehouse": shape["warehouse"],
        "then": shape.get("then", []),
        "now": NOW,
    }


def names() -> list[str]:
    """Return the names of all shapes."""
    return sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "base")


class _Handler(RequestHandler):
    def date_time_string(self, timestamp: float | None = None) -> str:
        now: datetime = self.server.shape["now"]  # type: ignore[attr-defined]
        return format_datetime(now, usegmt=True)

    def do_GET(self) -> None:  # noqa: N802 - the base's name
        shape = self.server.shape  # type: ignore[attr-defined]
        url = urlsplit(self.path)
        path = unquote(url.path).removeprefix("/demo/api/")
        found = shape["collections"].get(path.rstrip("/"))
        if found is None:
            found = shape["records"].get(f"/demo/api/{path}")
        elif path != "inventoryitem/":
            found = _within(found, dict(parse_qsl(url.query)).get("filter"))
        body = json.dumps(found).encode() if found is not None else b"<html>"
        self.send_response(200 if found is not None else 404)
        self.send_header("Content-Type", "application/json" if found is not None else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _within(columns: dict[str, list[Any]], sent: str | None) -> dict[str, list[Any]]:
    """Return the records of a collection that a filter of the date of change leaves."""
    if sent is None or not columns:
        return columns
    lo, hi = json.loads(base64.b64decode(sent))["lastUpdatedDate"]
    keep = [i for i, stamp in enumerate(columns["lastUpdatedDate"]) if lo <= stamp <= hi]
    return {n: [cells[i] for i in keep if i < len(cells)] for n, cells in columns.items()}


class ShapeServer(HttpService):
    """Serves one shape until it is closed.

    Attributes:
        shape: What it answers; a test may change it between two syncs.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        listener = Listener(("127.0.0.1", 0), _Handler)
        listener.shape = shape  # type: ignore[attr-defined]
        super().__init__(listener)
