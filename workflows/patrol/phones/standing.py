"""Phones as supervisors see them: when they were heard of, whose they are, what is odd."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Invalid, NotFound
from core.lifecycle import move
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from rules.wording import worded
from workflows.patrol.checkpoints import PEOPLE, READ
from workflows.patrol.phones.model import PHONE, Phone, PhonePlace, PhoneUser
from workflows.patrol.phones.signing_in import end_tokens

STATES = PHONE.statuses
_ROWS = rows_of(
    Phone.id,
    Phone.site_id,
    Phone.kind,
    Phone.label,
    Phone.team,
    Phone.person_id,
    Person.name.label("person_name"),
    Phone.state,
    Phone.version,
    Phone.browser,
    Phone.app,
    Phone.enrolled_at,
    Phone.heard_at,
    Phone.told_until,
    Phone.offset_ms,
    Phone.accepted,
    Phone.head,
    Phone.signed_in_id,
    Phone.storage,
    Phone.forked_at,
).outerjoin(Person, Person.id == Phone.person_id)


def find_phone(session: Session, caller: Caller, phone_id: UUID, *, permission: str) -> Phone:
    """A phone to be changed, locked. NotFound when the caller may not read it, else NotAllowed."""
    statement = scoped(select(Phone).where(Phone.id == phone_id), Phone.site_id, caller, READ)
    row = session.scalars(statement.with_for_update()).first()
    if row is None:
        raise _unknown()
    caller.require(permission, row.site_id)
    return row


def list_phones(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    site_id: UUID | None = None,
    state: str | None = None,
) -> Page[dict[str, Any]]:
    """Phones of the sites where the caller sees whose scans are whose, the last first. Key: id.

    Invalid for an unknown state.
    """
    if state is not None and state not in STATES:
        raise Invalid(
            worded("there is no such state"),
            problems=[worded("state: one of %(known)s", known=", ".join(STATES))],
        )
    statement = scoped(_ROWS, Phone.site_id, caller, PEOPLE)
    if site_id is not None:
        statement = statement.where(Phone.site_id == site_id)
    if state is not None:
        statement = statement.where(Phone.state == state)
    return newest_first(session, statement, (Phone.id,), wish)


def describe_phone(session: Session, caller: Caller, phone_id: UUID) -> dict[str, Any]:
    """One phone as the list shows it, with the people who signed in on it, the last first.

    NotFound when the caller may not see who scans on its site.
    """
    statement = scoped(_ROWS.where(Phone.id == phone_id), Phone.site_id, caller, PEOPLE)
    row = session.execute(statement).mappings().first()
    if row is None:
        raise _unknown()
    users = (
        rows_of(
            PhoneUser.person_id,
            Person.name.label("person_name"),
            PhoneUser.online_at,
            PhoneUser.offline_until,
            PhoneUser.signed_in_at,
            PhoneUser.signed_out_at,
        )
        .join(Person, Person.id == PhoneUser.person_id)
        .where(PhoneUser.phone_id == phone_id)
        .order_by(PhoneUser.online_at.desc(), PhoneUser.person_id)
    )
    return {**row, "people": [dict(one) for one in session.execute(users).mappings()]}


def waiting_places(session: Session, site_id: UUID, *, now: datetime) -> list[dict[str, Any]]:
    """Places of a site that wait for their phone, the last first, without their codes."""
    statement = (
        rows_of(
            PhonePlace.id,
            PhonePlace.kind,
            PhonePlace.label,
            PhonePlace.team,
            PhonePlace.person_id,
            PhonePlace.ends_at,
        )
        .where(
            PhonePlace.site_id == site_id, PhonePlace.phone_id.is_(None), PhonePlace.ends_at > now
        )
        .order_by(PhonePlace.id.desc())
    )
    return [dict(row) for row in session.execute(statement).mappings()]


def move_phone(
    session: Session,
    row: Phone,
    action: str,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """lose, find or retire a phone; whoever is signed in on one that is not in use is no more."""
    move(
        session,
        row,
        PHONE,
        action,
        actor=actor,
        learned_at=now,
        expected_version=expected_version,
    )
    if row.state != "active":
        end_tokens(session, row, now=now)
        session.flush()


def _unknown() -> NotFound:
    return NotFound(
        worded("there is no such phone"), advice=worded("Look for it in the list of phones.")
    )
