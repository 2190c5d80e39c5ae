"""Replay: publish the rows of a CSV file over MQTT with their own timestamps."""

import csv
import json
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from simulators.connection import BrokerAddress, Publisher
from simulators.errors import BadInput
from simulators.publish import check_topic

# Epoch numbers above this are milliseconds: as seconds it would be the year 5138.
_MILLISECONDS_FROM = 1e11
_EPOCH = re.compile(r"-?\d+(\.\d+)?")
_SHOWN_PROBLEMS = 10
_WORDS = {"true": True, "false": False}


class Row(NamedTuple):
    """One reading of a file. ts: seconds since the Unix epoch, UTC."""

    ts: float
    value: float | bool


@dataclass(frozen=True, slots=True)
class ReplayFile:
    """A CSV file with a heading, and where its readings stand.

    zone: the time zone of times that name none; a local time that exists twice is read as the
    first of the two, one that doesn't exist as if the clock had not been put forward yet.
    """

    path: Path
    time_column: str
    value_column: str
    zone: str = "UTC"
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did. seconds: from the first publication to the last acknowledgement."""

    published: int
    skipped: int
    seconds: float


def replay(
    broker: BrokerAddress,
    file: ReplayFile,
    *,
    site: str,
    device: str,
    point: str = "value",
    speed: float | Literal["max"] = "max",
    skip_bad: bool = False,
    console: Console | None = None,
    most_in_flight: int = 1_000,
) -> Replayed:
    """Publish every row on `wk/v1/{site}/{device}/readings` as `{"ts": …, point: value}`, QoS 1.

    Rows go out in the file's order, also those that stand twice in it or step back in time.
    speed: how many seconds of the file pass in one second, or "max" for as fast as the broker
    acknowledges. The whole file is read before anything is published: a bad row raises BadInput
    with its line and nothing leaves, unless `skip_bad`, which leaves bad rows out and counts them.
    """
    if speed != "max" and not speed > 0:
        raise BadInput("speed must be above 0, or 'max'")
    topic = f"wk/v1/{site}/{device}/readings"
    check_topic(topic)
    total, skipped = _inspect(file, skip_bad)
    with Publisher(broker, most_in_flight=most_in_flight) as publisher, _progress(console) as bar:
        started = time.perf_counter()
        task = bar.add_task(f"{file.path.name} → {device}", total=total)
        for row in _paced((row for row in read(file) if isinstance(row, Row)), speed):
            message = json.dumps({"ts": row.ts, point: row.value}, separators=(",", ":"))
            publisher.publish(topic, message.encode())
            bar.advance(task)
        publisher.flush()
        return Replayed(publisher.acknowledged, skipped, time.perf_counter() - started)


def read(file: ReplayFile) -> Iterator[Row | str]:
    """The rows in order; a bad one comes as the sentence that says what is wrong with it.

    Raises BadInput when the file can't be opened, isn't UTF-8, lacks a column or has no heading.
    """
    zone = _zone(file.zone)
    try:
        with file.path.open(encoding="utf-8-sig", newline="") as stream:
            table = csv.reader(stream, delimiter=file.delimiter, strict=True)
            at, value = _columns(file, next(table, []))
            for cells in table:
                if cells:
                    yield _row(cells, at, value, zone, f"{file.path.name}:{table.line_num}")
    except OSError as error:
        raise BadInput(f"can't read {file.path}: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{file.path} is not a CSV file in UTF-8: {error}") from error


def parse_time(text: str, zone: tzinfo) -> float:
    """Seconds since the Unix epoch of ISO 8601 text or of a number of seconds or milliseconds.

    A time without zone is read in `zone`. Raises ValueError.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        number = float(text)
        return number / 1000 if abs(number) > _MILLISECONDS_FROM else number
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    # Subtracting keeps microseconds exact before the one rounding to a float.
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def parse_value(text: str) -> float | bool:
    """A finite number, or true/false. Raises ValueError."""
    text = text.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value


def _inspect(file: ReplayFile, skip_bad: bool) -> tuple[int, int]:
    """How many rows are good and bad; BadInput lists the bad ones when none may be skipped."""
    good, problems = 0, list[str]()
    for row in read(file):
        if isinstance(row, str):
            problems.append(row)
        else:
            good += 1
    if problems and not skip_bad:
        shown = problems[:_SHOWN_PROBLEMS]
        if len(problems) > len(shown):
            shown.append(f"… and {len(problems) - len(shown)} more")
        raise BadInput(f"{len(problems)} bad rows; nothing was published", shown)
    if not good:
        raise BadInput(f"{file.path} holds no usable row")
    return good, len(problems)


def _columns(file: ReplayFile, heading: list[str]) -> tuple[int, int]:
    names = [name.strip() for name in heading]
    missing = [name for name in (file.time_column, file.value_column) if name not in names]
    if missing:
        raise BadInput(
            f"{file.path} has no column {' and no column '.join(map(repr, missing))}; "
            f"its heading names {', '.join(names) or 'nothing'}"
        )
    return names.index(file.time_column), names.index(file.value_column)


def _row(cells: list[str], at: int, value: int, zone: tzinfo, where: str) -> Row | str:
    if len(cells) <= max(at, value):
        return f"{where}: the row has only {len(cells)} cells"
    try:
        return Row(parse_time(cells[at], zone), parse_value(cells[value]))
    except (ValueError, OverflowError) as error:
        return f"{where}: {error}"


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(f"there is no time zone {name!r}") from error


def _paced(rows: Iterator[Row], speed: float | Literal["max"]) -> Iterator[Row]:
    """The rows, each held back until its moment has come at this speed."""
    first: float | None = None
    started = time.monotonic()
    for row in rows:
        if speed != "max":
            first = row.ts if first is None else first
            wait = (row.ts - first) / speed - (time.monotonic() - started)
            if wait > 0:
                time.sleep(wait)
        yield row


def _progress(console: Console | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console or Console(stderr=True),
    )
