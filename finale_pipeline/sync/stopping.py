"""SIGTERM and Ctrl-C end a sync at its next batch border: what is under way is still committed."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from finale_pipeline.errors import InterruptedSync

if TYPE_CHECKING:
    from types import FrameType


class StopRequest:
    """Remembers that the process was asked to stop.

    Outside of a transaction the request is obeyed at once, even in the middle of waiting for the
    network; inside of one, when it has committed.
    """

    def __init__(self) -> None:
        self._is_asked = False
        self._is_in_batch = False

    def ask(self) -> None:
        """Ask for the end of the sync.

        Raises:
            InterruptedSync: No transaction is open.
        """
        self._is_asked = True
        if not self._is_in_batch:
            raise InterruptedSync("The sync was asked to stop.")

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Obey a request only when the body has ended.

        Raises:
            InterruptedSync: It was asked to stop meanwhile.
        """
        self._is_in_batch = True
        try:
            yield
        finally:
            self._is_in_batch = False
        if self._is_asked:
            raise InterruptedSync("The sync was asked to stop.")

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as requests; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(_number: int, _frame: "FrameType | None") -> None:
            self.ask()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
