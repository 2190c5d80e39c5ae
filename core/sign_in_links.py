"""One-time sign-in links: made by somebody for somebody who forgot, redeemed once."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events
from core.errors import NotAllowed, NotSignedIn
from core.homes import ROLE
from core.households import WRITE
from core.invitations import answers_for, require_over_person
from core.makers import maker
from core.outsiders import OFFICE
from core.people import Caller, Credential, Grant, Person, hash_secret, issue
from core.permissions import PERMISSIONS
from core.places import Node
from rules.wording import worded

COLLEAGUE = "made by a colleague"


def make_link(
    session: Session,
    caller: Caller,
    person: Person,
    *,
    now: datetime,
    lifetime: timedelta | None = None,
) -> str:
    """A one-time sign-in link for a person who forgot; returns its secret, which is shown once.

    lifetime: that of a link unless told otherwise.

    NotAllowed unless the caller answers for people wherever the person holds a role, and comes by
    no limited token, since the link gives all that the person has.
    """
    if caller.limited_to is not None and PERMISSIONS - caller.limited_to:
        raise NotAllowed(
            worded("a limited token may not make links, which are not limited"),
            advice=worded("Sign in, or use a token without limits."),
        )
    require_over_person(session, caller, person)
    secret = issue(
        session,
        person.id,
        "link",
        now=now,
        label=COLLEAGUE,
        lifetime=lifetime,
        made_by=caller.person_id,
    )
    events.append(
        session,
        "person.link",
        ("person", person.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
    )
    return secret


def opens_only_homes(session: Session, caller: Caller, person_id: UUID) -> bool:
    """Whether an account opens nothing but homes whose households the caller may change."""
    held = select(Grant.role, Grant.node_id).where(Grant.person_id == person_id)
    known = caller.sites_for(WRITE)
    return all(role == ROLE and node in known for role, node in session.execute(held))


def redeem_link(session: Session, secret: str, *, now: datetime) -> UUID:
    """Use up a one-time sign-in link; returns its person.

    NotSignedIn when it was used, has ended or is unknown, or does not stand any more.
    """
    statement = (
        update(Credential)
        .where(
            Credential.secret_hash == hash_secret(secret),
            Credential.kind == "link",
            Credential.used_at.is_(None),
            Credential.ends_at > now,
        )
        .values(used_at=now)
        .returning(Credential)
    )
    row = session.scalars(statement).one_or_none()
    if row is None or not stands(session, row):
        raise NotSignedIn(
            "this sign-in link was used before or has ended",
            advice="Print a new one with `watchkeeper signin-link`.",
        )
    return row.person_id


def stands(session: Session, row: Credential) -> bool:
    """Whether who made a link might make it today.

    They may have left or lost the right since, and whom it signs in may have got a role that they
    do not answer for.
    """
    if row.made_by is None:
        return True
    by = maker(session, row.made_by)
    if by is None:
        return False
    if row.label == OFFICE:
        return opens_only_homes(session, by, row.person_id)
    held = select(Grant.node_id).where(Grant.person_id == row.person_id)
    return all(
        answers_for(by, node) for node in session.scalars(select(Node).where(Node.id.in_(held)))
    )
