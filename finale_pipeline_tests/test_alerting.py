"""The alerts in Dagster: the asset, its backfill, checks that do and show, sensors, the digest."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.automation.alerting import mail_delivery, sync_watch
from finale_pipeline.definitions import definitions
from finale_pipeline.health.doctor import examine
from finale_pipeline.resources import Finale
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.stock import sync_stock
from finale_pipeline.warehouse.connect import Connection
from finale_pipeline_tests.mail_server import KEY, MailServer
from finale_pipeline_tests.processes import environment
from finale_pipeline_tests.sync.helpers import sync

TODAY = "2026-03-09"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def service() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def mailing(settings: Settings, service: MailServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The small account synced, its mails going to a service; and a terminal's environment."""
    given = settings.model_copy(
        update={
            "alert_emails": ("buyer@shop.example",), "alert_from": "stock@shop.example",
            "sendgrid_api_key": Settings.model_validate({"sendgrid_api_key": KEY}).sendgrid_api_key,
            "sendgrid_base_url": service.base_url,
        }
    )  # fmt: skip
    for name, value in environment(given).items():
        if name.startswith(("FINALE_", "SENDGRID_")):
            monkeypatch.setenv(name, value)
    sync(given)
    return given


def watched(connection: Connection) -> str:
    """A product that is well, with a reorder point."""
    row = connection.execute(
        "SELECT product_url FROM ops.item_level WHERE level = 'ok' AND threshold_units > 10"
        " ORDER BY product_url LIMIT 1"
    ).fetchone()
    assert row is not None
    return str(row[0])


def materialize(instance: dg.DagsterInstance, asset: str, key: str) -> dg.ExecuteInProcessResult:
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, asset_selection=[dg.AssetKey(asset)], partition_key=key,
        raise_on_error=False,
    )  # fmt: skip


def evaluation(instance: dg.DagsterInstance, asset: str, name: str) -> Any:
    """The latest evaluation of a check."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    return record.event.dagster_event.asset_check_evaluation_data


def kinds(service: MailServer) -> list[str]:
    return [mail.kind for mail in service.accepted]


def test_a_sync_mails_what_crossed_and_the_checks_show_it(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    assert kinds(service) == ["summary"]
    url = watched(connection)
    account.set_stock(url, 0)
    result = definitions.resolve_job_def("inventory_sync").execute_in_process(instance=instance)
    assert result.success
    assert kinds(service) == ["summary", "out_of_stock"]
    assert instance.get_materialized_partitions(dg.AssetKey("critical_items")) == {TODAY}
    open_ = evaluation(instance, "critical_items", "nothing_needs_a_decision")
    assert (open_.passed, open_.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "| SKU | name | level |" in open_.metadata["incidents"].value
    assert evaluation(instance, "critical_items", "mails_are_delivered").passed
    assert evaluation(instance, "inventory_levels", "crossings_are_evaluated").passed
    assert mailing.sends_mail


def test_a_materialization_in_the_ui_evaluates_and_mails_too(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    account.set_stock(watched(connection), 0)
    assert materialize(instance, "inventory_levels", TODAY).success
    assert kinds(service) == ["summary", "out_of_stock"]
    assert materialize(instance, "critical_items", TODAY).success
    assert kinds(service) == ["summary", "out_of_stock"]
    said = instance.get_latest_materialization_event(dg.AssetKey("critical_items"))
    assert said is not None
    assert said.asset_materialization is not None
    assert "dagster/column_schema" in said.asset_materialization.metadata
    assert mailing.sends_mail


def test_the_check_evaluates_what_a_dead_run_left(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    """Killed between the stock and its evaluation; the stock is well again at the next read."""
    url = watched(connection)
    account.set_stock(url, 0)
    with open_sync(mailing, strategy="inventory", trigger="test", table_sets=("stock",)) as run:
        sync_stock(run)
    account.set_stock(url, 500)
    assert kinds(service) == ["summary"]
    assert materialize(instance, "inventory_levels", TODAY).success
    assert kinds(service) == ["summary", "out_of_stock", "back_in_stock"]


def test_a_backfill_of_past_days_computes_and_mails_nothing(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    url = watched(connection)
    account.clock.advance(seconds=2 * 86_400)
    account.set_stock(url, 0)
    sync(mailing, "inventory")
    before = len(service.accepted)
    assert "out_of_stock" in kinds(service)
    connection.execute("DELETE FROM plan.critical_item")
    for key in (TODAY, "2026-03-10"):
        assert materialize(instance, "critical_items", key).success
    rows = connection.execute(
        "SELECT snapshot_on::text, count(*), bool_or(product_url = %s), bool_or(since_at IS NULL)"
        " FROM plan.critical_item GROUP BY 1 ORDER BY 1", (url,)
    ).fetchall()  # fmt: skip
    assert [r[0] for r in rows] == [TODAY, "2026-03-10"]
    assert [r[2:] for r in rows] == [(False, True), (False, True)]
    assert len(service.accepted) == before
    assert mailing.sends_mail


def test_the_sensors_deliver_and_watch(
    mailing: Settings, sandbox: SandboxServer, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    service.add_fault("status=503")
    account.set_stock(watched(connection), 0)
    sync(mailing, "inventory")
    service.clear_faults()
    connection.execute("UPDATE ops.outbox SET next_attempt_at = now()")
    with dg.build_sensor_context(resources={"finale": Finale()}) as context:
        assert mail_delivery(context) == dg.SkipReason("1 sent")
        assert kinds(service) == ["summary", "out_of_stock"]
        sandbox.add_fault("zero-stock@inventoryitem")
        with pytest.raises(Exception, match="cannot be believed"):
            sync(mailing, "inventory")
        assert sync_watch(context) == dg.SkipReason("data_held")
        assert sync_watch(context) == dg.SkipReason("no news of syncs")
        sandbox.clear_faults()
        sync(mailing, "inventory")
        assert sync_watch(context) == dg.SkipReason("sync_recovered")
    assert kinds(service)[2:] == ["data_held", "sync_recovered"]


def test_dead_letters_turn_a_check_red(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    service.add_fault("status=401")
    account.set_stock(watched(connection), 0)
    assert (
        definitions.resolve_job_def("inventory_sync").execute_in_process(instance=instance).success
    )
    found = evaluation(instance, "critical_items", "mails_are_delivered")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "401" in found.metadata["mails"].value
    (said,) = [f for f in examine(mailing) if f.what == "mail" and f.state == "failed"]
    assert "1 mails were given up" in said.says
    assert "finale alerts resend" in said.step


def test_the_digest_is_a_job_at_an_hour_of_the_accounts_day(
    mailing: Settings, instance: dg.DagsterInstance, service: MailServer
) -> None:
    for _ in range(2):
        assert (
            definitions.resolve_job_def("morning_digest")
            .execute_in_process(instance=instance)
            .success
        )
    assert kinds(service) == ["summary", "digest"]
    schedule = definitions.resolve_schedule_def("morning_digest_daily")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 7 * * *", "UTC")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    assert mailing.digest_hour == 7
