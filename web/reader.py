"""How one reader sees things: in their language, and in the time zone of the site."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import Protocol
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers

from core.clock import from_micros
from rules.wording import Message
from web.languages import locale_of, mark, translations
from web.words import WORDS
from workflows.tickets.categories import shipped_categories

YES, NO = mark("yes"), mark("no")
# Of an event: that it did, and that it never did so far.
HAPPENED, NOT_YET = mark("happened"), mark("not yet")


class Measured(Protocol):
    """What is needed of a point to write one of its values."""

    @property
    def kind(self) -> str:
        """number, boolean, state or event."""
        ...

    @property
    def unit(self) -> str | None:
        """The unit of its readings."""
        ...

    @property
    def states(self) -> Sequence[str] | None:
        """Text states in the order of their number."""
        ...


@dataclass(frozen=True, slots=True)
class Reader:
    """Language and time zone of whoever reads, and the present moment.

    asked: the query of the page's address, in its order.
    """

    language: str
    now: datetime
    zone: tzinfo
    asked: Sequence[tuple[str, str]] = ()

    def at(self, time_zone: str) -> "Reader":
        """The same reader, looking at a site in another time zone."""
        return replace(self, zone=ZoneInfo(time_zone))

    def in_language(self, language: str) -> str:
        """The query of the same page in another language, with all else that was asked of it."""
        kept = [(name, value) for name, value in self.asked if name != "lang"]
        return "?" + urlencode([*kept, ("lang", language)])

    def asked_besides(self, *names: str) -> list[tuple[str, str]]:
        """What else the page was asked for: a form that changes `names` sends it along.

        The cookie remembers the language, and a place in the old list means nothing in a new one.
        """
        return [(name, value) for name, value in self.asked if name not in (*names, "lang", "skip")]

    @property
    def html_language(self) -> str:
        """The language tag of pages (BCP 47)."""
        return "zh-Hans" if self.language == "zh" else "en"

    @property
    def gap(self) -> str:
        """What stands between two sentences: a Chinese full stop brings its own room."""
        return "" if self.language == "zh" else " "

    def translate(self, text: str, **values: object) -> str:
        """A text of the catalogue in the reader's language."""
        found = translations(self.language).gettext(text)
        return found % values if values else found

    def told(self, text: str) -> str:
        """What a part below the pages says, where it can be told in other languages."""
        if not isinstance(text, Message):
            return text
        return text.told(translations(self.language).gettext)

    def text(self, name: Mapping[str, str] | None) -> str:
        """An administered name, or what somebody wrote, with fallback to what there is."""
        if not name:
            return ""
        other = "en" if self.language == "zh" else "zh"
        found = (name.get(key) for key in (self.language, "und", other))
        return next((value for value in found if value), "")

    def word(self, group: str, code: str) -> str:
        """The word for a stored code; the code itself where there is none."""
        known = WORDS[group].get(code)
        return self.translate(known) if known else code

    def clock(self, moment: datetime) -> str:
        """Hours and minutes in the site's time zone."""
        return dates.format_time(moment, "HH:mm", tzinfo=self.zone, locale=locale_of(self.language))

    def moment(self, moment: datetime) -> str:
        """A moment in the site's time zone; the date only where it is not today."""
        locale = locale_of(self.language)
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        if local.date() == today.date():
            return dates.format_time(local, "HH:mm:ss", tzinfo=self.zone, locale=locale)
        skeleton = "MMMd" if local.year == today.year else "yMMMd"
        day = dates.format_skeleton(skeleton, local, tzinfo=self.zone, locale=locale)
        return f"{day} {self.clock(moment)}"

    def day(self, moment: datetime) -> str:
        """The day of a moment in the site's time zone, with its weekday."""
        locale = locale_of(self.language)
        return dates.format_skeleton("MEd", moment, tzinfo=self.zone, locale=locale)

    def date(self, day: date) -> str:
        """A day."""
        return dates.format_date(day, "medium", locale=locale_of(self.language))

    def weekday(self, number: int) -> str:
        """The short name of a weekday, 0 = Monday."""
        names = Locale.parse(locale_of(self.language)).days["stand-alone"]["abbreviated"]
        return str(names[number])

    def minute(self, moment: datetime) -> str:
        """A moment as people say it who count no seconds; the date only where it is not today."""
        local, today = moment.astimezone(self.zone), self.now.astimezone(self.zone)
        return self.clock(moment) if local.date() == today.date() else self.moment(moment)

    def span(self, seconds: float) -> str:
        """A length of time, roughly: the way people say it."""
        return dates.format_timedelta(
            timedelta(seconds=abs(seconds)),
            threshold=1.2,
            format="short",
            locale=locale_of(self.language),
        )

    def countdown(self, seconds: float) -> str:
        """A length of time to the second, as pages count it down; of days the rough length."""
        whole = int(abs(seconds))
        if whole >= 86_400:
            return self.span(seconds)
        hours, rest = divmod(whole, 3_600)
        minutes, second = divmod(rest, 60)
        return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"

    def ago(self, moment: datetime) -> str:
        """How long ago a moment was."""
        return dates.format_timedelta(
            moment - self.now,
            threshold=1.2,
            add_direction=True,
            format="short",
            locale=locale_of(self.language),
        )

    def number(self, value: float) -> str:
        """A number with as many digits as a reading deserves."""
        size = abs(value)
        digits = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 0.1 or not size else 4
        pattern = "#,##0." + "#" * digits if digits else "#,##0"
        return numbers.format_decimal(value, format=pattern, locale=locale_of(self.language))

    def value(self, point: Measured, value: float | None) -> str:
        """A reading as people say it: 81.5 °C, yes, moving."""
        if point.kind == "event":
            return self._moment_of(point, value)
        if value is None:
            return "–"
        if point.kind == "boolean":
            return self.translate(YES if value else NO)
        if point.kind == "state":
            states = point.states or ()
            index = int(value)
            return states[index] if 0 <= index < len(states) else str(index)
        written = self.number(value)
        if not point.unit:
            return written
        return f"{written}%" if point.unit == "%" else f"{written} {point.unit}"

    def _moment_of(self, point: Measured, value: float | None) -> str:
        """What is told of an event's last moment: its category, or only that it happened."""
        if value is None:
            return self.translate(NOT_YET)
        states = point.states or ()
        code = states[int(value)] if 0 <= int(value) < len(states) else ""
        category = shipped_categories().get(code)
        return (self.text(category.name) if category else code) or self.translate(HAPPENED)

    def micros(self, micros: int) -> str:
        """A moment given in µs since the epoch."""
        return self.moment(from_micros(micros))

    def instant(self, micros: int) -> str:
        """A moment given in µs as browsers read it."""
        return from_micros(micros).isoformat().replace("+00:00", "Z")

    def ago_micros(self, micros: int) -> str:
        """How long ago a moment given in µs was."""
        return self.ago(from_micros(micros))
