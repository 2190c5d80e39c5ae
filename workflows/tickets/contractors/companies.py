"""Jobs of hired companies: what their people see, and the end of it with the hire."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.companies import Company, companies_of, end_company
from core.errors import NotFound
from core.places import Asset, Node, Space
from rules.wording import worded
from workflows.tickets.contractors.coming import is_needed, job_of
from workflows.tickets.contractors.model import LIVE, ContractorLink
from workflows.tickets.contractors.offering import revoke_offer

# What was theirs, and what is: not what waits for another contact, nor what was taken back.
OPEN, PAST = ("offered", "accepted", "arrived"), ("done", "declined", "passed_on")
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class CompanyJob:
    """A job as the list of a company shows it. needed: whether it is still to be done."""

    link: ContractorLink
    number: int
    place: dict[str, str]
    site: Node
    needed: bool


def jobs_of_person(
    session: Session, person_id: UUID, *, now: datetime
) -> tuple[list[CompanyJob], list[CompanyJob]]:
    """The jobs given to somebody's companies: those to do, and those that are over, newest first.

    What is urgent comes first among those to do.
    """
    companies = [one.id for one in companies_of(session, person_id)]
    statement = (
        select(ContractorLink)
        .where(
            ContractorLink.company_id.in_(companies),
            ContractorLink.state.in_((*OPEN, *PAST)),
        )
        .order_by(ContractorLink.created_at.desc(), ContractorLink.id.desc())
        .limit(MOST_LISTED)
    )
    links = session.scalars(statement).all()
    jobs = [_job(session, link) for link in links if link.state in PAST or link.expires_at > now]
    to_do = [job for job in jobs if job.needed]
    to_do.sort(key=lambda job: (not job.link.urgent, OPEN[::-1].index(job.link.state)))
    return to_do, [job for job in jobs if not job.needed]


def _job(session: Session, link: ContractorLink) -> CompanyJob:
    ticket = job_of(session, link)
    asset = session.get(Asset, ticket.asset_id) if ticket.asset_id else None
    space = session.get(Space, ticket.space_id) if ticket.space_id else None
    site = session.get_one(Node, ticket.site_id)
    needed = link.state in OPEN and is_needed(link, ticket)
    return CompanyJob(link, ticket.number, dict((asset or space or site).name), site, needed)


def find_job(
    session: Session, person_id: UUID, link_id: UUID, *, now: datetime, to_change: bool = False
) -> ContractorLink:
    """A job given to a company of somebody's. NotFound for any other, and when it has ended.

    to_change: lock it until commit.
    """
    statement = select(ContractorLink).where(ContractorLink.id == link_id)
    if to_change:
        statement = statement.with_for_update()
    row = session.scalars(statement).first()
    companies = {one.id for one in companies_of(session, person_id)}
    known = row is not None and row.company_id in companies
    if row is None or not known or row.state not in (*OPEN, *PAST):
        raise NotFound(worded("there is no such job"), advice=worded("Look for it in your list."))
    if row.state in LIVE and row.expires_at <= now:
        raise NotFound(worded("this job has ended"), advice=worded("Call whoever gave it to you."))
    return row


def awaited(session: Session, person_id: UUID) -> Sequence[ContractorLink]:
    """The jobs that somebody's companies accepted, and where they are expected."""
    companies = [one.id for one in companies_of(session, person_id)]
    statement = select(ContractorLink).where(
        ContractorLink.company_id.in_(companies), ContractorLink.state == "accepted"
    )
    return session.scalars(statement.order_by(ContractorLink.accepted_at)).all()


def did_it_for(session: Session, ticket_id: UUID, person_id: UUID) -> bool:
    """Whether a company of somebody's did the work of a ticket."""
    companies = [one.id for one in companies_of(session, person_id)]
    statement = select(ContractorLink.id).where(
        ContractorLink.ticket_id == ticket_id,
        ContractorLink.state == "done",
        ContractorLink.company_id.in_(companies),
    )
    return session.scalar(statement) is not None


def end_hire(session: Session, row: Company, *, person: UUID, now: datetime) -> int:
    """Hire a company no more; returns how many of its jobs went on to others.

    Their links are taken back with everything else.
    """
    live = select(ContractorLink).where(
        ContractorLink.company_id == row.id, ContractorLink.state.in_(LIVE)
    )
    links = session.scalars(live.order_by(ContractorLink.rank.desc()).with_for_update()).all()
    for link in links:
        revoke_offer(session, link, person=person, now=now)
    end_company(session, row, actor=events.Actor.person(person), now=now)
    return len(links)
