"""What time asks of posts: whoever forgot to leave is let go, too few are told of."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from core.db import Session
from jobs.one_by_one import Step, step_by_step
from jobs.work import Work, actor
from workflows.patrol import posts
from workflows.patrol.posts import end_forgotten, watch_post

ACTOR = actor("posts")


def look_at_posts(work: Work, now: datetime) -> int:
    """End the duty of whoever forgot to leave, then look at each post whether enough are there.

    Each by itself: one that fails holds no other back, and then the sweep fails.
    """
    return step_by_step(work, _due(work, now))


def _due(work: Work, now: datetime) -> Iterator[tuple[UUID, Step]]:
    def let_go(session: Session, duty_id: UUID) -> int:
        return end_forgotten(session, duty_id, now=now, actor=ACTOR)

    def watch(session: Session, post_id: UUID) -> int:
        return watch_post(session, post_id, now=now, actor=ACTOR)

    with work.database.read() as session:
        over = posts.duties_to_end(session, now=now)
    yield from ((duty_id, let_go) for duty_id in over)
    # Only now: whoever was let go is at their post no more.
    with work.database.read() as session:
        due = [
            post_id
            for post_id in posts.posts_to_watch(session)
            if posts.is_due(session, session.get_one(posts.Post, post_id), now=now)
        ]
    yield from ((post_id, watch) for post_id in due)
