"""What the stand-in holds: buckets of points, as line protocol and erasure change them."""

import re
import threading
from dataclasses import dataclass, field
from itertools import islice

_LINE = re.compile(r"([a-z]+)((?:,[a-z]+=[^, ]+)*) ([^ ]+) (\d+)")
_PREDICATE = re.compile(r'(\w+)="([^"]*)"')
Value = float | int
# Measurement, tags in order, field.
Name = tuple[str, tuple[tuple[str, str], ...], str]


class Refusal(Exception):
    """The server's answer to what it doesn't take."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Bucket:
    """One bucket. columns: values by time in ns, a column a field."""

    number: str
    name: str
    keeps_s: int = 0
    shard_s: int = 604_800
    columns: dict[Name, dict[int, Value]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def write(self, body: str, unit: int, now: int | None = None) -> None:
        """Take lines; `unit` is one of their time in ns, `now` when retention counts from."""
        points = [_point(line) for line in body.splitlines()]
        with self.lock:
            dropped = [point for point in points if not self._takes(*point, unit, now)]
            for measurement, tags, fields, at in points:
                if (measurement, tags, fields, at) not in dropped:
                    for name, value in fields.items():
                        self.columns.setdefault((measurement, tags, name), {})[at * unit] = value
        if dropped:
            message = f"partial write: {dropped[0]} and others, dropped={len(dropped)}"
            raise Refusal(422, message)

    def _takes(
        self,
        measurement: str,
        tags: tuple[tuple[str, str], ...],
        fields: dict[str, Value],
        at: int,
        unit: int,
        now: int | None,
    ) -> bool:
        if self.keeps_s and now is not None and at * unit < now - self.keeps_s * 10**9:
            return False
        for name, value in fields.items():
            column = self.columns.get((measurement, tags, name), {})
            if any(type(before) is not type(value) for before in islice(column.values(), 1)):
                return False
        return True

    def erase(self, predicate: str, start: int, stop: int) -> None:
        """Erase [start, stop], both in, ns, where all tags of the predicate fit."""
        wanted = dict(_PREDICATE.findall(predicate))
        with self.lock:
            for (measurement, tags, _), column in self.columns.items():
                if wanted.items() <= {"_measurement": measurement, **dict(tags)}.items():
                    for at in [at for at in column if start <= at <= stop]:
                        del column[at]

    def points(self, measurement: str) -> int:
        """How many points there are."""
        names = [name for name in self.columns if name[0] == measurement]
        return len({(name[1], at) for name in names for at in self.columns[name]})


def _point(line: str) -> tuple[str, tuple[tuple[str, str], ...], dict[str, Value], int]:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise Refusal(400, f"unable to parse '{line}'")
    measurement, tags, fields, at = parts.groups()
    named = tuple(sorted(_pair(tag) for tag in tags.split(",")[1:]))
    values = {name: _value(text) for name, text in map(_pair, fields.split(","))}
    return measurement, named, values, int(at)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _value(text: str) -> Value:
    try:
        return int(text[:-1]) if text.endswith("i") else float(text)
    except ValueError:
        raise Refusal(400, f"invalid number '{text}'") from None
