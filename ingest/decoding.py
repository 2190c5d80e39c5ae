"""Decoding own topics: bytes to readings, and every finding about what could not be used."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from core.clock import EPOCH, MICROS, to_micros
from core.errors import Invalid
from core.local_time import FIRST_YEAR, resolve
from core.telemetry.readings import Quality

PREFIX = "wk/v1/"
PARSE_LIMIT = 16 * 1024 * 1024
# After the digits of 10^18 µs no device time is meant any more, and none fits a stored column.
_LATEST = 10**18
EARLIEST = to_micros(datetime(2000, 1, 1, tzinfo=UTC))
AHEAD = 5 * 60 * MICROS
# Seconds stay below 1e11 until the year 5138, milliseconds are above it since 1973.
MILLISECONDS_FROM = 1e11
_MICROSECONDS_FROM = 1e14

_UTC = ZoneInfo("UTC")

# Programs on Windows write it before their text.
BYTE_ORDER_MARK = "\ufeff"
# Firmware sends its buffers with what ends them.
AFTER_TEXT = "\0 \t\r\n"

decode_json = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a message, or a part of it, could not be used. reason: of core.quarantine.REASONS."""

    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class OwnTopic:
    """The parts of `wk/v1/{site}/{device}/{kind}`."""

    site: str
    device: str
    kind: str


def topic_text(topic: bytes) -> str:
    """A topic as text that every database takes: no NUL, and marks for what is not UTF-8."""
    return topic.decode("utf-8", "replace").replace("\0", "\ufffd")


def own_topic(topic: str) -> OwnTopic | None:
    """Take an own topic apart; None for any other."""
    parts = topic.split("/")
    if len(parts) != 5 or parts[0] != "wk" or parts[1] != "v1" or not all(parts):
        return None
    return OwnTopic(parts[2], parts[3], parts[4])


def is_announcement(topic: str) -> bool:
    """Whether it is `wk/v1/{site}/announce`, which is meant for sirens and the like, not for us."""
    parts = topic.split("/")
    return len(parts) == 4 and parts[:2] == ["wk", "v1"] and parts[3] == "announce"


def parse(payload: bytes) -> Any | Problem:
    """JSON of a payload. NaN and infinities, which JSON has not, come through as floats: the
    readings beside them may be good."""
    if len(payload) > PARSE_LIMIT:
        return Problem("too_large", f"{len(payload)} bytes, at most {PARSE_LIMIT} are read")
    try:
        return decode_json(payload)
    except (msgspec.DecodeError, RecursionError, ValueError):
        # ValueError is what text that is not UTF-8 and numbers of thousands of digits make.
        return _parse_lenient(payload)


def _parse_lenient(payload: bytes) -> Any | Problem:
    try:
        text = payload.decode("utf-8")
    except UnicodeDecodeError as error:
        return Problem("not_utf8", f"byte {error.start} is not UTF-8")
    try:
        return json.loads(text.removeprefix(BYTE_ORDER_MARK).rstrip(AFTER_TEXT))
    except RecursionError:
        return Problem("too_deep", "the JSON is nested too deeply")
    except ValueError as error:
        return Problem("bad_json", str(error))


def messages_of(document: Any) -> Iterator[dict[str, Any] | Problem]:
    """The flat objects in a `readings` document: one, or an array of them (history)."""
    if isinstance(document, dict):
        yield document
        return
    if not isinstance(document, list):
        yield Problem("wrong_shape", f"expected an object or an array, got {_kind(document)}")
        return
    for item in document:
        if isinstance(item, dict):
            yield item
        else:
            yield Problem("wrong_shape", f"expected objects in the array, got {_kind(item)}")


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "text", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a reading was taken: µs, how good the time is, and what was wrong with it."""

    at: int
    quality: Quality
    problem: Problem | None = None


def stamp(value: Any, received: int, zone: ZoneInfo, *, trusted: bool = True) -> Stamp:
    """Device time when plausible, else receipt time.

    value: `ts` of the message: seconds, milliseconds, ISO 8601 (without zone: `zone`) or None.
    received: µs. Plausible is from 2000-01-01 to five minutes after receipt.
    """
    if value is None:
        return Stamp(received, Quality.GOOD)
    at = _micros(value, zone)
    if isinstance(at, Problem):
        return Stamp(received, Quality.CLOCK_UNSET, at)
    if at < EARLIEST or not trusted:
        return Stamp(received, Quality.CLOCK_UNSET)
    if at > received + AHEAD:
        return Stamp(received, Quality.FUTURE)
    return Stamp(at, Quality.GOOD)


def _micros(value: Any, zone: ZoneInfo) -> int | Problem:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _micros_of_number(value)
    if isinstance(value, str):
        return _micros_of_text(value, zone)
    return Problem("bad_time", f"ts must be a number or ISO 8601 text, not {_kind(value)}")


def moment_of(text: str, zone: ZoneInfo) -> int | None:
    """ISO 8601 text as µs since 1970, UTC; None for any other, and for times of other ages.

    zone: of a time that names none.
    """
    at = _micros_of_text(text, zone)
    return at if isinstance(at, int) and _MICROSECONDS_FROM <= at < _LATEST else None


def moment_in(text: str) -> int:
    """`moment_of` a text that names its zone; ValueError or TypeError for any other. Whether it is
    of another age isn't asked here."""
    since = datetime.fromisoformat(text) - EPOCH
    # As `to_micros` counts them, without another call for each message.
    return (since.days * 86_400 + since.seconds) * MICROS + since.microseconds


def _micros_of_text(text: str, zone: ZoneInfo) -> int | Problem:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return Problem("bad_time", f"ts {text[:60]!r} is no ISO 8601 time")
    try:
        return resolve(moment, zone) if moment.tzinfo is None else to_micros(moment)
    except OverflowError:
        return Problem("bad_time", f"ts {text[:60]!r} is out of range")
    except Invalid:
        # Of another age: as far off as a number that says so.
        return -_LATEST if moment.year < FIRST_YEAR else _LATEST


def _micros_of_number(value: float) -> int | Problem:
    if value != value:
        return Problem("bad_time", "ts is not a number")
    if not -_LATEST < value < _LATEST:
        return -_LATEST if value < 0 else _LATEST
    if value >= _MICROSECONDS_FROM:
        return int(value)
    # Rounded as the fast path does it: the time identifies the reading, on every way through.
    return int(value * (1e3 if value >= MILLISECONDS_FROM else 1e6) + 0.5)


def claimed_time(document: Any) -> int | None:
    """The device time, µs, that the first object of a `readings` document claims, if any.

    It only serves to order messages of one device: a time without zone is taken for UTC.
    """
    first = document[0] if isinstance(document, list) and document else document
    ts = first.get("ts") if isinstance(first, dict) else None
    at = None if ts is None else _micros(ts, _UTC)
    return None if isinstance(at, Problem) else at


def number(value: Any, states: dict[str, int] | None, *, boolean: bool) -> float | Problem:
    """A reading's value as a number: itself, 1 or 0 for a boolean, a text state's number."""
    if value is True or value is False:
        return 1.0 if value else 0.0
    if isinstance(value, int | float):
        try:
            result = float(value)
        except OverflowError:
            return Problem("out_of_range", "the number is too large")
        if not math.isfinite(result):
            return Problem("wrong_type", "the value is not a finite number")
        if boolean and result not in (0.0, 1.0):
            return Problem("wrong_type", f"expected true, false, 1 or 0, got {result:g}")
        return result
    if isinstance(value, str) and states is not None:
        if value in states:
            return float(states[value])
        return Problem("wrong_type", f"state {value[:40]!r} is not one of {', '.join(states)}")
    return Problem("wrong_type", f"expected a number or a boolean, got {_kind(value)}")


def status_online(payload: bytes) -> bool | Problem:
    """The content of a `status` message: online, offline or {"online": true}."""
    word = payload.strip().lower()
    if word in (b"online", b'"online"'):
        return True
    if word in (b"offline", b'"offline"'):
        return False
    document = parse(payload)
    if isinstance(document, dict) and isinstance(document.get("online"), bool):
        return bool(document["online"])
    return Problem("wrong_shape", 'status is online, offline or {"online": true}')
