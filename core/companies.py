"""Companies that are hired for a site, and their people who sign in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, String, UniqueConstraint, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.accounts import NewPassword, set_password
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.invitations import add_grant, end_grant
from core.outsiders import end_account_if_over, end_credentials
from core.people import Caller, Grant, Person, hash_secret, name_of, new_secret, scoped
from core.places import Node

ROLE = "contractor"
READ, WRITE = "tickets.dispatch", "service.write"
LIFETIME = timedelta(days=7)


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
    """A hired company with its people who sign in, by id and name."""

    company: Company
    people: Mapping[UUID, str]


def hired_at(session: Session, site_id: UUID) -> list[Hired]:
    """The companies that are hired for a site, by name."""
    statement = select(Company).where(Company.site_id == site_id, Company.ended_at.is_(None))
    found = []
    for company in session.scalars(statement.order_by(Company.name, Company.id)).all():
        people = (
            select(Person.id, Person.name)
            .join(CompanyPerson, CompanyPerson.person_id == Person.id)
            .where(CompanyPerson.company_id == company.id, CompanyPerson.ended_at.is_(None))
            .order_by(Person.name, Person.id)
        )
        found.append(Hired(company, dict(session.execute(people).all())))
    return found


def company_named(session: Session, site_id: UUID, name: str) -> UUID | None:
    """The hired company of a site with this name, however its case; None where none has it."""
    wanted = " ".join(name.split()).casefold()
    statement = select(Company.id, Company.name).where(
        Company.site_id == site_id, Company.ended_at.is_(None)
    )
    rows = session.execute(statement)
    return next((key for key, known in rows if known.casefold() == wanted), None)


def find_company(session: Session, caller: Caller, company_id: UUID) -> Company:
    """A hired company, locked, that the caller may change. NotFound, or NotAllowed."""
    statement = select(Company).where(Company.id == company_id, Company.ended_at.is_(None))
    statement = scoped(statement.with_for_update(), Company.site_id, caller, READ)
    row = session.scalars(statement).first()
    if row is None:
        raise NotFound("there is no such company", advice="Look for it in the list.")
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
        raise Invalid("no company was hired", problems=["name: 1 to 120 characters"]) from None
    if company_named(session, site_id, name) is not None:
        raise Conflict("this company is hired already", advice="Look for it in the list.")
    row = Company(id=new_id(), site_id=site_id, name=name, hired_at=now)
    session.add(row)
    session.flush()
    _say(session, "company.hire", row, events.Actor.person(caller.person_id), now)
    return row


def invite_to_company(
    session: Session, row: Company, *, by: UUID, now: datetime
) -> tuple[CompanyInvitation, str]:
    """Invite somebody of a company; returns the invitation and its secret, shown this once."""
    secret = new_secret("firm")
    invitation = CompanyInvitation(
        id=new_id(),
        site_id=row.site_id,
        company_id=row.id,
        secret_hash=hash_secret(secret),
        made_by=by,
        created_at=now,
        ends_at=now + LIFETIME,
    )
    session.add(invitation)
    session.flush()
    _say(session, "company.invite", row, events.Actor.person(by), now)
    return invitation, secret


def open_company_invitation(
    session: Session, secret: str, *, now: datetime
) -> tuple[CompanyInvitation, Company, Node]:
    """The invitation behind a link. NotFound when it was used or ended, or the hire has."""
    statement = (
        select(CompanyInvitation, Company, Node)
        .join(Company, Company.id == CompanyInvitation.company_id)
        .join(Node, Node.id == Company.site_id)
        .where(
            CompanyInvitation.secret_hash == hash_secret(secret),
            CompanyInvitation.used_at.is_(None),
            CompanyInvitation.ends_at > now,
            Company.ended_at.is_(None),
        )
    )
    found = session.execute(statement).first()
    if found is None:
        raise NotFound("this invitation was used before or has ended", advice="Ask for a new one.")
    return found[0], found[1], found[2]


def join_company(
    session: Session, secret: str, name: str, locale: str, account: NewPassword, *, now: datetime
) -> UUID:
    """Use an invitation up by a login and a password; returns the new person.

    Raises NotFound as `open_company_invitation` does, Conflict when the login is taken.
    """
    invitation, company, site = open_company_invitation(session, secret, now=now)
    swap = (
        update(CompanyInvitation)
        .where(
            CompanyInvitation.id == invitation.id,
            CompanyInvitation.used_at.is_(None),
            # The hire may have ended since the look at it.
            CompanyInvitation.ends_at > now,
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )
    result = session.execute(swap)
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise NotFound("this invitation was used before", advice="Ask for a new one.")
    person = Person(id=new_id(), name=name_of(name), locale=locale)
    session.add(person)
    session.flush()
    session.add(
        CompanyPerson(
            id=new_id(),
            site_id=site.id,
            company_id=company.id,
            person_id=person.id,
            made_at=now,
        )
    )
    session.flush()
    actor = events.Actor.person(person.id)
    events.append(session, "person.join", ("person", person.id), actor=actor, learned_at=now)
    add_grant(session, person.id, site.id, ROLE, actor=actor, now=now)
    set_password(session, person.id, account, now=now)
    _say(session, "company.join", company, actor, now)
    return person.id


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
    """Somebody of a company comes no more: their way in ends at once. NotFound for no such one."""
    found = session.scalars(
        select(CompanyPerson).where(
            CompanyPerson.company_id == row.id,
            CompanyPerson.person_id == person_id,
            CompanyPerson.ended_at.is_(None),
        )
    ).first()
    if found is None:
        raise NotFound("there is nobody like that", advice="Look at the company again.")
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
    _say(session, "company.person_end", row, actor, now, {"person": str(person_id)})


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
    _say(session, "company.end", row, actor, now)


def _say(
    session: Session,
    kind: str,
    row: Company,
    actor: events.Actor,
    now: datetime,
    after: dict[str, str] | None = None,
) -> None:
    subject = ("company", row.id)
    events.append(
        session, kind, subject, actor=actor, learned_at=now, site_id=row.site_id, after=after
    )
