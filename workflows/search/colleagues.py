"""Finding the colleague whom somebody begins to name on a ticket."""

from uuid import UUID

from sqlalchemy.orm import Session

from workflows.search.searching import EACH, FoundPerson
from workflows.search.spelling import Spelling, Wanted
from workflows.tickets import Ticket
from workflows.tickets.mentions import may_be_named


def find_colleagues(
    session: Session, ticket: Ticket, text: str, *, besides: UUID
) -> list[FoundPerson]:
    """Who may be named on a ticket and fits what was typed so far, the best first.

    Chinese in part, pinyin or its initials; for no text the first by name. besides: who writes.
    """
    wanted = Wanted.read(text)
    found = []
    for person in may_be_named(session, ticket):
        rank = _rank(Spelling.of(person.name), wanted) if wanted.text else 1
        if rank and person.name and person.id != besides:
            found.append((-rank, person.name, FoundPerson(person.id, person.name)))
    return [person for _, _, person in sorted(found, key=lambda one: one[:2])[:EACH]]


def _rank(spelling: Spelling, wanted: Wanted) -> int:
    # The first letter says little in a search, but a lot after an @.
    begins = any(sound.startswith(wanted.text) for sound in spelling.sounds)
    return spelling.rank(wanted) or int(begins)
