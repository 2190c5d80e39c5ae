"""What time asks of posts: whoever forgot to leave is let go, too few are told of."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from core.db import is_unavailable
from core.leases import LeaseLost
from jobs.work import Work, actor
from workflows.patrol import posts
from workflows.patrol.posts import end_forgotten, watch_post

ACTOR = actor("posts")


def look_at_posts(work: Work, now: datetime) -> int:
    """End the duty of whoever forgot to leave, then look at each post whether enough are there.

    Each by itself: one that fails holds no other back, and then the sweep fails.
    """
    with work.database.read() as session:
        over = posts.duties_to_end(session, now=now)
    made, failure = _each(work, over, now, end_forgotten)
    with work.database.read() as session:
        due = [
            post_id
            for post_id in posts.posts_to_watch(session)
            if posts.is_due(session, session.get_one(posts.Post, post_id), now=now)
        ]
    told, other = _each(work, due, now, watch_post)
    if failure := failure or other:
        raise failure
    return made + told


def _each(
    work: Work, ids: Sequence[UUID], now: datetime, do: Callable[..., int]
) -> tuple[int, Exception | None]:
    made, failure = 0, None
    for one in ids:
        if work.stopping.is_set():
            break
        try:
            with work.transaction() as session:
                made += do(session, one, now=now, actor=ACTOR)
        except Exception as error:
            if isinstance(error, LeaseLost) or is_unavailable(error):
                raise
            failure = failure or error
    return made, failure
