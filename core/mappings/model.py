"""A mapping, checked and compiled."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from core.mappings.paths import Path
from core.mappings.templates import Template
from core.mappings.topics import TopicPattern

PAYLOADS = ("json", "lines", "text", "csv", "pairs", "form", "modbus", "bytes")
CHARSETS = ("utf-8", "gb18030", "gbk", "gb2312", "latin-1")
FRAMINGS = ("rtu", "tcp")
ENCODINGS = ("binary", "hex", "base64")
# What a mapping may say of the device itself.
ABOUT = ("name", "maker", "model")
SENT_AS = ("reading", "event", "online", "health")
HEALTH = ("battery", "battery_voltage", "rssi", "snr", "link_quality")
Plain = bool | int | float | str


@dataclass(frozen=True, slots=True)
class Register:
    """A number in bytes. at: byte in the data, or address of a register or coil in a frame."""

    at: int
    type: str
    order: str
    width: int


@dataclass(frozen=True, slots=True)
class TimeField:
    """When it was: at a path, in a text or in bytes. format: s, ms, us, iso, auto or strptime's."""

    format: str
    zone: ZoneInfo | None
    path: Path | None = None
    text: Template | None = None
    register: Register | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """What becomes of a raw value, in this order: nan, bits, words, bit, scale and offset, unit.

    nan: texts of raw values that say that nothing was measured. words: what a raw value means, by
    its text. linear: factor and offset to the unit in which it is told.
    """

    nan: frozenset[str]
    words: Dictionary[str, Plain] | None
    bit: int | None
    scale: float
    offset: float
    linear: tuple[float, float]
    # The first and the last bit of the number that is meant.
    bits: tuple[int, int] | None = None
    # In which it is sent, as it may stand behind the number.
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One value. Exactly one of path, fixed, text and register says where it stands; a register
    beside a path, how the bytes that stand there are to be read.

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
    time: TimeField | None = None


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
    """What a message means. checked: frames end with their checksum. tcp: they are of Modbus TCP.

    ignore: payloads that say nothing. separator: between cells of a line, or between pairs; equals:
    within a pair.
    """

    payload: str
    device: Template
    topic: TopicPattern | None = None
    encoding: str = "binary"
    inside: Inside | None = None
    charset: str = "utf-8"
    ignore: frozenset[str] = frozenset()
    separator: str = ","
    equals: str = "="
    skip: int = 0
    each: Path | None = None
    only: tuple[Condition, ...] = ()
    through: Template | None = None
    about: Dictionary[str, Template] = field(default_factory=dict)
    time: TimeField | None = None
    checked: bool = True
    tcp: bool = False
    readings: tuple[Reading, ...] = ()
    frames: tuple[Frame, ...] = ()
