"""Companies that are hired for a site, and their people who sign in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.invitations import end_grant
from core.outsiders import end_account_if_over, end_credentials
from core.people import Caller, Grant, Person, name_of, scoped
from core.places import Node
from rules.wording import worded

ROLE = "contractor"
READ, WRITE = "tickets.dispatch", "service.write"


class Company(Base):
    """A company that is hired for a site. ended_at: when it was hired no more."""

    __tablename__ = "company"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    hired_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)


class CompanyPerson(Base):
    """Somebody of a hired company who signs in. ended_at: when that ended."""

    __tablename__ = "company_person"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    made_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("company_id", "person_id"),)


class CompanyInvitation(Base):
    """An account that waits for somebody of a company; its secret is kept as a hash only."""

    __tablename__ = "company_invitation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    company_id: Mapped[UUID] = mapped_column(ForeignKey("company.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class Hired:
    """A hired company. people: who of it signs in, by id and name; waiting: its invitations."""

    company: Company
    people: Mapping[UUID, str]
    waiting: Sequence[CompanyInvitation]


def hired_at(session: Session, site_id: UUID, *, now: datetime) -> list[Hired]:
    """The companies that are hired for a site, by name."""
    statement = select(Company).where(Company.site_id == site_id, Company.ended_at.is_(None))
    rows = session.scalars(statement.order_by(Company.name, Company.id)).all()
    return [describe_company(session, row, now=now) for row in rows]


def describe_company(session: Session, row: Company, *, now: datetime) -> Hired:
    """A company with its people who sign in, by name, and the invitations that nobody used yet."""
    people = (
        select(Person.id, Person.name)
        .join(CompanyPerson, CompanyPerson.person_id == Person.id)
        .where(CompanyPerson.company_id == row.id, CompanyPerson.ended_at.is_(None))
        .order_by(Person.name, Person.id)
    )
    waiting = (
        select(CompanyInvitation)
        .where(
            CompanyInvitation.company_id == row.id,
            CompanyInvitation.used_at.is_(None),
            CompanyInvitation.ends_at > now,
        )
        .order_by(CompanyInvitation.created_at, CompanyInvitation.id)
    )
    found = dict(session.execute(people).all())
    return Hired(row, found, session.scalars(waiting).all())


def company_named(session: Session, site_id: UUID, name: str) -> UUID | None:
    """The hired company of a site with this name, however its case; None where none has it."""
    wanted = " ".join(name.split()).casefold()
    statement = select(Company.id, Company.name).where(
        Company.site_id == site_id, Company.ended_at.is_(None)
    )
    rows = session.execute(statement)
    return next((key for key, known in rows if known.casefold() == wanted), None)


def find_company(session: Session, caller: Caller, company_id: UUID) -> Company:
    """A hired company, locked, that the caller may change.

    NotFound for one of a site that does not exist for them, NotAllowed without the right there.
    """
    statement = select(Company).where(Company.id == company_id, Company.ended_at.is_(None))
    statement = scoped(statement.with_for_update(), Company.site_id, caller, "places.read")
    row = session.scalars(statement).first()
    if row is None:
        raise NotFound(
            worded("there is no such company"), advice=worded("Look for it in the list.")
        )
    caller.require(WRITE, row.site_id)
    return row


def hire_company(
    session: Session, caller: Caller, site_id: UUID, name: str, *, now: datetime
) -> Company:
    """Hire a company for a site. Conflict for one that is hired there already."""
    caller.require(WRITE, site_id)
    try:
        name = name_of(name)
    except Invalid:
        raise Invalid(
            worded("no company was hired"), problems=[worded("name: 1 to 120 characters")]
        ) from None
    # Locked, so that of two who hire at once the second sees what the first did.
    session.execute(select(Node.id).where(Node.id == site_id).with_for_update())
    if company_named(session, site_id, name) is not None:
        raise Conflict(
            worded("this company is hired already"), advice=worded("Look for it in the list.")
        )
    row = Company(id=new_id(), site_id=site_id, name=name, hired_at=now)
    session.add(row)
    session.flush()
    say(session, "company.hire", row, events.Actor.person(caller.person_id), now)
    return row


def companies_of(session: Session, person_id: UUID) -> list[Company]:
    """The hired companies that somebody comes from."""
    statement = (
        select(Company)
        .join(CompanyPerson, CompanyPerson.company_id == Company.id)
        .where(
            CompanyPerson.person_id == person_id,
            CompanyPerson.ended_at.is_(None),
            Company.ended_at.is_(None),
        )
        .order_by(Company.name, Company.id)
    )
    return list(session.scalars(statement))


def people_of(session: Session, company_id: UUID) -> list[UUID]:
    """Who of a hired company signs in."""
    statement = (
        select(CompanyPerson.person_id)
        .join(Company, Company.id == CompanyPerson.company_id)
        .where(
            CompanyPerson.company_id == company_id,
            CompanyPerson.ended_at.is_(None),
            Company.ended_at.is_(None),
        )
    )
    return list(session.scalars(statement))


def end_company_person(
    session: Session, row: Company, person_id: UUID, *, actor: events.Actor, now: datetime
) -> None:
    """Somebody of a company comes no more: its jobs are not theirs from now on.

    Their account ends with it unless it opens more, of another company or as a colleague. NotFound
    for nobody of the company.
    """
    found = session.scalars(
        select(CompanyPerson).where(
            CompanyPerson.company_id == row.id,
            CompanyPerson.person_id == person_id,
            CompanyPerson.ended_at.is_(None),
        )
    ).first()
    if found is None:
        raise NotFound(
            worded("there is nobody like that"), advice=worded("Look at the company again.")
        )
    found.ended_at = now
    session.flush()
    if row.site_id not in {one.site_id for one in companies_of(session, person_id)}:
        held = select(Grant).where(
            Grant.person_id == person_id, Grant.role == ROLE, Grant.node_id == row.site_id
        )
        for grant in session.scalars(held).all():
            end_grant(session, grant, actor=actor, now=now)
    end_credentials(session, person_id, now=now)
    end_account_if_over(session, person_id, now=now)
    say(session, "company.person_end", row, actor, now, {"person": str(person_id)})


def leave_companies(
    session: Session, person_id: UUID, *, actor: events.Actor, now: datetime
) -> None:
    """Take somebody whose account ends out of the companies that they come from."""
    for row in companies_of(session, person_id):
        end_company_person(session, row, person_id, actor=actor, now=now)


def end_company(session: Session, row: Company, *, actor: events.Actor, now: datetime) -> None:
    """Hire a company no more: its people lose their way in, its invitations end."""
    # First, so that whoever uses one at this moment either joins nothing or is among the people.
    session.execute(
        update(CompanyInvitation)
        .where(CompanyInvitation.company_id == row.id, CompanyInvitation.ends_at > now)
        .values(ends_at=now)
    )
    for person_id in people_of(session, row.id):
        end_company_person(session, row, person_id, actor=actor, now=now)
    row.ended_at = now
    session.flush()
    say(session, "company.end", row, actor, now)


def say(
    session: Session,
    kind: str,
    row: Company,
    actor: events.Actor,
    now: datetime,
    after: dict[str, str] | None = None,
) -> None:
    """Append a fact of a company."""
    subject = ("company", row.id)
    events.append(
        session, kind, subject, actor=actor, learned_at=now, site_id=row.site_id, after=after
    )
