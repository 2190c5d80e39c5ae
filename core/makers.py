"""Who made what lets somebody in: it holds only while they might still make it."""

from uuid import UUID

from sqlalchemy.orm import Session

from core.people import Caller, Person, caller_for


def maker(session: Session, person_id: UUID) -> Caller | None:
    """What somebody who made something may do today; None when they have left."""
    person = session.get(Person, person_id)
    return None if person is None or person.left_at is not None else caller_for(session, person)


def might_still(session: Session, person_id: UUID, permission: str, site_id: UUID) -> bool:
    """Whether somebody who made something holds a permission on a site today."""
    found = maker(session, person_id)
    return found is not None and site_id in found.sites_for(permission)
