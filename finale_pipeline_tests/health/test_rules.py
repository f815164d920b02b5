"""One judgement of one fact: the doctor, the API's health and the views say the same."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from finale_pipeline.api.rest import monitoring
from finale_pipeline.assets.entries import BY_NAME
from finale_pipeline.clock import utc_now
from finale_pipeline.domain.syncs.freshness import ALLOWED_HOURS
from finale_pipeline.health import doctor, installation, rules
from finale_pipeline.health.findings import NOT_WELL
from finale_pipeline.health.watch import watch
from finale_pipeline.notify.messages import Content, new_id, origin_of, render
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import demand, locks, outbox
from finale_pipeline.warehouse.connect import Connection, connect
from finale_pipeline.warehouse.locks import Lock
from finale_pipeline.warehouse.reads.health import run_counts
from finale_pipeline_tests.api.client import FakeDagster, running
from finale_pipeline_tests.conftest import NOW
from finale_pipeline_tests.sync.helpers import sync


def test_the_views_allow_what_the_rule_allows(connection: Connection) -> None:
    allowed = connection.rows("SELECT asset, allowed_hours FROM mart.freshness")
    assert {row["asset"]: row["allowed_hours"] for row in allowed} == ALLOWED_HOURS


@pytest.mark.parametrize(
    ("minutes", "state"),
    [(10, "ok"), (33, "warning"), (45, "warning"), (61, "warning"), (361, "failed")],
)
def test_stock_of_one_age_is_judged_the_same_at_every_door(
    settings: Settings, connection: Connection, tmp_path: Path, minutes: int, state: str
) -> None:
    index = ["ok", "warning", "failed"].index(state)
    own = settings.model_copy(update={"home": tmp_path})
    run = sync(own, "inventory")
    connection.execute(
        "UPDATE ops.sync_run SET finished_at = now() - make_interval(mins => %s), heartbeat_at ="
        " now() WHERE run_id = %s", (minutes, run.run_id),
    )  # fmt: skip

    policy = BY_NAME["inventory_levels"].spec().freshness_policy
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    windows = (policy.warn_window, policy.fail_window)
    passed = sum(w is not None and timedelta(minutes=minutes) > w.to_timedelta() for w in windows)
    assert passed == index

    looked = watch(own)
    late = "SELECT is_late FROM mart.freshness WHERE asset = 'inventory_levels'"
    assert connection.execute(late).fetchone() == (state != "ok",)
    examined = doctor.examine(own)
    (age,) = [f for f in examined if f.says.startswith("inventory_levels: ")]
    assert (age.what, age.state) == ("freshness", state)
    # Two due times of the critical sync went by long before: the watch tells, and the doctor too.
    overdue = {f.what for f in examined if f.what == "syncs" and f.state == "failed"}
    assert overdue == {t.kind for t in looked.troubles} == ({"syncs"} if state != "ok" else set())
    assert looked.exit_code == doctor.exit_code(examined) == (NOT_WELL if overdue else 0)

    dagster = FakeDagster()
    with running(own, dagster, utc_now) as api:
        health = api.get("/api/sync-finale/health").json()
        assert health["parts"]["sync"]["status"] == ["healthy", "degraded", "unhealthy"][index]
        assert health["parts"]["sync"]["says"].startswith(f"inventory_levels: {minutes} min old")
        metrics = api.get("/api/sync-finale/metrics").json()
        assert metrics["finale_health"]["sync"] == index
        summary = ["idle", "warning", "error"][index]
        assert api.get("/api/sync-finale/status").json()["state"] == summary
        assert f">{summary}</span>" in api.get("/syncs").text
        page = api.get("/").text
        assert ('class="warn">' in page.partition("since stock read")[0]) == (state != "ok")
        assert (f"Sync: inventory_levels: {minutes} min old" in page) == (state == "failed")
    dagster.close()


def test_a_mail_that_waits_too_long_is_known_to_all(
    settings: Settings, connection: Connection
) -> None:
    content = Content("test", "Test", "Test", intro=["x"])
    message = render(content, origin_of(settings, NOW), message_id=new_id())
    outbox.put(connection, message, dedupe_key="t", recipients=["a@b.example"], now=NOW)

    for minutes, is_late in ((29, False), (31, True)):
        now = NOW + timedelta(minutes=minutes)
        states = [finding.state for finding in rules.mail(connection, now=now)]
        assert states == ["warning"] * is_late
        assert (rules.undelivered(connection, now=now) is not None) == is_late
        part = monitoring.health_by(connection, now=now)["parts"]["outbox"]
        assert part["status"] == ("degraded" if is_late else "healthy")


def test_a_stranger_who_holds_a_lock_of_ours_is_named_and_the_step_ends_it(
    url: str, connection: Connection
) -> None:
    with connect(url, name="DBeaver") as stranger:
        locks.acquire(stranger, Lock.TABLE_SET, 2)
        counts = run_counts(connection, now=NOW)
        (found,) = [f for f in rules.runs(connection, counts) if f.state == "warning"]
        assert "DBeaver" in found.says
        assert "table_set 2" in found.says
        end = found.step.split("administrator: ")[1].split(".", maxsplit=1)[0]
        connection.execute(end.encode())
        while locks.holders(connection, Lock.TABLE_SET):
            pass  # its end is asked for, and comes
    assert [f for f in rules.runs(connection, counts) if f.state == "warning"] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_a_disk_that_is_full_is_a_failure_of_the_doctor(settings: Settings, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)],  # noqa: S607
        check=False, capture_output=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        own = settings.model_copy(update={"home": small})
        (scarce,) = [f for f in doctor.examine(own) if f.what == "disk"]
        (small / "filled").write_bytes(b"x" * (1 << 20))
        (full,) = [f for f in doctor.examine(own) if f.what == "disk"]
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)  # noqa: S607
    assert (scarce.state, scarce.exit_code) == ("failed", 8)
    assert (full.state, full.exit_code) == ("failed", 8)
    assert "No space left" in full.says


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"smtp_host": "mail.example", "smtp_security": "none"}, "unencrypted"),
        ({"database_url": "postgresql://u@db.example/x"}, "Nothing proves that db.example"),
        ({"database_url": "postgresql://u@db.example/x?sslmode=require"}, "Nothing proves"),
        ({"database_url": "postgresql://u@db.example/x?sslmode=verify-full"}, ""),
        ({"smtp_host": "mail.example", "smtp_security": "starttls"}, ""),
        ({"smtp_host": "127.0.0.1", "smtp_security": "none"}, ""),
        ({"database_url": "postgresql://u@127.0.0.1/x"}, ""),
    ],
)
def test_what_leaves_this_machine_in_the_clear_is_warned_of(
    changes: dict[str, str], says: str
) -> None:
    found = [f for f in installation.access(Settings.model_validate(changes)) if f.state != "ok"]
    assert [says in f.says for f in found] == ([True] if says else [])
    if found:  # and its step makes it go away
        step = {"smtp_security": "starttls"} if "smtp" in str(changes) else {
            "database_url": changes.get("database_url", "").split("?")[0] + "?sslmode=verify-full"
        }  # fmt: skip
        mended = Settings.model_validate(changes | step)
        assert [f for f in installation.access(mended) if f.state != "ok"] == []


@pytest.mark.parametrize(
    ("changes", "says", "step"),
    [
        ({"api_host": "0.0.0.0"}, "without a token", {"api_token": "t" * 32}),  # noqa: S104
        ({"ui_host": "0.0.0.0"}, "without a token", {"api_token": "t" * 32}),  # noqa: S104
        ({"allow_writes": True}, "has no token", {"api_token": "t" * 32}),
    ],
)
def test_what_others_could_reach_is_warned_of_and_the_step_ends_it(
    changes: dict[str, object], says: str, step: dict[str, object]
) -> None:
    (found,) = [f for f in installation.access(Settings.model_validate(changes)) if f.state != "ok"]
    assert says in found.says
    assert "FINALE_API_TOKEN" in found.step
    mended = Settings.model_validate(changes | step)
    assert [f for f in installation.access(mended) if f.state != "ok"] == []


def test_days_of_a_zone_that_the_server_knows_otherwise_are_named(connection: Connection) -> None:
    assert rules.days(connection, "America/Denver", now=NOW).state == "ok"
    found = rules.days(connection, "CET", now=NOW)  # no summer there, for PostgreSQL
    assert (found.state, "first on 2016-03-" in found.says) == ("warning", True)
    assert Settings.model_validate({"timezone": "CET"}).timezone == "Europe/Brussels"
    assert rules.days(connection, "Europe/Brussels", now=NOW).state == "ok"


def test_days_are_reckoned_anew_by_our_rules_of_zones(
    settings: Settings, connection: Connection
) -> None:
    sync(settings, "full")
    for zone in ("CET", "America/Vancouver", "America/Havana", "Pacific/Kiritimati"):
        with connection.transaction():
            demand.redate(connection, zone, now=NOW)
        rows = connection.execute(
            "SELECT ordered_at, ordered_on FROM core.sales_order WHERE ordered_at IS NOT NULL"
            " UNION SELECT ordered_at, ordered_on FROM core.purchase_order"
            " WHERE ordered_at IS NOT NULL"
        ).fetchall()
        assert len(rows) > 100
        assert [on for _, on in rows] == [at.astimezone(ZoneInfo(zone)).date() for at, _ in rows]
