"""Planning people and their roles."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from core.accounts import holders_of, login_of
from core.colleagues import nodes_in_sight
from core.errors import Invalid
from core.ids import new_id
from core.invitations import answers_for, roles_to_give
from core.people import Grant, Person
from core.permissions import ROLES_OF_A_TEAM, STAFF_ROLES
from core.places import Node
from core.teams import teams_below
from rules.catalog import Text
from workflows.intake.faults import listed
from workflows.intake.lines import Line
from workflows.intake.plan import Item, Shown
from workflows.intake.planning.standing import in_parts
from workflows.intake.planning.work import Work, lines_of

_LONGEST_NAME = 120


@dataclass(slots=True)
class Somebody:
    """All lines of one login."""

    login: str
    lines: list[Line] = field(default_factory=list)
    person: Person | None = None
    id: UUID = field(default_factory=new_id)

    @property
    def first(self) -> Line:
        """The first of the lines."""
        return self.lines[0]


def plan_people(work: Work, lines: Iterable[Line]) -> None:
    """Plan the sheet of people."""
    somebodies = _by_login(work, lines_of(lines, "people"))
    if not somebodies:
        return
    planner = _Planner(work, somebodies)
    for somebody in somebodies.values():
        planner.plan(somebody)


def _by_login(work: Work, lines: list[Line]) -> dict[str, Somebody]:
    found: dict[str, Somebody] = {}
    for line in lines:
        text = line.text("login")
        if not text:
            continue
        try:
            login = login_of(text)
        except Invalid:
            work.refuse(line, "login", "login", text=text)
            continue
        found.setdefault(login, Somebody(login)).lines.append(line)
    return found


class _Planner:
    def __init__(self, work: Work, somebodies: Mapping[str, Somebody]) -> None:
        self._work = work
        caller = work.caller
        self._nodes = nodes_in_sight(work.session, caller)
        self._places = [node for node in self._nodes.values() if answers_for(caller, node)]
        self._roles = {node.id: roles_to_give(caller, node) for node in self._places}
        self._holders = holders_of(work.session, somebodies)
        self._people: dict[UUID, Person] = {}
        self._grants: dict[UUID, list[Grant]] = {}
        self._teams: dict[UUID, Collection[str]] = {}
        self._load()

    def _load(self) -> None:
        for some in in_parts(list(self._holders.values())):
            grants = select(Grant).where(Grant.person_id.in_(some))
            for grant in self._work.session.scalars(grants):
                self._grants.setdefault(grant.person_id, []).append(grant)
            people = select(Person).where(Person.id.in_(some))
            if self._work.lock:
                people = people.with_for_update()
            for person in self._work.session.scalars(people):
                self._people[person.id] = person

    def plan(self, somebody: Somebody) -> None:
        """Plan one person with all their lines."""
        if not self._places:
            return self._refuse_all(somebody, "no_right", title=somebody.first.sheet.title)
        holder = self._holders.get(somebody.login)
        if holder is not None:
            grants = self._grants.get(holder, [])
            staff = [grant for grant in grants if grant.role in STAFF_ROLES]
            if not any(grant.node_id in self._nodes for grant in staff):
                # Somebody elsewhere has it; who that is, is nobody's business here.
                return self._refuse_all(somebody, "login_taken")
            somebody.person, somebody.id = self._people[holder], holder
            if somebody.person.left_at is not None:
                return self._refuse_all(somebody, "left")
        self._plan_person(somebody)
        self._plan_grants(somebody)
        return None

    def _refuse_all(self, somebody: Somebody, code: str, **values: Text) -> None:
        for line in somebody.lines:
            self._work.refuse(line, "login", code, **values)

    def _said(self, somebody: Somebody, column: str) -> tuple[str, Line]:
        """What the lines say in a column; a finding where two say different things."""
        said, where = "", somebody.first
        for line in somebody.lines:
            text = line.text(column)
            if not said:
                said, where = text, line if text else where
            elif text and text != said:
                place = f"{where.title}!{where.cell(column)}"
                self._work.refuse(line, column, "other_name", first=place)
        return said, where

    def _plan_person(self, somebody: Somebody) -> None:
        name, at = self._said(somebody, "name")
        self._said(somebody, "language")
        locale = next(filter(None, (self._language(line) for line in somebody.lines)), None)
        if len(name) > _LONGEST_NAME:
            size = str(len(name))
            self._work.refuse(at, "name", "too_long", limit=str(_LONGEST_NAME), size=size)
        person = somebody.person
        if person is None:
            self._plan_new(somebody, name, locale or "zh")
            return
        wanted = {"name": name or person.name, "locale": locale or person.locale}
        before = {"name": person.name, "locale": person.locale}
        after = {key: value for key, value in wanted.items() if value != before[key]}
        if after and not self._answers(somebody.id):
            self._work.refuse(at, "name" if "name" in after else "language", "not_yours")
        shown = [
            Shown("language" if key == "locale" else key, before[key], value)
            for key, value in after.items()
        ]
        self._add(somebody, "update" if after else "same", shown, before if after else {}, after)

    def _language(self, line: Line) -> str | None:
        return self._work.choice(line, "language")

    def _answers(self, person_id: UUID) -> bool:
        nodes = self._work.nodes
        grants = self._grants.get(person_id, [])
        return all(answers_for(self._work.caller, nodes[grant.node_id]) for grant in grants)

    def _plan_new(self, somebody: Somebody, name: str, locale: str) -> None:
        line = somebody.first
        if not name:
            self._work.refuse(line, "name", "missing", title=line.sheet.column("name").title)
        if not any(each.text("role") for each in somebody.lines):
            self._work.refuse(line, "role", "needs_role")
        after = {"name": " ".join(name.split()), "locale": locale, "login": somebody.login}
        shown = [Shown("name", "", name), Shown("language", "", locale)]
        self._add(somebody, "create", shown, {}, after)

    def _add(
        self,
        somebody: Somebody,
        action: str,
        shown: Iterable[Shown],
        before: Mapping[str, str],
        after: Mapping[str, str],
    ) -> None:
        line = somebody.first
        item = Item(
            kind="person",
            action=action,
            id=somebody.id,
            site_id=None,
            label=somebody.login,
            sheet=line.title,
            row=line.row,
            shown=tuple(shown),
            before=before,
            after=after,
        )
        self._work.items.append(item)

    def _plan_grants(self, somebody: Somebody) -> None:
        held = {(g.node_id, g.role, g.team): g.id for g in self._grants.get(somebody.id, [])}
        first: dict[tuple[UUID, str, str], Line] = {}
        for line in somebody.lines:
            found = self._role_of(line)
            if found is None:
                continue
            node, role, team = found
            key = node.id, role, team
            if key in first:
                other = first[key]
                place = f"{other.title}!{other.cell('login')}"
                self._work.refuse(line, "role", "twice", text=line.text("role"), first=place)
                continue
            first[key] = line
            standing = held.get(key)
            if standing is None and role not in self._roles[node.id]:
                self._work.refuse(line, "role", "not_given")
                continue
            self._add_grant(somebody, line, found, standing)

    def _add_grant(
        self, somebody: Somebody, line: Line, given: tuple[Node, str, str], standing: UUID | None
    ) -> None:
        node, role, team = given
        after = {"person_id": somebody.id, "node_id": node.id, "role": role, "team": team}
        shown: tuple[Shown, ...] = (Shown("role", "", role), Shown("place", "", node.code))
        shown += (Shown("team", "", team),) if team else ()
        item = Item(
            kind="grant",
            action="same" if standing else "create",
            id=standing or new_id(),
            site_id=node.id if node.kind == "site" else None,
            label=somebody.login,
            sheet=line.title,
            row=line.row,
            shown=() if standing else shown,
            after={} if standing else after,
        )
        self._work.items.append(item)

    def _role_of(self, line: Line) -> tuple[Node, str, str] | None:
        given = line.text("role"), line.text("place")
        if given == ("", ""):
            return None
        if not given[0] or (not given[1] and len(self._places) != 1):
            self._work.refuse(line, "place" if given[0] else "role", "half_role")
            return None
        role, node = self._work.choice(line, "role"), self._place_of(line)
        if role is None or node is None:
            return None
        team = line.text("team")
        if team and role not in ROLES_OF_A_TEAM:
            self._work.refuse(line, "team", "every_team")
            return None
        if team and team not in self._teams_of(node):
            self._work.refuse(line, "team", "no_such_team")
            return None
        return node, role, team

    def _teams_of(self, node: Node) -> Collection[str]:
        if node.id not in self._teams:
            self._teams[node.id] = teams_below(self._work.session, node).keys()
        return self._teams[node.id]

    def _place_of(self, line: Line) -> Node | None:
        text = line.text("place")
        if not text:
            return self._places[0]
        wanted = text.casefold()
        by_code = [node for node in self._places if text in (node.code, node.path.rstrip("/"))]
        by_name = [
            node
            for node in self._places
            if wanted in (name.casefold() for name in node.name.values())
        ]
        found = by_code or by_name
        if len(found) == 1:
            return found[0]
        known = listed(node.code for node in self._places)
        if found:
            known = listed(node.path.rstrip("/") for node in found)
        self._work.refuse(
            line, "place", "which_place" if found else "no_place", text=text, known=known
        )
        return None
