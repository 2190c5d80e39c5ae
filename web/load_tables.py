"""The alarm load to take along: its figures as CSV, and everything as a workbook."""

import csv
import io
from collections.abc import Iterable, Sequence

from fastapi import Response

from core.clock import from_micros
from web.languages import mark
from web.load_words import (
    FIGURES,
    SOURCES,
    VERDICTS,
    advice_text,
    cause_text,
    limit_text,
    stands_since,
    target_text,
)
from web.reader import Reader
from web.ticket_table import XLSX
from web.workbooks import Cell, Table, attached, workbook
from workflows.alarms.load import AlarmLoad

CSV = "text/csv; charset=utf-8"
FIGURE_COLUMNS = (
    mark("Figure"),
    mark("Value"),
    mark("Unit"),
    mark("Target"),
    mark("Act from"),
    mark("Verdict"),
    mark("Source"),
)
UNITS = {"h": "", "10min": "", "%": "%", "s": mark("seconds"), "": ""}


def as_csv(reader: Reader, load: AlarmLoad) -> Response:
    """The figures, one a line; as spreadsheets open it in any language."""
    target = io.StringIO()
    lines = csv.writer(target)
    lines.writerow([reader.translate(title) for title in FIGURE_COLUMNS])
    lines.writerows(_figures(reader, load))
    # Without the mark at its beginning Excel takes UTF-8 for something else.
    return _download(("\ufeff" + target.getvalue()).encode(), CSV, load, "csv")


def as_workbook(reader: Reader, load: AlarmLoad) -> Response:
    """A sheet for each part; texts are never formulas."""
    return _download(workbook(reader, _tables(reader, load)), XLSX, load, "xlsx")


def _download(content: bytes, kind: str, load: AlarmLoad, ending: str) -> Response:
    return attached(content, kind, f"alarm-load-{load.days.first}-{load.days.last}.{ending}")


def _tables(reader: Reader, load: AlarmLoad) -> Iterable[Table]:
    yield mark("Figures"), FIGURE_COLUMNS, _figures(reader, load)
    yield (
        mark("Next steps"),
        (mark("What to do"), mark("Alarm"), mark("Equipment"), mark("Alarms at stake")),
        _steps(reader, load),
    )
    yield (
        mark("Most frequent"),
        (mark("Alarm"), mark("Equipment"), mark("Rule"), mark("Alarms"), mark("Unanswered")),
        _alarms(reader, load),
    )
    yield (
        mark("Days"),
        (mark("Day"), mark("Alarms"), mark("Stale")),
        (
            (day.isoformat(), count, stale)
            for day, count, stale in zip(load.days, load.by_day, load.stale_days, strict=True)
        ),
    )
    yield (
        mark("Floods"),
        (mark("Site"), mark("Began"), mark("Ended"), mark("Alarms"), mark("Main causes")),
        _floods(reader, load),
    )
    yield (
        mark("Causes"),
        (mark("Verdict"), mark("Cause"), mark("Alarms")),
        (
            (reader.word("verdict", verdict), cause_text(reader, cause), count)
            for (verdict, cause), count in sorted(load.causes.items(), key=lambda one: -one[1])
        ),
    )
    yield (
        mark("Withheld alarms"),
        (mark("State"), mark("Begun"), mark("Standing"), mark("Trips that told nobody")),
        (
            (reader.word("alarm_state", kind), one.begun, one.standing, one.trips)
            for kind, one in load.withheld.items()
        ),
    )


def _figures(reader: Reader, load: AlarmLoad) -> Iterable[Sequence[Cell]]:
    for code, metric in load.metrics.items():
        goal = metric.goal
        yield (
            reader.translate(FIGURES[code]),
            _plain(metric.value),
            reader.translate(UNITS[goal.unit]) if UNITS[goal.unit] else "",
            target_text(reader, goal),
            limit_text(reader, goal),
            reader.translate(VERDICTS[metric.verdict]),
            reader.translate(SOURCES[goal.source]),
        )


def _plain(value: float | None) -> Cell:
    if value is None:
        return ""
    return int(value) if value.is_integer() else round(value, 3)


def _steps(reader: Reader, load: AlarmLoad) -> Iterable[Sequence[Cell]]:
    for advice in load.advice:
        alarm = advice.alarm
        yield (
            advice_text(reader, advice, stands_since(advice, load)),
            reader.text(alarm.title) if alarm else "",
            reader.text(alarm.asset_name) if alarm else "",
            advice.at_stake,
        )


def _alarms(reader: Reader, load: AlarmLoad) -> Iterable[Sequence[Cell]]:
    for one in load.top:
        title, asset = reader.text(one.alarm.title), reader.text(one.alarm.asset_name)
        yield title, asset, one.alarm.rule_id, one.count, one.unanswered


def _floods(reader: Reader, load: AlarmLoad) -> Iterable[Sequence[Cell]]:
    sites = {line.load.site.id: line.load for line in load.sites}
    for flood in load.floods:
        site = sites[flood.site_id]
        zone = site.span.zone
        causes = (f"{reader.text(one.alarm.title)} ({one.count})" for one in flood.causes)
        yield (
            reader.text(site.site.name),
            from_micros(flood.start).astimezone(zone),
            None if flood.end is None else from_micros(flood.end).astimezone(zone),
            flood.count,
            ", ".join(causes),
        )
