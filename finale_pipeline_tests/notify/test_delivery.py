"""Mails on their way: a sick service, a dead sender, bad addresses, quiet hours, long outages."""

import csv
import io
import os
import signal
import subprocess
import sys
import threading
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest

from finale_pipeline.notify.sendgrid_sender import SendGrid
from finale_pipeline.warehouse import outbox
from finale_pipeline.warehouse.connect import connect
from finale_pipeline_tests.mail_server import KEY, MailServer
from finale_pipeline_tests.notify.warehouse import (
    RECIPIENTS,
    Warehouse,
    last,
    mail_settings,
    wait_for_lock,
)
from finale_pipeline_tests.processes import environment


def kinds(service: MailServer) -> list[str]:
    return [mail.kind for mail in service.accepted]


def test_a_mail_is_accepted_once_with_all_it_needs(told: Warehouse, service: MailServer) -> None:
    assert told.deliver() == {"sent": 1}
    assert told.deliver() == {}
    (mail,) = service.accepted
    assert mail.to == RECIPIENTS
    assert mail.subject == "Out of stock: 1 item (A · Product A)"
    assert "finale " not in mail.text  # a buyer gets links, and no commands
    assert "/products/A" in mail.html
    assert "/runbooks/out_of_stock" in mail.html
    (data,) = mail.attachments.values()
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [(r["crossed_from"], r["crossed_to"], r["sku"]) for r in rows] == [("ok", "out", "A")]


@pytest.mark.parametrize("status", [400, 401, 403])
def test_what_no_repeat_can_help_is_a_loud_dead_letter(
    told: Warehouse, service: MailServer, status: int
) -> None:
    """M1: kept in the outbox, written as a file, revived by hand."""
    service.add_fault(f"status={status}")
    assert told.deliver() == {"dead": 1}
    assert str(status) in last(told)[3]
    assert len(list((told.settings.home / "outbox").glob("*.eml"))) == 1
    service.clear_faults()
    assert told.deliver() == {}
    assert outbox.revive(told.connection, None, now=told.now) == 1
    assert told.deliver() == {"sent": 1}


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_sick_service_is_asked_again_with_growing_pauses(
    told: Warehouse, service: MailServer, status: int
) -> None:
    """M3."""
    service.add_fault(f"status={status}*3")
    asked = []
    for minute in range(12):
        before = service.requests
        told.deliver(minutes=1 if minute else 0)
        if service.requests > before:
            asked.append(minute)
    assert asked == [0, 1, 3, 7]
    assert kinds(service) == ["out_of_stock"]
    assert last(told)[:3] == ("sent", 4, 0)


def test_a_throttled_mail_waits_as_long_as_it_is_told_and_order_is_kept(
    told: Warehouse, service: MailServer
) -> None:
    """M2."""
    service.add_fault("throttle=600*1")
    told.deliver()
    told.stock(B=5)
    told.evaluate(minutes=5)
    assert told.deliver() == {}
    assert told.deliver(minutes=6) == {"sent": 2}
    assert kinds(service) == ["out_of_stock", "reorder_needed"]


def test_an_answer_that_never_comes_is_repeated_once_with_the_same_id(
    told: Warehouse, service: MailServer
) -> None:
    """M5: it may have arrived, and did."""
    service.add_fault("cut*1")
    assert told.deliver() == {"pending": 1}
    assert last(told)[2] == 1
    assert told.deliver(minutes=2) == {"sent": 1}
    first, second = service.accepted
    assert first.message_id == second.message_id


def test_two_unknown_outcomes_are_enough(told: Warehouse, service: MailServer) -> None:
    service.add_fault("cut")
    told.deliver()
    assert told.deliver(minutes=2) == {"dead": 1}
    told.deliver(minutes=60)
    assert len(service.accepted) == 2
    assert "may have arrived or not" in last(told)[3]


def test_a_service_that_is_not_there_was_certainly_not_reached(
    told: Warehouse, service: MailServer
) -> None:
    gone = told.settings.model_copy(update={"sendgrid_base_url": "http://127.0.0.1:9"})
    for _ in range(5):
        assert told.deliver(gone, minutes=20) == {"pending": 1}
    assert last(told)[2] == 0
    assert told.deliver(minutes=20) == {"sent": 1}
    assert len(service.accepted) == 1


@pytest.mark.parametrize("fault", ["silence=1.5", "drip=3"])
def test_an_attempt_ends_whatever_the_service_does(
    told: Warehouse, service: MailServer, fault: str
) -> None:
    """M4: the sendgrid package has no limit of its own, and its limit is per read."""
    service.add_fault(f"{fault}*1")
    mail = outbox.claim(told.connection, now=told.now)
    assert mail is not None
    sender = SendGrid(KEY, "a@b.example", base_url=service.base_url, seconds=0.2)
    outcome = sender.send(mail, mail.left)
    assert outcome.verdict == "unknown"


def test_a_redirect_is_not_followed_with_the_key(told: Warehouse, service: MailServer) -> None:
    service.add_fault("redirect*1")
    assert told.deliver() == {"dead": 1}
    assert "302" in last(told)[3]


def test_one_bad_address_among_five_does_not_cost_the_others_theirs(
    told: Warehouse, service: MailServer
) -> None:
    """M8."""
    five = [f"p{n}@shop.example" for n in range(5)]
    told.connection.execute("UPDATE ops.outbox SET recipients = %s", (five,))
    service.bad_addresses = {five[2]}
    assert told.deliver() == {"sent": 1}
    assert service.accepted[0].to == (*five[:2], *five[3:])
    assert five[2] in last(told)[3]


def test_a_sender_that_dies_before_or_after_sending_repeats_at_most_once(
    told: Warehouse, service: MailServer
) -> None:
    """M6: killed between its claim and its note of the end."""
    url = str(told.settings.database_url and told.settings.database_url.get_secret_value())
    with connect(url, name="dying") as dying:
        claimed = outbox.claim(dying, now=told.now)
        assert claimed is not None
        assert told.deliver() == {}  # its lock says that it lives
    wait_for_lock(told, claimed.outbox_id)
    assert told.deliver() == {"sent": 1}
    assert last(told)[2] == 1
    assert service.accepted[0].message_id == claimed.message_id


def test_a_killed_sender_process_leaves_nothing_undone(
    told: Warehouse, service: MailServer
) -> None:
    """SIGKILL while the service holds its answer back."""
    service.add_fault("silence=30*1")
    code = (
        "from finale_pipeline.settings import load_settings as s; from datetime import *;"
        "from finale_pipeline.warehouse.connect import connect, database_url;"
        "from finale_pipeline.notify.delivery import deliver;"
        "deliver(connect(database_url(s()), name='x'), s(), clock=lambda: datetime.now(UTC))"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=environment(told.settings)) as process:
        waiting = threading.Event()
        while service.requests == 0 and process.poll() is None:
            waiting.wait(0.02)
        os.kill(process.pid, signal.SIGKILL)
    service.clear_faults()
    while last(told)[0] == "sending":
        told.deliver()
    assert last(told)[:3] == ("sent", 2, 1)
    assert kinds(service) == ["out_of_stock"]


def test_two_deliverers_send_each_mail_once(told: Warehouse, service: MailServer) -> None:
    told.add("C")
    told.evaluate()
    told.stock(B=0, C=5)
    told.evaluate()
    url = str(told.settings.database_url and told.settings.database_url.get_secret_value())

    def work() -> None:
        with connect(url, name="other") as other:
            Warehouse.deliver(_with(told, other))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ids = [mail.message_id for mail in service.accepted]
    assert len(ids) == len(set(ids)) == 3


def _with(told: Warehouse, connection: Any) -> Warehouse:
    other = Warehouse(told.settings, connection)
    other.now = told.now
    return other


def test_after_an_outage_of_hours_one_present_mail_replaces_the_old_ones(
    told: Warehouse, service: MailServer
) -> None:
    """M3."""
    service.add_fault("status=503")
    for step in range(16):
        told.stock(B=0 if step % 2 else 100)
        told.evaluate()
        told.deliver()
    told.stock(A=100, B=50)
    told.evaluate()
    service.clear_faults()
    told.deliver(minutes=15)
    assert kinds(service) == ["catch_up"]
    assert service.accepted[0].subject == "Stock, caught up: 0 critical, 2 well again"
    dangling = told.rows(
        "SELECT count(*) FROM mart.alert_history WHERE message_id IS NOT NULL"
        " AND mail_state IS DISTINCT FROM 'sent'"
    )
    assert dangling == [(0,)]


def test_quiet_hours_hold_delivery_not_evaluation(told: Warehouse, service: MailServer) -> None:
    """M15: and what is held is merged at their end."""
    quiet = told.settings.model_copy(update={"quiet_hours": "12:00-14:00"})
    told.deliver(quiet)
    told.stock(B=0)
    told.evaluate()
    told.deliver(quiet)
    assert told.states() == ["held", "held"]
    told.deliver(quiet, minutes=120)
    assert kinds(service) == ["catch_up"]


def test_no_key_means_files_to_open(told: Warehouse, url: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert told.deliver(mail_settings(url, home=home)) == {"sent": 1}
    (file,) = (home / "outbox").glob("*.eml")
    mail = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
    assert mail["Subject"] == "Out of stock: 1 item (A · Product A)"
    assert len(list((home / "outbox").glob("*.html"))) == 1
    assert not list((home / "outbox").glob("*.part"))


def test_only_the_services_own_success_is_success(told: Warehouse, service: MailServer) -> None:
    """A page of something in between, with 200, is no mail."""
    service.add_fault("status=200*1")
    assert told.deliver() == {"pending": 1}
    assert "200 instead of 202" in last(told)[3]
    assert told.deliver(minutes=2) == {"sent": 1}
    assert kinds(service) == ["out_of_stock"]
