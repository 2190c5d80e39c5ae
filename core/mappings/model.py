"""A mapping, checked and compiled."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from core.mappings.paths import Path
from core.mappings.templates import Template
from core.mappings.topics import TopicPattern

PAYLOADS = ("json", "text", "csv", "modbus", "bytes")
ENCODINGS = ("binary", "hex", "base64")
SENT_AS = ("reading", "event", "online", "health")
HEALTH = ("battery", "battery_voltage", "rssi", "snr", "link_quality")
Plain = bool | int | float | str


@dataclass(frozen=True, slots=True)
class TimeField:
    """Where a message says when it was. format: s, ms, us, iso, auto or one of strptime."""

    path: Path
    format: str
    zone: ZoneInfo | None


@dataclass(frozen=True, slots=True)
class Register:
    """A number in bytes. at: byte in the data, or address of a register or coil in a frame."""

    at: int
    type: str
    order: str
    width: int


@dataclass(frozen=True, slots=True)
class Value:
    """What becomes of a raw value, in this order: nan, words, bit, scale and offset, unit.

    nan: texts of raw values that say that nothing was measured. words: what a raw value means, by
    its text. linear: factor and offset to the unit in which it is told.
    """

    nan: frozenset[str]
    words: Dictionary[str, Plain] | None
    bit: int | None
    scale: float
    offset: float
    linear: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reading:
    """One value. Exactly one of path, fixed, text and register says where it stands.

    place: where it stands in the document, for problems. unit: in which it is told.
    """

    place: tuple[str | int, ...]
    key: Template
    sent_as: str
    value: Value
    path: Path | None = None
    fixed: Plain | None = None
    text: Template | None = None
    register: Register | None = None
    time: TimeField | None = None
    unit: str | None = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """Answers of a device that one list of registers describes; None takes any.

    start: the address of the first register or coil that the answer holds. known: all readings of
    answers of the same device, these among them.
    """

    place: tuple[str | int, ...]
    slave: int | None
    function: int
    start: int
    count: int | None
    readings: tuple[Reading, ...]
    known: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """Messages are meant only where a text is one of these."""

    text: Template
    among: frozenset[str]


@dataclass(frozen=True, slots=True)
class Inside:
    """The payload proper stands in a field of a JSON message."""

    path: Path
    encoding: str


@dataclass(frozen=True, slots=True)
class MessageMapping:
    """What a message means. checked: frames end with their checksum."""

    payload: str
    device: Template
    topic: TopicPattern | None = None
    encoding: str = "binary"
    inside: Inside | None = None
    separator: str = ","
    skip: int = 0
    each: Path | None = None
    only: tuple[Condition, ...] = ()
    through: Template | None = None
    time: TimeField | None = None
    checked: bool = True
    readings: tuple[Reading, ...] = ()
    frames: tuple[Frame, ...] = ()
