"""OneJSON: what devices made for OneNET publish, where they are pointed at a broker of yours.

Topics are `$sys/<product>/<device name>/thing/…`, and `…/dp/post/json` of data streams; the answers
of the platform are given in its place ("OneJSON" and "数据点topic簇" of its documentation).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from ingest.decoding import Problem
from ingest.dialects.speaker import Speaker
from ingest.dialects.spoken import Answer, Decoded, Result, Spoken
from ingest.dialects.values import counted, document, flat, sound, unquoted

PREFIX = "$sys"
_SEVERAL = ("thing/pack/post", "thing/history/post")
_PRESENT = {"thing/sub/login": True, "thing/sub/logout": False}
_STREAMS = "dp/post/json"
_MOST = 2_000


def hear(topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What a message of a device tells; None for requests, commands and answers."""
    levels = topic.split("/")
    what = "/".join(levels[3:])
    known = ("thing/property/post", "thing/event/post", *_SEVERAL, *_PRESENT, _STREAMS)
    if what not in known or not all(levels[1:3]):
        return None
    said = document(payload)
    if isinstance(said, Problem):
        return said
    held = said.get("dp" if what == _STREAMS else "params")
    if not isinstance(held, list if what in _SEVERAL else dict):
        return Problem("wrong_shape", "params, or dp of data streams, holds what is posted")
    speaker = _Speaker(levels[2], memory)
    speaker.take(what, held)
    answers = _answers(topic, what, said.get("id"))
    return Decoded(speaker.told, speaker.problems, speaker.remember, answers=answers)


def _answers(topic: str, what: str, number: Any) -> list[Answer]:
    if sound(number) is None:
        return []
    if what == _STREAMS:
        return [Answer(f"{topic}/accepted", orjson.dumps({"id": number}))]
    said = {"id": number, "code": 200, "msg": "success"}
    return [Answer(f"{topic}/reply", orjson.dumps(said))]


class _Speaker(Speaker):
    """Who speaks in a message, and what for whom."""

    def take(self, what: str, held: Any) -> None:
        """What is posted on a topic."""
        if what == "thing/property/post":
            self.tell(self.name, list(properties(held)))
        elif what == "thing/event/post":
            self.tell(self.name, list(events(held)))
        elif what == _STREAMS:
            self.tell(self.name, list(properties(_renewed(held))))
        elif what in _PRESENT:
            self._of(held, [Spoken("status", {"online": _PRESENT[what]})])
        else:
            for one in held[:_MOST]:
                self._several(one)

    def _several(self, one: Any) -> None:
        """Properties and events of the device that is identified, or else of who speaks."""
        fields = one if isinstance(one, dict) else {}
        own, happened = fields.get("properties"), fields.get("events")
        messages = [
            *properties(own if isinstance(own, dict) else {}),
            *events(happened if isinstance(happened, dict) else {}),
        ]
        if "identity" in fields:
            self._of(fields["identity"], messages)
        else:
            self.tell(self.name, messages)

    def _of(self, identity: Any, messages: list[Spoken]) -> None:
        name = identity.get("deviceName") if isinstance(identity, dict) else None
        if not isinstance(name, str) or not name.strip() or sound(name) is None:
            self.problems.append(Problem("wrong_shape", "deviceName names no device"))
            return
        self.tell(name.strip(), messages)


def _renewed(streams: Mapping[str, Any]) -> dict[str, Any]:
    """Data streams, `{"v": …, "t": seconds}`, as properties."""
    return {
        name: [
            {"value": one.get("v"), "time": one.get("t")}
            for one in points[:_MOST]
            if isinstance(one, dict)
        ]
        for name, points in streams.items()
        if isinstance(points, list)
    }


def _moments(held: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Each value with its time: bare, as {value, time}, or a list of those, which is history."""
    several = isinstance(held, list) and all(
        isinstance(one, dict) and "value" in one for one in held
    )
    for one in held[:_MOST] if several else [held]:
        if isinstance(one, dict) and "value" in one:
            at = counted(one.get("time"))
            yield one["value"], {} if at is None else {"ts": at}
        else:
            yield one, {}


def properties(params: Mapping[str, Any]) -> Iterator[Spoken]:
    """Properties, each at its own time: one message for each time that they have, in order."""
    by_time: dict[str, dict[str, Any]] = {}
    for key, held in params.items():
        for value, when in _moments(held):
            fields = by_time.setdefault(repr(when), dict(when))
            fields.update(unquoted(flat({key: value}, texts=True)))
    for fields in sorted(by_time.values(), key=_age):
        if fields.keys() - {"ts"}:
            yield Spoken("readings", fields)


def _age(fields: Mapping[str, Any]) -> float:
    """For sorting: what has no time of its own is of now."""
    ts = fields.get("ts")
    return float(ts) if isinstance(ts, int | float) and ts == ts else float("inf")


def events(params: Mapping[str, Any]) -> Iterator[Spoken]:
    """An event is told by `true` among readings; who has no such point leaves it."""
    for key, held in params.items():
        for beside, when in _moments(held):
            values = flat({key: beside}, texts=True) if isinstance(beside, dict) else {}
            yield Spoken("readings", {**when, **flat({key: True}, texts=True), **unquoted(values)})
