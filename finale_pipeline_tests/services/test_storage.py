"""Dagster's records go over connections that stay open, and survive a server that closes them."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import dagster as dg
import pytest

from finale_pipeline.services.processes import prepare
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import (
    connect,
    dagster_url,
    database_url,
    prepare_dagster_database,
)
from finale_pipeline_tests.conftest import drop_database


@dg.op
def nothing() -> None:
    """Do nothing."""


@dg.job
def idle() -> None:
    """Do nothing."""
    nothing()


@pytest.fixture
def settings(server: str, url: str, tmp_path: Path) -> Iterator[Settings]:
    made = Settings.model_validate({"home": tmp_path, "database_url": url, "account": "demo"})
    prepare_dagster_database(made)
    yield made
    drop_database(server, dagster_url(made))


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    for name, value in prepare(settings).items():
        monkeypatch.setenv(name, value)
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        yield instance


def connections(settings: Settings) -> set[int]:
    """The server's processes for Dagster's connections."""
    name = urlsplit(dagster_url(settings)).path.lstrip("/")
    with connect(database_url(settings), name="tests") as connection:
        return {
            row["pid"]
            for row in connection.rows(
                "SELECT pid FROM pg_stat_activity WHERE datname = %(name)s", name=name
            )
        }


def close(settings: Settings, pids: set[int]) -> None:
    """Have the server end them, as it does when it is restarted."""
    with connect(database_url(settings), name="tests") as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM unnest(%s) pid", ([*pids],)
        )


def test_a_run_needs_few_connections_and_they_stay(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    assert idle.execute_in_process(instance=instance).success
    before = connections(settings)
    assert 0 < len(before) <= 2
    run = idle.execute_in_process(instance=instance)
    assert connections(settings) == before
    assert any(log.step_key == "nothing" for log in instance.all_logs(run.run_id))


def test_a_connection_that_the_server_closed_is_opened_anew(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    assert idle.execute_in_process(instance=instance).success
    closed = connections(settings)
    close(settings, closed)
    run = idle.execute_in_process(instance=instance)
    assert run.success
    assert instance.all_logs(run.run_id)
    assert closed
    assert not closed & connections(settings)
