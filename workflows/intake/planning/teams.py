"""Planning teams and who is in them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select

from core.calendars import SHIPPED_NAMES, codes_at, nearest_row
from core.codes import CODE
from core.folding import fold
from core.ids import new_id
from core.places import Node
from core.teams import SHIPPED, Member, Team
from rules.catalog import Text
from workflows.intake.faults import listed
from workflows.intake.lines import Line
from workflows.intake.plan import Item, Shown
from workflows.intake.planning.crews import Crews, Hand
from workflows.intake.planning.work import Work, lines_of, names_given, shown_names
from workflows.tickets.categories import categories_at

_LONGEST_CODE = 40


@dataclass(slots=True)
class Known:
    """A team of a site as it stands, or as the file adds it. row: None = as shipped, or new."""

    code: str
    name: Mapping[str, str]
    mode: str = "grab"
    cover: str | None = None
    row: Team | None = None

    def fields(self) -> dict[str, Any]:
        """What a row of it holds."""
        return {"name": dict(self.name), "mode": self.mode, "cover": self.cover}


@dataclass(slots=True)
class Teams:
    """The teams of each site, and who is in them after the import."""

    work: Work
    known: dict[UUID, dict[str, Known]] = field(default_factory=dict)
    # Skills of who is in a team, as it stands; None for whoever the file takes out.
    inside: dict[tuple[UUID, str], dict[UUID, list[str] | None]] = field(default_factory=dict)

    def at(self, site: Node) -> dict[str, Known]:
        """The teams of a site by code, the shipped ones first."""
        if site.id not in self.known:
            statement = select(Team).where(Team.site_id == site.id).order_by(Team.code)
            if self.work.lock:
                statement = statement.with_for_update()
            own = {
                row.code: Known(row.code, dict(row.name), row.mode, row.cover, row)
                for row in self.work.session.scalars(statement)
            }
            shipped = {code: Known(code, dict(name)) for code, name in SHIPPED.items()}
            self.known[site.id] = {**shipped, **own}
        return self.known[site.id]

    def members(self, site: Node, team: str) -> dict[UUID, list[str] | None]:
        """Who is in a team and with which skills; None for whoever the file takes out."""
        key = (site.id, team)
        if key not in self.inside:
            statement = select(Member).where(Member.site_id == site.id, Member.team == team)
            if self.work.lock:
                statement = statement.with_for_update()
            rows = self.work.session.scalars(statement)
            self.inside[key] = {row.person_id: list(row.skills) for row in rows}
        return self.inside[key]

    def find(self, line: Line, site: Node) -> str | None:
        """The team that a cell names; None when it is empty, or after noting that it is none."""
        text = line.text("team")
        if not text:
            return None
        known = self.at(site)
        wanted = fold(text)
        by_name = [one.code for one in known.values() if wanted in map(fold, one.name.values())]
        if text in known:
            return text
        if len(by_name) == 1:
            return by_name[0]
        self.work.refuse(line, "team", "no_team", text=text, known=listed(known))
        return None

    def of(self, site: Node, hand: Hand) -> list[str]:
        """The teams somebody is in."""
        return [c for c in self.at(site) if self.members(site, c).get(hand.id) is not None]


def plan_teams(work: Work, lines: Iterable[Line], sites: Mapping[int, Node]) -> Teams:
    """Plan the sheet of teams; returns all teams as they are afterwards."""
    teams = Teams(work)
    first: dict[tuple[UUID, str], Line] = {}
    for line in lines_of(lines, "teams"):
        site, code = sites.get(id(line)), line.text("code")
        if site is None or not code:
            continue
        _check_code(work, line, code)
        if (site.id, code) in first:
            place = f"{first[site.id, code].title}!{first[site.id, code].cell('code')}"
            work.refuse(line, "code", "twice", text=code, first=place)
            continue
        first[site.id, code] = line
        _plan_team(teams, line, site, code)
    return teams


def _check_code(work: Work, line: Line, code: str) -> None:
    if len(code) > _LONGEST_CODE:
        size = str(len(code))
        work.refuse(line, "code", "too_long", limit=str(_LONGEST_CODE), size=size)
    elif CODE.fullmatch(code) is None:
        work.refuse(line, "code", "code", text=code)


def _plan_team(teams: Teams, line: Line, site: Node, code: str) -> None:
    work = teams.work
    stands = teams.at(site).get(code)
    given = names_given(line)
    before = stands.fields() if stands else {"name": {}, "mode": None, "cover": None}
    cover = before["cover"]
    if line.text("cover"):
        cover = None if work.clears(line, "cover") else _calendar(work, line, site)
    wanted = {
        "name": {**before["name"], **given} or {"en": code},
        "mode": work.choice(line, "mode") or before["mode"] or "grab",
        "cover": cover,
    }
    changed = {name: value for name, value in wanted.items() if value != before[name]}
    shown = [*shown_names(before["name"], wanted["name"])]
    shown += [
        Shown(name, before[name] or "", wanted[name] or "")
        for name in ("mode", "cover")
        if name in changed
    ]
    row = stands.row if stands else None
    new = bool(changed) and row is None
    item = Item(
        kind="team",
        action="create" if new else "update" if changed else "same",
        id=row.id if row else new_id(),
        site_id=site.id,
        label=f"{site.code} / {code}",
        sheet=line.title,
        row=line.row,
        shown=tuple(shown),
        before={} if new else {name: before[name] for name in changed},
        after={"code": code, **wanted} if new else changed,
    )
    work.items.append(item)
    teams.at(site)[code] = Known(code, wanted["name"], wanted["mode"], wanted["cover"], row)


def _calendar(work: Work, line: Line, site: Node) -> str | None:
    text = line.text("cover")
    names: dict[str, Mapping[str, str]] = {}
    for code in codes_at(work.session, site):
        row = nearest_row(work.session, site, code)
        names[code] = row.name if row else SHIPPED_NAMES[code]
    for code, name in names.items():
        if fold(text) in (fold(code), *map(fold, name.values())):
            return code
    known = listed(_word(code, name) for code, name in names.items())
    work.refuse(line, "cover", "choice", text=text, known=known)
    return None


def _word(code: str, name: Mapping[str, str]) -> Text:
    either = next(iter(name.values()), code)
    return Text(name.get("en", either), name.get("zh", either))


def plan_members(
    work: Work, lines: Iterable[Line], sites: Mapping[int, Node], teams: Teams, crews: Crews
) -> None:
    """Plan the sheet of who is in which team."""
    first: dict[tuple[UUID, str, UUID], Line] = {}
    for line in lines_of(lines, "members"):
        site = sites.get(id(line))
        if site is None:
            continue
        team, hand = teams.find(line, site), crews.find(line, site)
        skills = _skills(work, line, site)
        within = work.choice(line, "within") != "no"
        if team is None or hand is None:
            continue
        key = (site.id, team, hand.id)
        if key in first:
            column = "login" if line.text("login") else "name"
            place = f"{first[key].title}!{first[key].cell(column)}"
            work.refuse(line, column, "twice", text=line.text(column), first=place)
            continue
        first[key] = line
        _plan_member(teams, line, site, team, hand, skills if within else None, within=within)


def _skills(work: Work, line: Line, site: Node) -> list[str] | None:
    """The categories of a cell, by code or name; None when it is empty."""
    text = line.text("skills")
    if not text:
        return None
    if work.clears(line, "skills"):
        return []
    known = categories_at(work.session, site.id)
    found = []
    for word in text.replace("，", ",").replace("、", ",").replace("/", ",").split(","):
        wanted = fold(word)
        fitting = [
            one.code
            for one in known.values()
            if wanted in (fold(one.code), *map(fold, one.name.values()))
        ]
        if fitting:
            found.append(fitting[0])
        elif wanted:
            words = listed((_word(one.code, one.name) for one in known.values()), 20)
            work.refuse(line, "skills", "choice", text=word.strip(), known=words)
    return sorted(set(found))


def _plan_member(
    teams: Teams,
    line: Line,
    site: Node,
    team: str,
    hand: Hand,
    skills: list[str] | None,
    *,
    within: bool,
) -> None:
    inside = teams.members(site, team)
    stands = inside.get(hand.id)
    wanted = None if not within else stands or [] if skills is None else skills
    shown = []
    if (stands is None) != (wanted is None):
        shown.append(Shown("within", "no" if stands is None else "yes", "yes" if within else "no"))
    if (stands or []) != (wanted or []):
        shown.append(Shown("skills", ", ".join(stands or []), ", ".join(wanted or [])))
    same = stands == wanted
    fixed = {"person_id": hand.id, "team": team}
    item = Item(
        kind="member",
        action="same" if same else "create" if stands is None else "update",
        # Who is in a team has no id of its own; this one is the same for ever.
        id=uuid5(site.id, f"{team}/{hand.id}"),
        site_id=site.id,
        label=f"{site.code} / {team} / {hand.name}",
        sheet=line.title,
        row=line.row,
        shown=tuple(shown),
        before={} if same else {**fixed, "skills": stands},
        after={} if same else {**fixed, "skills": wanted},
    )
    teams.work.items.append(item)
    inside[hand.id] = wanted
