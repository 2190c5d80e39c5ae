"""What a mapping makes of a message: pure, and no exception for any bytes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from core.codes import DEVICE_CODE
from core.mappings.coded import decoded
from core.mappings.model import Frame, MessageMapping, Plain, Reading, Register, TimeField
from core.mappings.opening import Unreadable, open_message
from core.mappings.outcome import Outcome, Said, Spoke, Trouble
from core.mappings.paths import MISSING
from core.mappings.registers import COILS, TYPES, Broken, Response, in_order, responses
from core.mappings.templates import RECORD_NAME, missing
from core.mappings.times import as_ts
from core.mappings.tracing import Trace
from core.mappings.values import Unfit, worth
from rules.wording import worded

MOST_BYTES = 1024 * 1024
# A message of a gateway tells of many devices, but none of more than a site has.
MOST_RECORDS = 5_000
# Of all its records together: a mapping of hundreds of values would be asked of each.
MOST_VALUES = 100_000
_LONGEST_KEY = 120
_LONGEST_IGNORED = 1_000
_LONGEST_DETAIL = 400


@dataclass(slots=True)
class _Gathered:
    """What was found of one device so far, by kind and time."""

    through: str | None
    known: Sequence[Reading]
    messages: dict[tuple[str, str], Spoke] = field(default_factory=dict)
    health: dict[str, float] = field(default_factory=dict)
    about: dict[str, str] = field(default_factory=dict)

    def put(self, kind: str, ts: Any, key: str, value: Plain) -> None:
        # An event among readings is told by `true`, and only to devices that have it.
        name = "status" if kind == "online" else "readings"
        stamp = {} if ts is None else {"ts": ts}
        spoke = self.messages.setdefault((name, repr(ts)), Spoke(name, stamp))
        spoke.fields["online" if kind == "online" else key] = value


@dataclass(slots=True)
class _Run:
    """One evaluation. message: the whole; inner: the payload proper."""

    mapping: MessageMapping
    zone: ZoneInfo
    names: dict[str, str]
    message: Any
    trace: Trace | None
    found: dict[str, _Gathered] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)
    records: int = 0
    left: bool = False
    asked: int = 0

    def has_room(self, readings: Sequence[Reading]) -> bool:
        """Whether one more record with so many values may be read; told once when it may not."""
        self.records += 1
        self.asked += len(readings)
        if self.records <= MOST_RECORDS and self.asked <= MOST_VALUES:
            return True
        detail = worded(
            "more than %(records)s records or %(values)s values; the rest was left out",
            records=MOST_RECORDS,
            values=MOST_VALUES,
        )
        self.troubles.append(Trouble("too_large", detail))
        return False


@dataclass(frozen=True, slots=True)
class _Bytes:
    """The data of a frame, or of a whole message. base: where they begin in the message."""

    data: bytes | None
    frame: Frame | None
    base: int


def evaluate(
    mapping: MessageMapping,
    topic: str,
    payload: bytes,
    zone: ZoneInfo,
    trace: Trace | None = None,
) -> Outcome:
    """What a message means. zone: of times that name none."""
    names = mapping.topic.match(topic) if mapping.topic else {}
    if names is None:
        return Outcome(meant=False)
    if _says_nothing(mapping, payload):
        return Outcome(meant=False)
    if len(payload) > MOST_BYTES:
        detail = worded(
            "%(count)s bytes, at most %(most)s are read",
            count=len(payload),
            most=MOST_BYTES,
        )
        return Outcome(troubles=[Trouble("too_large", detail)])
    try:
        message, inner = open_message(mapping, payload)
    except Unreadable as error:
        return Outcome(troubles=[Trouble(error.reason, error.detail)])
    run = _Run(mapping, zone, names, message, trace)
    if trace is not None:
        trace.names, trace.document = names, inner if mapping.payload != "modbus" else message
        trace.data = inner if isinstance(inner, bytes) else None
    if not _is_meant(run, inner):
        return Outcome(meant=False)
    if mapping.payload == "modbus":
        _frames(run, inner)
    else:
        _records(run, inner)
    said = [
        Said(device, list(one.messages.values()), one.through, one.health, one.about, one.known)
        for device, one in run.found.items()
        if one.messages or one.health
    ]
    if run.left and not run.troubles:
        return Outcome(meant=False)
    if not said and not run.troubles:
        run.troubles.append(
            Trouble("wrong_shape", worded("nothing that the mapping names stands in this message"))
        )
    return Outcome(said, run.troubles)


def _says_nothing(mapping: MessageMapping, payload: bytes) -> bool:
    """Whether it is empty, as what is no longer retained is, or one of those to be ignored."""
    if not payload:
        return mapping.payload not in ("modbus", "bytes")
    if not mapping.ignore or len(payload) > _LONGEST_IGNORED:
        return False
    return payload.decode("utf-8", "replace").strip("\0 \t\r\n") in mapping.ignore


def _is_meant(run: _Run, inner: Any) -> bool:
    """Whether the conditions hold; those about a frame or a record can't be asked before it."""
    return all(
        condition.text.fill(run.names, run.message, inner) in condition.among
        for condition in run.mapping.only
    )


# Records of JSON, of lines and of plain bytes.


def _records(run: _Run, inner: Any) -> None:
    names = run.names
    each = run.mapping.each
    run.left = each is not None and each.leads_to_none(run.message, inner)
    for record_names, record in _each(run.mapping, run.message, inner):
        if not run.has_room(run.mapping.readings):
            return
        run.names = {**names, **_numbered(record_names)} if run.mapping.each else names
        data = record if isinstance(record, bytes) else None
        _take(run, run.mapping.readings, record, data)


def _each(
    mapping: MessageMapping, message: Any, inner: Any
) -> Iterator[tuple[tuple[str, ...], Any]]:
    if mapping.payload == "csv":
        yield from (((), row) for row in inner)
    elif mapping.each is not None:
        yield from mapping.each.each(message, inner)
    else:
        yield (), inner


def _numbered(names: tuple[str, ...]) -> dict[str, str]:
    """What `{#}` is of a record, the innermost of its names, and `{#1}`, the outermost."""
    numbered = {f"{RECORD_NAME}{place}": name for place, name in enumerate(names, 1)}
    return {**numbered, RECORD_NAME: names[-1] if names else ""}


# Frames of Modbus.


def _frames(run: _Run, data: bytes) -> None:
    names = run.names
    answers = responses(data, checked=run.mapping.checked, tcp=run.mapping.tcp)
    if not answers and data:
        # Questions and confirmations that a box passes on as well.
        run.left = True
    if not data:
        run.troubles.append(Trouble("wrong_shape", worded("there is no frame in this message")))
    for one in answers:
        if isinstance(one, Broken):
            run.troubles.append(
                Trouble(
                    "wrong_shape",
                    worded("from byte %(at)s on: %(problem)s", at=one.at, problem=one.detail),
                )
            )
            continue
        frame = next((each for each in run.mapping.frames if _fits(each, one)), None)
        if not run.has_room(frame.readings if frame else ()):
            return
        if frame is None:
            detail = (
                f"no frame of the mapping is for device {one.slave}, function {one.function} and "
                f"{len(one.data)} bytes of data"
            )
            run.troubles.append(Trouble("wrong_shape", detail))
            continue
        run.names = {**names, "slave": str(one.slave)}
        _take(run, frame.readings, None, one.data, frame=frame, base=one.at)


def _fits(frame: Frame, answer: Response) -> bool:
    if frame.function != answer.function or frame.slave not in (None, answer.slave):
        return False
    if frame.count is None:
        return True
    if frame.function in COILS:
        return len(answer.data) == (frame.count + 7) // 8
    return len(answer.data) == 2 * frame.count


# Readings.


def _take(
    run: _Run,
    readings: Sequence[Reading],
    record: Any,
    data: bytes | None,
    *,
    frame: Frame | None = None,
    base: int = 0,
) -> None:
    """Take the readings of one record in."""
    mapping = run.mapping
    device = mapping.device.fill(run.names, run.message, record)
    if device is None or not DEVICE_CODE.fullmatch(device):
        why = (
            worded("nothing stands where %(place)s names the device", place=mapping.device.text)
            if device is None
            else worded(
                "%(device)s can't be a device: no blanks, no / + #, at most 120 characters",
                device=repr(device[:60]),
            )
        )
        run.troubles.append(Trouble("wrong_shape", why))
        return
    through = mapping.through.fill(run.names, run.message, record) if mapping.through else None
    known = frame.known if frame else mapping.readings
    found = run.found.setdefault(device, _Gathered(through, known))
    for key, text in mapping.about.items():
        said = text.fill(run.names, run.message, record)
        if said is not None and said.strip():
            found.about[key] = said.strip()[:_LONGEST_KEY]
    bytes_ = _Bytes(data, frame, base)
    whole = frame.time if frame is not None and frame.time is not None else mapping.time
    ts = _time(run, whole, record, bytes_)
    for reading in readings:
        raw, span = _raw(run, reading, record, bytes_)
        own = _time(run, reading.time, record, bytes_) if reading.time else ts
        _one(run, found, reading, record, (device, raw, own, span))


def _time(run: _Run, field_: TimeField | None, record: Any, bytes_: _Bytes) -> Any:
    if field_ is None:
        return None
    value: Any = None
    if field_.path is not None:
        value = field_.path.find(run.message, record)
    elif field_.text is not None:
        value = field_.text.fill(run.names, run.message, record)
    elif field_.register is not None:
        value, _ = _read(field_.register, bytes_)
    return None if missing(value) else as_ts(value, field_.format, field_.zone or run.zone)


def _one(
    run: _Run,
    found: _Gathered,
    reading: Reading,
    record: Any,
    seen: tuple[str, Any, Any, tuple[int, int] | None],
) -> None:
    device, raw, ts, span = seen
    key = reading.key.fill(run.names, run.message, record) or ""
    value: Plain | None = None
    problem: str = ""
    if missing(raw):
        problem = worded("nothing stands here") if reading.required else ""
    else:
        try:
            sent = decoded(raw, reading.register) if reading.path and reading.register else raw
            value = None if missing(sent) else _checked(worth(sent, reading.value), reading, key)
        except Unfit as error:
            problem = error.detail
    if problem:
        run.troubles.append(Trouble("wrong_type", _about(key or reading.key.text, problem)))
    elif value is not None:
        _put(found, reading, ts, key, value)
    if run.trace is not None:
        run.trace.add(
            reading,
            device=device,
            key=key,
            found=not missing(raw),
            raw=None if raw is MISSING else raw,
            value=value,
            ts=ts,
            span=span,
            problem=problem,
        )


def _about(key: str, problem: str) -> str:
    """What is wrong with the reading of a key, so short that it can be kept."""
    told = worded("%(place)s: %(problem)s", place=key, problem=problem)
    return told if len(told) <= _LONGEST_DETAIL else told[:_LONGEST_DETAIL]


def _checked(value: Plain | None, reading: Reading, key: str) -> Plain | None:
    """The value, if what it is told as can be that."""
    if not 0 < len(key) <= _LONGEST_KEY or key == "ts":
        raise Unfit(worded("there is no key to tell it under: 1 to 120 characters, and not ts"))
    if value is None or reading.sent_as == "reading":
        return value
    if reading.sent_as == "health":
        if isinstance(value, str):
            raise Unfit(worded("%(value)s is no number", value=repr(value[:40])))
        return float(value)
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    raise Unfit(
        worded(
            "%(value)s is neither true nor false; `words` can say which it means",
            value=f"{value!r:.40}",
        )
    )


def _put(found: _Gathered, reading: Reading, ts: Any, key: str, value: Plain) -> None:
    if reading.sent_as == "health":
        found.health[key] = float(value)
    elif reading.sent_as != "event" or value is True:
        found.put(reading.sent_as, ts, key, value)


def _raw(
    run: _Run, reading: Reading, record: Any, bytes_: _Bytes
) -> tuple[Any, tuple[int, int] | None]:
    """The raw value, MISSING where there is none, and where its bytes stand."""
    if reading.path is not None:
        return reading.path.find(run.message, record), None
    if reading.fixed is not None:
        return reading.fixed, None
    if reading.text is not None:
        text = reading.text.fill(run.names, run.message, record)
        return (MISSING if text is None else text), None
    return (MISSING, None) if reading.register is None else _read(reading.register, bytes_)


def _read(register: Register, bytes_: _Bytes) -> tuple[Any, tuple[int, int] | None]:
    data, frame, base = bytes_.data, bytes_.frame, bytes_.base
    if data is None:
        return MISSING, None
    if frame is not None and frame.function in COILS:
        return _coil(register.at - frame.start, data, base)
    begin = register.at if frame is None else 2 * (register.at - frame.start)
    end = begin + register.width
    if end > len(data):
        return MISSING, None
    value = TYPES[register.type][1](in_order(data[begin:end], register.order))
    # What is no number in its coding means that nothing was measured.
    return (MISSING if value is None else value), (base + begin, base + end)


def _coil(number: int, data: bytes, base: int) -> tuple[Any, tuple[int, int] | None]:
    byte = number // 8
    if byte >= len(data):
        return MISSING, None
    return bool(data[byte] >> number % 8 & 1), (base + byte, base + byte + 1)
