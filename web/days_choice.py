"""Which sites and days a page of figures is asked for, as its address says it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query

from core.days import USUAL_DAYS, Days, days_asked, today_of
from core.errors import Invalid
from core.places import Node
from rules.wording import worded
from web.languages import mark
from web.reader import Reader

SPANS = (7, USUAL_DAYS, 90)


@dataclass(frozen=True, slots=True)
class DaysChoice:
    """What was asked for; empty: whatever is usual."""

    site: str
    span: str
    first: str
    last: str

    @property
    def site_id(self) -> UUID | None:
        """The site that was chosen. Invalid for what no form of ours sends."""
        try:
            return UUID(self.site) if self.site else None
        except ValueError:
            raise Invalid(
                worded(mark("there is no such site")), problems=[worded(mark("site"))]
            ) from None

    def days(self, sites: Sequence[Node], reader: Reader) -> Days:
        """The days that were chosen. Invalid for days that cannot be looked at."""
        today = today_of(sites, reader.now)
        first, last = _day("from", self.first), _day("until", self.last)
        if first is None and self.span:
            first = (last or today) - timedelta(days=_span(self.span))
        return days_asked(first, last, today)

    def address(self, **changes: Any) -> str:
        """The query that asks for this with some changes."""
        asked = {"site": self.site, "span": self.span, "from": self.first, "until": self.last}
        kept = {**asked, **changes}
        return urlencode({name: value for name, value in kept.items() if value})


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(
            worded(mark("there is no such day")),
            problems=[worded(mark("%(name)s: a day such as 2026-11-24"), name=name)],
        ) from None


def _span(text: str) -> int:
    if text not in map(str, SPANS):
        known = ", ".join(map(str, SPANS))
        raise Invalid(
            worded(mark("there is no such span")),
            problems=[worded(mark("span: one of %(known)s"), known=known)],
        )
    return int(text)


def _asked(
    site: str = "",
    span: str = "",
    first: Annotated[str, Query(alias="from")] = "",
    last: Annotated[str, Query(alias="until")] = "",
) -> DaysChoice:
    return DaysChoice(site, span, first, last)


ChosenDays = Annotated[DaysChoice, Depends(_asked)]
