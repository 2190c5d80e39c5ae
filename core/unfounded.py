"""Ending what somebody made that lets others in, once they might not make it any more."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import companies, events, households, invitations, sign_in_links
from core.companies import Company, CompanyInvitation
from core.homes import HomeInvitation
from core.invitations import Invitation
from core.makers import maker
from core.people import Credential, Grant
from core.waiting_invitations import swap_waiting


def take_role(session: Session, grant: Grant, *, actor: events.Actor, now: datetime) -> None:
    """Take a role away, and with it what its holder made by it that nobody has used."""
    person_id = grant.person_id
    invitations.end_grant(session, grant, actor=actor, now=now)
    end_unfounded(session, person_id, actor=actor, now=now)


def end_unfounded(session: Session, person_id: UUID, *, actor: events.Actor, now: datetime) -> None:
    """End the sign-in links and invitations that somebody made, that nobody has used, and that
    they might not make any more; of somebody who has left all of them."""
    _end_links(session, person_id, now)
    waiting = select(Invitation).where(
        Invitation.made_by == person_id, Invitation.used_at.is_(None), Invitation.ends_at > now
    )
    for invitation in session.scalars(waiting).all():
        if not invitations.stands(session, invitation):
            invitations.revoke(session, invitation, actor=actor, now=now)
    by = maker(session, person_id)
    sites = frozenset[UUID]() if by is None else by.sites_for(households.WRITE)
    session.execute(
        update(HomeInvitation)
        .where(
            HomeInvitation.made_by == person_id,
            HomeInvitation.used_at.is_(None),
            HomeInvitation.ends_at > now,
            HomeInvitation.site_id.not_in(sites),
        )
        .values(ends_at=now)
    )
    sites = frozenset[UUID]() if by is None else by.sites_for(companies.WRITE)
    _end_company_invitations(session, person_id, sites, actor, now)


def _end_links(session: Session, person_id: UUID, now: datetime) -> None:
    waiting = select(Credential).where(
        Credential.made_by == person_id, Credential.used_at.is_(None), Credential.ends_at > now
    )
    over = [row.id for row in session.scalars(waiting) if not sign_in_links.stands(session, row)]
    session.execute(
        update(Credential)
        .where(Credential.id.in_(over), Credential.used_at.is_(None))
        .values(ends_at=now)
    )


def _end_company_invitations(
    session: Session,
    person_id: UUID,
    sites: frozenset[UUID],
    actor: events.Actor,
    now: datetime,
) -> None:
    statement = (
        select(CompanyInvitation.id, Company)
        .join(Company, Company.id == CompanyInvitation.company_id)
        .where(
            CompanyInvitation.made_by == person_id,
            CompanyInvitation.used_at.is_(None),
            CompanyInvitation.ends_at > now,
            CompanyInvitation.site_id.not_in(sites),
        )
    )
    for invitation_id, company in session.execute(statement).all():
        if swap_waiting(session, CompanyInvitation, invitation_id, "ends_at", now=now):
            after = {"invitation": str(invitation_id)}
            companies.say(session, "company.invite_end", company, actor, now, after)
