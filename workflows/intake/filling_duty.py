"""Teams and rosters as they stand, as rows of a template."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts import Password
from core.colleagues import able_people
from core.local_time import zone
from core.people import Caller
from core.places import Node
from core.rosters.days import DayShift, by_day, shifts_of
from core.shift_codes import Meant, shift_codes_at, written_cell
from core.teams import ROSTER, WRITE, members_of, teams_at
from workflows.intake.choices import CHOICES
from workflows.intake.planning.standing import in_parts
from workflows.intake.sheets import DAYS

Row = dict[str, str]
# The month that runs and the one that is to be planned.
_MONTHS = 2


@dataclass(frozen=True, slots=True)
class Filling:
    """For whom, in which language, with the sites that there are, and when."""

    session: Session
    caller: Caller
    language: str
    nodes: Mapping[UUID, Node]
    now: datetime

    def _sites(self, permission: str) -> list[Node]:
        may = self.caller.sites_for(permission)
        return [node for node in self.nodes.values() if node.id in may]

    def teams(self) -> list[Row]:
        """The teams of every site, also those as they are shipped."""
        modes = CHOICES["team_mode"]
        return [
            {
                "site": site.code,
                "code": team.code,
                "name_zh": team.name.get("zh", ""),
                "name_en": team.name.get("en", ""),
                "mode": modes[team.mode].get(self.language),
                "cover": team.cover or "",
            }
            for site in self._sites(WRITE)
            for team in teams_at(self.session, site.id)
        ]

    def members(self) -> list[Row]:
        """Who is in which team."""
        rows: list[Row] = []
        for site in self._sites(WRITE):
            known = self._known(site)
            for team in teams_at(self.session, site.id):
                rows += [
                    {
                        "site": site.code,
                        "team": team.code,
                        **known.get(person.id, {"skip": "–", "name": person.name}),
                        "skills": ", ".join(member.skills),
                    }
                    for member, person in members_of(self.session, site.id, team.code)
                ]
        return rows

    def months(self) -> list[Row]:
        """This month and the next: a row for everybody in a team or on its roster."""
        rows: list[Row] = []
        for site in self._sites(ROSTER):
            today = self.now.astimezone(zone(site.time_zone)).date()
            for first, last in _months(today):
                rows += self._month(site, first, last)
        return rows

    def days(self) -> list[Row]:
        """The shifts of the same months: a row for each day of somebody."""
        names = ("site", "team", "login", "name")
        return [
            {
                **{name: row[name] for name in names},
                "day": f"{row['month']}-{int(column[1:]):02}",
                "shift": shift,
            }
            for row in self.months()
            for column, shift in row.items()
            if column in DAYS and shift
        ]

    def _known(self, site: Node) -> dict[UUID, Row]:
        """Those who may stand in rows of a site, with their login or else their only name."""
        people = able_people(self.session, site.id, "tickets.work")
        logins: dict[UUID, str] = {}
        for some in in_parts([person.id for person in people]):
            rows = select(Password.person_id, Password.login).where(Password.person_id.in_(some))
            logins.update(self.session.execute(rows).all())
        called = Counter(person.name for person in people)
        return {
            person.id: {"login": logins.get(person.id, ""), "name": person.name}
            for person in people
            if person.id in logins or called[person.name] == 1
        }

    def _month(self, site: Node, first: date, last: date) -> Iterable[Row]:
        known = self._known(site)
        standing = by_day(site, shifts_of(self.session, known.keys(), first, last))
        theirs: defaultdict[tuple[str, UUID], dict[date, Sequence[DayShift]]] = defaultdict(dict)
        for team in teams_at(self.session, site.id):
            for _, person in members_of(self.session, site.id, team.code):
                if person.id in known:
                    theirs[team.code, person.id] = {}
        for day, shifts in standing.items():
            if first <= day.day <= last:
                theirs[day.team, day.person_id][day.day] = shifts
        for (code, person_id), days in theirs.items():
            who = {"site": site.code, "team": code, **known[person_id]}
            yield {**who, "month": f"{first:%Y-%m}", **self._cells(site, days)}

    def _cells(self, site: Node, days: Mapping[date, Sequence[DayShift]]) -> Row:
        codes, where = shift_codes_at(self.session, site.id), zone(site.time_zone)
        cells = {}
        for day, shifts in days.items():
            meant = [
                Meant(
                    one.kind,
                    (
                        one.starts_at.astimezone(where).time(),
                        one.ends_at.astimezone(where).time(),
                    ),
                )
                for one in shifts
            ]
            cells[f"d{day.day}"] = written_cell(codes, meant, self.language)
        return cells


def _months(today: date) -> Iterable[tuple[date, date]]:
    first = today.replace(day=1)
    for _ in range(_MONTHS):
        following = (first + timedelta(days=31)).replace(day=1)
        yield first, following - timedelta(days=1)
        first = following
