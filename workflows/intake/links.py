"""Sign-in links for the people whom an import entered, so that they can come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.accounts import Password
from core.invitations import LIFETIME
from core.people import Caller, Person
from core.sign_in_links import make_link
from workflows.intake.keeping import kept_items
from workflows.intake.model import Intake
from workflows.intake.planning.standing import in_parts


@dataclass(frozen=True, slots=True)
class NewLink:
    """A one-time link; its secret is shown this once."""

    name: str
    login: str
    secret: str


def who_waits(session: Session, row: Intake) -> list[tuple[Person, str]]:
    """The people whom an import entered and who have set no password yet, with their logins."""
    if row.state != "applied":
        return []
    new = [i.id for i in kept_items(session, row) if (i.kind, i.action) == ("person", "create")]
    found: list[tuple[Person, str]] = []
    for some in in_parts(new):
        found += _waiting(session, some)
    return found


def _waiting(session: Session, people: Sequence[UUID]) -> list[tuple[Person, str]]:
    statement = (
        select(Person, Password.login)
        .join(Password, Password.person_id == Person.id)
        .where(Person.id.in_(people), Person.left_at.is_(None), Password.hash == "")
        .order_by(Person.name, Person.id)
    )
    return [(person, login) for person, login in session.execute(statement)]


def make_links(session: Session, caller: Caller, row: Intake, *, now: datetime) -> list[NewLink]:
    """A link for each of them. NotAllowed when the caller does not answer for one of them."""
    return [
        NewLink(person.name, login, make_link(session, caller, person, now=now, lifetime=LIFETIME))
        for person, login in who_waits(session, row)
    ]
