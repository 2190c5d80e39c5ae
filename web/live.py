"""The live feed: one follower of the event log a process, fanned out to the open pages."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

import orjson
import structlog
from fastapi import Request

from api.context import Parts
from core import events
from core.clock import from_micros
from core.errors import Unavailable
from core.health import PartState
from core.telemetry.readings import Last
from core.telemetry.store import TelemetryError
from web.reader import Reader
from workflows import overview
from workflows.overview import PointView
from workflows.tickets.scope import Scope, seen_of

LOOK_SECONDS = 0.2
VALUES_SECONDS = 2.0
CONTACT_SECONDS = 5.0
# A stream ends after a while and the browser opens the next one: rights are judged anew.
STREAM_SECONDS = 600.0
STREAMS_AT_MOST = 500
STREAMS_A_PERSON = 12
# A browser that doesn't keep up is dropped; it comes back and loads everything afresh.
MESSAGES_WAITING_AT_MOST = 64

PANELS_OF: Mapping[str, frozenset[str]] = {
    "alarm": frozenset({"summary", "alarms", "sound", "tree", "activity"}),
    "ticket": frozenset(
        {"summary", "tickets", "alarms", "fires", "visits", "sound", "tree", "activity"}
    ),
    "fire_alarm": frozenset({"summary", "tickets", "alarms", "fires", "sound", "activity"}),
    "sos": frozenset({"sos", "tickets", "summary", "sound", "activity"}),
    "guard_task": frozenset({"rounds", "tickets", "activity"}),
    "lone_worker": frozenset({"lone", "activity"}),
    "sound": frozenset({"sound", "activity"}),
    "floor_plan": frozenset({"plan", "activity"}),
    "walk_test": frozenset({"walk", "activity"}),
    "round": frozenset({"rounds", "activity"}),
    "round_plan": frozenset({"rounds", "activity"}),
    "route": frozenset({"rounds", "activity"}),
    "post": frozenset({"posts", "activity"}),
    "post_duty": frozenset({"posts", "activity"}),
    "post_orders": frozenset({"posts", "activity"}),
    "statute": frozenset({"rounds", "activity"}),
    "device": frozenset({"devices", "tree", "activity"}),
    "asset": frozenset({"tree", "activity"}),
    "site": frozenset({"summary", "tree", "devices", "activity"}),
}
CALLS = "sos"
STRUCTURE = frozenset({"site", "device", "point", "asset", "source"})
# What is about people and changes nothing of what they may see: no stream ends for it.
RIGHTS_STAND = frozenset(
    {"person.sign_in", "person.identity_link", "person.identity_unlink", "person.contact"}
    | {"person.reached", "person.link", "person.pin", "person.sos_phrase"}
)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """Something that open pages are told; rendered once a language."""

    kind: str
    body: Mapping[str, object] = field(default_factory=dict)
    values: tuple[tuple[PointView, Last], ...] = ()
    _rendered: dict[str, str] = field(default_factory=dict)

    def render(self, reader: Reader) -> str:
        """The message as a server-sent event (WHATWG HTML, 9.2)."""
        text = self._rendered.get(reader.language)
        if text is None:
            body = dict(self.body)
            if self.values:
                body["values"] = {
                    str(point.id): [reader.value(point, last.value), _iso(last.at)]
                    for point, last in self.values
                }
            text = f"event: {self.kind}\ndata: {orjson.dumps(body).decode()}\n\n"
            self._rendered[reader.language] = text
        return text


def _iso(micros: int) -> str:
    return from_micros(micros).isoformat().replace("+00:00", "Z")


# From now on the stream is told every change; what was before, the page fetches when it hears this.
FOLLOWING = Message("following")
TREE_CHANGED = Message("changed", {"panels": ["summary", "tree"], "tickets": []})


class Stream:
    """One open browser. Messages come from the feed's thread and leave in the browser's loop.

    It is told the values and changes of one site, and the changes of `others`. values: whether it
    shows any. scope: whose tickets its reader sees; of others they are not told. calls: the sites
    whose calls for help its reader answers; calls_only: it is told of nothing else.
    """

    def __init__(
        self,
        site_id: UUID,
        person_id: UUID,
        others: frozenset[UUID] = frozenset(),
        scope: Scope | None = None,
        *,
        values: bool = True,
        calls: frozenset[UUID] = frozenset(),
        calls_only: bool = False,
    ) -> None:
        self.calls = calls
        self.calls_only = calls_only
        self.site_id = site_id
        self.values = values
        self.person_id = person_id
        self._changes_of = others | {site_id}
        self.scope = None if scope is None or self._changes_of <= scope.whole else scope
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue(MESSAGES_WAITING_AT_MOST)
        self._closed = False
        self.welcomed = False

    @property
    def sees_every_ticket(self) -> bool:
        """Whether it may be told of every ticket of its sites."""
        return self.scope is None

    @property
    def closed(self) -> bool:
        """Whether it takes nothing more: it was ended, or nobody reads it."""
        return self._closed

    def hears_of(self, site_id: UUID) -> bool:
        """Whether it is told what changes on a site."""
        return site_id in self._changes_of and not self.calls_only

    def offer(self, message: Message | None) -> None:
        """Hand over a message, or None to end the stream; from any thread."""
        try:
            self._loop.call_soon_threadsafe(self._put, message)
        except RuntimeError:
            # The loop has ended, and with it the browser's connection.
            self._closed = True

    def _put(self, message: Message | None) -> None:
        if self._closed:
            return
        if message is None or self._queue.full():
            self._closed = True
            while not self._queue.empty():
                self._queue.get_nowait()
            message = None
        self._queue.put_nowait(message)

    async def messages(self) -> AsyncIterator[Message]:
        """Messages until the stream is ended."""
        ending = self._loop.call_later(STREAM_SECONDS, self._put, None)
        try:
            while (message := await self._queue.get()) is not None:
                yield message
        finally:
            ending.cancel()


class _Site:
    """What the feed remembers of a site that somebody watches."""

    def __init__(self) -> None:
        self.points: list[PointView] | None = None
        self.last: dict[int, Last] = {}
        self.silent: frozenset[UUID] = frozenset()
        self.measured = True


def feed_of(request: Request) -> "LiveFeed":
    """The feed of the product that answers this request."""
    return cast(LiveFeed, request.app.state.live)


class LiveFeed:
    """Follows the log and the last values while somebody watches; idle otherwise.

    `start` it with the process and `stop` it before the web server is asked to end: a server
    that ends gracefully waits for its answers, and a stream has none.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._streams: set[Stream] = set()
        self._guard = threading.Lock()
        self._stop = threading.Event()
        self._watched = threading.Event()
        self._follower = events.Follower(parts.database, events.START)
        self._thread: threading.Thread | None = None
        self._sites: dict[UUID, _Site] = {}
        self._seen = time.monotonic()
        self._next_values = self._next_contact = 0.0
        self._ill: list[tuple[str, bool, str]] | None = None
        self._failing = False

    def start(self) -> None:
        """Begin to follow."""
        self._thread = threading.Thread(target=self._run, name="live-feed", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End every stream and the thread."""
        self._stop.set()
        self._watched.set()
        self._follower.wake()
        for stream in self._open():
            stream.offer(None)
        if self._thread is not None:
            self._thread.join(timeout=5)

    def join(
        self,
        site_id: UUID,
        person_id: UUID,
        others: frozenset[UUID] = frozenset(),
        scope: Scope | None = None,
        *,
        values: bool = True,
        calls: frozenset[UUID] = frozenset(),
        calls_only: bool = False,
    ) -> Stream:
        """Open a stream for a browser. Unavailable when there are too many."""
        with self._guard:
            own = sum(stream.person_id == person_id for stream in self._streams)
            if (
                self._stop.is_set()
                or len(self._streams) >= STREAMS_AT_MOST
                or own >= STREAMS_A_PERSON
            ):
                raise Unavailable("too many live pages are open", advice="Close some of them.")
            stream = Stream(
                site_id,
                person_id,
                others,
                scope,
                values=values,
                calls=calls,
                calls_only=calls_only,
            )
            self._streams.add(stream)
        self._watched.set()
        return stream

    def leave(self, stream: Stream) -> None:
        """Forget a stream whose browser has gone."""
        with self._guard:
            self._streams.discard(stream)

    def contact(self) -> Message:
        """How old what the feed shows is: seconds since it last saw the log."""
        age = round(time.monotonic() - self._seen, 1)
        return Message("contact", {"age": age, "now": _iso(self._parts.clock.micros())})

    def _open(self) -> list[Stream]:
        with self._guard:
            # A browser that went before its answer began never reads, and nobody says so.
            self._streams = {stream for stream in self._streams if not stream.closed}
            return list(self._streams)

    def _run(self) -> None:
        while not self._stop.is_set():
            streams = self._open()
            if not streams:
                self._rest()
                continue
            self._look(streams)
            self._stop.wait(LOOK_SECONDS)
            self._follower.wait()

    def _rest(self) -> None:
        # Nobody watches: nothing is read until somebody does, who then loads everything afresh.
        self._sites.clear()
        self._watched.clear()
        if not self._open():
            self._watched.wait()
        self._follower.cursor = events.START

    def _look(self, streams: list[Stream]) -> None:
        try:
            if self._follower.cursor == events.START:
                self._follower.cursor = events.newest(self._parts.database)
            self._tell_changes(streams, self._follower.poll())
            _welcome(streams)
            self._seen = time.monotonic()
            self._tell_values(streams)
            self._tell_parts(streams)
            self._failing = False
        except Exception as error:  # noqa: BLE001 - edge of the thread: pages turn grey meanwhile
            if not self._failing:
                _log.warning("the live pages are cut off", error=str(error)[:200])
            self._failing = True
        if time.monotonic() >= self._next_contact:
            self._next_contact = time.monotonic() + CONTACT_SECONDS
            _tell(streams, self.contact())

    def _tell_changes(self, streams: list[Stream], facts: Iterable[events.Event]) -> None:
        panels: dict[UUID, set[str]] = {}
        tickets: dict[UUID, set[str]] = {}
        rights_changed = False
        # Only theirs: or anybody with an account could keep all live pages from following.
        gone: set[str] = set()
        for fact in facts:
            about = fact.kind.partition(".")[0]
            if about == "person" and fact.kind not in RIGHTS_STAND:
                gone.add(fact.subject_id)
            elif fact.kind == "credential.end":
                gone.add(fact.actor_id)
            rights_changed |= about == "grant"
            if fact.site_id is None:
                continue
            panels.setdefault(fact.site_id, set()).update(PANELS_OF.get(about, {"activity"}))
            if about in ("ticket", "fire_alarm", "guard_task"):
                tickets.setdefault(fact.site_id, set()).add(fact.subject_id)
            if about in STRUCTURE:
                self._sites.pop(fact.site_id, None)
        self._tell_panels(streams, panels, tickets)
        # Their sessions that go on open new ones at once.
        over = [one for one in streams if rights_changed or str(one.person_id) in gone]
        _tell(over, None)

    def _tell_panels(
        self,
        streams: Iterable[Stream],
        panels: Mapping[UUID, set[str]],
        tickets: Mapping[UUID, set[str]],
    ) -> None:
        """One message for each stream, however many of its sites have changed."""
        messages: dict[tuple[Scope | None, tuple[UUID, ...], bool], Message] = {}
        called = {site_id for site_id, changed in panels.items() if CALLS in changed}
        for stream in streams:
            heard = tuple(site_id for site_id in panels if stream.hears_of(site_id))
            # Of a call for help on another of their sites, too, whatever page they look at.
            calls = bool(called & stream.calls)
            if not heard and not calls:
                continue
            key = stream.scope, heard, calls
            if key not in messages:
                changed = {panel for site_id in heard for panel in panels[site_id]} - {CALLS}
                changed |= {CALLS} if calls else set()
                about = {ticket for site_id in heard for ticket in tickets.get(site_id, ())}
                if stream.scope is not None:
                    about = self._seen_by(stream.scope, about)
                body = {"panels": sorted(changed), "tickets": sorted(about)}
                messages[key] = Message("changed", body)
            stream.offer(messages[key])

    def _seen_by(self, scope: Scope, tickets: Iterable[str]) -> set[str]:
        with self._parts.database.read() as session:
            return {str(one) for one in seen_of(session, scope, set(map(UUID, tickets)))}

    def _tell_values(self, streams: list[Stream]) -> None:
        if time.monotonic() < self._next_values:
            return
        self._next_values = time.monotonic() + VALUES_SECONDS
        shown = [stream for stream in streams if stream.values]
        for site_id in {stream.site_id for stream in shown}:
            watching = [stream for stream in shown if stream.site_id == site_id]
            for message in self._fresh_values(site_id):
                _tell(watching, message)

    def _fresh_values(self, site_id: UUID) -> list[Message]:
        site = self._sites.setdefault(site_id, _Site())
        first = site.points is None
        if site.points is None:
            with self._parts.database.read() as session:
                site.points = overview.points(session, [site_id])
        try:
            last = self._parts.telemetry.last([point.series for point in site.points])
        except TelemetryError:
            # The page must not go on showing values that nobody can vouch for.
            changed, site.measured, site.last = site.measured, False, {}
            return [TREE_CHANGED] if changed else []
        fresh = tuple(
            (point, last[point.series])
            for point in site.points
            if point.series in last and last[point.series] != site.last.get(point.series)
        )
        site.last = last
        received = {series: reading.received for series, reading in last.items()}
        silent = overview.silent_assets(site.points, received, self._parts.clock.micros())
        messages = [Message("values", values=fresh)] if fresh else []
        if (silent != site.silent and not first) or not site.measured:
            messages.append(TREE_CHANGED)
        site.silent, site.measured = silent, True
        return messages

    def _tell_parts(self, streams: list[Stream]) -> None:
        if time.monotonic() < self._next_contact:
            return
        ill = [_gist(state) for state in self._parts.health.snapshot() if not state.ok]
        if self._ill is not None and ill != self._ill:
            _tell(streams, Message("changed", {"panels": ["parts"], "tickets": []}))
        self._ill = ill


def _gist(state: PartState) -> tuple[str, bool, str]:
    return state.part, state.ok, state.detail


def _welcome(streams: Iterable[Stream]) -> None:
    """Tell those that are new that they are followed; before the cursor stood they were not."""
    for stream in streams:
        if not stream.welcomed:
            stream.welcomed = True
            stream.offer(FOLLOWING)


def _tell(streams: Iterable[Stream], message: Message | None) -> None:
    for stream in streams:
        stream.offer(message)
