"""The mail service is sick or slow, or says one thing and does another; shortages come and go."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

from finale_pipeline.drills.registry import drill
from finale_pipeline.drills.scene import Scene, expect, expect_end
from finale_pipeline.notify.delivery import deliver
from finale_pipeline.sync.strategies import read_days
from finale_pipeline.warehouse import leases

QUARTER = timedelta(minutes=15)
PEOPLE = ("one@shop.example", "two@shop.example")
MAILS = {"alert_emails": PEOPLE, "alert_from": "stock@shop.example"}
WAIT = 60
"""Seconds, far above any limit of a drill."""


class Post(socketserver.ThreadingTCPServer):
    """A mail server of this machine: who it took mails for, and what it answers otherwise.

    Attributes:
        taken: Recipients of each mail that was taken.
        answers: To an address, or to `quit`.
        data: Is set when a mail's text was asked for.
        goes_on: The server waits for it before it takes a mail.
    """

    daemon_threads = True

    def __init__(self) -> None:
        self.taken: list[list[str]] = []
        self.answers: dict[str, str] = {}
        self.data = threading.Event()
        self.goes_on = threading.Event()
        self.goes_on.set()
        super().__init__(("127.0.0.1", 0), _Smtp)


class _Smtp(socketserver.StreamRequestHandler):
    server: Post

    def handle(self) -> None:
        post = self.server
        people: list[str] = []
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            word, address = line[:4].upper(), line.partition("<")[2].partition(">")[0]
            if word == "RCPT":
                answer = post.answers.get(address, "250 ok")
                people += [address] if answer.startswith("250") else []
                self._say(answer)
            elif word == "DATA":
                self._say("354 go on")
                while self.rfile.readline().strip() != b".":
                    pass
                post.data.set()
                post.goes_on.wait(WAIT)
                post.taken.append(people)
                self._say("250 taken")
            elif word == "QUIT":
                self._say(post.answers.get("quit", "221 bye"))
                return
            else:
                people = [] if word in {"MAIL", "RSET"} else people
                self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def _post(scene: Scene) -> Iterator[Post]:
    """Have the account read and planned, its mails going to a server; the summary is out."""
    with Post() as post:
        threading.Thread(target=post.serve_forever, args=(0.01,), daemon=True).start()
        scene.set(
            **MAILS,
            smtp_host="127.0.0.1",
            smtp_port=post.server_address[1],
            smtp_security="none",
        )
        scene.sync(plans=True)
        post.taken.clear()
        try:
            yield post
        finally:
            post.goes_on.set()
            post.shutdown()


SELLING = (
    "SELECT product_url FROM ops.item_level l JOIN plan.outlook o USING (product_url)"
    " WHERE l.level = 'ok' AND o.units_per_day > 0 AND l.threshold_units < 500 ORDER BY 1 LIMIT %s"
)


def _selling(scene: Scene, count: int = 1) -> list[str]:
    """Return products that sell and are well."""
    urls = [str(url) for (url,) in scene.rows(SELLING, count)]
    expect(len(urls) == count, "the account has too few products that are well")
    return urls


def _runs_out(scene: Scene, url: str) -> None:
    scene.pass_time(QUARTER)
    scene.account.set_stock(url, 0)
    expect_end(scene.sync("critical"))


@drill(
    "one of two addresses answers 450 for ever",
    "the other gets each mail, once; the one is given up after three days",
)
def _mail_one_puts_off(scene: Scene) -> None:
    with _post(scene) as post:
        post.answers[PEOPLE[1]] = "450 mailbox busy"
        for url in _selling(scene, 2):
            _runs_out(scene, url)
        expect(post.taken == [[PEOPLE[0]]] * 2, f"taken for {post.taken}")
        scene.pass_time(timedelta(days=4))
        deliver(scene.connection, scene.settings, clock=scene.clock)
        states = scene.rows("SELECT DISTINCT state FROM ops.outbox")
        expect(states == [("sent",)], f"four days later mails are {states}")
        expect(post.taken == [[PEOPLE[0]]] * 2, "who had one got it again")


@drill(
    "the mail server answers QUIT with 451",
    "what it took is sent, once",
)
def _mail_odd_farewell(scene: Scene) -> None:
    with _post(scene) as post:
        post.answers["quit"] = "451 not now"
        _runs_out(scene, _selling(scene)[0])
        scene.pass_time(timedelta(hours=1))
        deliver(scene.connection, scene.settings, clock=scene.clock)
        expect(post.taken == [list(PEOPLE)], f"taken for {post.taken}")


@drill(
    "an item runs out and comes back 12 times in six hours, then stays",
    "out of stock is told once, back in stock once, after the calm day",
)
def _mail_flapping(scene: Scene) -> None:
    with _post(scene) as post:
        [url] = _selling(scene)
        for turn in range(24):
            scene.pass_time(QUARTER)
            scene.account.set_stock(url, 0 if turn % 2 == 0 else 5000)
            scene.sync("critical")
        expect(len(post.taken) == 1, f"{len(post.taken)} mails in six hours")
        for _ in range(2):
            scene.pass_time(timedelta(hours=25))
            scene.sync("critical")
        mails = scene.rows(
            "SELECT DISTINCT o.kind, o.message_id FROM ops.outbox o JOIN ops.incident_event e"
            " USING (message_id) WHERE e.subject = %s AND o.state = 'sent' AND o.kind <> 'summary'",
            url,
        )
        kinds = sorted(kind for kind, _ in mails)
        expect(kinds == ["back_in_stock", "out_of_stock"], f"it was told by {kinds}")


@drill(
    "part of the catalogue and all stock are read before the first full sync",
    "one summary, of all that is out, after the first full sync and its plan",
)
def _mail_first_summary(scene: Scene) -> None:
    """A month of the catalogue and all stock are known before the first full sync."""
    scene.set(**MAILS)
    day = scene.now.date()
    with scene.run("products", table_sets=("catalogue",)) as run:
        read_days(run, "products", [day - timedelta(days=n) for n in range(60)])
    products = scene.value("SELECT count(*) FROM core.product")
    scene.sync("critical")
    mails = "SELECT count(*) FROM ops.outbox"
    expect(products, "no product was read")
    expect(scene.value(mails) == 0, f"{scene.value(mails)} mails of {products} products")
    scene.sync(plans=True)
    subjects = [subject for (subject,) in scene.rows("SELECT subject FROM ops.outbox")]
    out = scene.value("SELECT count(*) FROM ops.item_level WHERE level = 'out' AND NOT is_left_out")
    expect(len(subjects) == 1, f"mails are {subjects}")
    expect(f"{out} out" in subjects[0], f"{subjects[0]!r}, and {out} are out")


@drill(
    "the mail service takes its time, at a critical and at a full sync",
    "no table is locked meanwhile",
)
def _mail_slow(scene: Scene) -> None:
    with _post(scene) as post:
        for strategy in ("critical", "full"):
            scene.account.set_stock(_selling(scene)[0], 0)
            scene.pass_time(QUARTER)
            post.data.clear()
            post.goes_on.clear()
            working = threading.Thread(target=scene.sync, args=(strategy,))
            working.start()
            expect(post.data.wait(WAIT), f"{strategy}: nobody was told")
            taken = [name for name in leases.TABLE_SETS if leases.taken(scene.connection, name)]
            post.goes_on.set()
            working.join(WAIT)
            expect(not taken, f"{strategy}: {taken} are locked while a mail is sent")


class _Page(BaseHTTPRequestHandler):
    """Something in between, that answers every request with a page."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html>Welcome to the hotel</html>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@drill(
    "something in between answers 200 with a page",
    "it counts as not sent, and is tried again",
)
def _mail_page_for_success(scene: Scene) -> None:
    with HTTPServer(("127.0.0.1", 0), _Page) as page:
        threading.Thread(target=page.serve_forever, args=(0.01,), daemon=True).start()
        scene.set(
            **MAILS,
            sendgrid_api_key="SG.drill",
            sendgrid_base_url=f"http://127.0.0.1:{page.server_address[1]}",
        )
        scene.sync(plans=True)
        page.shutdown()
    mails = scene.rows("SELECT kind, state, attempts FROM ops.outbox")
    expect(mails == [("summary", "pending", 1)], f"mails are {mails}")
