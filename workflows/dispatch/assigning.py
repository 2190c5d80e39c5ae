"""Giving open tickets to somebody on duty, where a team works by turns or by load."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from core import events
from core.local_time import zone
from core.places import Node
from core.rosters import KINDS, on_duty
from core.teams import Member, Team, may_do
from workflows import tickets
from workflows.tickets import IN_HAND, Ticket
from workflows.tickets.contractors.model import LIVE, ContractorLink
from workflows.tickets.sos import CATEGORIES

# So many find somebody in one transaction; the rest a second later.
AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class _Work:
    """What has to be done, as far as it decides who may do it."""

    site_id: UUID
    team: str
    category: str
    mode: str


def assign_waiting(session: Session, *, now: datetime, actor: events.Actor) -> int:
    """Give each ticket of a team that does not grab, and that nobody has, to whose turn it is.

    Somebody on duty, in the team, skilled for the category and certified for it; who is on call
    only where none of those is. One that is over by itself can wait for whoever takes it, and a
    call for help is given to nobody. Returns how many tickets found a person.
    """
    statement = (
        select(Ticket.id, Ticket.site_id, Ticket.team, Ticket.category, Team.mode)
        .join(Team, and_(Team.site_id == Ticket.site_id, Team.code == Ticket.team))
        .where(
            *_waits(),
            Team.mode != "grab",
            # A call for help is answered by whoever comes: a turn might name its sender.
            or_(Ticket.life_safety.is_(False), Ticket.category.not_in(CATEGORIES)),
        )
        .order_by(Ticket.learned_at, Ticket.id)
    )
    given = 0
    # However many wait for somebody who comes in the morning, they hold back nobody else's.
    nobody = set[_Work]()
    for ticket_id, site_id, team, category, mode in session.execute(statement).all():
        work = _Work(site_id, team, category, mode)
        member = None if work in nobody else _turn(session, work, now)
        if member is None:
            nobody.add(work)
            continue
        lock = select(Ticket).where(Ticket.id == ticket_id, *_waits())
        ticket = session.scalars(lock.with_for_update(skip_locked=True)).first()
        if ticket is None:
            continue
        tickets.hand_to(session, ticket, member.person_id, by=work.mode, now=now, actor=actor)
        # In the order of their turns, however many come at the same moment.
        member.assigned_at = now + timedelta(microseconds=given)
        session.flush()
        given += 1
        if given == AT_ONCE:
            break
    return given


def _waits() -> Sequence[ColumnElement[bool]]:
    """Nobody has it: it is open, or was passed on to the team by whoever had it, as one who left.

    What a contractor has accepted is assigned to nobody of ours, and waits for nobody.
    """
    contractor = exists().where(
        ContractorLink.ticket_id == Ticket.id, ContractorLink.state.in_(LIVE)
    )
    passed_on = and_(Ticket.state == "assigned", ~contractor)
    is_free = or_(Ticket.state == "open", passed_on)
    return is_free, Ticket.assignee_id.is_(None), Ticket.over.is_(False)


def _turn(session: Session, work: _Work, now: datetime) -> Member | None:
    today = now.astimezone(zone(session.get_one(Node, work.site_id).time_zone)).date()
    kinds = {one.person_id: one.kind for one in on_duty(session, work.site_id, work.team, now)}
    members = session.scalars(
        select(Member).where(
            Member.site_id == work.site_id,
            Member.team == work.team,
            Member.person_id.in_(kinds),
        )
    ).all()
    able = [
        member
        for member in members
        if (not member.skills or work.category in member.skills)
        and may_do(session, member.person_id, work.category, today)
    ]
    loads = _loads(session, set(kinds)) if work.mode == "load" else {}
    return min(
        able,
        key=lambda one: (
            KINDS.index(kinds[one.person_id]),
            loads.get(one.person_id, 0),
            one.assigned_at.timestamp() if one.assigned_at else 0.0,
            one.person_id,
        ),
        default=None,
    )


def _loads(session: Session, people: set[UUID]) -> dict[UUID, int]:
    statement = (
        select(Ticket.assignee_id, func.count(Ticket.id))
        .where(Ticket.assignee_id.in_(people), Ticket.state.in_(IN_HAND))
        .group_by(Ticket.assignee_id)
    )
    return {person: count for person, count in session.execute(statement) if person is not None}
