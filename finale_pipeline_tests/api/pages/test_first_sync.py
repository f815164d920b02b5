"""What a new user sees before there is any stock."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from finale_pipeline.clock import utc_now
from finale_pipeline.warehouse import locks
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.api.conftest import settings_of


@pytest.fixture
def new(url: str, dagster: FakeDagster, tmp_path: Path) -> Iterator[httpx.Client]:
    """The pages of a warehouse into which nothing was read yet."""
    with running(settings_of(url, tmp_path), dagster, utc_now) as client:
        yield client


def test_a_new_warehouse_says_when_it_is_filled(new: httpx.Client) -> None:
    page = new.get("/")
    assert page.status_code == 200
    assert "The first sync starts within a minute" in page.text
    assert "degraded" not in page.text
    assert 'http-equiv="refresh"' in page.text


def test_the_first_sync_says_how_far_it_is(new: httpx.Client, connection: Connection) -> None:
    row = connection.execute(
        "INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at, locks,"
        " progress, step, rows_done) VALUES ('full', 'sensor', 'running', now(), now(), '{}',"
        " 0.42, 'products', 12345) RETURNING run_id"
    ).fetchone()
    assert row is not None
    locks.acquire(connection, Lock.RUN, int(str(row[0])))  # as a run that lives does
    page = new.get("/").text
    assert "The first sync is running" in page
    assert ": 42 %" in page
    assert "12,345 rows" in page


def test_a_first_sync_that_failed_says_why(new: httpx.Client, connection: Connection) -> None:
    connection.execute(
        "INSERT INTO ops.sync_run (strategy, trigger, status, started_at, heartbeat_at,"
        " finished_at, locks, error_kind, error)"
        " VALUES ('full', 'sensor', 'failed', now(), now(), now(), '{}', 'CONFIG',"
        " 'Finale answered 401.')"
    )
    page = new.get("/").text
    assert "Stock was never read." in page
    assert "Finale answered 401." in page
