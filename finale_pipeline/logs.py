"""One logging configuration for all parts: lines to read on a terminal, JSON anywhere else.

A line says when, how bad, which part, and within `context` which run or request it belongs to. The
keys of the JSON are those that Dagster's own parts write. Standard library only: what would
format lines for us takes a tenth of a second to import, and every command starts here.
"""

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
HIDDEN = "***"
SHORTEST = 4
"""Characters of a secret that is looked for: a shorter one would stand in every other word."""
_secrets: list[str] = []
QUIET = ("asyncio", "httpcore", "httpx", "stamina", "urllib3", "uvicorn")
"""Libraries whose chatter below a warning tells nobody anything."""

_context: ContextVar[Mapping[str, object]] = ContextVar("context", default={})  # noqa: B039 - never changed


def hide(secrets: Sequence[str]) -> None:
    """Have no text of this process show these, on whichever way it leaves; until the next call."""
    _secrets[:] = sorted({secret for secret in secrets if len(secret) >= SHORTEST}, key=len)[::-1]


def scrubbed(text: str) -> str:
    """Return a text without the secrets that `hide` was told, for every way out."""
    for secret in _secrets:
        text = text.replace(secret, HIDDEN)
    return text


@contextmanager
def scrubbing() -> Iterator[None]:
    """Let no error leave the body whose text, or its causes' text, shows a secret."""
    try:
        yield
    except Exception as error:
        link: BaseException | None = error
        while link is not None:
            link.args = tuple(scrubbed(a) if isinstance(a, str) else a for a in link.args)
            link = link.__cause__ or link.__context__
        raise


@contextmanager
def context(**values: object) -> Iterator[None]:
    """Add values, such as `run_id` or `request_id`, to every line that the body writes."""
    token = _context.set({**_context.get(), **values})
    try:
        yield
    finally:
        _context.reset(token)


def configure(part: str, *, level: str = "info", stream: TextIO | None = None) -> None:
    """Have this process log; may be called again.

    Args:
        level: One of LEVELS; what is less is not written.
        stream: Where to; None = standard error.
    """
    form = _Lines if (stream or sys.stderr).isatty() else _Json
    handler = logging.StreamHandler(stream) if stream else _ToStandardError()
    handler.setFormatter(form(part))
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, _Format)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(capture=True)


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to what is standard error at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """What is written to."""
        return sys.stderr


class _Format(logging.Formatter):
    """Gathers what a line says."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._part = part

    def values(self, record: logging.LogRecord) -> dict[str, object]:
        """Return a line's values by name; texts are without secrets."""
        values: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "part": self._part,
            "logger": record.name,
            "event": record.getMessage(),
            **_context.get(),
        }
        if record.exc_info:
            values["exception"] = self.formatException(record.exc_info)
        return {n: scrubbed(v) if isinstance(v, str) else v for n, v in values.items()}


class _Json(_Format):
    def format(self, record: logging.LogRecord) -> str:
        """Return one line; whatever the text holds, it stays one line."""
        return json.dumps(self.values(record), default=str)


class _Lines(_Format):
    def format(self, record: logging.LogRecord) -> str:
        """Return a line to read, with the trace of an error below it."""
        values = self.values(record)
        moment, level, event = (str(values.pop(name)) for name in ("timestamp", "level", "event"))
        trace = values.pop("exception", None)
        del values["logger"]
        part = values.pop("part")
        rest = "".join(f" {name}={printable(str(value))}" for name, value in values.items())
        line = f"{moment[11:19]} {level:7} {part:8} {printable(event)}{rest}"
        below = str(trace).splitlines() if trace else []
        return "\n".join([line, *(f"    {printable(text)}" for text in below)])


def printable(text: str) -> str:
    r"""Return a text whose control characters, such as line breaks, are written out.

    >>> print(printable("ok\n12:00 forged"))
    ok\n12:00 forged
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
