"""What the page of the figures of rounds says and draws, and what it hands out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from web.languages import mark, translations
from web.load_pictures import day_name
from web.reader import Reader
from web.workbooks import Cell, Table
from workflows.patrol.rounds import PatrolFigures, RoundSums, SiteFigures, Visits

HEIGHT = 100
HOURS = 24
BAR_STATES = ("scanned", "unknown", "missed")
# Shares of the days on which somebody was there at an hour: none, few, many, nearly all.
LEVELS = (0.0, 0.25, 0.75, 1.0)
NOBODY = mark("Nobody in these days")
LEVEL_WORDS = (
    mark("nobody"),
    mark("on up to a quarter of the days"),
    mark("on up to three quarters"),
    mark("on more"),
)
FIGURES: Mapping[str, tuple[str, str, str]] = {
    # attribute -> name, what is counted, out of what
    "completion": (mark("Complete rounds"), "complete", "closed"),
    "coverage": (mark("Checkpoints scanned"), "scanned", "due"),
    "punctuality": (mark("Scanned within their windows"), "inside", "scanned"),
    "begun_in_time": (mark("Rounds begun in time"), "in_time", "over"),
}
OF_LINES = ("completion", "coverage", "punctuality", "begun_in_time")
LINE_WORDS = (
    mark("Complete"),
    mark("Checkpoints scanned"),
    mark("Within their windows"),
    mark("Begun in time"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a day's bar, on a canvas as wide as there are days and 100 high."""

    state: str
    x: int
    y: float
    height: float
    title: str


def percent(reader: Reader, share: float | None) -> str:
    """A share in percent; a dash where there is nothing to measure."""
    return "–" if share is None else f"{reader.number(int(share * 1000) / 10)}%"


def figures_told(found: PatrolFigures, reader: Reader) -> list[dict[str, str]]:
    """The figures, each with what it is counted from and what it was before."""
    counts, earlier = _counts(found.sums), _counts(found.before)
    told = []
    for code, (name, part, whole) in FIGURES.items():
        told.append(
            {
                "name": reader.translate(name),
                "value": percent(reader, getattr(found.sums, code)),
                "counted": reader.translate(
                    mark("%(part)s of %(whole)s"),
                    part=reader.number(counts[part]),
                    whole=reader.number(counts[whole]),
                ),
                "before": percent(reader, getattr(found.before, code))
                if earlier[whole]
                else reader.translate(mark("nothing then")),
            }
        )
    return told


def _counts(sums: RoundSums) -> Mapping[str, int]:
    return {
        "complete": sums.complete,
        "closed": sums.closed,
        "scanned": sums.scanned,
        "due": sums.scanned + sums.missed,
        "inside": sums.inside,
        "in_time": sums.in_time,
        "over": sums.closed + sums.unsettled,
    }


def day_bars(found: PatrolFigures, reader: Reader) -> dict[str, Any]:
    """For each day what was due, by what became of it; most: the most of any day."""
    most = max([sum(_due(one)) for one in found.by_day] + [1])
    parts: list[Part] = []
    for number, (day, sums) in enumerate(zip(found.days, found.by_day, strict=True)):
        top = HEIGHT * 1.0
        for state, count in zip(BAR_STATES, _due(sums), strict=True):
            if count:
                height = count * HEIGHT / most
                top -= height
                word = reader.word("point_state", state)
                title = f"{day_name(reader, day)}: {word} {reader.number(count)}"
                parts.append(Part(state, number, round(top, 2), round(height, 2), title))
    return {"parts": parts, "most": most if parts else 0}


def _due(sums: RoundSums) -> tuple[int, int, int]:
    return sums.scanned, sums.unknown, sums.missed


def shares_of(sums: RoundSums, reader: Reader) -> list[tuple[str, str]]:
    """The shares of a line of a table, each with its name."""
    return [
        (reader.translate(word), percent(reader, getattr(sums, code)))
        for word, code in zip(LINE_WORDS, OF_LINES, strict=True)
    ]


def visits_told(site: SiteFigures, reader: Reader) -> list[dict[str, Any]]:
    """Each checkpoint with its strip of hours, the one that was left alone the longest first."""
    days = site.span.days.count
    ranked = sorted(site.checkpoints, key=lambda one: (one.count > 0, -(one.longest_gap_s or 0)))
    return [
        {
            "id": one.checkpoint_id,
            "name": reader.text(one.name) or one.code,
            "told": _visit_text(one, reader),
            "hours": [
                {"level": _level(count / days), "title": _hour_text(hour, count, days, reader)}
                for hour, count in enumerate(one.by_hour)
            ],
        }
        for one in ranked
    ]


def _level(share: float) -> int:
    return next(number for number, step in enumerate(LEVELS) if share <= step)


def _hour_text(hour: int, count: int, days: int, reader: Reader) -> str:
    values = {"count": reader.number(count), "days": reader.number(days)}
    said = reader.translate(mark("on %(count)s of %(days)s days"), **values)
    return f"{hour}:00–{hour + 1}:00 {said}"


def _visit_text(one: Visits, reader: Reader) -> str:
    if one.longest_gap_s is None:
        return reader.translate(mark("Nobody has ever been here"))
    alone = reader.translate(
        mark("left alone for %(time)s at most"), time=reader.span(one.longest_gap_s)
    )
    if one.last_at is None:
        return f"{reader.translate(NOBODY)} · {alone}"
    words = translations(reader.language).ngettext("%(num)s visit", "%(num)s visits", one.count)
    visits = words % {"num": reader.number(one.count)}
    last = reader.translate(mark("the last %(time)s"), time=reader.minute(one.last_at))
    return f"{visits} · {last} · {alone}"


def tables(found: PatrolFigures, reader: Reader) -> Iterable[Table]:
    """Everything that the page shows, as sheets."""
    yield (
        mark("Figures"),
        (mark("Figure"), mark("Value"), mark("Counted"), mark("As many days before")),
        [tuple(one.values()) for one in figures_told(found, reader)],
    )
    counted = (mark("Complete"), mark("Incomplete"), mark("Not gone at all"), mark("Called off"))
    points = (mark("Scanned"), mark("Within their windows"), mark("Missed"), mark("Excused"))
    yield (
        mark("Days"),
        (mark("Day"), *counted, *points),
        [
            (day.isoformat(), *_numbers(sums))
            for day, sums in zip(found.days, found.by_day, strict=True)
        ],
    )
    yield (
        mark("Routes"),
        (mark("Route"), mark("Site"), *counted, *points),
        [
            (reader.text(line.name) or line.code, reader.text(site.site.name), *_numbers(line.sums))
            for site in found.sites
            for line in site.routes
        ],
    )
    hours = tuple(f"{hour}:00" for hour in range(HOURS))
    yield (
        mark("Checkpoints"),
        (mark("Checkpoint"), mark("Visits"), mark("Last visit"), mark("Longest gap in s"), *hours),
        [_visit_row(site, one, reader) for site in found.sites for one in site.checkpoints],
    )


def _numbers(sums: RoundSums) -> Sequence[Cell]:
    whole = (sums.complete, sums.incomplete, sums.missed_whole, sums.cancelled)
    return (*whole, sums.scanned, sums.inside, sums.missed, sums.excused)


def _visit_row(site: SiteFigures, one: Visits, reader: Reader) -> Sequence[Cell]:
    last = None if one.last_at is None else one.last_at.astimezone(site.span.zone)
    name = reader.text(one.name) or one.code
    return (name, one.count, last, one.longest_gap_s, *one.by_hour)
