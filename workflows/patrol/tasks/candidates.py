"""Who could go: everybody on duty here, who of them can be spared, and who is nearest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.colleagues import able_people
from core.rosters import Shift, on_duty
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.posts.manning import can_be_spared, crews
from workflows.patrol.posts.model import Post
from workflows.patrol.rounds.model import Round
from workflows.patrol.tasks.nearness import Near, how_near, where_is
from workflows.patrol.tasks.places import place_of
from workflows.tickets.guard_tasks import STANDING, GuardOffer
from workflows.tickets.model import Ticket
from workflows.tickets.promises import terms_at
from workflows.tickets.sos import Sos

# Somebody who did not answer is asked once more after this, where nobody else could go.
ASK_ONCE_MORE = timedelta(minutes=5)
# On duty, and not only to be called.
_DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Candidate:
    """Somebody on duty. post: where they stand. why_not: away, needed, asked, calls; None: free."""

    person_id: UUID
    name: str
    post: Post | None
    near: Near
    why_not: str | None


def uses_guards(session: Session, site_id: UUID, team: str, now: datetime) -> bool:
    """Whether a site has guards at all: a post, or anybody with a shift in the team around now."""
    post = select(Post.id).where(Post.site_id == site_id, Post.state == "active").limit(1)
    if session.scalar(post) is not None:
        return True
    shift = select(Shift.id).where(
        Shift.site_id == site_id,
        Shift.team == team,
        Shift.ends_at > now - timedelta(days=1),
        Shift.starts_at < now + timedelta(days=1),
    )
    return session.scalar(shift.limit(1)) is not None


def lock_posts(session: Session, site_id: UUID) -> Sequence[Post]:
    """The posts of a site, locked in one order: two alarms must not both take a post's last."""
    statement = (
        select(Post)
        .where(Post.site_id == site_id, Post.state == "active")
        .order_by(Post.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def candidates(
    session: Session, ticket: Ticket, *, run: int, now: datetime, posts: Sequence[Post]
) -> list[Candidate]:
    """Everybody on duty at the site of a ticket, the nearest first.

    posts: those of the site; locked by whoever sends somebody. Whoever calls for help themselves,
    goes elsewhere, has passed it on, or is needed where they stand says so in `why_not`.
    """
    at = _at_posts(session, posts, now)
    people = _on_duty(session, ticket, at, now)
    place = place_of(session, ticket)
    asked = _asked(session, ticket.id, run, now)
    away = set(session.scalars(select(GuardOffer.person_id).where(GuardOffer.state.in_(STANDING))))
    call = _who_calls(session, set(people))
    found = []
    for person_id, name in people.items():
        post = at.get(person_id)
        known = where_is(session, person_id, post, now)
        why = None
        if person_id in call:
            why = "calls"
        elif person_id in away:
            why = "away"
        elif person_id in asked:
            why = "asked"
        elif not can_be_spared(session, person_id, now):
            why = "needed"
        near = how_near(session, known, place, now)
        found.append(Candidate(person_id, name, post, near, why))
    return sorted(found, key=lambda one: (one.near.score, one.person_id))


def _at_posts(session: Session, posts: Sequence[Post], now: datetime) -> dict[UUID, Post]:
    by_id = {post.id: post for post in posts}
    here = crews(session, list(by_id), now)
    return {one.person_id: by_id[post_id] for post_id, some in here.items() for one in some}


def _on_duty(
    session: Session, ticket: Ticket, at: dict[UUID, Post], now: datetime
) -> dict[UUID, str]:
    """Who is at a post, by the roster, or on a round, and may scan here; by id with their name."""
    team = terms_at(session, ticket.site_id).terms.guards.team
    rostered = {
        one.person_id for one in on_duty(session, ticket.site_id, team, now) if one.kind == _DUTY
    }
    going = select(Round.person_id).where(
        Round.site_id == ticket.site_id,
        Round.state == "running",
        Round.person_id.is_not(None),
        Round.ends_at > now,
    )
    here = {*at, *rostered, *session.scalars(going)}
    return {
        one.id: one.name for one in able_people(session, ticket.site_id, SCAN) if one.id in here
    }


def _asked(session: Session, task_id: UUID, run: int, now: datetime) -> set[UUID]:
    """Who has had it: for good if they said no, else until they may be asked once more."""
    statement = select(GuardOffer.person_id).where(
        GuardOffer.task_id == task_id,
        GuardOffer.run == run,
        or_(
            GuardOffer.state.in_(("passed", "done")),
            GuardOffer.answered_at > now - ASK_ONCE_MORE,
        ),
    )
    return set(session.scalars(statement))


def _who_calls(session: Session, people: set[UUID]) -> set[UUID]:
    statement = select(Sos.person_id).where(
        Sos.person_id.in_(people), Sos.state != "over", Sos.practice.is_(False)
    )
    return {one for one in session.scalars(statement) if one is not None}
