"""Accounts for people of hired companies: invited by the office, joined, or added to one's own."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.accounts import NewPassword, set_password
from core.companies import (
    ROLE,
    WRITE,
    Company,
    CompanyInvitation,
    CompanyPerson,
    companies_of,
    say,
)
from core.errors import Conflict, NotFound
from core.ids import new_id
from core.invitations import add_grant
from core.makers import might_still
from core.people import Person, hash_secret, name_of, new_secret
from core.places import Node
from core.waiting_invitations import swap_waiting
from rules.wording import worded

LIFETIME = timedelta(days=7)


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
    say(session, "company.invite", row, events.Actor.person(by), now)
    return invitation, secret


def open_company_invitation(
    session: Session, secret: str, *, now: datetime
) -> tuple[CompanyInvitation, Company, Node]:
    """The invitation behind a link.

    NotFound when it was used or ended, the hire has, or who made it might not any more.
    """
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
    if found is None or not might_still(session, found[0].made_by, WRITE, found[0].site_id):
        raise NotFound(
            worded("this invitation was used before or has ended"),
            advice=worded("Ask for a new one."),
        )
    return found[0], found[1], found[2]


def revoke_company_invitation(
    session: Session, row: Company, invitation_id: UUID, *, actor: events.Actor, now: datetime
) -> None:
    """End an invitation that nobody has used yet. NotFound when none like it waits."""
    company = select(CompanyInvitation.company_id).where(CompanyInvitation.id == invitation_id)
    ours = session.scalar(company) == row.id
    if not (ours and swap_waiting(session, CompanyInvitation, invitation_id, "ends_at", now=now)):
        raise NotFound(
            worded("no such invitation waits"), advice=worded("Look at the company again.")
        )
    say(session, "company.invite_end", row, actor, now, {"invitation": str(invitation_id)})


def join_company(
    session: Session, secret: str, name: str, locale: str, account: NewPassword, *, now: datetime
) -> UUID:
    """Use an invitation up by a login and a password; returns the new person.

    Raises NotFound as `open_company_invitation` does, Conflict when the login is taken.
    """
    invitation, company, site = open_company_invitation(session, secret, now=now)
    person = Person(id=new_id(), name=name_of(name), locale=locale)
    session.add(person)
    session.flush()
    actor = events.Actor.person(person.id)
    events.append(session, "person.join", ("person", person.id), actor=actor, learned_at=now)
    _take_up(session, invitation, company, site, person.id, now)
    set_password(session, person.id, account, now=now)
    return person.id


def add_company(session: Session, secret: str, person_id: UUID, *, now: datetime) -> None:
    """Use an invitation up for somebody who has an account: of another company, or a colleague.

    Raises NotFound as `open_company_invitation` does; Conflict for somebody who is of the company
    already, whose invitation stays for another.
    """
    invitation, company, site = open_company_invitation(session, secret, now=now)
    if company.id in {one.id for one in companies_of(session, person_id)}:
        raise Conflict(
            worded("your account is of this company already"),
            advice=worded("Hand the invitation to whoever it is for."),
        )
    _take_up(session, invitation, company, site, person_id, now)


def _take_up(
    session: Session,
    invitation: CompanyInvitation,
    company: Company,
    site: Node,
    person_id: UUID,
    now: datetime,
) -> None:
    if not swap_waiting(session, CompanyInvitation, invitation.id, "used_at", now=now):
        raise NotFound(
            worded("this invitation was used before"), advice=worded("Ask for a new one.")
        )
    # Somebody who came no more and comes again has their row from then.
    standing = session.scalars(
        select(CompanyPerson).where(
            CompanyPerson.company_id == company.id, CompanyPerson.person_id == person_id
        )
    ).first()
    if standing is not None:
        standing.ended_at, standing.made_at = None, now
    else:
        session.add(
            CompanyPerson(
                id=new_id(),
                site_id=site.id,
                company_id=company.id,
                person_id=person_id,
                made_at=now,
            )
        )
    session.flush()
    actor = events.Actor.person(person_id)
    add_grant(session, person_id, site.id, ROLE, actor=actor, now=now)
    say(session, "company.join", company, actor, now)
