"""Where people are reached: their addresses, quiet hours, and the test when a shift begins."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Invalid
from rules.wording import worded

CONTACT_KINDS = ("phone", "email", "wecom", "dingtalk")
# Whoever does not answer the test for so long is passed over by the chain.
ANSWERS_WITHIN = timedelta(minutes=10)
_SHAPES = {
    "phone": re.compile(r"\+?\d{5,20}"),
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "wecom": re.compile(r"[\w.@-]{1,64}"),
    "dingtalk": re.compile(r"[\w.@-]{1,64}"),
}


# As the fields of forms give it, some with seconds.
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-9.]+)?")


class Contact(Base):
    """An address of a person. It stands in this row only, so that it can be erased."""

    __tablename__ = "contact"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    address: Mapped[str] = mapped_column(String(120))


class QuietHours(Base):
    """When a person is told only what can't wait; "HH:MM" by the clocks of the site."""

    __tablename__ = "quiet_hours"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    starts: Mapped[str] = mapped_column(String(5))
    ends: Mapped[str] = mapped_column(String(5))


class Reachability(Base):
    """The test message that somebody answers when their shift begins."""

    __tablename__ = "reachability"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)


def contacts_of(session: Session, person_id: UUID) -> dict[str, str]:
    """The addresses of a person by their kind."""
    rows = session.scalars(select(Contact).where(Contact.person_id == person_id))
    return {row.kind: row.address for row in rows}


def quiet_hours_of(session: Session, person_id: UUID) -> QuietHours | None:
    """When a person wants to be told only what can't wait."""
    return session.get(QuietHours, person_id)


def set_reaching(
    session: Session,
    person_id: UUID,
    contacts: Mapping[str, str],
    quiet: tuple[str, str] | None,
    *,
    now: datetime,
) -> None:
    """Say how one is reached; an empty address is taken away. Invalid with every problem.

    The log holds which kinds of address were changed, not the addresses.
    """
    given = {kind: "".join(contacts.get(kind, "").split()) for kind in CONTACT_KINDS}
    problems = [
        worded("%(kind)s: this is no such address", kind=kind)
        for kind, address in given.items()
        if address and not (_SHAPES[kind].fullmatch(address) and len(address) <= 120)
    ]
    if quiet is not None:
        # Nothing else that ISO 8601 allows: cut to five letters, a clock must still read it.
        if not all(_CLOCK.fullmatch(each) for each in quiet):
            problems.append(worded("quiet hours: times such as 22:00"))
        elif quiet[0][:5] == quiet[1][:5]:
            problems.append(worded("quiet hours: they begin and end at the same time"))
    if problems:
        raise Invalid(worded("nothing was changed"), problems=problems)
    before = contacts_of(session, person_id)
    changed = [kind for kind in CONTACT_KINDS if before.get(kind, "") != given[kind]]
    for kind in changed:
        session.execute(delete(Contact).where(Contact.person_id == person_id, Contact.kind == kind))
        if given[kind]:
            session.add(Contact(person_id=person_id, kind=kind, address=given[kind]))
    standing = session.get(QuietHours, person_id)
    if standing is not None:
        session.delete(standing)
        session.flush()
    if quiet is not None:
        session.add(QuietHours(person_id=person_id, starts=quiet[0][:5], ends=quiet[1][:5]))
    session.flush()
    events.append(
        session,
        "person.contact",
        ("person", person_id),
        actor=events.Actor.person(person_id),
        learned_at=now,
        after={"fields": [*changed, "quiet_hours"] if quiet or standing else changed},
    )


def asked(session: Session, person_id: UUID, *, now: datetime) -> None:
    """Note that somebody was sent the test that they have to answer."""
    row = session.get(Reachability, person_id)
    if row is None:
        row = Reachability(person_id=person_id, asked_at=now)
        session.add(row)
    row.asked_at, row.answered_at = now, None


def answered(session: Session, person_id: UUID, *, now: datetime) -> None:
    """Note that somebody answered the test."""
    row = session.get(Reachability, person_id)
    if row is None:
        return
    row.answered_at = now
    events.append(
        session,
        "person.reached",
        ("person", person_id),
        actor=events.Actor.person(person_id),
        learned_at=now,
    )


def out_of_reach(session: Session, people: list[UUID], now: datetime) -> set[UUID]:
    """Those who were asked and have not answered in time."""
    rows = session.scalars(
        select(Reachability).where(
            Reachability.person_id.in_(people),
            Reachability.answered_at.is_(None),
            Reachability.asked_at <= now - ANSWERS_WITHIN,
        )
    )
    return {row.person_id for row in rows}


def forget_contacts(session: Session, person_id: UUID) -> None:
    """Take away every address of somebody who leaves."""
    for table in (Contact, QuietHours, Reachability):
        session.execute(delete(table).where(table.person_id == person_id))
