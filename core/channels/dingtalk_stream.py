"""Presses of DingTalk's cards by Stream mode, for sites that nobody reaches: we open a WebSocket.

By "Stream mode, protocol" of its documentation (stream-mode-protocol-access-description): a POST
gives an address and a ticket for one connection; each frame has a type (SYSTEM, EVENT, CALLBACK)
and headers with topic and messageId, and is answered by a frame with the same messageId.
"""

import json
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import structlog
from websockets.exceptions import InvalidURI, WebSocketException
from websockets.sync.client import connect
from websockets.sync.connection import Connection

from core.channels.asking import Refused, ask
from core.channels.pressing import DingTalkCallback, Press, press_in
from core.errors import WatchkeeperError
from core.health import Health

PART = "dingtalk_stream"
OPEN = "/v1.0/gateway/connections/open"
CARDS = "/v1.0/card/instances/callback"
OK, NOT_OURS, FAILED = 200, 404, 500
# A frame of a card is below 4 KB.
LARGEST_FRAME = 256 * 1024
# DingTalk is asked again soon after a short break, and at most so seldom after long ones.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
# So long a connection has to stand until the next break counts as a short one.
SETTLED_SECONDS = 60.0
OPEN_SECONDS = 10.0
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Application:
    """The application of the company, as the developer console names it. url: of the API."""

    url: str
    key: str
    secret: str


def open_address(application: Application) -> str:
    """Where to connect to now, with the ticket for it. Refused as `ask`, or with what it lacks."""
    content = {
        "clientId": application.key,
        "clientSecret": application.secret,
        "subscriptions": [{"type": "CALLBACK", "topic": CARDS}],
        "ua": "watchkeeper",
    }
    answer = ask("POST", f"{application.url.rstrip('/')}{OPEN}", json=content)
    endpoint, ticket = answer.get("endpoint"), answer.get("ticket")
    if not (isinstance(endpoint, str) and isinstance(ticket, str)):
        raise Refused(f"{answer.get('code')}: {answer.get('message')}")
    return f"{endpoint}?ticket={quote_plus(ticket)}"


@dataclass
class DingTalkStream:
    """Keeps one connection open, in a thread of its own, and answers what comes over it.

    take: decides a press, and says what the button tells from now on. It may come twice: DingTalk
    sends again what it saw no answer to.
    """

    application: Application
    take: Callable[[Press], str]
    health: Health
    first_wait: float = FIRST_WAIT
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _connection: Connection | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin to connect; whoever starts does not wait for it."""
        self.health.report(PART, ok=False, detail="not connected yet")
        self._thread = threading.Thread(target=self._run, name="dingtalk-stream", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the connection and end."""
        self._stopping.set()
        if self._connection is not None:
            self._connection.close()
        self._thread.join(10)

    def _run(self) -> None:
        wait = self.first_wait
        while not self._stopping.is_set():
            began = threading.Event()
            settled = threading.Timer(SETTLED_SECONDS, began.set)
            settled.daemon = True
            settled.start()
            try:
                self._listen()
                told = "DingTalk ended the connection; connecting again"
            except (Refused, WebSocketException, OSError, InvalidURI, TimeoutError) as error:
                told = f"{type(error).__name__}: {error}"[:300]
            finally:
                settled.cancel()
            if self._stopping.is_set():
                return
            if self.health.report(PART, ok=False, detail=told):
                log.warning("no presses from DingTalk", error=told)
            wait = self.first_wait if began.is_set() else wait
            # Not all at once, where many lost it at once.
            self._stopping.wait(wait * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            wait = min(wait * 2, LONGEST_WAIT)

    def _listen(self) -> None:
        """Answer frames until DingTalk asks to connect anew, or the connection breaks."""
        address = open_address(self.application)
        with connect(
            address, open_timeout=OPEN_SECONDS, max_size=LARGEST_FRAME, compression=None
        ) as connection:
            self._connection = connection
            if self._stopping.is_set():
                # Whoever asked us to stop did not see the connection yet.
                return
            self.health.report(PART, ok=True, detail="connected")
            try:
                for frame in connection:
                    answer, goes_on = self._answer(frame)
                    if answer is not None:
                        connection.send(json.dumps(answer))
                    if not goes_on:
                        return
            finally:
                self._connection = None

    def _answer(self, frame: str | bytes) -> tuple[dict[str, Any] | None, bool]:
        """What a frame is answered with, if with anything, and whether the connection goes on."""
        try:
            said = json.loads(frame)
            headers = dict(said["headers"])
            kind, topic, number = said["type"], headers["topic"], str(headers["messageId"])
        except (ValueError, KeyError, TypeError):
            # Nothing in it to answer to.
            log.warning("a frame of DingTalk was not understood")
            return None, True
        data = said.get("data") or ""
        if kind == "SYSTEM" and topic == "disconnect":
            return None, False
        if kind == "SYSTEM":
            # A ping comes with something to be sent back as it is.
            return _frame(number, OK, data), True
        if kind == "CALLBACK" and topic == CARDS:
            return self._press(number, data), True
        return _frame(number, NOT_OURS, "{}"), True

    def _press(self, number: str, data: Any) -> dict[str, Any]:
        try:
            pressed = press_in(json.loads(data))
        except (ValueError, TypeError):
            pressed = None
        if pressed is None:
            return _frame(number, OK, _response({}))
        try:
            said = self.take(pressed)
        except WatchkeeperError as error:
            # Somebody else's card, or one of another installation: nothing that trying mends.
            log.warning("a press of DingTalk was refused", reason=str(error))
            return _frame(number, OK, _response({}))
        except Exception:
            log.exception("a press of DingTalk failed")
            return _frame(number, FAILED, "{}")
        return _frame(number, OK, _response(DingTalkCallback.reply(said)))


def _response(content: Mapping[str, Any]) -> str:
    return json.dumps({"response": content})


def _frame(number: str, code: int, data: str) -> dict[str, Any]:
    return {
        "code": code,
        "headers": {"contentType": "application/json", "messageId": number},
        "message": "OK" if code == OK else "failed",
        "data": data,
    }
