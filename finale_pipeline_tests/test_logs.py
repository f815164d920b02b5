"""Lines of the log: what they say, and what they never say."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from finale_pipeline import logs


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
    logs.configure("api", secrets=["hunter22", ""], stream=stream)
    logging.getLogger("x").warning("name\n{%s}\r\x1b[31m12:00 error forged: hunter22", "k")
    text = stream.getvalue()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text
    assert "hunter22" not in text


def test_an_error_brings_its_trace_without_secrets() -> None:
    stream = io.StringIO()
    logs.configure("sync", secrets=["hunter22"], stream=stream)
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
