"""What a decoder is told, and what it makes of a message.

A decoder is a pure function `decode(source, topic, payload, memory)`: the same arguments, the same
answer, and no exception for any bytes. It tells what devices of ours would have sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec

from ingest.decoding import Problem

# What a source remembers under this and a topic: that it takes this topic, too, though its filter
# does not (state topics that a discovery message names).
FOLLOWED = "topic/"


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message as a device of ours would send it. kind: readings, event, scan or status.

    fields: what stands in its JSON; in `ts` when it was, where it says so (docs/mqtt.md, Time).
    lasts: of readings that are true, after how many seconds they are false again by themselves,
    unless they are told anew before.
    """

    kind: str
    fields: dict[str, Any]
    lasts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DescribedPoint:
    """What a device says of one of its values. key: under which readings will bring it.

    kind: number, boolean, state or event. unit: as in rules.units, as far as it is known there.
    means: the device class of the dialect (`moisture`, `door`), if it gives one. interval: seconds
    between two readings when all is well, if that can be told.
    """

    key: str
    kind: str
    unit: str | None = None
    states: tuple[str, ...] = ()
    name: str | None = None
    means: str | None = None
    interval: float | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """What a device, or its bridge, says of it: names and models as written there."""

    name: str | None = None
    maker: str | None = None
    model: str | None = None
    points: tuple[DescribedPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """What a device told. device: its code.

    through: the code of the gateway or bridge that passed it on, if the message names one.
    health: of the device itself, never a reading: battery (%), battery_voltage (V), rssi (dBm),
    snr (dB), link_quality (%); only those that are known.
    """

    device: str
    messages: Sequence[Spoken] = ()
    through: str | None = None
    health: Mapping[str, float] = field(default_factory=dict)
    described: Described | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be published in return: a request for a birth, a receipt."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Decoded:
    """Everything that a message of another dialect leads to.

    remember: JSON values by key, kept for good (None forgets); a crash may repeat a message whose
    changes are kept already. note: any values by key, for the life of this process only; both are
    seen as one `memory` by the next message. problems: parts that could not be used.
    """

    told: Sequence[Told] = ()
    problems: Sequence[Problem] = ()
    remember: Mapping[str, Any] = field(default_factory=dict)
    note: Mapping[str, Any] = field(default_factory=dict)
    answers: Sequence[Answer] = ()


@dataclass(frozen=True, slots=True)
class ForeignSource:
    """A filter of topics on which another dialect is spoken. zone: of times that name none.

    options: as the source states them, and checked when it was stated.
    """

    code: str
    topic_filter: str
    zone: ZoneInfo
    decode: Decoder
    options: Mapping[str, Any] = field(default_factory=dict)
    plan: Planner | None = None


# The type of what must not be there: no value at all is one of it, not even null.
Absent = Annotated[str, msgspec.Meta(min_length=1, max_length=0)] | msgspec.UnsetType
# The time of a message; a longer text is none.
TimeText = Annotated[str, msgspec.Meta(max_length=60)]


@dataclass(frozen=True, slots=True)
class Shape:
    """How an ordinary message is read whose points are known to be in it, as a type of its own.

    base: an `msgspec.Struct` of what is read beside the values, `time` among it (`TimeText`, a
    number or None); a message that isn't of this type is read by `Plan.read`. moment: µs since
    1970 of a text of `time`, and None, or a ValueError or the like, for one that isn't so ordinary.
    inside: in what the values stand, where it's not the top. closed: whether there, for names that
    weren't in the message before, `Plan.read` is asked: it knows what lists there mean.
    through: as in `Told`, of a message and `Plan.name`, and a ValueError or the like for one of
    another device; None where it is always `gateway`. Devices that differ in nothing of this share
    a type, if they say the same.
    """

    base: type[msgspec.Struct]
    moment: Callable[[str], int | None]
    inside: str | None = None
    closed: bool = False
    through: Callable[[Any, str], str | None] | None = None
    gateway: str | None = None


# What an ordinary message says: its values as they stand in its JSON, `ts` as in `Spoken.fields`,
# and `through` as in `Told`.
Ordinary = tuple[dict[str, Any], Any, str | None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How ordinary messages of a topic, readings of one device and nothing else, are read.

    read: an `Ordinary`, or None, or a ValueError or the like, for whatever isn't so ordinary; that
    is left to the decoder, which makes the same of what is. A point's values stand in the fields
    under its key or, where it has points, at the path that it is (as by `values.flat`).
    words: of a key at the top, what its values but true and false mean, where these are not
    numbers, ON and OFF; any other value isn't ordinary.
    leave: names that are no values of the device at the top, and leave_deep at any depth.
    shape: what `read` makes of most messages is made quicker by it, and is the same. name: what
    the shape has to know of the device.
    """

    device: str
    read: Callable[[bytes], Ordinary | None]
    words: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    leave: frozenset[str] = frozenset()
    leave_deep: frozenset[str] = frozenset()
    shape: Shape | None = None
    name: str = ""


# None: the message is somebody else's business, which the filter takes along.
Result = Decoded | Told | Problem | None
Decoder = Callable[[ForeignSource, str, bytes, Mapping[str, Any]], Result]
# Pure, as a decoder is. Of the memory it sees only what is remembered for good. None: each message
# of the topic is left to the decoder.
Planner = Callable[[ForeignSource, str, Mapping[str, Any]], Plan | None]
