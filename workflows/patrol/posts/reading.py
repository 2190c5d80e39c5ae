"""Reading posts: one with who is there, and who was there when, for whom that may be seen by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, scoped
from workflows.patrol.checkpoints import PEOPLE, READ
from workflows.patrol.posts.keeping import read_post
from workflows.patrol.posts.manning import crew, manned_from, needed
from workflows.patrol.posts.model import Post, PostDuty
from workflows.patrol.posts.orders import published_of, unread_by

DUTY_KEY = (datetime, UUID)
DUTY_ROWS = (
    rows_of(
        PostDuty.id,
        PostDuty.site_id,
        PostDuty.post_id,
        Post.code.label("post_code"),
        Post.name.label("post_name"),
        PostDuty.person_id,
        Person.name.label("person_name"),
        PostDuty.state,
        PostDuty.started_at,
        PostDuty.ended_at,
        PostDuty.came_by,
        PostDuty.left_by,
        PostDuty.came_scan_id,
        PostDuty.left_scan_id,
        PostDuty.came_reason,
        PostDuty.left_reason,
        PostDuty.shift_end,
    )
    .join(Post, Post.id == PostDuty.post_id)
    .join(Person, Person.id == PostDuty.person_id)
)


@dataclass(frozen=True, slots=True)
class DutyFilter:
    """Whose times at which post are wanted; None does not restrict.

    state: present, left or forgotten. since, until: who came from then on, before then.
    """

    site_id: UUID | None = None
    post_id: UUID | None = None
    person_id: UUID | None = None
    state: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_duties(
    session: Session, caller: Caller, wanted: DutyFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Who was at posts when, whoever came last first. Key: started_at, id.

    One's own times, and everybody's where the caller may see whose scans are whose.
    """
    seen = or_(
        PostDuty.person_id == caller.person_id, PostDuty.site_id.in_(caller.sites_for(PEOPLE))
    )
    statement = scoped(DUTY_ROWS, PostDuty.site_id, caller, READ).where(seen)
    pairs = (
        (PostDuty.site_id, wanted.site_id),
        (PostDuty.post_id, wanted.post_id),
        (PostDuty.person_id, wanted.person_id),
        (PostDuty.state, wanted.state),
    )
    for column, value in pairs:
        if value is not None:
            statement = statement.where(column == value)
    if wanted.since is not None:
        statement = statement.where(PostDuty.started_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(PostDuty.started_at < wanted.until)
    return newest_first(session, statement, (PostDuty.started_at, PostDuty.id), wish)


def describe_duty(session: Session, row: PostDuty) -> dict[str, Any]:
    """One of them as the list shows it."""
    found = session.execute(DUTY_ROWS.where(PostDuty.id == row.id)).mappings().one()
    return dict(found)


def describe_post(
    session: Session, caller: Caller, post_id: UUID, *, now: datetime
) -> dict[str, Any]:
    """One post as the list shows it, with who is there and how many should be.

    crew: who is there, each with whether they know the orders in force, for who stands there and
    for who may see whose scans are whose; for others nobody, and `present` says how many there are.
    NotFound when the caller may not read it.
    """
    row = read_post(session, caller, post_id)
    found = {**row, **how_manned(session, session.get_one(Post, post_id), now=now)}
    leads = row["site_id"] in caller.sites_for(PEOPLE)
    stands_there = any(one["person_id"] == caller.person_id for one in found["crew"])
    return found if leads or stands_there else {**found, "crew": []}


def how_manned(session: Session, post: Post, *, now: datetime) -> dict[str, Any]:
    """Who is at a post now, how many should be, until when, and which orders are in force."""
    here, wanted = crew(session, post, now), needed(session, post, now)
    orders = published_of(session, post.id)
    return {
        "needed": wanted,
        "present": len(here),
        "missing": max(0, wanted - len(here)),
        "until": manned_from(session, post, now)[1],
        "orders_number": orders.number if orders else None,
        "crew": [
            {
                "duty_id": one.duty_id,
                "person_id": one.person_id,
                "name": one.name,
                "since": one.since,
                "shift_end": one.shift_end,
                "came_by": one.came_by,
                "knows_orders": unread_by(session, post.id, one.person_id) is None,
            }
            for one in here
        ],
    }


def at_no_post(session: Session, people: Sequence[Person]) -> list[Person]:
    """Of some people those who are at no post, in their order."""
    ids = [person.id for person in people]
    statement = select(PostDuty.person_id).where(
        PostDuty.person_id.in_(ids), PostDuty.state == "present"
    )
    busy = set(session.scalars(statement))
    return [person for person in people if person.id not in busy]
