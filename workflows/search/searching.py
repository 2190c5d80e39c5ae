"""One search over everything that a caller may see."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts import Password
from core.colleagues import nodes_in_sight
from core.paging import in_order
from core.people import Caller, Grant, Person
from core.permissions import STAFF_ROLES
from workflows.search.index import Place, PlaceIndex
from workflows.search.spelling import Spelling, Wanted
from workflows.tickets import ENDED, Ticket
from workflows.tickets.reading import matches
from workflows.tickets.scope import of_tickets

EACH = 8
_TICKET_NUMBER = re.compile(r"#?(\d{1,9})")
SHORTEST_PHONE = 4


@dataclass(frozen=True, slots=True)
class FoundTicket:
    """A ticket that fits."""

    id: UUID
    number: int
    site_id: UUID
    title: Mapping[str, str]
    state: str
    priority: str


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """Somebody who fits."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Found:
    """What fits best of each kind, at most EACH."""

    tickets: Sequence[FoundTicket] = field(default_factory=tuple)
    places: Sequence[Place] = field(default_factory=tuple)
    assets: Sequence[Place] = field(default_factory=tuple)
    people: Sequence[FoundPerson] = field(default_factory=tuple)

    def __bool__(self) -> bool:
        return bool(self.tickets or self.places or self.assets or self.people)


def search(session: Session, index: PlaceIndex, caller: Caller, text: str) -> Found:
    """What the caller may see that fits a text; nothing for an empty one.

    Chinese in part, pinyin or its initials, any spelling of a unit number, a ticket's number, part
    of a title, of a name, or of the phone number that somebody signs in with.
    """
    wanted = Wanted.read(text)
    if not wanted.text:
        return Found()
    visible = caller.sites_for("places.read")
    near = [place for place in index.places() if place.site_id in visible]
    return Found(
        tickets=_tickets(session, caller, wanted.text),
        places=find_places((place for place in near if place.kind != "asset"), wanted),
        assets=find_places((place for place in near if place.kind == "asset"), wanted),
        people=_people(session, caller, wanted),
    )


def fitting(text: str) -> Callable[[Sequence[str]], int]:
    """How well something of these names fits a text, for what is not kept in the index.

    0 for not at all, 4 for its very name; an empty text fits nothing.
    """
    wanted = Wanted.read(text)
    return lambda names: Spelling.of(*names).rank(wanted) if wanted.text else 0


def find_places(places: Iterable[Place], wanted: Wanted, limit: int = EACH) -> list[Place]:
    """The places that fit best, the best first."""
    ranked = ((place.spelling.rank(wanted), place) for place in places)
    fitting = [(rank, place) for rank, place in ranked if rank]
    fitting.sort(key=lambda found: (-found[0], len(found[1].spelling.text), found[1].code))
    return [place for _, place in fitting[:limit]]


def _tickets(session: Session, caller: Caller, text: str) -> list[FoundTicket]:
    columns = (Ticket.id, Ticket.number, Ticket.site_id, Ticket.title, Ticket.state)
    statement = of_tickets(
        select(*columns, Ticket.priority), caller, site_column=in_order(Ticket.site_id)
    ).order_by(Ticket.learned_at.desc(), Ticket.id.desc())
    number = _TICKET_NUMBER.fullmatch(text)
    if number:
        named = statement.where(Ticket.number == int(number[1]))
        return [FoundTicket(*row) for row in session.execute(named)]
    fitting = statement.where(matches(text))
    found: list[FoundTicket] = []
    # What is being worked on first; the many that have ended only where there is room left.
    for ended in (False, True):
        of_state = Ticket.state.in_(ENDED) if ended else Ticket.state.not_in(ENDED)
        some = fitting.where(of_state).limit(EACH - len(found))
        found += [FoundTicket(*row) for row in session.execute(some)]
        if len(found) == EACH:
            break
    return found


def _people(session: Session, caller: Caller, wanted: Wanted) -> list[FoundPerson]:
    nodes = nodes_in_sight(session, caller)
    holders = select(Grant.person_id).where(Grant.node_id.in_(nodes), Grant.role.in_(STAFF_ROLES))
    statement = (
        select(Person.id, Person.name, Password.login)
        .outerjoin(Password, Password.person_id == Person.id)
        .where(Person.id.in_(holders), Person.left_at.is_(None))
    )
    digits = "".join(wanted.numbers) if not wanted.rest else ""
    found = []
    for person_id, name, login in session.execute(statement):
        rank = Spelling.of(name).rank(wanted) if name else 0
        if not rank and len(digits) >= SHORTEST_PHONE and digits in (login or ""):
            rank = 1
        if rank:
            found.append((-rank, name, FoundPerson(person_id, name)))
    return [person for _, _, person in sorted(found, key=lambda one: one[:2])[:EACH]]
