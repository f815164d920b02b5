"""What a client of today may count on for ever (row A17): the policy, and a recording of it.

Answers only gain fields. A field that is gone, or of another type, fails here; a new one does not.
Requests that were accepted stay accepted with the same status. What a client makes up is refused
and named: a parameter or a field that does not exist would else be silently without effect.

A new endpoint is recorded by adding it to `samples/calls.json` without `shape`: the failing test
prints what to put there.
"""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

SAMPLES = Path(__file__).parent / "samples" / "calls.json"
RECORDED: list[dict[str, Any]] = json.loads(SAMPLES.read_text(encoding="utf-8"))


def shape_of(value: Any) -> Any:
    """Return the shape of JSON: types for values, one shape for the rows of a list.

    >>> shape_of({"a": 1.5, "b": [{"c": None}, {"c": "x", "d": True}]})
    {'a': 'number', 'b': [{'c': 'text or null', 'd': 'truth'}]}
    """
    if isinstance(value, dict):
        return {name: shape_of(inner) for name, inner in value.items()}
    if isinstance(value, list):
        rows = [shape_of(row) for row in value]
        return [_joined(rows)] if rows else []
    if value is None:
        return "null"
    return "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _joined(shapes: list[Any]) -> Any:
    if all(isinstance(shape, dict) for shape in shapes):
        names = {name: None for shape in shapes for name in shape}
        return {name: _joined([s[name] for s in shapes if name in s]) for name in names}
    found = sorted({str(shape) for shape in shapes}, key=lambda name: (name == "null", name))
    return shapes[0] if len(found) == 1 else " or ".join(found)


def missing(recorded: Any, present: Any, where: str = "") -> list[str]:
    """Return what a recorded shape promised and the present one has not.

    >>> missing({"a": "number", "b": ["text"]}, {"a": "number or null", "b": [], "c": "text"})
    []
    >>> missing({"a": "number", "b": {"c": "text"}}, {"a": "text", "b": {}})
    ['.a is text, not number', '.b.c is gone']
    """
    if isinstance(recorded, dict) and isinstance(present, dict):
        gone = [f"{where}.{name} is gone" for name in recorded if name not in present]
        deeper = [
            problem
            for name, shape in recorded.items()
            if name in present
            for problem in missing(shape, present[name], f"{where}.{name}")
        ]
        return deeper + gone
    if isinstance(recorded, list) and isinstance(present, list):
        both = recorded and present
        return missing(recorded[0], present[0], f"{where}[]") if both else []
    if isinstance(recorded, str) and isinstance(present, str):
        kinds = set(present.split(" or ")) - {"null"}
        if recorded == "null" or kinds <= set(recorded.split(" or ")):
            return []
    elif recorded == "null" or present == "null":
        return []
    return [f"{where} is {present}, not {recorded}"]


@pytest.mark.parametrize("call", RECORDED, ids=lambda c: f"{c['method']} {c['path']}")
def test_a_recorded_call_gets_what_it_got(api: httpx.Client, call: dict[str, Any]) -> None:
    answer = api.request(call["method"], call["path"], json=call.get("body"))
    assert answer.status_code == call["status"], answer.text
    present = shape_of(answer.json())
    assert "shape" in call, json.dumps(present)
    assert missing(call["shape"], present) == []


def test_every_endpoint_is_recorded(api: httpx.Client) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    there = {f"{m.upper()} {path}" for path, methods in paths.items() for m in methods}
    recorded = {f"{c['method']} {c.get('route', c['path']).partition('?')[0]}" for c in RECORDED}
    assert there - recorded == set()


def test_what_a_client_makes_up_is_refused_by_name(api: httpx.Client) -> None:
    answer = api.get("/api/products", params={"colour": "red"})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_parameter")
    answer = api.post("/api/sync-finale", json={"strategy": "smart", "force": True})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "force" in answer.json()["detail"]
