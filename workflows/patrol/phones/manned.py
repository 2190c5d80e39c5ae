"""What a phone takes along of posts: where its people stand, since when, under what orders."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.markdown import rendered
from core.rosters import Absence, Shift
from core.teams import Member
from workflows.patrol.phones.model import Phone
from workflows.patrol.posts.model import OrdersRead, Post, PostDuty, PostOrders

# Whoever has a shift in a team within this is to know the orders of its posts.
SHIFTS_AHEAD = timedelta(hours=36)


def posts_taken(
    session: Session, phone: Phone, people: Collection[UUID], now: datetime
) -> list[dict[str, Any]]:
    """The posts where people of a phone stand, by code, with the orders in force.

    Those of a team that somebody belongs to, has a shift in soon, or stands in for; of every team
    into which nobody was put; and where somebody is now. Of nobody but the people of the phone is
    it told where they are and what they have read.
    """
    statement = select(Post).where(Post.site_id == phone.site_id, Post.state == "active")
    if phone.team:
        statement = statement.where(Post.team == phone.team)
    rows = session.scalars(statement.order_by(Post.code)).all()
    present = _present(session, rows, people)
    of_team = _of_teams(session, phone, {row.team for row in rows}, people, now)
    of = {row.id: of_team[row.team] | {one["person_id"] for one in present[row.id]} for row in rows}
    taken = [row for row in rows if of[row.id]]
    orders = _orders(session, [row.id for row in taken], people)
    return [
        {
            "id": row.id,
            "code": row.code,
            "name": row.name,
            "checkpoint_id": row.checkpoint_id,
            "people": sorted(of[row.id]),
            "here": present[row.id],
            "orders": orders.get(row.id),
        }
        for row in taken
    ]


def _of_teams(
    session: Session, phone: Phone, teams: Collection[str], people: Collection[UUID], now: datetime
) -> Mapping[str, set[UUID]]:
    """Of each team those of some people who work in it."""
    members = defaultdict[str, set[UUID]](set)
    known = select(Member.team, Member.person_id).where(
        Member.site_id == phone.site_id, Member.team.in_(teams)
    )
    for team, person_id in session.execute(known):
        members[team].add(person_id)
    found = {team: set(people) & (members[team] or set(people)) for team in teams}
    for team, person_id in _with_shifts(session, phone, people, now):
        if team in found:
            found[team].add(person_id)
    return found


def _with_shifts(
    session: Session, phone: Phone, people: Collection[UUID], now: datetime
) -> set[tuple[str, UUID]]:
    """Who has a shift in which team soon, their own or that of somebody for whom they stand in."""
    soon = (
        Shift.site_id == phone.site_id,
        Shift.ends_at > now,
        Shift.starts_at < now + SHIFTS_AHEAD,
    )
    own = select(Shift.team, Shift.person_id).where(*soon, Shift.person_id.in_(people))
    others = (
        select(Shift.team, Absence.deputy_id)
        .join(Absence, Absence.person_id == Shift.person_id)
        .where(
            *soon,
            Absence.deputy_id.in_(people),
            Absence.starts_at < Shift.ends_at,
            Absence.ends_at > Shift.starts_at,
        )
    )
    found = [*session.execute(own), *session.execute(others)]
    return {(team, person_id) for team, person_id in found}


def _present(
    session: Session, rows: Sequence[Post], people: Collection[UUID]
) -> Mapping[UUID, list[dict[str, Any]]]:
    statement = select(PostDuty).where(
        PostDuty.post_id.in_([row.id for row in rows]),
        PostDuty.person_id.in_(people),
        PostDuty.state == "present",
    )
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    for duty in session.scalars(statement.order_by(PostDuty.started_at, PostDuty.id)):
        told = {"person_id": duty.person_id, "since": duty.started_at, "shift_end": duty.shift_end}
        found[duty.post_id].append(told)
    return found


def _orders(
    session: Session, posts: Collection[UUID], people: Collection[UUID]
) -> Mapping[UUID, dict[str, Any]]:
    """By post the orders in force, as HTML that can do no harm, and who of the people read them."""
    statement = select(PostOrders).where(
        PostOrders.post_id.in_(posts), PostOrders.state == "published"
    )
    rows = session.scalars(statement).all()
    read = defaultdict[UUID, list[UUID]](list)
    reads = select(OrdersRead.orders_id, OrdersRead.person_id).where(
        OrdersRead.orders_id.in_([row.id for row in rows]), OrdersRead.person_id.in_(people)
    )
    for orders_id, person_id in session.execute(reads.order_by(OrdersRead.person_id)):
        read[orders_id].append(person_id)
    return {
        row.post_id: {
            "id": row.id,
            "number": row.number,
            "digest": row.digest,
            "published_at": row.published_at,
            "html": {language: str(rendered(text)) for language, text in row.body.items()},
            "read_by": read[row.id],
        }
        for row in rows
    }
