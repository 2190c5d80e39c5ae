"""Giving open tickets to somebody on duty, where a team works by turns or by load."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from core import events
from core.local_time import zone
from core.places import Node
from core.rosters import on_duty
from core.teams import Member, Team, may_do
from workflows import tickets
from workflows.tickets import IN_HAND, Ticket
from workflows.tickets.sos import CATEGORIES

AT_ONCE = 100


def assign_waiting(session: Session, *, now: datetime, actor: events.Actor) -> int:
    """Give each open ticket of a team that does not grab to whoever's turn it is.

    Somebody on duty, in the team, skilled for the category and certified for it; one that is over
    by itself can wait for whoever takes it, and a call for help is given to nobody. Returns how
    many tickets found a person.
    """
    statement = (
        select(Ticket, Team.mode)
        .join(Team, and_(Team.site_id == Ticket.site_id, Team.code == Ticket.team))
        .where(
            Ticket.state == "open",
            Ticket.assignee_id.is_(None),
            Ticket.over.is_(False),
            Team.mode != "grab",
            # A call for help is answered by whoever comes: a turn might name its sender.
            or_(Ticket.life_safety.is_(False), Ticket.category.not_in(CATEGORIES)),
        )
        .order_by(Ticket.learned_at, Ticket.id)
        .limit(AT_ONCE)
        .with_for_update(of=Ticket, skip_locked=True)
    )
    given = 0
    for ticket, mode in session.execute(statement).all():
        member = _turn(session, ticket, mode, now)
        if member is None:
            continue
        tickets.hand_to(session, ticket, member.person_id, by=mode, now=now, actor=actor)
        member.assigned_at = now
        session.flush()
        given += 1
    return given


def _turn(session: Session, ticket: Ticket, mode: str, now: datetime) -> Member | None:
    today = now.astimezone(zone(session.get_one(Node, ticket.site_id).time_zone)).date()
    present = {one.person_id for one in on_duty(session, ticket.site_id, ticket.team, now)}
    members = session.scalars(
        select(Member).where(
            Member.site_id == ticket.site_id,
            Member.team == ticket.team,
            Member.person_id.in_(present),
        )
    ).all()
    able = [
        member
        for member in members
        if (not member.skills or ticket.category in member.skills)
        and may_do(session, member.person_id, ticket.category, today)
    ]
    loads = _loads(session, present) if mode == "load" else {}
    return min(
        able,
        key=lambda one: (
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
