"""The sandbox against the description of Finale's API; decoded with json alone."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from finale_pipeline.errors import ConfigError
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.clock import Clock
from finale_pipeline.sandbox.columns import ColumnWriter
from finale_pipeline.sandbox.invented import invented_account
from finale_pipeline.sandbox.scenarios import KINDS, Fault
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline_tests.conftest import NOW

AUTH = ("sandbox-key", "sandbox-secret")


def get(sandbox: SandboxServer, path: str, **params: str) -> httpx.Response:
    return httpx.get(f"{sandbox.base_url}{path}", params=params, auth=AUTH)


def filtered(ranges: dict[str, list[Any]], *, padded: bool = True) -> str:
    text = base64.b64encode(json.dumps(ranges).encode()).decode()
    return text if padded else text.rstrip("=")


def stamp(days_ago: float) -> str:
    return (NOW - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%S")


def count(response: httpx.Response) -> int:
    return max(map(len, response.json().values()), default=0)


def test_collections_are_column_major_and_complete(sandbox: SandboxServer) -> None:
    columns = get(sandbox, "/demo/api/product").json()
    assert len(set(columns["productUrl"])) == 400
    assert columns["lastUpdatedDate"] == sorted(columns["lastUpdatedDate"])
    assert "longDescription" not in columns  # no record has it, so it is no key
    assert any(isinstance(cost, str) for cost in columns["cost"])
    assert any(
        u.rpartition("/")[2] != s
        for u, s in zip(columns["productUrl"], columns["productId"], strict=True)
    )


def test_wrong_key_wrong_account_and_missing_slash_are_refused(sandbox: SandboxServer) -> None:
    assert httpx.get(f"{sandbox.base_url}/demo/api/product").status_code == 401
    assert httpx.get(f"{sandbox.base_url}/demo/api/product", auth=("a", "b")).status_code == 401
    assert get(sandbox, "/Demo/api/product").status_code == 404
    page = get(sandbox, "/demo/api/inventoryitem")
    assert page.status_code == 404
    assert "&#47;&#100;" in page.text
    assert get(sandbox, "/demo/api/inventoryitem/").status_code == 200
    assert get(sandbox, "/demo/api/product/").status_code == 200


def test_the_date_filter_includes_both_ends_and_refuses_more_than_30_days(
    sandbox: SandboxServer,
) -> None:
    everything = get(sandbox, "/demo/api/product").json()["lastUpdatedDate"]
    ends = everything[-1]
    one = get(sandbox, "/demo/api/product", filter=filtered({"lastUpdatedDate": [ends, ends]}))
    assert one.json()["lastUpdatedDate"] == [ends]
    month = {"lastUpdatedDate": [stamp(29), stamp(0)]}
    for text in (
        filtered(month),
        filtered(month, padded=False),
        filtered(month)[:20] + "\n" + filtered(month)[20:],
    ):
        assert count(get(sandbox, "/demo/api/product", filter=text)) == sum(
            s >= stamp(29) for s in everything
        )
    for bad in (
        filtered({"lastUpdatedDate": [stamp(31), stamp(0)]}),
        filtered({"lastUpdatedDate": [None, stamp(0)]}),
        filtered({"lastUpdatedDate": [stamp(31), None]}),
        "%%%",
        base64.b64encode(b"[1, 2]").decode(),
    ):
        assert get(sandbox, "/demo/api/product", filter=bad).status_code == 400


def test_offset_and_plain_filters_are_ignored_and_limit_is_a_scan_window(
    sandbox: SandboxServer,
) -> None:
    first = get(sandbox, "/demo/api/product", limit="5")
    assert count(first) == 5
    assert get(sandbox, "/demo/api/product", limit="5", offset="100").json() == first.json()
    assert count(get(sandbox, "/demo/api/product", statusId="NONE")) == 400
    active = {"statusId": ["PRODUCT_ACTIVE", "PRODUCT_ACTIVE"]}
    assert count(get(sandbox, "/demo/api/product", filter=filtered(active), limit="5")) == sum(
        s == "PRODUCT_ACTIVE" for s in first.json()["statusId"]
    )


def test_an_answer_is_cut_at_the_cap_without_a_sign(account: Account) -> None:
    with SandboxServer(account, rate_limits=None, row_cap=50) as sandbox:
        assert count(get(sandbox, "/demo/api/product")) == 50


def test_a_single_record_is_scalar_and_a_renamed_sku_is_not_found(sandbox: SandboxServer) -> None:
    assert get(sandbox, "/demo/api/product/P-1").json()["productId"] == "P-1"
    assert get(sandbox, "/demo/api/product/P-0").status_code == 404
    assert get(sandbox, "/demo/api/product/100000").status_code == 200


def test_the_budgets_count_down_and_answer_429(account: Account) -> None:
    with SandboxServer(account, rate_limits=(3, 100)) as sandbox:
        answers = [get(sandbox, "/demo/api/facility") for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        told = ["x-ratelimit-reset" in a.headers for a in answers]
        assert told == [False, False, False, True]  # with the 429 alone
        assert "retry-after" not in answers[3].headers
        reset = int(answers[3].headers["x-ratelimit-reset"]) / 1000
        assert 0 < reset - account.clock.now().timestamp() <= 60
        account.clock.advance(seconds=reset - account.clock.now().timestamp())
        assert get(sandbox, "/demo/api/facility").status_code == 200


def test_edits_creations_and_removals_show(account: Account, sandbox: SandboxServer) -> None:
    account.clock.advance(seconds=100)
    edited = account.edit_products(7)
    created = account.create_products(2)
    removed = account.remove_products(5)
    columns = get(sandbox, "/demo/api/product").json()
    assert len(columns["productUrl"]) == 400 + 2 - 5
    assert not set(removed) & set(columns["productUrl"])
    assert set(columns["productUrl"][-5:]) <= {*edited, *created}
    stock = get(sandbox, "/demo/api/inventoryitem/").json()
    assert not set(removed) & set(stock["productUrl"])
    assert columns["category"][-1] is None  # created later, without the base's fields


def test_the_same_seed_gives_the_same_account() -> None:
    clock = Clock(frozen_at=NOW)
    answers = [
        b"".join(
            invented_account(products=50, clock=clock, seed=s)
            .tables["product"]
            .answer(None, None, cap=99)
        )
        for s in (1, 1, 2)
    ]
    assert answers[0] == answers[1] != answers[2]


@pytest.mark.parametrize("piece_bytes", [0, 10, 1000])
def test_columns_in_memory_and_in_files_read_the_same(piece_bytes: int) -> None:
    writer = ColumnWriter(piece_bytes)
    for number in range(9):
        writer.add(b"null" if number == 4 else b'"%d"' % number)
    column = writer.finish()
    assert bytes(column.cut(3, 6)) == b'"3",null,"5"'
    assert (column.has_values(4, 5), column.has_values(4, 6)) == (False, True)


def test_small_accounts_hold_no_files_open() -> None:
    """Most people may have 1,024 files open, and each test has an account."""
    before = len(list(Path("/dev/fd").iterdir()))
    kept = [invented_account(products=20, clock=Clock(frozen_at=NOW)) for _ in range(5)]
    assert len(list(Path("/dev/fd").iterdir())) < before + len(kept)


def test_faults_are_read_from_text_and_end() -> None:
    fault = Fault.parse("status=503@product*2+1")
    assert [fault.meets(path) for path in ("product", "facility", *["product"] * 3)] == [
        False, False, True, True, False,
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="'meteor' is no fault"):
        Fault.parse("meteor")
    assert all(Fault.parse(kind).meets("product") for kind in KINDS)


def test_the_sandbox_is_controlled_over_http(account: Account, sandbox: SandboxServer) -> None:
    answer = httpx.post(f"{sandbox.base_url}/sandbox/clock", json={"seconds": 86_400})
    assert answer.json()["done"] == "clock"
    assert account.clock.now() == NOW + timedelta(days=1)
    httpx.post(f"{sandbox.base_url}/sandbox/fault", json={"fault": "status=500"})
    assert get(sandbox, "/demo/api/product").status_code == 500
    httpx.post(f"{sandbox.base_url}/sandbox/heal", json={})
    assert get(sandbox, "/demo/api/product").status_code == 200
    assert httpx.post(f"{sandbox.base_url}/sandbox/nothing", json={}).status_code == 400


def test_it_tells_how_often_it_was_asked_and_what_it_refused(account: Account) -> None:
    with SandboxServer(account, rate_limits=(2, 300)) as sandbox:
        for _ in range(3):
            get(sandbox, "/demo/api/facility")
        told = httpx.post(f"{sandbox.base_url}/sandbox/rates", json={}).json()["answer"]
    assert told == {"requests": 3, "busiest_minute": 3, "refused": 1}
