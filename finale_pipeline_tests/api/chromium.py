"""A headless Chromium, asked by the protocol of its developer tools; nothing is downloaded."""

import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NAME = "stock.example"
"""A host that leads to this machine; no other name leads anywhere."""
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
    "--disable-extensions", "--disable-sync", "--hide-scrollbars", "--mute-audio", "--lang=en-US",
    "--remote-debugging-port=0", "--force-color-profile=srgb",
    f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip
PATIENCE_SECONDS = 20
KEYS = {
    "Tab": (9, ""), "Enter": (13, "\r"), "Escape": (27, ""), "ArrowUp": (38, ""),
    "ArrowDown": (40, ""), "Delete": (46, ""),
}  # fmt: skip
SHIFT = 8
SELECT_ALL = {"modifiers": 2, "commands": ["selectAll"]}


def found() -> str | None:
    """Return the browser's path; None = there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """A tab.

    Args:
        line: To the browser.
        session: Number of the tab.
        base: Where paths begin.

    Attributes:
        hosts: Which were asked for anything.
        bytes: Received, per address.
        troubles: What the console complained of: errors, refused content, failed requests.
    """

    def __init__(self, line: ClientConnection, session: str, base: str) -> None:
        self._line = line
        self._session = session
        self._base = base
        self._number = 0
        self._loaded = 0
        self.hosts: set[str] = set()
        self.bytes: dict[str, float] = {}
        self.troubles: list[str] = []
        self._addresses: dict[str, str] = {}
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask the tab something and return its answer."""
        self._number += 1
        number = self._number
        self._line.send(
            json.dumps(
                {"id": number, "method": method, "params": params, "sessionId": self._session}
            )
        )
        while (said := self._next()).get("id") != number:
            pass
        assert "error" not in said, (method, said["error"])
        answer: dict[str, Any] = said["result"]
        return answer

    def _next(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._line.recv(timeout=PATIENCE_SECONDS))
        if said.get("sessionId") == self._session and "method" in said:
            self._note(said["method"], said["params"])
        return said

    def _note(self, event: str, about: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded += 1
        elif event == "Network.requestWillBeSent":
            url = about["request"]["url"]
            self._addresses[about["requestId"]] = url
            if not url.startswith(("data:", "about:")):
                self.hosts.add(urlsplit(url).netloc)
        elif event == "Network.loadingFinished":
            self.bytes[self._addresses.get(about["requestId"], "")] = about["encodedDataLength"]
        elif event in {"Network.loadingFailed", "Runtime.exceptionThrown"}:
            self.troubles.append(str(about))
        elif event == "Runtime.consoleAPICalled" and about["type"] in {"error", "warning"}:
            self.troubles.append(str(about["args"]))
        elif event == "Log.entryAdded" and about["entry"]["level"] in {"error", "warning"}:
            self.troubles.append(about["entry"]["text"])

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Wait, after what is done inside, until a page has come."""
        before = self._loaded
        yield
        while self._loaded == before:
            self._next()

    def open(self, path: str) -> None:
        """Go to a page."""
        with self.loading():
            self.ask("Page.navigate", url=self._base + path)

    def js(self, expression: str) -> Any:
        """Return the value of an expression in the page, that of a promise once it is kept."""
        answer = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true in the page."""
        self.js(
            "new Promise(done => { const look = () =>"
            f" ({expression}) ? done() : requestAnimationFrame(look); look() }})"
        )

    def texts(self, selector: str) -> list[str]:
        """Return the texts of the elements that match, as they are shown."""
        found: list[str] = self.js(
            f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.innerText.trim())"
        )
        return found

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press and release a key."""
        code, text = KEYS.get(key, (ord(key[0].upper()), key))
        about = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        about["modifiers"] = SHIFT if shift else 0
        self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, **about)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    def type_over(self, text: str) -> None:
        """Replace what stands in the field that has the focus."""
        self.ask("Input.dispatchKeyEvent", type="keyDown", key="a", code="KeyA", **SELECT_ALL)
        self.ask("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click on the middle of an element with the mouse."""
        place = self.js(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getClientRects()[0];"
            " return [r.x + r.width / 2, r.y + r.height / 2] })"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.ask(
                "Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left",
                clickCount=1,
            )  # fmt: skip

    def resize(self, width: int, height: int = 844, *, phone: bool = False) -> None:
        """Show the page in another size."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, mobile=phone,
            deviceScaleFactor=1,
        )  # fmt: skip

    def scheme(self, name: str) -> None:
        """Prefer light or dark."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.ask("Emulation.setEmulatedMedia", features=features)

    def picture(self, *, whole: bool = False) -> bytes:
        """Return what is to be seen, as a PNG."""
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(answer["data"])

    def printed(self) -> bytes:
        """Return the page as it is printed, a PDF."""
        return base64.b64decode(self.ask("Page.printToPDF", preferCSSPageSize=True)["data"])


class Chromium:
    """A running browser.

    Args:
        line: To it.
    """

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._number = 1 << 30

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        self._line.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            said = json.loads(self._line.recv(timeout=PATIENCE_SECONDS))
            if said.get("id") == self._number:
                answer: dict[str, Any] = said["result"]
                return answer

    @contextmanager
    def page(self, base: str) -> Iterator[Page]:
        """Open a tab that remembers nothing of others."""
        context = self._ask("Target.createBrowserContext")["browserContextId"]
        tab = self._ask("Target.createTarget", url="about:blank", browserContextId=context)
        session = self._ask("Target.attachToTarget", targetId=tab["targetId"], flatten=True)
        try:
            yield Page(self._line, session["sessionId"], base)
        finally:
            self._ask("Target.disposeBrowserContext", browserContextId=context)


@contextmanager
def running(path: str) -> Iterator[Chromium]:
    """Start a browser, and end it."""
    with (
        tempfile.TemporaryDirectory(prefix="finale-chromium", ignore_cleanup_errors=True) as folder,
        subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            with connect(
                _address(process), max_size=1 << 26, compression=None, close_timeout=0.1
            ) as line:
                yield Chromium(line)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # it takes seconds to end by itself


def _address(process: "subprocess.Popen[str]") -> str:
    said = []
    for text in process.stderr or ():
        said.append(text)
        if "DevTools listening on " in text:
            return text.partition(" on ")[2].strip()
    raise AssertionError("the browser ended: " + "".join(said[-5:]))
