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


def smtp(url: str, home: Path, port: int) -> Settings:
    return mail_settings(
        url, home=home, smtp_host="127.0.0.1", smtp_port=port, smtp_security="none"
    )


def test_smtp_takes_mails_and_names_the_addresses_it_refuses(
    told: Warehouse, url: str, tmp_path: Path, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    box.answers[RECIPIENTS[1]] = "550 no such person"
    assert told.deliver(smtp(url, tmp_path, port)) == {"sent": 1}
    ((addresses, data),) = box.taken
    assert addresses == [RECIPIENTS[0]]
    mail = BytesParser(policy=policy.default).parsebytes(data)
    assert mail["X-Finale-Message-Id"] in mail["Message-ID"]
    assert [part.get_content_type() for part in mail.iter_attachments()] == ["text/csv"]
    assert RECIPIENTS[1] in last(told)[3]


def test_smtp_that_refuses_the_content_says_whether_to_come_again(
    told: Warehouse, url: str, tmp_path: Path, mailbox: tuple[Mailbox, int]
) -> None:
    box, port = mailbox
    settings = smtp(url, tmp_path, port)
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
