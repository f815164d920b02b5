"""The alerts in Dagster: the asset, its backfill, checks that do and show, sensors, the digest."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from finale_pipeline.automation.alerting import mail_delivery, sync_watch
from finale_pipeline.commands.sync import run_strategy
from finale_pipeline.definitions import definitions
from finale_pipeline.health.doctor import examine
from finale_pipeline.resources import Finale
from finale_pipeline.sandbox.account import Account
from finale_pipeline.sandbox.server import SandboxServer
from finale_pipeline.settings import Settings
from finale_pipeline.sync.planning import plan_today
from finale_pipeline.sync.session import open_sync
from finale_pipeline.sync.stock import sync_stock
from finale_pipeline.sync.strategies import TABLE_SETS, carry_out, read_days
from finale_pipeline.warehouse import items, leases
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
def unread(settings: Settings, service: MailServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An account that was never read, its mails going to a service; a terminal's environment."""
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
    return given


@pytest.fixture
def mailing(unread: Settings, account: Account) -> Settings:
    """The small account read and planned on its own day, as `finale sync full` does it."""
    with open_sync(
        unread, strategy="full", trigger="test", table_sets=TABLE_SETS["full"],
        clock=account.clock.now,
    ) as run:  # fmt: skip
        carry_out(run)
        plan_today(run)
    return unread


def watched(connection: Connection) -> str:
    """A product that sells and is well, with a reorder point."""
    row = connection.execute(
        "SELECT product_url FROM ops.item_level JOIN plan.outlook USING (product_url)"
        " WHERE ops.item_level.level = 'ok' AND threshold_units > 10 AND units_per_day > 0"
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
    assert record.evaluation is not None
    return record.evaluation


def run_job(instance: dg.DagsterInstance, name: str = "inventory_sync") -> Any:
    return definitions.resolve_job_def(name).execute_in_process(
        instance=instance, partition_key=TODAY
    )


def execute_check(instance: dg.DagsterInstance, asset: str, name: str) -> None:
    """What the button beside a check does: a run of that check, and of no asset."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), name)
    job = definitions.resolve_implicit_global_asset_job_def()
    alone = job.get_subset(asset_selection=set(), asset_check_selection={key})
    assert alone.execute_in_process(instance=instance).success


def rows(found: Any) -> list[dict[str, Any]]:
    """The rows of a check's table of who was told what."""
    return [dict(record.data) for record in found.metadata["told"].records]


def kinds(service: MailServer) -> list[str]:
    return [mail.kind for mail in service.accepted]


def test_the_summary_waits_for_the_first_plan_and_is_sent_once(
    unread: Settings, service: MailServer
) -> None:
    sync(unread)  # reads, and plans nothing
    sync(unread, "inventory")
    assert kinds(service) == []
    for _ in range(2):
        assert run_strategy(unread, "full", trigger="test").error is None
        assert kinds(service) == ["summary"]


def test_the_first_summary_has_all_that_is_out_though_critical_syncs_came_first(
    unread: Settings, service: MailServer, account: Account, connection: Connection
) -> None:
    """Part of the catalogue and all stock were read, and evaluated, before the first full sync."""
    day = account.clock.now().date()
    with open_sync(unread, strategy="products", trigger="ui", table_sets=("catalogue",)) as run:
        read_days(run, "products", [day - timedelta(days=n) for n in range(60)])
    sync(unread, "critical")
    early = items.watched(connection)
    assert kinds(service) == []
    assert run_strategy(unread, "full", trigger="test").error is None
    (mail,) = service.accepted
    out = connection.execute(
        "SELECT count(*) FROM ops.item_level WHERE level = 'out' AND NOT is_left_out"
    ).fetchall()[0][0]
    assert 0 < early < items.watched(connection)
    assert f"{out} out" in mail.subject


def test_a_slow_mail_service_holds_no_sync_up(
    mailing: Settings, account: Account, service: MailServer, connection: Connection
) -> None:
    account.set_stock(watched(connection), 0)
    service.add_fault("silence=3*1")
    before = service.requests
    options = {"trigger": "test"}
    working = threading.Thread(target=run_strategy, args=(mailing, "full"), kwargs=options)
    working.start()
    pause = threading.Event()
    while service.requests == before:
        pause.wait(0.01)
    taken = [name for name in leases.TABLE_SETS if leases.taken(connection, name)]
    assert (working.is_alive(), taken) == (True, [])
    working.join()


@pytest.mark.usefixtures("unread")
def test_what_a_jobs_plan_changes_is_told_at_once_as_at_the_command_line(
    instance: dg.DagsterInstance, service: MailServer
) -> None:
    assert run_job(instance, "full_sync").success
    assert kinds(service) == ["summary"]
    told = evaluation(instance, "critical_items", "crossings_are_told")
    assert (told.passed, told.metadata["mails_sent"].value) == (True, 1)
    assert [(r["mail"], r["state"]) for r in rows(told)] == [("summary", "sent")]
    assert run_job(instance).success
    assert kinds(service) == ["summary"]


def test_a_sync_mails_what_crossed_and_the_checks_show_it(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    assert kinds(service) == ["summary"]
    url = watched(connection)
    account.set_stock(url, 0)
    sku = next(r["productId"] for r in account.records("product") if r["productUrl"] == url)
    assert run_job(instance).success
    assert kinds(service) == ["summary", "out_of_stock"]
    assert instance.get_materialized_partitions(dg.AssetKey("critical_items")) == {TODAY}
    open_ = evaluation(instance, "critical_items", "nothing_needs_a_decision")
    assert (open_.passed, open_.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert {"sku", "level", "why"} <= set(open_.metadata["incidents"].records[0].data)
    told = evaluation(instance, "critical_items", "crossings_are_told")
    assert told.passed
    assert told.metadata["crossings"].value == 1
    assert [(r["who"], r["mail"], r["state"], r["sku"], r["change"]) for r in rows(told)] == [
        ("buyer@shop.example", "out_of_stock", "sent", sku, "ok to out")
    ]
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
    numbers = {name: v.value for name, v in said.asset_materialization.metadata.items()}
    stored = connection.execute(
        "SELECT count(*) FILTER (WHERE level = 'out'), count(*) FILTER (WHERE level = 'low'),"
        " sum(money_at_risk)::float8 FROM plan.critical_item WHERE snapshot_on = %s", (TODAY,)
    ).fetchall()  # fmt: skip
    assert [(numbers["out"], numbers["low"], numbers["money_at_risk"])] == stored
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
    assert kinds(service) == ["summary", "out_of_stock"]  # back is told once it stayed a day


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
    with (
        dg.instance_for_test() as instance,
        dg.build_sensor_context(instance, resources={"finale": Finale()}) as context,
    ):
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


def test_the_check_is_executed_again_after_an_outage_of_mail(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    service.add_fault("status=503")
    account.set_stock(watched(connection), 0)
    assert run_job(instance).success
    found = evaluation(instance, "critical_items", "crossings_are_told")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.description == "1 wait for the mail service"
    service.clear_faults()
    connection.execute("UPDATE ops.outbox SET next_attempt_at = now()")
    execute_check(instance, "critical_items", "crossings_are_told")
    assert kinds(service) == ["summary", "out_of_stock"]
    again = evaluation(instance, "critical_items", "crossings_are_told")
    assert (again.passed, again.metadata["mails_sent"].value) == (True, 1)
    assert [(r["mail"], r["state"], r["change"]) for r in rows(again)] == [
        ("out_of_stock", "sent", "ok to out")
    ]
    execute_check(instance, "critical_items", "crossings_are_told")
    assert kinds(service) == ["summary", "out_of_stock"]
    assert mailing.sends_mail


def test_the_check_alone_evaluates_stock_that_nobody_came_to_evaluate(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    account.set_stock(watched(connection), 0)
    with open_sync(mailing, strategy="inventory", trigger="test", table_sets=("stock",)) as run:
        sync_stock(run)
    execute_check(instance, "critical_items", "crossings_are_told")
    assert kinds(service) == ["summary", "out_of_stock"]


def test_dead_letters_turn_a_check_red(
    mailing: Settings, instance: dg.DagsterInstance, account: Account, service: MailServer,
    connection: Connection,
) -> None:  # fmt: skip
    service.add_fault("status=401")
    account.set_stock(watched(connection), 0)
    assert run_job(instance).success
    found = evaluation(instance, "critical_items", "crossings_are_told")
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert found.metadata["mails_dead"].value == 1
    assert "401" in rows(found)[0]["remark"]
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
