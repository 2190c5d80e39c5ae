"""Who is at a post, whether these are enough, and whether somebody can be spared."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.clock import from_micros, to_micros
from core.people import Person
from core.places import Node
from core.site_hours import hours_at
from workflows.patrol.posts.model import Post, PostDuty
from workflows.tickets.guard_tasks import called_away


@dataclass(frozen=True, slots=True)
class AtPost:
    """Somebody who is at a post since a moment, until their shift ends."""

    duty_id: UUID
    post_id: UUID
    person_id: UUID
    name: str
    since: datetime
    shift_end: datetime
    came_by: str


def crew(session: Session, post: Post, at: datetime) -> list[AtPost]:
    """Who is at a post at a moment: who came and had not left, the first to come first."""
    return crews(session, [post.id], at)[post.id]


def crews(session: Session, posts: Collection[UUID], at: datetime) -> Mapping[UUID, list[AtPost]]:
    """The same of several posts."""
    statement = (
        select(PostDuty, Person.name)
        .join(Person, Person.id == PostDuty.person_id)
        .where(
            PostDuty.post_id.in_(posts),
            PostDuty.started_at <= at,
            or_(PostDuty.ended_at.is_(None), PostDuty.ended_at > at),
            or_(Person.left_at.is_(None), Person.left_at > at),
        )
        .order_by(PostDuty.started_at, PostDuty.id)
    )
    found: defaultdict[UUID, list[AtPost]] = defaultdict(list)
    for row, name in session.execute(statement):
        found[row.post_id].append(
            AtPost(
                row.id,
                row.post_id,
                row.person_id,
                name,
                row.started_at,
                row.shift_end,
                row.came_by,
            )
        )
    return found


def manned_from(session: Session, post: Post, at: datetime) -> tuple[bool, datetime | None]:
    """Whether a post is to be manned at a moment, and when that may change; None: never."""
    if not post.hours:
        return True, None
    site = session.get_one(Node, post.site_id)
    known = hours_at(session, site, frozenset(post.hours))
    moment = to_micros(at)
    looked = [hours.at(moment) for hours in known.values()]
    # Hours that are gone from the site ask for nobody, as rounds within them are not made.
    if not looked:
        return False, None
    return any(within for within, _ in looked), from_micros(min(edge for _, edge in looked))


def needed(session: Session, post: Post, at: datetime) -> int:
    """How many are to be at a post at a moment: its minimum within its hours, else nobody."""
    if post.state != "active":
        return 0
    return post.minimum_crew if manned_from(session, post, at)[0] else 0


def missing(session: Session, post: Post, at: datetime) -> int:
    """How many are missing at a post at a moment."""
    return max(0, needed(session, post, at) - len(crew(session, post, at)))


def post_of(session: Session, person_id: UUID) -> Post | None:
    """Where somebody is; None where they are at no post."""
    statement = (
        select(Post)
        .join(PostDuty, PostDuty.post_id == Post.id)
        .where(PostDuty.person_id == person_id, PostDuty.state == "present")
    )
    return session.scalars(statement).first()


def can_be_spared(session: Session, person_id: UUID, at: datetime) -> bool:
    """Whether somebody may be called away: not from a post that has no more than its minimum.

    Who is at no post can be. Whoever is asked to go somewhere, or goes, is not counted among those
    who stay. Who asks locks the post first where two are called at once.
    """
    post = post_of(session, person_id)
    if post is None:
        return True
    others = {one.person_id for one in crew(session, post, at)} - {person_id}
    return len(others - called_away(session, others)) >= needed(session, post, at)


def crew_for_rounds(session: Session, site_id: UUID, team: str, at: datetime) -> Sequence[AtPost]:
    """Who is at a post that stands for a team's rounds, at a moment."""
    posts = select(Post.id).where(
        Post.site_id == site_id, Post.team == team, Post.for_rounds.is_(True)
    )
    found = crews(session, list(session.scalars(posts)), at)
    return [one for some in found.values() for one in some]


def crew_for_rounds_between(
    session: Session, site_id: UUID, team: str, start: datetime, end: datetime
) -> list[UUID]:
    """Who was at such a post at any time of a span, who came first first."""
    statement = (
        select(PostDuty.person_id)
        .join(Post, Post.id == PostDuty.post_id)
        .where(
            Post.site_id == site_id,
            Post.team == team,
            Post.for_rounds.is_(True),
            PostDuty.started_at < end,
            or_(PostDuty.ended_at.is_(None), PostDuty.ended_at > start),
        )
        .order_by(PostDuty.started_at, PostDuty.id)
    )
    return list(dict.fromkeys(session.scalars(statement)))
