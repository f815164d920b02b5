"""Stands in for SendGrid on loopback: its v3 endpoint, a ledger of what it took, faults on demand.

Written from SendGrid's documentation, not from our sender: both must not be wrong together.
"""

import base64
import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from finale_pipeline.sandbox.listening import HttpService, Listener, RequestHandler

KEY = "SG.sandbox"
MOST_BYTES = 30 << 20
FAULTS = {
    "status": "answer with that status (503)",
    "throttle": "429 with Retry-After of so many seconds (30)",
    "cut": "take the mail, then close the connection without an answer",
    "reset": "close the connection before reading",
    "silence": "read, take nothing, and say nothing for so many seconds (2)",
    "drip": "take the mail, then answer byte by byte for so many seconds (5)",
    "redirect": "302 to another host",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A mail that was taken.

    Attributes:
        message_id: As the sender named it.
        kind: As the sender named it.
        to: Addresses.
        subject: Subject line.
        text: Plain text.
        html: HTML.
        attachments: Name → content.
    """

    message_id: str
    kind: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    attachments: dict[str, bytes] = field(repr=False)


class MailServer(HttpService):
    """Serves until it is closed.

    Args:
        port: On 127.0.0.1; 0 = any free one.
        key: The only API key it knows.

    Attributes:
        accepted: Every mail that was taken, in order; what the recipients would have got.
        requests: How many were made, whatever their end.
        bad_addresses: Addresses it calls invalid.
    """

    def __init__(self, *, port: int = 0, key: str = KEY) -> None:
        self.key = key
        self.accepted: list[Accepted] = []
        self.requests = 0
        self.bad_addresses: set[str] = set()
        self._faults: list[tuple[str, str, int]] = []
        self._mutex = threading.Lock()
        listener = _Listener(("127.0.0.1", port), _Handler)
        listener.mail = self
        super().__init__(listener)

    def add_fault(self, text: str) -> None:
        """Let requests meet a fault, such as `status=503*2`; without a number every one.

        Raises:
            ValueError: There is no such fault.
        """
        head, _, times = text.partition("*")
        kind, _, argument = head.partition("=")
        if kind not in FAULTS:
            message = f"no fault {kind!r}; there are {', '.join(FAULTS)}"
            raise ValueError(message)
        with self._mutex:
            self._faults.append((kind, argument, int(times) if times else -1))

    def clear_faults(self) -> None:
        """Be well again."""
        with self._mutex:
            self._faults.clear()

    def next_fault(self) -> tuple[str, str] | None:
        """Return the fault that this request meets, if any."""
        with self._mutex:
            self.requests += 1
            if not self._faults:
                return None
            kind, argument, times = self._faults.pop(0)
            if times != 1:
                self._faults.insert(0, (kind, argument, times - 1))
            return kind, argument

    def take(self, sent: dict[str, Any]) -> None:
        """Write a mail into the ledger."""
        content = {part["type"]: part["value"] for part in sent["content"]}
        mail = Accepted(
            str(sent.get("custom_args", {}).get("message_id", "")),
            str(sent.get("custom_args", {}).get("kind", "")),
            tuple(to["email"] for p in sent["personalizations"] for to in p["to"]),
            sent["subject"],
            content.get("text/plain", ""),
            content.get("text/html", ""),
            {
                a["filename"]: base64.b64decode(a["content"], validate=True)
                for a in sent.get("attachments", [])
            },
        )
        with self._mutex:
            self.accepted.append(mail)


class _Listener(Listener):
    mail: MailServer


class _Handler(RequestHandler):
    server: _Listener

    def do_GET(self) -> None:  # noqa: N802 - the base's name
        """Show the ledger."""
        shown = [
            {"message_id": m.message_id, "kind": m.kind, "to": m.to, "subject": m.subject}
            for m in self.server.mail.accepted
        ]
        self._answer(200, json.dumps(shown).encode())

    def do_POST(self) -> None:  # noqa: N802 - the base's name
        """Take a mail, or the control of the sandbox itself."""
        length = int(self.headers.get("content-length") or 0)
        if self.path == "/sandbox/fault":
            self._control(self.rfile.read(length))
            return
        mail = self.server.mail
        fault = mail.next_fault()
        if fault and fault[0] == "reset":
            self.hang_up()
            return
        body = self.rfile.read(min(length, MOST_BYTES + 1))
        if fault and self._failed(*fault, body):
            return
        status, said = self._judged(body)
        if status == 202:
            mail.take(json.loads(body))
        self._answer(status, said)

    def _control(self, body: bytes) -> None:
        sent = json.loads(body or b"{}")
        try:
            if "fault" in sent:
                self.server.mail.add_fault(str(sent["fault"]))
            else:
                self.server.mail.clear_faults()
        except ValueError as error:
            self._answer(400, json.dumps({"error": str(error)}).encode())
            return
        self._answer(200, b"{}")

    def _failed(self, kind: str, argument: str, body: bytes) -> bool:
        """Act out a fault; True = the request is answered, or never will be."""
        if kind == "status":
            self._answer(int(argument or 503), _errors("sick", None))
        elif kind == "throttle":
            self._answer(429, _errors("too many requests", None), {"Retry-After": argument or "30"})
        elif kind == "redirect":
            self._answer(302, b"", {"Location": "http://127.0.0.1:9/elsewhere"})
        elif kind == "silence":
            time.sleep(float(argument or 2))
            self.hang_up()
        else:
            if self._judged(body)[0] == 202:
                self.server.mail.take(json.loads(body))
            if kind == "drip":
                self._drip(float(argument or 5))
            else:
                self.hang_up()
        return True

    def _drip(self, seconds: float) -> None:
        answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
        for i in range(len(answer)):
            self.wfile.write(answer[i : i + 1])
            self.wfile.flush()
            time.sleep(seconds / len(answer))
        self.close_connection = True

    def _judged(self, body: bytes) -> tuple[int, bytes]:
        """Return status and answer for a mail, as SendGrid documents them."""
        mail = self.server.mail
        expected = f"Bearer {mail.key}"
        if not hmac.compare_digest(self.headers.get("authorization", ""), expected):
            return 401, _errors("The provided authorization grant is invalid", None)
        if self.path != "/v3/mail/send":
            return 404, _errors("not found", None)
        if len(body) > MOST_BYTES:
            return 413, _errors("The payload is too large", None)
        try:
            sent = json.loads(body)
        except ValueError:
            return 400, _errors("Bad Request", None)
        problems = _problems(sent, mail.bad_addresses)
        return (400, json.dumps({"errors": problems}).encode()) if problems else (202, b"")

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _errors(message: str, field_name: str | None) -> bytes:
    return json.dumps(
        {"errors": [{"message": message, "field": field_name, "help": None}]}
    ).encode()


def _problems(sent: dict[str, Any], bad: set[str]) -> list[dict[str, Any]]:
    """Return what is wrong with a mail, field by field."""
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    for n, personalization in enumerate(sent.get("personalizations") or []):
        for k, to in enumerate(personalization.get("to") or []):
            address = str(to.get("email", ""))
            if "@" not in address or address in bad:
                place = f"personalizations.{n}.to.{k}.email"
                found.append(("Does not contain a valid address.", place))
            seen.add(address)
    if not seen:
        found.append(("The personalizations field is required.", "personalizations"))
    if not (sent.get("from") or {}).get("email"):
        found.append(("The from object must be provided.", "from.email"))
    if not sent.get("subject") or "\n" in sent["subject"] or "\r" in sent["subject"]:
        found.append(("The subject is required and must be one line.", "subject"))
    if not sent.get("content"):
        found.append(("The content value must be a string at least one character", "content"))
    return [{"message": message, "field": place, "help": None} for message, place in found]
