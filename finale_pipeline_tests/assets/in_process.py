"""Jobs of Dagster, run in this process; what they told of assets, days and checks."""

from collections import Counter
from typing import Any

import dagster as dg

from finale_pipeline.definitions import definitions

TODAY = "2026-03-09"


def run_job(
    name: str, instance: dg.DagsterInstance, key: str = TODAY, **options: Any
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_job_def(name).execute_in_process(
        instance=instance, raise_on_error=False, partition_key=key, **options
    )


def told(instance: dg.DagsterInstance, asset: str) -> Any:
    """What the latest materialization of an asset says."""
    event = instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    assert event.asset_materialization is not None
    return event.asset_materialization


def says(result: dg.ExecuteInProcessResult) -> tuple[str, dict[str, Any]]:
    """What a failed run says: its text, and beside it."""
    failure = result.failure_data_for_node("account")
    assert failure is not None
    assert failure.user_failure_data is not None
    return str(failure.user_failure_data.description), dict(failure.user_failure_data.metadata)


def checks(instance: dg.DagsterInstance, asset: str) -> dict[str, bool]:
    """The latest evaluation of every check of an asset."""
    found = {}
    for key in definitions.resolve_asset_graph().asset_check_keys:
        if key.asset_key == dg.AssetKey(asset):
            records = instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
            made = (r.evaluation for r in records)
            evaluated = [e for e in made if isinstance(e, dg.AssetCheckEvaluation)]
            if evaluated:
                found[key.name] = evaluated[0].passed
    return found


def rows_told(instance: dg.DagsterInstance, asset: str) -> Counter[str]:
    """The rows that the latest materialization of each day says the day has."""
    found: Counter[str] = Counter()
    events = instance.fetch_materializations(dg.AssetKey(asset), limit=5000, ascending=True)
    for record in events.records:
        assert record.partition_key is not None
        assert record.asset_materialization is not None
        rows = record.asset_materialization.metadata["dagster/partition_row_count"].value
        found[record.partition_key] = int(str(rows))
    return found


def materialize(
    asset: str, instance: dg.DagsterInstance, key: str | None
) -> dg.ExecuteInProcessResult:
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(asset)],
        partition_key=key,
        raise_on_error=False,
    )
