"""Reports of GB/T 26875.3-2011: a transmitter, the panels behind it, and each of their components.

Every component is a device of its own, so that a detector can be an asset with its place. Fire
systems are only read: the receipt of a frame is all that is ever sent, and only where the source
says where (option `answer_topic`). A transmitter repeats what nobody confirms.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.gb26875.frames import (
    ANSWER,
    SEND,
    START,
    Cut,
    Frame,
    address,
    frames,
    goes_on,
    moment,
    raw,
)
from ingest.dialects.gb26875.tables import (
    ANALOGUES,
    COMPONENT_BITS,
    COMPONENTS,
    GAS,
    HEAT,
    SMOKE,
    SYSTEM_BITS,
    SYSTEM_OPERATIONS,
    SYSTEMS,
    TRANSMITTER_BITS,
    TRANSMITTER_OPERATIONS,
)
from ingest.dialects.naming import beside, device_code, named
from ingest.dialects.spoken import (
    Answer,
    Decoded,
    Described,
    DescribedPoint,
    ForeignSource,
    Result,
    Spoken,
    Told,
)
from ingest.dialects.values import name_in

ANSWER_TOPIC = "answer_topic"
_TIME = 6
_NO_TIME = bytes(_TIME)
# Noted under this and a topic: what came on it of a frame whose end is still to come.
_BEGUN = "begun/"
# Names under which something is noted are short.
_LONGEST_TOPIC = 250
_NEVER_ENDED = Problem("wrong_shape", "a frame that an earlier message began was never ended")
_NOBODY = Problem(
    "no_identity", "the source address is 0, and the topic holds nothing beside the filter"
)


@dataclass
class _Report:
    """What one payload tells. transmitter: the name of who sent the frame at hand."""

    memory: Mapping[str, Any]
    transmitter: str = ""
    told: list[Told] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remember: dict[str, Any] = field(default_factory=dict)
    note: dict[str, Any] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    def tell(
        self, parts: Sequence[str], messages: list[Spoken], described: Described | None = None
    ) -> None:
        """What the transmitter says of itself (no parts), of a panel or of a component."""
        known = {**self.memory, **self.remember} if self.remember else self.memory
        own = named(known, "/".join((self.transmitter, *parts)))
        if isinstance(own, Problem):
            self.problems.append(own)
            return
        self.remember.update(own.remember)
        through = device_code(self.transmitter) if parts else None
        self.told.append(Told(own.code, messages, through=through, described=described))


def decode(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """What the frames of a payload tell; None for what a centre says to its transmitters."""
    if not payload:
        return Problem("wrong_shape", "an empty payload holds no frame")
    report = _Report(memory)
    name = beside(topic.split("/"), source.topic_filter)
    answer_topic = _answer_topic(source, name)
    read = raw(_whole(report, topic, payload))
    heard = False
    for frame in frames(read.body):
        if isinstance(frame, Cut):
            _keep(report, topic, read.tail(frame.at))
        elif isinstance(frame, Problem):
            report.problems.append(frame)
        elif frame.command in (SEND, ANSWER):
            heard = True
            if frame.command == SEND and answer_topic:
                receipt = frame.receipt()
                said = receipt if read.digits is None else receipt.hex().upper().encode()
                report.answers.append(Answer(answer_topic, said))
            _take(report, frame, name)
    if not heard and not report.problems and not report.note:
        return None
    return Decoded(
        report.told, report.problems, report.remember, report.note, answers=report.answers
    )


def _whole(report: _Report, topic: str, payload: bytes) -> bytes:
    """The payload, behind what an earlier one began of its frame."""
    begun = report.memory.get(_BEGUN + topic)
    if not isinstance(begun, bytes):
        return payload
    report.note[_BEGUN + topic] = None
    if begun == payload and len(begun) >= len(START):
        # Delivered again.
        return payload
    if goes_on(begun, payload):
        return begun + payload
    report.problems.append(_NEVER_ENDED)
    return payload


def _keep(report: _Report, topic: str, begun: bytes) -> None:
    """Wait for the rest of a frame. A restart loses it, and the transmitter, which nobody confirmed
    it to, sends it again."""
    if len(topic) <= _LONGEST_TOPIC:
        report.note[_BEGUN + topic] = begun
    else:
        report.problems.append(Problem("wrong_shape", f"the frame is cut after {len(begun)} bytes"))


def _answer_topic(source: ForeignSource, name: str) -> str | None:
    """Where receipts go to; `{device}` is what the topic of the report holds beside the filter."""
    said = source.options.get(ANSWER_TOPIC)
    if not isinstance(said, str) or "+" in said or "#" in said:
        return None
    return said.replace("{device}", name)


def _take(report: _Report, frame: Frame, from_topic: str) -> None:
    if not frame.sound:
        report.problems.append(Problem("wrong_shape", "the checksum of a frame does not fit"))
        return
    report.transmitter = address(frame.source) if any(frame.source) else from_topic
    if not report.transmitter:
        report.problems.append(_NOBODY)
        return
    if len(frame.data) < 2 or not frame.data[1]:
        # The sign of life that transmitters send twice a minute.
        report.tell((), [Spoken("status", {"online": True})])
        return
    kind, count, objects = frame.data[0], frame.data[1], frame.data[2:]
    if kind in _OF_NO_FIXED_LENGTH:
        _configured(report, kind, count, objects)
        return
    known = _KINDS.get(kind)
    if known is None:
        detail = f"data of type {kind} are not among those that are read"
        report.problems.append(Problem("unsupported", detail))
        return
    size, timed, read = known
    tag = _length_of_tag(len(objects) - count * size, count, timed=timed)
    for place in range(count):
        one = objects[place * (size + tag) : (place + 1) * (size + tag)]
        if len(one) < size + tag:
            said = f"{count} objects of {size + tag} bytes announced, {len(objects)} bytes"
            report.problems.append(Problem("wrong_shape", f"type {kind}: {said}"))
            return
        read(report, one if tag else one + _NO_TIME)


def _length_of_tag(more: int, count: int, *, timed: bool) -> int:
    """How long the time behind each object is. more: bytes that are no objects.

    Some transmitters leave it out, and some add it where the standard has none.
    """
    usual, other = (_TIME, 0) if timed else (0, _TIME)
    return other if more == count * other else usual


def _when(tag: bytes) -> dict[str, Any]:
    said = moment(tag)
    return {} if said is None else {"ts": said}


def _bits(number: int, keys: Sequence[str]) -> dict[str, bool]:
    return {key: bool(number >> place & 1) for place, key in enumerate(keys)}


def _state(number: int, keys: Sequence[str]) -> dict[str, bool]:
    """The bits of a component or a panel; `linked`: what it commands runs, or says so back."""
    bits = _bits(number, keys)
    return {**bits, "linked": bits["started"] or bits["feedback"]}


def _panel(one: bytes) -> str:
    return f"{one[0]}-{one[1]}"


def _component(one: bytes) -> tuple[str, str]:
    """The panel, and zone (or loop) and number behind it."""
    zone, number = (int.from_bytes(one[at : at + 2], "little") for at in (3, 5))
    return _panel(one), f"{zone}-{number}"


def _of_panel(report: _Report, one: bytes) -> None:
    values = _state(int.from_bytes(one[2:4], "little"), SYSTEM_BITS)
    message = Spoken("readings", {**_when(one[4:]), **values})
    about = Described(model=SYSTEMS.get(one[0]), points=_points(values, "safety"))
    report.tell((_panel(one),), [message], about)


def _of_component(report: _Report, one: bytes) -> None:
    values = _state(int.from_bytes(one[7:9], "little"), COMPONENT_BITS)
    message = Spoken("readings", {**_when(one[40:]), **values})
    about = Described(
        _text(one[9:40]), model=COMPONENTS.get(one[2]), points=_points(values, _means(one[2]))
    )
    report.tell(_component(one), [message], about)


def _of_analogue(report: _Report, one: bytes) -> None:
    number = int.from_bytes(one[8:10], "little", signed=True)
    key, step, places, unit = ANALOGUES.get(one[7], (f"analogue_{one[7]}", 1, 0, None))
    value = round(number * step, places) if places else number
    message = Spoken("readings", {**_when(one[10:]), key: value})
    about = Described(model=COMPONENTS.get(one[2]), points=(DescribedPoint(key, "number", unit),))
    report.tell(_component(one), [message], about)


def _of_operation(report: _Report, one: bytes) -> None:
    report.tell((_panel(one),), _operations(one[2], SYSTEM_OPERATIONS, one[4:]))


def _of_transmitter(report: _Report, one: bytes) -> None:
    values = _bits(one[0], TRANSMITTER_BITS)
    about = Described(points=_points(values, "safety"))
    online = Spoken("status", {"online": True})
    report.tell((), [online, Spoken("readings", {**_when(one[1:]), **values})], about)


def _of_own_operation(report: _Report, one: bytes) -> None:
    report.tell((), _operations(one[0], TRANSMITTER_OPERATIONS, one[2:]))


def _operations(number: int, keys: Sequence[str], tag: bytes) -> list[Spoken]:
    """What was done, and not by whom: it happens, and there is nothing that it is not."""
    done = {key: True for key, bit in _bits(number, keys).items() if bit}
    return [Spoken("readings", {**_when(tag), **done})] if done else []


def _of_description(report: _Report, one: bytes) -> None:
    about = Described(_text(one[7:38]), model=COMPONENTS.get(one[2]))
    report.tell(_component(one), [], about)


def _alive(report: _Report, one: bytes) -> None:
    del one
    report.tell((), [Spoken("status", {"online": True})])


def _configured(report: _Report, kind: int, count: int, objects: bytes) -> None:
    """Texts of any length: of panels (6), of the transmitter (26)."""
    head = 2 if kind == _PANEL_TEXTS else 0
    parts = _texts(objects, count, head, 0)
    if sum(len(each) for each in parts) != len(objects):
        parts = _texts(objects, count, head, _TIME)
    for one in parts:
        text = _text(one[head + 1 : head + 1 + one[head]])
        model = SYSTEMS.get(one[0]) if head else None
        report.tell((_panel(one),) if head else (), [], Described(text, model=model))


def _texts(objects: bytes, count: int, head: int, tag: int) -> list[bytes]:
    """Objects that tell how long they are behind their head."""
    found: list[bytes] = []
    at = 0
    while len(found) < count and at + head < len(objects):
        end = at + head + 1 + objects[at + head] + tag
        found.append(objects[at:end])
        at = end
    return found


_PANEL_TEXTS, _TRANSMITTER_TEXT = 6, 26
_OF_NO_FIXED_LENGTH = (_PANEL_TEXTS, _TRANSMITTER_TEXT)
# By the type of the data: the length of one object, whether the standard has a time behind it, and
# who reads both.
_KINDS: Mapping[int, tuple[int, bool, Callable[[_Report, bytes], None]]] = {
    1: (4, True, _of_panel),
    2: (40, True, _of_component),
    3: (10, True, _of_analogue),
    4: (4, True, _of_operation),
    5: (4, False, _alive),
    7: (38, False, _of_description),
    8: (2, True, _alive),
    21: (1, True, _of_transmitter),
    24: (2, True, _of_own_operation),
    25: (2, False, _alive),
    28: (6, False, _alive),
}


def _text(part: bytes) -> str | None:
    """A text of GB 18030, which is filled up with zeros or blanks; without what is none."""
    return name_in(part.split(b"\0", 1)[0].decode("gb18030", "ignore"))


def _means(component: int) -> str:
    for kinds, means in ((SMOKE, "smoke"), (HEAT, "heat"), (GAS, "gas")):
        if component in kinds:
            return means
    return "safety"


def _points(keys: Mapping[str, bool], means: str) -> tuple[DescribedPoint, ...]:
    return tuple(_all_points(keys, means))


def _all_points(keys: Mapping[str, bool], means: str) -> Iterator[DescribedPoint]:
    for key in keys:
        about = {"fire": means, "fault": "problem"}.get(key)
        yield DescribedPoint(key, "boolean", means=about)
