"""Mails over SMTP, taken by a real server on this machine."""

import socket
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from finale_pipeline.notify.sender import Smtp
from finale_pipeline.settings import Settings
from finale_pipeline.warehouse import outbox
from finale_pipeline_tests.notify.warehouse import RECIPIENTS, Warehouse, last, mail_settings


class Mailbox:
    """What a real SMTP server took."""

    def __init__(self) -> None:
        self.taken: list[tuple[list[str], bytes]] = []
        self.answers: dict[str, str] = {}

    async def handle_RCPT(  # noqa: N802 - the package's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: object
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if "data" in self.answers:
            return self.answers["data"]
        self.taken.append((envelope.rcpt_tos, envelope.original_content or b""))
        return "250 taken"

    async def handle_QUIT(  # noqa: N802
        self, server: SMTP, _session: Session, _envelope: Envelope
    ) -> str:
        farewell = self.answers.get("quit", "221 bye")
        if farewell == "hang up" and server.transport is not None:
            server.transport.close()
        return farewell


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


@pytest.fixture
def box(mailbox: tuple[Mailbox, int]) -> Mailbox:
    """What the mail server took, and what it answers."""
    return mailbox[0]


@pytest.fixture
def settings(url: str, tmp_path: Path, mailbox: tuple[Mailbox, int]) -> Settings:
    """Settings that send by that server."""
    return smtp(url, tmp_path, mailbox[1])


def smtp(url: str, home: Path, port: int) -> Settings:
    return mail_settings(
        url, home=home, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none"
    )


def test_smtp_takes_mails_and_names_the_addresses_it_refuses(
    told: Warehouse, settings: Settings, box: Mailbox
) -> None:
    box.answers[RECIPIENTS[1]] = "550 no such person"
    assert told.deliver(settings) == {"sent": 1}
    ((addresses, data),) = box.taken
    assert addresses == [RECIPIENTS[0]]
    mail = BytesParser(policy=policy.default).parsebytes(data)
    assert mail["X-Finale-Message-Id"] in mail["Message-ID"]
    assert [part.get_content_type() for part in mail.iter_attachments()] == ["text/csv"]
    assert RECIPIENTS[1] in last(told)[3]


def test_smtp_that_refuses_the_content_says_whether_to_come_again(
    told: Warehouse, settings: Settings, box: Mailbox
) -> None:
    box.answers["data"] = "451 later"
    assert told.deliver(settings) == {"pending": 1}
    box.answers["data"] = "554 spam"
    assert told.deliver(settings, minutes=2) == {"dead": 1}


def test_an_smtp_server_that_is_not_there_is_tried_again(
    told: Warehouse, url: str, tmp_path: Path
) -> None:
    mail = outbox.claim(told.connection, now=told.now)
    assert mail is not None
    settings = smtp(url, tmp_path, 9)
    assert Smtp(settings, "a@b.example").send(mail, mail.left).verdict == "later"


def test_one_address_that_puts_mails_off_for_ever_keeps_nobody_from_theirs(
    told: Warehouse, settings: Settings, box: Mailbox
) -> None:
    box.answers[RECIPIENTS[1]] = "450 mailbox busy"
    told.deliver(settings)
    for sku in ("B", "C"):
        told.add(sku) if sku == "C" else None
        told.evaluate(minutes=1)
        told.stock(**{sku: 0})
        told.evaluate(minutes=1)
        told.deliver(settings)

    assert [addresses for addresses, _ in box.taken] == [[RECIPIENTS[0]]] * 3
    told.deliver(settings, minutes=60)
    assert len(box.taken) == 3  # nobody who got one gets it again
    del box.answers[RECIPIENTS[1]]
    told.deliver(settings, minutes=60)
    assert [addresses for addresses, _ in box.taken[3:]] == [[RECIPIENTS[1]]] * 3


def test_an_address_that_puts_a_mail_off_for_days_is_refused_in_the_end(
    told: Warehouse, settings: Settings, box: Mailbox
) -> None:
    box.answers[RECIPIENTS[1]] = "450 mailbox busy"
    told.deliver(settings)
    assert told.deliver(settings, minutes=4 * 24 * 60) == {"sent": 1}
    assert f"{RECIPIENTS[1]}: put off for 3 days" in last(told)[3]
    assert len(box.taken) == 1


def test_a_server_that_hangs_up_between_the_addresses_has_taken_nothing(
    told: Warehouse, settings: Settings, box: Mailbox
) -> None:
    """421 to the second address: the first one has not got it either, though it was not refused."""
    box.answers[RECIPIENTS[1]] = "421 closing"
    assert told.deliver(settings) == {"pending": 1}
    assert box.taken == []
    del box.answers[RECIPIENTS[1]]
    assert told.deliver(settings, minutes=2) == {"sent": 1}
    assert [addresses for addresses, _ in box.taken] == [list(RECIPIENTS)]


@pytest.mark.parametrize("farewell", ["451 not now", "hang up"])
def test_what_was_accepted_is_sent_whatever_follows(
    told: Warehouse, settings: Settings, box: Mailbox, farewell: str
) -> None:
    box.answers["quit"] = farewell
    assert told.deliver(settings) == {"sent": 1}
    assert told.deliver(settings, minutes=60) == {}
    assert len(box.taken) == 1
