"""Lines of the log: what they say, and what they never say."""

import io
import json
import logging
import os
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from finale_pipeline import logs
from finale_pipeline.errors import LocalError
from finale_pipeline.notify.messages import Content, new_id, origin_of, render
from finale_pipeline.resources import Finale
from finale_pipeline.settings import Settings
from finale_pipeline_tests.conftest import NOW


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = [*root.handlers], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    logs.hide([])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_part_level_run_and_request() -> None:
    stream = io.StringIO()
    logs.configure("api", stream=stream)
    with logs.context(run_id=7), logs.context(request_id="abc"):
        logging.getLogger("finale_pipeline.x").info("read %d rows", 3)
    logging.getLogger("finale_pipeline.x").info("later")
    first, second = lines(stream)
    assert first.items() >= {
        "level": "info", "part": "api", "logger": "finale_pipeline.x", "event": "read 3 rows",
        "run_id": 7, "request_id": "abc",
    }.items()  # fmt: skip
    assert first["timestamp"].endswith("+00:00")
    assert "run_id" not in second


@pytest.mark.parametrize("kind", [io.StringIO, Terminal])
def test_no_text_forges_a_line_and_no_secret_is_shown(kind: type[io.StringIO]) -> None:
    stream = kind()
    logs.hide(["hunter22", ""])
    logs.configure("api", stream=stream)
    logging.getLogger("x").warning("name\n{%s}\r\x1b[31m12:00 error forged: hunter22", "k")
    text = stream.getvalue()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert "hunter22" not in text


def test_an_error_brings_its_trace_without_secrets() -> None:
    stream = io.StringIO()
    logs.hide(["hunter22"])
    logs.configure("sync", stream=stream)
    try:
        int("hunter22")
    except ValueError:
        logging.getLogger("x").exception("it failed")
    (line,) = lines(stream)
    assert "'***'" in line["exception"]
    assert "test_logs.py" in line["exception"]


def test_what_is_below_the_level_is_not_written_and_twice_is_once() -> None:
    stream = io.StringIO()
    logs.configure("api", level="debug", stream=stream)
    logs.configure("api", level="warning", stream=stream)
    logging.getLogger("x").info("chatter")
    logging.getLogger("httpx").info("chatter")
    logging.getLogger("x").warning("once")
    assert [line["event"] for line in lines(stream)] == ["once"]


@dg.asset
def asked(finale: Finale) -> None:
    """Asks the warehouse, and fails with a text that came with a secret in it."""
    secret = os.environ["FINALE_API_SECRET"]
    with finale.warehouse():
        try:
            int(f"Bearer {secret}")
        except ValueError as cause:
            raise RuntimeError(f"could not ask: {secret}") from cause


def test_no_event_of_dagster_shows_a_secret(
    variables: None, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    monkeypatch.setenv("FINALE_API_SECRET", "hunter22")
    failed = dg.materialize(
        [asked], resources={"finale": Finale()}, instance=instance,
        raise_on_error=False,
    )  # fmt: skip
    said = [e.event_log_entry for e in instance.get_records_for_run(failed.run_id).records]
    texts = [dg.serialize_value(entry) for entry in said]
    assert any("could not ask: ***" in text for text in texts)
    assert not any("hunter22" in text for text in texts)


def test_no_error_and_no_mail_shows_a_secret() -> None:
    logs.hide(["hunter22"])
    error = LocalError("It answered hunter22.", step="Ask hunter22.")
    assert "hunter22" not in f"{error}{error.what}{error.step}"
    content = Content(
        "test", "To hunter22", "hunter22", intro=["hunter22"], facts=[("Says", "hunter22")],
    )  # fmt: skip
    mail = render(content, origin_of(Settings(), NOW), message_id=new_id())
    assert "hunter22" not in mail.subject + mail.body_text + mail.body_html
    assert "***" in mail.body_text
