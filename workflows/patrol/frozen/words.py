"""The words of reports, and how they write times; in one language at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from core.local_time import zone
from workflows.patrol.proof import GRADES, Grade

FILE = Path(__file__).with_name("words.yaml")


class Both(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    zh: str


@cache
def words() -> Mapping[str, Both]:
    """Every word by its key."""
    shipped = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return {key: Both.model_validate(text) for key, text in shipped.items()}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes for a language and by the clock of a site. language: one of LANGUAGES."""

    language: str
    time_zone: str

    def say(self, key: str, **values: Any) -> str:
        """A word of ours, with its values put in."""
        text: str = getattr(words()[key], self.language)
        return text.format(**values) if values else text

    def name(self, text: Mapping[str, str] | None) -> str:
        """A name in this language, else in whatever language it has."""
        found = text or {}
        return found.get(self.language) or next((one for one in found.values() if one), "")

    def moment(self, at: str | None) -> str:
        """Day and time of day; empty for none."""
        return "" if at is None else f"{self._local(at):%Y-%m-%d %H:%M}"

    def clock(self, at: str | None, day: str = "") -> str:
        """The time of day, with its day in front where that is another one."""
        if at is None:
            return ""
        local = self._local(at)
        return f"{local:%H:%M}" if local.date().isoformat() == day else f"{local:%m-%d %H:%M}"

    def seconds(self, at: str | None, day: str = "") -> str:
        """As `clock`, to the second."""
        return "" if at is None else f"{self.clock(at, day)}:{self._local(at):%S}"

    def day(self, text: str) -> str:
        """A day as people write it."""
        day = date.fromisoformat(text)
        if self.language == "zh":
            return f"{day.year}年{day.month}月{day.day}日 星期{'一二三四五六日'[day.weekday()]}"
        return f"{day:%A}, {day.day} {day:%B %Y}"

    def short_day(self, text: str) -> str:
        """Month and day."""
        return f"{date.fromisoformat(text):%m-%d}"

    def span(self, minutes: int) -> str:
        """How long something was."""
        if minutes < 60:
            return self.say("minutes", n=minutes)
        return self.say("hours_minutes", h=minutes // 60, m=minutes % 60)

    def grade(self, code: str | None) -> str:
        """What a scan proves, in short."""
        text: str = "" if code is None else getattr(GRADES[Grade(code)], self.language)
        return text

    def percent(self, part: int, whole: int) -> str:
        """A share, cut and not rounded, so that 100 % is all of it."""
        return "–" if whole == 0 else f"{part * 100 // whole} %"

    def _local(self, at: str) -> datetime:
        return datetime.fromisoformat(at).astimezone(zone(self.time_zone))
