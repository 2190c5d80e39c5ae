"""Who can be put into a team or on a roster: those who work tickets on a site, old and new."""

from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from core.accounts import Password
from core.colleagues import able_people
from core.folding import fold
from core.people import Person
from core.permissions import ROLES
from core.places import Node
from workflows.intake.lines import Line
from workflows.intake.planning.standing import in_parts
from workflows.intake.planning.work import Work

_WORKS = "tickets.work"


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody who works tickets on a site."""

    id: UUID
    name: str


@dataclass(slots=True)
class Crew:
    """Those of one site, by login and by name."""

    by_login: dict[str, Hand] = field(default_factory=dict)
    by_name: defaultdict[str, dict[UUID, Hand]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, hand: Hand, login: str | None) -> None:
        """Note somebody."""
        self.by_name[fold(hand.name)][hand.id] = hand
        if login:
            self.by_login[fold(login)] = hand


class Crews:
    """The crews of the sites that a file names, each read when it is first asked for."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._crews: dict[UUID, Crew] = {}

    def find(self, line: Line, site: Node) -> Hand | None:
        """Whom a row means, by login or else by name; None after noting what is wrong."""
        crew = self._crews.get(site.id) or self._read(site)
        login, name = line.text("login"), line.text("name")
        if not login and not name:
            self._work.refuse(line, "name", "who")
            return None
        column, text = ("login", login) if login else ("name", name)
        named = crew.by_login.get(fold(login)) if login else None
        found = [named] if named else [] if login else list(crew.by_name[fold(name)].values())
        if len(found) == 1:
            return found[0]
        self._work.refuse(line, column, "which_person" if found else "no_person", text=text)
        return None

    def _read(self, site: Node) -> Crew:
        crew = self._crews[site.id] = Crew()
        people = {person.id: person for person in able_people(self._work.session, site.id, _WORKS)}
        fresh = self._fresh(site)
        logins: dict[UUID, str] = {}
        for some in in_parts(list(people)):
            rows = select(Password.person_id, Password.login).where(Password.person_id.in_(some))
            logins.update(self._work.session.execute(rows).all())
        for person_id, person in people.items():
            crew.add(Hand(person_id, person.name), logins.get(person_id))
        for person_id in fresh.keys() - people.keys():
            crew.add(Hand(person_id, fresh[person_id][0]), fresh[person_id][1])
        return crew

    def _fresh(self, site: Node) -> dict[UUID, tuple[str, str]]:
        """Who works tickets here by this very file: name and login."""
        able = {role for role, permissions in ROLES.items() if _WORKS in permissions}
        named = {i.id: i.after["name"] for i in self._work.items if i.kind == "person" and i.after}
        found = {}
        for item in self._work.items:
            if item.kind != "grant" or item.action != "create" or item.after["role"] not in able:
                continue
            node = self._work.nodes[item.after["node_id"]]
            person_id = item.after["person_id"]
            if site.path.startswith(node.path):
                person = self._work.session.get(Person, person_id)
                name = named.get(person_id) or (person.name if person else "")
                found[person_id] = (name, item.label)
        return found
