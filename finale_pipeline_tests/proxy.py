"""A wire between a client and PostgreSQL that can be cut in the middle of what is sent."""

import select
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, quote, urlsplit

SOCKET = ".s.PGSQL.5432"
PIECE = 1 << 16


class CutWire:
    """Stands before a server's socket; cuts each connection some bytes after a word was sent.

    Args:
        url: The server behind it, which listens on a socket file.
        word: What the client sends before the cut, such as `COPY stage_x`.
        after: Bytes from there on that still reach the server.
    """

    def __init__(self, url: str, word: bytes, *, after: int) -> None:
        self._target = f"{parse_qs(urlsplit(url).query)['host'][0]}/{SOCKET}"
        self._word = word
        self._after = after
        self.cuts = 0
        self._folder = tempfile.TemporaryDirectory(prefix="wire")
        self.url = url.replace(url.partition("?")[2], f"host={quote(self._folder.name, safe='')}")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(f"{self._folder.name}/{SOCKET}")
        Path(f"{self._folder.name}/{SOCKET}").chmod(0o700)
        self._listener.listen()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()
        self._folder.cleanup()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        """Carry bytes both ways until one side ends, or the cut."""
        left: int | None = None
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._target)
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for side in ready:
                    piece = side.recv(PIECE)
                    if not piece:
                        return
                    if side is server:
                        client.sendall(piece)
                        continue
                    place = piece.find(self._word) if left is None else 0
                    if place >= 0:
                        left = self._after + place if left is None else left
                        server.sendall(piece[:left])
                        left -= len(piece)
                        if left <= 0:
                            self.cuts += 1
                            return
                    else:
                        server.sendall(piece)
