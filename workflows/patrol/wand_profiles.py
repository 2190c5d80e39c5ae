"""Profiles of what patrol wands export, and lines read by them."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict

from core.badges import number_of
from core.clock import from_micros
from core.errors import Invalid, NotFound
from core.local_time import resolve, zone
from core.tables import Row, Table
from rules.catalog import Text
from rules.wording import in_both, worded

FILE = Path(__file__).with_name("wands.yaml")
# A title and some remarks may stand above the headings.
HEADINGS_WITHIN = 10
# How far a wand's clock may be ahead.
AHEAD = timedelta(minutes=5)


class Profile(BaseModel):
    """How one kind of export is read; see wands.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Mapping[str, str]
    columns: Mapping[str, int | Sequence[str]]
    formats: Sequence[str]
    zone: str
    guard_before: bool = False

    @property
    def has_headings(self) -> bool:
        """Whether columns are found by what stands above them."""
        return not any(isinstance(place, int) for place in self.columns.values())

    @property
    def headings(self) -> Mapping[str, Sequence[str]]:
        """The words above each column; empty where columns go by their position."""
        return {name: words for name, words in self.columns.items() if not isinstance(words, int)}

    def zone_at(self, site_zone: str) -> ZoneInfo:
        """The time zone in which the wand's clock runs. site_zone: that of the site."""
        return zone(site_zone if self.zone == "site" else self.zone)


class _Shipped(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    profiles: Mapping[str, Profile]
    problems: Mapping[str, Mapping[str, str]]


@lru_cache(maxsize=1)
def _shipped() -> _Shipped:
    return _Shipped.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def profiles() -> Mapping[str, Profile]:
    """Every profile by its code."""
    return MappingProxyType(dict(_shipped().profiles))


def profile_of(code: str) -> Profile:
    """The profile with a code. NotFound when there is none."""
    found = _shipped().profiles.get(code)
    if found is None:
        known = ", ".join(_shipped().profiles)
        raise NotFound(
            worded("there is no profile %(code)s", code=repr(code)),
            advice=worded("Known are %(known)s.", known=known),
        )
    return found


def problem(code: str, text: str = "") -> Text:
    """What is wrong with a line, in both languages."""
    words = _shipped().problems[code]
    return Text(*(words[language] % {"text": text} for language in ("en", "zh")))


class UnreadableWand(Invalid):
    """The file as a whole can't be taken. text: why, in both languages."""

    def __init__(self, text: Text) -> None:
        super().__init__(worded("the file was not read"), problems=[in_both(text.en, text.zh)])
        self.text = text


@dataclass(frozen=True, slots=True)
class WandProblem:
    """What is wrong, and where. row: as the file counts it, from 1; 0 for the sheet."""

    sheet: str
    row: int
    text: Text


@dataclass(frozen=True, slots=True)
class WandLine:
    """A line that can be read. point, guard: numbers as they are compared; guard may be empty."""

    sheet: str
    row: int
    point: str
    guard: str
    at: datetime


@dataclass(slots=True)
class WandLines:
    """Everything that a file says, and everything that is wrong with it."""

    lines: list[WandLine] = field(default_factory=list)
    problems: list[WandProblem] = field(default_factory=list)


def read_lines(
    tables: Sequence[Table], profile: Profile, where: ZoneInfo, now: datetime
) -> WandLines:
    """The lines of an export. where: the zone of the wand's clock."""
    found = WandLines()
    for table in tables:
        columns, rows = _columns(profile, table)
        if columns is None:
            found.problems.append(WandProblem(table.name, 0, problem("no_headings")))
            continue
        for row in rows:
            line = _line(table.name, row, columns, profile, where, now)
            if isinstance(line, WandLine):
                found.lines.append(line)
            else:
                found.problems.append(WandProblem(table.name, row.number, line))
    if not found.lines and not found.problems:
        raise UnreadableWand(problem("no_lines"))
    return found


def _columns(profile: Profile, table: Table) -> tuple[Mapping[str, int] | None, Sequence[Row]]:
    """Where each column stands, from 0, and the rows below the headings."""
    if not profile.has_headings:
        places = profile.columns.items()
        return {name: place - 1 for name, place in places if isinstance(place, int)}, table.rows
    for index, row in enumerate(table.rows[:HEADINGS_WITHIN]):
        headings = [_plain(cell.text) for cell in row.cells]
        places_found = dict(_named(profile, headings))
        # Who carried it need not be known; where and when must be.
        if profile.columns.keys() - {"guard"} <= places_found.keys():
            return places_found, table.rows[index + 1 :]
    return None, ()


def _named(profile: Profile, headings: Sequence[str]) -> Iterator[tuple[str, int]]:
    for name, words in profile.headings.items():
        # The first of the words counts most: a file may have both a number and a name.
        for word in map(_plain, words):
            if word in headings:
                yield name, headings.index(word)
                break


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).casefold()


def _line(
    sheet: str,
    row: Row,
    columns: Mapping[str, int],
    profile: Profile,
    where: ZoneInfo,
    now: datetime,
) -> WandLine | Text:
    """The line of a row, or what is wrong with it."""
    said = {
        name: row.cells[place].text if place < len(row.cells) else ""
        for name, place in columns.items()
    }
    point = said["point"]
    if not any(letter.isalnum() for letter in point):
        return problem("no_point")
    written = " ".join(filter(None, (said.get("date", ""), said["time"])))
    if not written:
        return problem("no_time")
    at = _moment(written, profile.formats, where)
    if at is None:
        return problem("time", written)
    if at > now + AHEAD:
        return problem("future", written)
    guard = said.get("guard", "")
    return WandLine(sheet, row.number, number_of(point), number_of(guard) if guard else "", at)


def _moment(written: str, formats: Sequence[str], where: ZoneInfo) -> datetime | None:
    for layout in formats:
        try:
            local = datetime.strptime(written, layout).replace(tzinfo=where)
            return from_micros(resolve(local, where))
        except (ValueError, Invalid):
            continue
    return None
