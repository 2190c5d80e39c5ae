"""What the tests of the guard's app share: a shift's rounds, a phone, and a network that fails."""

import contextlib
import random
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from uuid import UUID

import segno
from playwright.sync_api import BrowserContext, Page, Playwright, expect
from sqlalchemy import select

from core import events
from core.accounts import keep_logins
from core.pins import new_pin, set_pin
from tests.servers import find_program, free_port
from tests.servers.chromium import QUIET
from tests.web.patrolling import checkpoint, put
from tests.web.rounding import caller_of, plan, route
from tests.web.stage import Stage
from watchkeeper import serving as product_serving
from workflows.patrol.phones.enrolling import NewPlace, make_place
from workflows.patrol.rounds import Round

PIN = "407318"
LOGIN = "wang.gang"
PATIENCE_MS = 30_000
# What browsers keep to one server; and what goes over the line at once.
_CONNECTIONS = 6
_PACKET = 4096
# Both APIs as browsers have them, and nothing of the app: what a phone's chip or lens would tell
# comes from `touchTag` and `showCode`.
PHONE = """
(() => {
  const readers = new Set();
  window.NDEFReader = class extends EventTarget {
    async scan({ signal } = {}) {
      readers.add(this);
      signal?.addEventListener("abort", () => readers.delete(this));
    }
  };
  window.tagsAreRead = () => readers.size > 0;
  window.touchTag = (serialNumber) => {
    for (const reader of readers) {
      const event = new Event("reading");
      event.serialNumber = serialNumber;
      event.message = { records: [] };
      reader.dispatchEvent(event);
    }
  };
  const ask = navigator.permissions.query.bind(navigator.permissions);
  navigator.permissions.query = (what) =>
    what.name === "nfc" ? Promise.resolve({ state: "granted" }) : ask(what);
})();
"""
# The phone's own clock, which somebody sets: `setClock(ms)` further than it is.
CLOCK = """
(() => {
  const Real = Date;
  let set = 0;
  window.Date = class extends Real {
    constructor(...given) {
      if (given.length) super(...given);
      else super(Real.now() + set);
    }
    static now() {
      return Real.now() + set;
    }
  };
  window.setClock = (ms) => { set += ms; };
})();
"""
NO_TAGS = "delete window.NDEFReader;"
LENS = """
(() => {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 480;
  const context = canvas.getContext("2d");
  const blank = () => {
    context.fillStyle = "white";
    context.fillRect(0, 0, 480, 480);
  };
  let rows = [];
  const draw = () => {
    blank();
    const side = Math.floor(400 / Math.max(rows.length, 1));
    context.fillStyle = "black";
    rows.forEach((row, y) => [...row].forEach((dark, x) => {
      if (dark === "1") context.fillRect(40 + x * side, 40 + y * side, side, side);
    }));
  };
  window.showCode = (shown) => { rows = shown; };
  setInterval(draw, 50);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
})();
"""


@dataclass
class Shift:
    """Rounds to go, with what stands at their points. code: that enrols one post phone."""

    stage: Stage
    guard: UUID
    supervisor: UUID
    code: str
    rounds: list[UUID]
    tags: list[list[str]] = field(default_factory=list)
    squares: list[list[str]] = field(default_factory=list)


def lay_shift(stage: Stage, *, rounds: int, points: int) -> Shift:
    """Rounds of their own checkpoints, all of them open now, for one guard on one post phone."""
    guard = stage.person("Wang Gang 王刚", "guard", node=stage.site_id, locale="zh")
    supervisor = stage.person("Sun Li 孙丽", "supervisor", node=stage.site_id)
    now = stage.parts.clock.now()
    pin = new_pin(PIN)
    with stage.parts.database.write() as session:
        keep_logins(session, {guard: LOGIN}, now=now)
        set_pin(session, guard, pin, actor=events.Actor.person(guard), now=now)
    code = code_for(stage, "Gate phone 门岗手机", supervisor)
    shift = Shift(stage, guard, supervisor, code, [])
    for number in range(rounds):
        _lay_round(shift, number, points)
    return shift


def code_for(stage: Stage, label: str, supervisor: UUID) -> str:
    """The code that a supervisor shows to one post phone."""
    now = stage.parts.clock.now()
    caller, vault = caller_of(stage, supervisor), stage.parts.vault
    with stage.parts.database.write() as session:
        place = NewPlace("post", label)
        return make_place(session, caller, stage.site_id, place, vault=vault, now=now)[1]


def _lay_round(shift: Shift, number: int, points: int) -> None:
    stage, ids, tags, squares = shift.stage, [], [], []
    for at in range(points):
        name = f"{number + 1}-{at + 1}"
        ids.append(checkpoint(stage, f"point-{name}", f"Point {name}", f"巡更点 {name}"))
        tags.append(f"04{number:06X}{at:06X}")
        put(stage, ids[-1], "static_tag", tags[-1])
        squares.append(str(put(stage, ids[-1], "printed_code").secrets["code"]))
    way = route(stage, f"way-{number}", f"Route {number + 1}", f"{number + 1} 号路线", ids)
    # In the middle of its time, so that neither a slow machine nor midnight ends it.
    of = plan(stage, way, [timedelta(minutes=-3)], since=timedelta(hours=-1), duration_min=240)
    with stage.parts.database.read() as session:
        wanted = select(Round.id).where(Round.plan_id == of).order_by(Round.planned_at)
        shift.rounds.append(session.scalars(wanted).all()[0])
    shift.tags.append(tags)
    shift.squares.append(squares)


class Served:
    """The stage's web server, which can be ended and begun again at the same address."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._server: product_serving.WebServer | None = None

    def begin(self) -> None:
        """Serve; returns when it answers."""
        parts = self._stage.parts
        settings = parts.settings.model_copy(update={"http_port": self.port})
        folder, now = parts.settings.data_dir, parts.clock.now()
        self._server = product_serving.WebServer(self._stage.app, settings, folder, now)
        self._server.start()

    def end(self) -> None:
        """Nothing answers any more."""
        if self._server is not None:
            self._server.stop()
        self._server = None


class Network:
    """What lies between phone and server: whole, or dropping requests and answers by chance.

    Half of them, in each four: one gets lost on the way there, and one on the way back, where the
    server has acted and the phone can't know.
    """

    def __init__(self, target: int, seed: int) -> None:
        self.target = target
        self.flaky = False
        # How many of the next bodies that are put arrive with a bit turned over.
        self.spoils = 0
        # Like slow mobile data, for workers as for pages: bytes a second, and seconds of a round
        # trip, of which the first request of each connection that a browser keeps takes one more.
        self.bytes_a_second, self.round_trip = 0.0, 0.0
        self.connections = 0
        self._line = Lock()
        self.chance = random.Random(seed)
        self._fates: list[str] = []
        self.met: Counter[str] = Counter()
        network = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                network.pass_on(self)

            def do_POST(self) -> None:
                network.pass_on(self)

            def do_PUT(self) -> None:
                network.pass_on(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing: a test's output is about failures."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)

    @contextlib.contextmanager
    def running(self) -> Iterator["Network"]:
        """Pass requests on until the end of the block."""
        self._thread.start()
        yield self
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, asked: BaseHTTPRequestHandler) -> None:
        """One request, there and back; the connection just ends where it gets lost."""
        fate = self._fate() if self.flaky else "passed"
        body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
        self.connections += 1
        time.sleep(self.round_trip * (2 if self.connections <= _CONNECTIONS else 1))
        asked.close_connection = True
        if asked.command == "PUT" and self.spoils:
            self.spoils -= 1
            self.met["spoilt"] += 1
            body = body[:-1] + bytes([body[-1] ^ 1])
        if fate == "lost there":
            self.met[fate] += 1
            return
        try:
            answer = self._ask(asked, body)
        except (OSError, HTTPException):
            # Nobody there: as on a phone without signal.
            self.met["unreached"] += 1
            return
        self.met[fate] += 1
        if fate == "lost back":
            return
        with contextlib.suppress(OSError):
            self._deliver(asked, answer)

    def _deliver(self, asked: BaseHTTPRequestHandler, answer: bytes) -> None:
        """All who ask share the line: each packet waits for those before it."""
        if not self.bytes_a_second:
            asked.wfile.write(answer)
            return
        for start in range(0, len(answer), _PACKET):
            packet = answer[start : start + _PACKET]
            with self._line:
                time.sleep(len(packet) / self.bytes_a_second)
            asked.wfile.write(packet)

    def _fate(self) -> str:
        if not self._fates:
            self._fates = ["lost there", "lost back", "passed", "passed"]
            self.chance.shuffle(self._fates)
        return self._fates.pop()

    def _ask(self, asked: BaseHTTPRequestHandler, body: bytes) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.target, timeout=30)
        headers = {**dict(asked.headers.items()), "Connection": "close"}
        connection.request(asked.command, asked.path, body or None, headers)
        got = connection.getresponse()
        content = got.read()
        kept = [f"{name}: {value}" for name, value in got.getheaders() if _stays(name)]
        lines = [f"HTTP/1.1 {got.status} {got.reason}", *kept, f"Content-Length: {len(content)}"]
        connection.close()
        return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + content


def _stays(name: str) -> bool:
    return name.lower() not in ("content-length", "transfer-encoding", "connection")


def reachable(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def phone(
    playwright: Playwright, folder: Path, *scripts: str, **more: Any
) -> Iterator[BrowserContext]:
    """Chromium as a phone, with what it kept in a folder the last time. scripts: of every page."""
    program = find_program("chromium", "/usr/bin/chromium", package="chromium")
    context = playwright.chromium.launch_persistent_context(
        folder,
        executable_path=program,
        args=[*QUIET, "--no-sandbox", *more.pop("flags", ())],
        viewport=more.pop("viewport", {"width": 390, "height": 844}),
        locale=more.pop("locale", "en-GB"),
        has_touch=True,
        **more,
    )
    context.set_default_timeout(PATIENCE_MS)
    for script in scripts:
        context.add_init_script(script)
    yield context
    context.close()


def enrol(page: Page, url: str, shift: Shift) -> None:
    """The code of a supervisor's screen, opened on the phone."""
    page.goto(f"{url}/guard/#enrol={shift.code}")
    expect(page.get_by_role("heading", name="Is this phone ready?")).to_be_visible(
        timeout=PATIENCE_MS
    )
    page.get_by_role("button", name="Go on").click()


def sign_in(page: Page, name: str = "") -> None:
    """By PIN, on the keys of the screen; by login where nobody is known yet."""
    if name:
        page.get_by_role("button", name=name).click()
    else:
        page.get_by_label("How you sign in to Watchkeeper").fill(LOGIN)
        page.get_by_role("button", name="Go on").click()
    for digit in PIN:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("button", name="Change guard")).to_be_visible(timeout=PATIENCE_MS)


def touch(page: Page, tag: str, name: str) -> None:
    """Hold the phone to the tag of a point; returns once it says that this is recorded."""
    page.wait_for_function("() => tagsAreRead()")
    page.evaluate("tag => touchTag(tag)", ":".join(tag[at : at + 2] for at in range(0, 14, 2)))
    expect(page.locator(".outcome")).to_have_text(f"{name}: recorded", timeout=PATIENCE_MS)


def show_code(page: Page, address: str) -> None:
    """Hold the phone's camera to a printed square."""
    matrix = segno.make(address, error="m").matrix
    page.evaluate("rows => showCode(rows)", ["".join(map(str, row)) for row in matrix])


def took(page: Page) -> list[float]:
    """How long each scan of this page took from reading to recorded, in ms."""
    asked = "performance.getEntriesByName('scan-recorded').map((one) => one.duration)"
    return [float(one) for one in page.evaluate(asked)]


def kept(page: Page, store: str) -> list[dict[str, Any]]:
    """Everything that stands in a store of the phone, without bytes."""
    asked = """async (store) => {
      const db = await new Promise((done, fail) => {
        const opening = indexedDB.open("watchkeeper-guard");
        opening.onsuccess = () => done(opening.result);
        opening.onerror = () => fail(opening.error);
      });
      const rows = await new Promise((done) => {
        const asking = db.transaction(store).objectStore(store).getAll();
        asking.onsuccess = () => done(asking.result);
      });
      db.close();
      return rows.map((row) => ({ ...row, bytes: undefined }));
    }"""
    return list(page.evaluate(asked, store))


def wait_until_told(page: Page) -> None:
    """Everything that was recorded has its second tick, and every file is there."""
    wait_until(page, lambda: _is_told(page), 300)


def wait_until(page: Page, so: Callable[[], bool], seconds: float = PATIENCE_MS / 1000) -> None:
    """Ask again and again; a promise that a page gives, `wait_for_function` takes for true."""
    until = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < until, "that did not come true"
        page.wait_for_timeout(200)


def _is_told(page: Page) -> bool:
    recorded = {row["seq"] for row in kept(page, "journal")}
    answered = {row["seq"] for row in kept(page, "answers")}
    states = {row["state"] for row in kept(page, "files")}
    return recorded == answered and states <= {"complete"}
