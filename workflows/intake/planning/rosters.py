"""Planning rosters: what every cell of a month, or every row of a day, wants of somebody's day."""

import calendar
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from core.local_time import zone
from core.places import Node
from core.rosters.days import Day, DayShift, by_day, day_of, shift_on, shifts_of
from core.shift_codes import ShiftCode, shift_codes_at, understand_cell
from rules.catalog import Text
from workflows.intake.faults import listed
from workflows.intake.lines import Line
from workflows.intake.plan import Item, Shown
from workflows.intake.planning.crews import Crews, Hand
from workflows.intake.planning.households import day_in
from workflows.intake.planning.teams import Teams
from workflows.intake.planning.work import Work, lines_of
from workflows.intake.sheets import CLEAR, DAYS

# A month of two thousand people: more can't be looked through in a preview.
MOST_DAYS = 62_000
# Nobody plans a day outside of these.
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_MONTH = re.compile(r"(\d{4})[-/.年]?(\d{1,2})月?(?:[-/.]\d{1,2})?")


class _Cell(NamedTuple):
    """A cell that says what somebody does on a day."""

    line: Line
    column: str
    site: Node
    hand: Hand
    day: Day
    shifts: tuple[DayShift, ...]

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.line.title}!{self.line.cell(self.column)}"


def plan_rosters(
    work: Work, lines: Iterable[Line], sites: Mapping[int, Node], teams: Teams, crews: Crews
) -> None:
    """Plan both sheets of rosters."""
    reader = _Reader(work, sites, teams, crews)
    wanted: defaultdict[UUID, dict[Day, _Cell]] = defaultdict(dict)
    for count, cell in enumerate(reader.cells(lines)):
        if count == MOST_DAYS:
            work.refuse(cell.line, cell.column, "many_days", limit=f"{MOST_DAYS:,}")
            return
        first = wanted[cell.site.id].setdefault(cell.day, cell)
        if first is not cell:
            work.refuse(cell.line, cell.column, "twice_day", first=first.place)
    _plan(work, wanted)


@dataclass(slots=True)
class _Reader:
    work: Work
    sites: Mapping[int, Node]
    teams: Teams
    crews: Crews

    _codes: dict[UUID, Mapping[str, ShiftCode]] = field(default_factory=dict)

    def cells(self, lines: Iterable[Line]) -> Iterator[_Cell]:
        """The cells of both sheets, as far as they can be understood."""
        lines = list(lines)
        for line in lines_of(lines, "roster"):
            if found := self._whose(line):
                yield from self._month(line, *found)
        for line in lines_of(lines, "roster_days"):
            if (found := self._whose(line)) and (day := self._day(line)):
                yield from self._cell(line, "shift", *found, day)

    def _day(self, line: Line) -> date | None:
        day = day_in(self.work, line, "day")
        if day is None or _FIRST_YEAR <= day.year <= _LAST_YEAR:
            return day
        self.work.refuse(line, "day", "day", text=line.text("day"))
        return None

    def _whose(self, line: Line) -> tuple[Node, str, Hand] | None:
        site = self.sites.get(id(line))
        if site is None:
            return None
        team, hand = self.teams.find(line, site), self.crews.find(line, site)
        if hand is not None and not line.text("team"):
            own = self.teams.of(site, hand)
            team = own[0] if len(own) == 1 else None
            if team is None:
                known = listed(own or self.teams.at(site))
                self.work.refuse(line, "team", "which_team", known=known)
        return (site, team, hand) if team is not None and hand is not None else None

    def _month(self, line: Line, site: Node, team: str, hand: Hand) -> Iterator[_Cell]:
        text = line.text("month")
        if not text:
            self.work.refuse(line, "month", "no_month")
            return
        match = _MONTH.fullmatch(text.strip())
        year, month = map(int, match.groups()) if match else (0, 0)
        if not (1 <= month <= 12 and _FIRST_YEAR <= year <= _LAST_YEAR):
            self.work.refuse(line, "month", "month", text=text)
            return
        last = calendar.monthrange(year, month)[1]
        for number, column in enumerate(DAYS, 1):
            if not line.text(column):
                continue
            if number > last:
                told = f"{year}-{month:02}"
                self.work.refuse(line, column, "no_such_day", month=told, text=str(number))
            else:
                yield from self._cell(line, column, site, team, hand, date(year, month, number))

    def _cell(
        self, line: Line, column: str, site: Node, team: str, hand: Hand, day: date
    ) -> Iterator[_Cell]:
        text = line.text(column)
        if site.id not in self._codes:
            self._codes[site.id] = shift_codes_at(self.work.session, site.id)
        known = self._codes[site.id]
        meant = [] if text == CLEAR else understand_cell(known, text)
        if meant is None:
            words = [_word(code) for code in known.values() if not code.retired]
            self.work.refuse(line, column, "shift", text=text, known=listed(words))
            return
        shifts = {shift_on(site, day, one.hours, one.kind) for one in meant}
        yield _Cell(line, column, site, hand, Day(team, hand.id, day), tuple(sorted(shifts)))


def _word(code: ShiftCode) -> Text:
    either = next(iter(code.name.values()))
    return Text(code.name.get("en", either), code.name.get("zh", either))


def _plan(work: Work, wanted: Mapping[UUID, Mapping[Day, _Cell]]) -> None:
    cells = [cell for some in wanted.values() for cell in some.values()]
    if not cells:
        return
    days = [cell.day.day for cell in cells]
    people = {cell.hand.id for cell in cells}
    standing = shifts_of(work.session, people, min(days), max(days), lock=work.lock)
    spans: defaultdict[UUID, list[tuple[DayShift, _Cell | None]]] = defaultdict(list)
    for site_id, some in wanted.items():
        site = work.nodes[site_id]
        before = by_day(site, standing)
        for day, cell in some.items():
            work.items.append(_item(site, cell, before.get(day, ())))
            spans[cell.hand.id] += [(shift, cell) for shift in cell.shifts]
    for one in standing:
        theirs = wanted.get(one.site_id, {})
        day = Day(one.team, one.person_id, day_of(work.nodes[one.site_id], one.starts_at))
        if day not in theirs:
            spans[one.person_id].append((DayShift(one.starts_at, one.ends_at, one.kind), None))
    for found in spans.values():
        _refuse_doubles(work, found)


def _refuse_doubles(work: Work, spans: list[tuple[DayShift, _Cell | None]]) -> None:
    """Note where somebody would have two shifts at once; what stands elsewhere is not named."""
    spans.sort(key=lambda one: (one[0].starts_at, one[0].ends_at))
    earlier, first = spans[0] if spans else (None, None)
    for later, second in spans[1:]:
        overlap = earlier is not None and later.starts_at < earlier.ends_at
        cell, other = (second, earlier) if second is not None else (first, later)
        if earlier is None or later.ends_at > earlier.ends_at:
            earlier, first = later, second
        if overlap and cell is not None and other is not None:
            known = _told(cell.site, other)
            work.refuse(cell.line, cell.column, "double", known=known)


def _told(site: Node, shift: DayShift, *, day: bool = True) -> str:
    where = zone(site.time_zone)
    starts, ends = shift.starts_at.astimezone(where), shift.ends_at.astimezone(where)
    hours = f"{starts:%H:%M}–{ends:%H:%M}"
    return f"{starts:%Y-%m-%d} {hours}" if day else hours


def _item(site: Node, cell: _Cell, stands: tuple[DayShift, ...]) -> Item:
    same = stands == cell.shifts
    shown = tuple(
        Shown(column, _listed(site, before, kind), _listed(site, cell.shifts, kind))
        for column, kind, before in (("shift", "duty", stands), ("on_call", "on_call", stands))
        if _listed(site, before, kind) != _listed(site, cell.shifts, kind)
    )
    day = cell.day
    fixed = {"person_id": day.person_id, "team": day.team, "day": day.day.isoformat()}
    return Item(
        kind="duty",
        action="same" if same else "update" if stands else "create",
        # Somebody's day in a team has no id of its own; this one is the same for ever.
        id=uuid5(site.id, f"{day.team}/{day.person_id}/{day.day}"),
        site_id=site.id,
        label=f"{site.code} / {day.team} / {cell.hand.name} / {day.day}",
        sheet=cell.line.title,
        row=cell.line.row,
        shown=shown,
        before={} if same else {**fixed, "shifts": shifts_kept(stands)},
        after={} if same else {**fixed, "shifts": shifts_kept(cell.shifts)},
    )


def _listed(site: Node, shifts: Iterable[DayShift], kind: str) -> str:
    return ", ".join(_told(site, one, day=False) for one in shifts if one.kind == kind)


def shifts_kept(shifts: Iterable[DayShift]) -> list[list[str]]:
    """Shifts as an import keeps them; `shifts_of_kept` makes them again."""
    return [[one.starts_at.isoformat(), one.ends_at.isoformat(), one.kind] for one in shifts]


def shifts_of_kept(kept: Iterable[Iterable[str]]) -> tuple[DayShift, ...]:
    """The shifts that an import kept."""
    return tuple(
        DayShift(datetime.fromisoformat(starts), datetime.fromisoformat(ends), kind)
        for starts, ends, kind in kept
    )


def day_kept(kept: Mapping[str, Any]) -> Day:
    """The day that an import kept."""
    return Day(kept["team"], kept["person_id"], date.fromisoformat(kept["day"]))
