"""People entered by somebody who answers for them, before they come themselves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from core import events
from core.accounts import Password, keep_logins
from core.people import Credential, Grant, Person
from core.personal import forget_keys


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Somebody to be. login: as `core.accounts.login_of` gives it, and free."""

    id: UUID
    name: str
    locale: str
    login: str


def hire(
    session: Session, people: Sequence[NewPerson], *, actor: events.Actor, now: datetime
) -> None:
    """Enter people; they come by a one-time link (`core.sign_in_links.make_link`).

    Their login is kept for them. Roles are given apart from this.
    """
    if not people:
        return
    rows = [{"id": one.id, "name": one.name, "locale": one.locale} for one in people]
    session.execute(insert(Person), rows)
    keep_logins(session, {one.id: one.login for one in people}, now=now)
    facts = [
        events.fact("person.create", ("person", one.id), actor=actor, learned_at=now)
        for one in people
    ]
    events.append_all(session, facts)


def take_back(
    session: Session, people: Collection[UUID], *, actor: events.Actor, now: datetime
) -> None:
    """Remove people who never came, as if they had not been entered; the log keeps their id.

    The caller has made sure that nothing refers to them but their roles, the login kept for them
    and links that nobody used.
    """
    if not people:
        return
    for model in (Grant, Credential, Password):
        session.execute(delete(model).where(model.person_id.in_(people)))
    forget_keys(session, people)
    session.execute(delete(Person).where(Person.id.in_(people)))
    facts = [
        events.fact("person.delete", ("person", one), actor=actor, learned_at=now) for one in people
    ]
    events.append_all(session, facts)
