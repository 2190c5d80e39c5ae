"""Naming colleagues in a note: kept by id, and only those who may see the ticket."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.colleagues import able_people
from core.errors import Invalid
from core.people import Person
from rules.wording import worded
from workflows.tickets.model import Ticket, TicketMention
from workflows.tickets.scope import READ, teams_of

MOST_NAMED = 20
# As it stands in the text of a note, for the name that somebody has when it is read.
TOKEN = re.compile(r"@\{([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}")
_SIGNS = "@＠"


@dataclass(frozen=True, slots=True)
class Named:
    """The text of a note as it is kept, and who is named in it."""

    body: str
    people: tuple[UUID, ...]


def may_be_named(session: Session, ticket: Ticket) -> list[Person]:
    """Everybody who may be named on a ticket: those with us who may see it, by name."""
    theirs = {
        one.id for one in able_people(session, ticket.site_id, READ, teams=teams_of(ticket))
    } | {ticket.assignee_id, ticket.reporter_id}
    return [one for one in able_people(session, ticket.site_id, READ) if one.id in theirs]


def read_names(session: Session, ticket: Ticket, body: str, named: Sequence[UUID]) -> Named:
    """Who a note names: those that a form or program says, and whoever `@` and a whole name mean.

    A name that several people bear, or nobody, stays text. Invalid for somebody who may not see
    the ticket.
    """
    if not named and not any(sign in body for sign in _SIGNS):
        return Named(body, ())
    people = {person.id: person.name for person in may_be_named(session, ticket)}
    unknown = [each for each in named if each not in people]
    if unknown:
        raise Invalid(
            worded("the note was not written"),
            problems=[
                worded("mentions: %(each)s is nobody who may see this ticket", each=each)
                for each in unknown
            ],
            advice=worded("Choose them from the list that @ shows."),
        )
    bearers = Counter(people.values())
    meant = {name: each for each, name in people.items() if name and bearers[name] == 1}
    # Of two of one name, the one whom somebody chose.
    meant |= {people[each]: each for each in named}
    written, found = _replaced(body, meant)
    whole = tuple(dict.fromkeys((*named, *found)))
    if len(whole) > MOST_NAMED:
        raise Invalid(
            worded("the note was not written"),
            problems=[worded("mentions: at most %(most)s", most=MOST_NAMED)],
        )
    return Named(written, whole)


def _replaced(body: str, meant: Mapping[str, UUID]) -> tuple[str, list[UUID]]:
    if not meant:
        return body, []
    # The longest first: Li Na Wang is not Li Na.
    names = sorted(meant, key=len, reverse=True)
    after = "|".join(re.escape(name) + _end_of(name) for name in names)
    found: list[UUID] = []

    def token(match: re.Match[str]) -> str:
        found.append(meant[match[1]])
        return f"@{{{meant[match[1]]}}}"

    # Not in an address such as li@example.com.
    return re.sub(rf"(?<![A-Za-z0-9._-])[{_SIGNS}]({after})", token, body), found


def _end_of(name: str) -> str:
    """Where a name ends: one in letters not within a longer word; a Chinese one just ends."""
    return r"(?![A-Za-z0-9])" if name[-1].isascii() else ""


def keep_names(session: Session, ticket: Ticket, note_id: UUID, people: Iterable[UUID]) -> None:
    """Keep who is named in a note."""
    for person in people:
        session.add(
            TicketMention(
                note_id=note_id, person_id=person, site_id=ticket.site_id, ticket_id=ticket.id
            )
        )


def names_on(session: Session, ticket_id: UUID) -> dict[UUID, list[dict[str, Any]]]:
    """By note who is named on a ticket, under the name that they have now."""
    statement = (
        select(TicketMention.note_id, TicketMention.person_id, Person.name)
        .join(Person, Person.id == TicketMention.person_id)
        .where(TicketMention.ticket_id == ticket_id)
        .order_by(Person.name, Person.id)
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for note_id, person_id, name in session.execute(statement):
        found.setdefault(note_id, []).append({"person_id": person_id, "name": name})
    return found


def with_names(body: str, named: Iterable[Mapping[str, Any]]) -> str:
    """The text of a note as it is read, with the names of those whom it names."""
    names = {str(each["person_id"]): each["name"] for each in named}
    return TOKEN.sub(lambda match: f"@{names[match[1]]}" if match[1] in names else match[0], body)


def without_names(body: str, instead: str) -> str:
    """The text of a note for people outside, who are told no names."""
    return TOKEN.sub(lambda _: f"@{instead}", body)
