"""The OpenAPI document keeps its promises, whatever is sent."""

import json
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.errors import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    status_code_conformance,
)

from finale_pipeline_tests.api.conftest import CANARY

EXAMPLES = 4
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]


@pytest.fixture
def document(api: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/openapi.json").json()
    return found


def test_every_route_is_described_with_an_example(document: dict[str, Any]) -> None:
    assert len(document["paths"]) == 26
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            assert route.get("summary"), path
            good = next(a for status, a in route["responses"].items() if status.startswith("2"))
            assert "example" in good["content"]["application/json"], (method, path)
            problem = route["responses"]["503"]["content"]
            assert list(problem) == ["application/problem+json"]
    assert CANARY not in json.dumps(document)
    columns = document["paths"]["/api/products"]["get"]["responses"]["200"]["content"]
    shown = columns["application/json"]["schema"]["properties"]["products"]["items"]["properties"]
    assert all(column["description"] for column in shown.values())


def answers(document: dict[str, Any], method: str, path: str) -> dict[str, str]:
    found = document["paths"][path][method]["responses"]
    return {status: answer["description"] for status, answer in found.items()}


def test_a_conflict_says_what_it_is_about(document: dict[str, Any]) -> None:
    drafting = answers(document, "post", "/api/purchase-orders")["409"]
    assert "sync" not in drafting
    assert all(f"`{c}`" in drafting for c in ("already_drafted", "duplicates", "drafting_running"))
    assert "409" not in answers(document, "get", "/api/purchase-orders")
    assert "A sync works" in answers(document, "post", "/api/sync-finale")["409"]
    assert "The line is not what you saw" in answers(
        document, "patch", "/api/purchase-plan/lines"
    )["409"]  # fmt: skip


def test_who_writes_may_be_named_and_the_document_says_how(document: dict[str, Any]) -> None:
    described = {
        f"{method} {path}": p["description"]
        for path, methods in document["paths"].items()
        for method, route in methods.items()
        for p in route.get("parameters", ())
        if p["name"] == "X-Actor"
    }
    writing = {
        f"{method} {path}"
        for path, methods in document["paths"].items()
        for method in methods
        if method != "get"
    }
    assert {name for name in writing if "schedule" not in name} <= set(described)
    assert all("Who asks, for the records" in text for text in described.values())


def test_nothing_that_is_sent_breaks_it(api: httpx.Client, document: dict[str, Any]) -> None:
    """Schemathesis over the whole document; no answer may be a fault or not be described."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=str(api.base_url).rstrip("/"))
    broken: list[str] = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        _send(found.ok(), broken)
    assert broken == []


def _send(operation: Any, broken: list[str]) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def send(case: Any) -> None:
        answer = case.call(timeout=20)
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failure:
            broken.append(f"{operation.label}: {failure}")
        assert CANARY not in answer.text

    send()
