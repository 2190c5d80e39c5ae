"""The outbox: facts of the event log posted to the webhook, at least once."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from core import events
from jobs.work import Work
from workflows import notifications

READ_AT_ONCE = 500
SEND_AT_ONCE = 20
TIMEOUT_SECONDS = 10.0
PAUSE = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Letter:
    """One delivery on its way out, read from the database before it is posted."""

    delivery_id: UUID
    event_id: UUID
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """How a post ended. reached: whether the receiver answered at all."""

    delivered: bool
    reached: bool
    text: str


def channel_of(url: str) -> str:
    """The channel of a webhook; another address is another receiver, with its own beginning."""
    return f"webhook:{hashlib.sha256(url.encode()).hexdigest()[:10]}"


def send_facts(work: Work, now: datetime) -> int:
    """Take up new facts, then post everything that is due; returns how many were delivered."""
    url = work.settings.webhook_url
    if not url:
        return 0
    channel = channel_of(url)
    _take_up(work, channel, now)
    sent = 0
    with httpx.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
        while not work.stopping.is_set():
            letters = _claim(work, channel, now)
            delivered, reached = _post_all(work, client, letters, now)
            sent += delivered
            if not reached or len(letters) < SEND_AT_ONCE:
                break
    return sent


def _take_up(work: Work, channel: str, now: datetime) -> None:
    with work.database.read() as session:
        cursor = notifications.cursor_of(session, channel)
    if cursor is None:
        # A new receiver hears what happens from now on, not the whole past.
        newest = events.newest(work.database)
        with work.transaction() as session:
            notifications.give_up_others(session, channel, "webhook")
            notifications.enqueue(session, channel, [], newest, now=now)
        return
    while not work.stopping.is_set():
        facts = events.read_after(work.database, cursor, READ_AT_ONCE)
        if not facts:
            return
        cursor = (facts[-1].txid, facts[-1].seq)
        with work.transaction() as session:
            notifications.enqueue(session, channel, facts, cursor, now=now)


def _claim(work: Work, channel: str, now: datetime) -> list[Letter]:
    with work.transaction() as session:
        due = notifications.begin_due(session, channel, now=now, limit=SEND_AT_ONCE)
        return [
            Letter(delivery.id, fact.id, encode(notifications.message(fact)))
            for delivery, fact in due
        ]


def encode(message: Mapping[str, Any]) -> bytes:
    """The body of a webhook: JSON, UTF-8; the signature is over exactly these bytes."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()


def sign(secret: str, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) of the body, as `sha256=<hex>`."""
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _post_all(
    work: Work, client: httpx.Client, letters: Sequence[Letter], now: datetime
) -> tuple[int, bool]:
    delivered = 0
    for number, letter in enumerate(letters):
        answer = _post(work, client, letter)
        with work.transaction() as session:
            notifications.finish(
                session,
                letter.delivery_id,
                delivered=answer.delivered,
                result=answer.text,
                now=now,
            )
            if not answer.reached or work.stopping.is_set():
                untried = [other.delivery_id for other in letters[number + 1 :]]
                notifications.postpone(session, untried, now + PAUSE)
        delivered += answer.delivered
        if not answer.reached or work.stopping.is_set():
            return delivered, False
    return delivered, True


def _post(work: Work, client: httpx.Client, letter: Letter) -> Answer:
    headers = {
        "Content-Type": "application/json",
        "X-Watchkeeper-Delivery": str(letter.event_id),
    }
    if work.settings.webhook_secret:
        headers["X-Watchkeeper-Signature"] = sign(work.settings.webhook_secret, letter.body)
    try:
        response = client.post(work.settings.webhook_url, content=letter.body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Answer(delivered=False, reached=False, text=f"{type(error).__name__}: {error}")
    return Answer(delivered=response.is_success, reached=True, text=f"HTTP {response.status_code}")
