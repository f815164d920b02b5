"""Forecasts and the purchase plan as Dagster runs them."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.assets.checks import CheckContext
from finale_pipeline.assets.plan_checks import PLAN_CHECKS
from finale_pipeline.definitions import definitions
from finale_pipeline.resources import Finale
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.planning.warehouse import AS_OF, Warehouse

ASSETS = ["forecasts", "purchase_plan"]


@pytest.fixture
def instance(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("FINALE_DATABASE_URL", url)
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def warehouse(connection: Connection) -> Warehouse:
    made = Warehouse(connection)
    for n in range(20):
        url = made.product(f"p{n:02}", available=n, vendor="acme" if n else None)
        made.sales(url, [float((day * 7 + n) % 5 == 0) * (n + 1) for day in range(400)])
    return made


def run(
    instance: dg.DagsterInstance, first: str, last: str, assets: Sequence[str] = ASSETS
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(name) for name in assets],
        tags={
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last,
        },
        raise_on_error=False,
    )


def said(instance: dg.DagsterInstance, asset: str) -> dict[str, Any]:
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    assert event.asset_materialization is not None
    return dict(event.asset_materialization.metadata)


def test_one_of_the_two_can_be_chosen_alone(
    instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    day = AS_OF.isoformat()
    assert run(instance, day, day, ["forecasts"]).success
    assert instance.get_materialized_partitions(dg.AssetKey("forecasts")) == {day}
    assert not instance.get_materialized_partitions(dg.AssetKey("purchase_plan"))


def test_a_range_of_past_days_is_one_run(
    instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    first = AS_OF - timedelta(days=3)

    assert run(instance, first.isoformat(), AS_OF.isoformat()).success

    planned = warehouse.connection.execute(
        "SELECT snapshot_on, count(*) FROM plan.forecast GROUP BY 1 ORDER BY 1"
    ).fetchall()
    assert planned == [(first + timedelta(days=n), 20) for n in range(4)]
    for asset in ASSETS:
        assert len(instance.get_materialized_partitions(dg.AssetKey(asset))) == 4
        metadata = said(instance, asset)
        assert {"dagster/partition_row_count", "seconds", "compute_seconds", "method",
                "rows_inserted", "rows_unchanged"} <= set(metadata)  # fmt: skip
    assert "data:image/svg+xml" in str(said(instance, "forecasts")["fan_chart"].value)
    assert "data:image/svg+xml" in str(said(instance, "purchase_plan")["classes"].value)


def test_the_checks_say_what_the_scores_say(warehouse: Warehouse, url: str) -> None:
    connection = warehouse.connection
    looks = {check.name: check.look for check in PLAN_CHECKS}
    finale = Finale()

    def found(name: str) -> tuple[bool, str]:
        answer = looks[name](CheckContext(connection, finale))
        return answer.passed, answer.why

    assert found("is_not_worse_than_naive") == (True, "too little history to tell")
    assert found("q95_covers_what_it_says") == (True, "too little history to tell")
    assert found("needs_no_data") == (True, "")
    for method, loss, held, used in (
        ("pace 80/20", 0.5, 0.95, True), ("30-day mean + normal", 0.6, 0.85, False),
    ):  # fmt: skip
        connection.execute(
            "INSERT INTO plan.forecast_score (scored_on, source, method, segment, window_days,"
            " forecasts, loss_q50, loss_q90, loss_q95, held_q95, is_in_use, changed_at, row_hash)"
            " VALUES (%s, 'weekly', %s, 'all', 14, 500, 0, 0, %s, %s, %s, now(), 0)",
            (AS_OF, method, loss, held, used),
        )
    assert found("is_not_worse_than_naive") == (True, "")
    assert found("q95_covers_what_it_says") == (True, "")
    connection.execute("UPDATE plan.forecast_score SET is_in_use = NOT is_in_use")
    assert found("is_not_worse_than_naive")[0] is False
    assert found("q95_covers_what_it_says") == (False, "q95 held 85.0% of past windows")
