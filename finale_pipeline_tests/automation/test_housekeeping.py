"""Old records go, and what shows a partition as materialized stays."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.definitions import definitions
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse.connect import Connection, trusted
from finale_pipeline.warehouse.housekeeping import BY_DAY
from finale_pipeline_tests.sync.helpers import sync

pytestmark = pytest.mark.usefixtures("variables")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(name: str, instance: dg.DagsterInstance) -> Any:
    key = "2026-03-09" if name.endswith("_sync") else None
    return definitions.resolve_job_def(name).execute_in_process(
        instance=instance, partition_key=key
    )


def statuses(instance: dg.DagsterInstance, job: str) -> list[str]:
    return [r.status.value for r in instance.get_runs(dg.RunsFilter(job_name=job))]


def age(instance: dg.DagsterInstance, days: float) -> None:
    """Make all runs so old: their times are all that housekeeping asks for."""
    before = (datetime.now(UTC) - timedelta(days=days)).replace(tzinfo=None)
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.exec_driver_sql("UPDATE runs SET update_timestamp = ?", (str(before),))
        connection.commit()


def test_old_runs_go_and_the_newest_materialization_of_each_partition_stays(
    instance: dg.DagsterInstance,
) -> None:
    assert run("full_sync", instance).success
    for _ in range(2):
        assert run("critical_sync", instance).success
    age(instance, 15)
    done = instance.get_materialized_partitions(dg.AssetKey("products"))
    assert run("housekeeping", instance).success
    # the full sync shows the windows, the last critical one shows today's stock
    assert len(statuses(instance, "full_sync")) == 1
    assert len(statuses(instance, "critical_sync")) == 1
    assert instance.get_materialized_partitions(dg.AssetKey("products")) == done
    assert instance.get_materialized_partitions(dg.AssetKey("inventory_levels"))


@pytest.mark.synced
def test_young_runs_stay(instance: dg.DagsterInstance) -> None:
    run("critical_sync", instance)
    run("critical_sync", instance)
    age(instance, 13)
    run("housekeeping", instance)
    assert len(statuses(instance, "critical_sync")) == 2


def test_the_ledger_keeps_its_days_and_always_the_last_good_run(
    instance: dg.DagsterInstance, settings: Settings, connection: Connection
) -> None:
    for strategy in ("full", "critical", "critical"):
        sync(settings, strategy)
    connection.execute(
        "UPDATE ops.sync_run SET started_at = started_at - interval '401 days',"
        " finished_at = finished_at - interval '401 days'"
    )
    run("housekeeping", instance)
    rows = connection.execute("SELECT strategy, count(*) FROM ops.sync_run GROUP BY 1 ORDER BY 1")
    assert rows.fetchall() == [("critical", 1), ("full", 1)]


@pytest.mark.synced
def test_evaluations_of_checks_go_with_their_time_and_the_newest_of_each_stays(
    instance: dg.DagsterInstance,
) -> None:
    for _ in range(2):
        run("critical_sync", instance)
    with instance.event_log_storage.index_connection() as opened:  # type: ignore[attr-defined]
        opened.exec_driver_sql(
            "UPDATE asset_check_executions SET create_timestamp = ?",
            (str((datetime.now(UTC) - timedelta(days=15)).replace(tzinfo=None)),),
        )
        opened.commit()
    newest = run("critical_sync", instance).run_id
    run("housekeeping", instance)
    with instance.event_log_storage.index_connection() as opened:  # type: ignore[attr-defined]
        rows = opened.exec_driver_sql("SELECT run_id, check_name FROM asset_check_executions")
        left = {tuple(row) for row in rows.fetchall()}
    assert left == {
        (newest, name) for name in
        ("crossings_are_told", "is_plausible", "nothing_needs_a_decision", "rows_are_readable")
    }  # fmt: skip


@pytest.mark.synced
def test_plans_thin_out_and_those_of_edits_and_orders_stay(
    instance: dg.DagsterInstance, connection: Connection
) -> None:
    today = datetime.now(UTC).date()
    connection.execute(
        "INSERT INTO plan.forecast_outcome VALUES ('/p', %s, 1, 1, now(), 0)", (today,)
    )
    tables = [name for names in BY_DAY.values() for name in names]
    for table in tables:  # one line of the plan, as if it had been planned for years
        connection.execute(
            f"INSERT INTO {table} SELECT made.* FROM generate_series(0, 800) n,"  # noqa: S608
            f" (SELECT to_jsonb(t) AS line FROM {table} t LIMIT 1) p,"
            f" jsonb_populate_record(NULL::{table},"
            " p.line || jsonb_build_object('snapshot_on', %s::date - n)) made"
            " ON CONFLICT DO NOTHING",
            (today,),
        )
    edited, ordered = today - timedelta(days=403), today - timedelta(days=404)
    connection.execute(
        "INSERT INTO plan.purchase_order_edit (snapshot_on, vendor_url, product_url, is_dropped,"
        " old_quantity_units, was_dropped, suggested_units, broken_rules, edited_by, edited_at)"
        " VALUES (%s, '', '/p', true, 1, false, 1, '{}', 'me', now())",
        (edited,),
    )
    connection.execute(
        "INSERT INTO ops.purchase_order_write (reference, order_id, account_name, plan_on,"
        " vendor_url, vendor_id, facility_url, sequence, state, lines, total, body, body_hash,"
        " warnings, created_by, intended_at)"
        " VALUES ('r', 'o', 'demo', %s, '/v', 'v', '/f', 1, 'created', '[]', 0, '{}', 'h', '[]',"
        " 'me', now())",
        (ordered,),
    )
    run("housekeeping", instance)
    left = []
    for table in tables:
        rows: list[Any] = connection.execute(f"SELECT DISTINCT snapshot_on FROM {table}").fetchall()  # noqa: S608
        left.append({(today - day).days for (day,) in rows})
    ages = left[0]
    assert all(other == ages for other in left)
    assert set(range(31)) <= ages  # a month of days, a year of weeks, then months
    assert 47 <= len([age for age in ages if 31 <= age < 365]) <= 50
    assert 15 <= len([age for age in ages if age >= 365]) <= 18
    assert {403, 404} <= ages


def test_what_is_over_goes_with_its_time_and_what_is_open_stays(
    instance: dg.DagsterInstance, connection: Connection
) -> None:
    """Mails after 90 days, incidents and outages after 400; none while it waits or goes on."""
    connection.execute(
        "INSERT INTO ops.outbox (message_id, dedupe_key, kind, recipients, subject, body_text,"
        " body_html, state, next_attempt_at, created_at)"
        " SELECT state || days, state || days, 'digest', '{}', '', '', '', state, now(),"
        " now() - days * interval '1 day' FROM unnest(ARRAY['sent', 'merged', 'dead', 'pending',"
        " 'held']) state, unnest(ARRAY[89, 91]) days"
    )
    connection.execute(
        "INSERT INTO ops.incident (subject, state, level, opened_at, closed_at)"
        " SELECT n::text, 'resolved', 'out', now() - interval '500 days',"
        " now() - n * interval '1 day' FROM unnest(ARRAY[399, 401]) n"
        " UNION ALL SELECT '/open', 'open', 'out', now() - interval '500 days', NULL"
    )
    connection.execute(
        "INSERT INTO ops.incident_event (incident_id, subject, kind, from_level, to_level, cause,"
        " happened_at) SELECT incident_id, subject, 'opened', 'ok', 'out', 'stock', opened_at"
        " FROM ops.incident"
    )
    connection.execute(
        "INSERT INTO ops.outage (opened_at, told, closed_at) SELECT now() - interval '500 days',"
        " '{}', now() - n * interval '1 day' FROM unnest(ARRAY[399, 401, NULL]) n"
    )
    run("housekeeping", instance)

    def left(query: str) -> set[object]:
        return {value for (value,) in connection.execute(trusted(query)).fetchall()}

    young = {f"{state}89" for state in ("sent", "merged", "dead", "pending", "held")}
    assert left("SELECT message_id FROM ops.outbox") == young | {"pending91", "held91"}
    assert left("SELECT subject FROM ops.incident") == {"399", "/open"}
    assert left("SELECT subject FROM ops.incident_event") == {"399", "/open"}
    assert left("SELECT count(*) FROM ops.outage") == {2}


def test_folders_of_runs_that_are_gone_and_old_mails_go(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    kept = run("critical_sync", instance).run_id
    old = (datetime.now(UTC) - timedelta(days=15)).timestamp()
    folders = [Path(instance.storage_directory()) / name for name in (kept, "gone")]
    mails = [settings.home / "outbox" / name for name in ("old.html", "new.html")]
    for folder in folders:
        (folder / "compute_logs").mkdir(parents=True)
        os.utime(folder, (old, old))
    for mail in mails:
        mail.parent.mkdir(exist_ok=True)
        mail.write_text("a mail")
    os.utime(mails[0], (old, old))
    run("housekeeping", instance)
    assert [folder.exists() for folder in folders] == [True, False]
    assert [mail.exists() for mail in mails] == [False, True]
