"""What time asks of posts: too few who are there, and whoever forgot to leave."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import events
from core.rosters import bosses
from workflows.patrol.posts.manning import crew, needed
from workflows.patrol.posts.model import Post

# At every change of shift somebody is there a moment later than the other goes.
GRACE = timedelta(minutes=5)


def posts_to_watch(session: Session) -> list[UUID]:
    """The posts of which somebody has to be told when too few are there."""
    statement = select(Post.id).where(
        Post.state == "active", or_(Post.minimum_crew > 0, Post.short_since.is_not(None))
    )
    return list(session.scalars(statement.order_by(Post.id)))


def is_due(session: Session, post: Post, *, now: datetime) -> bool:
    """Whether a look at a post would change something of it."""
    short = len(crew(session, post, now)) < needed(session, post, now)
    if not short:
        return post.short_since is not None
    return post.short_since is None or _to_tell(post, now)


def _to_tell(post: Post, now: datetime) -> bool:
    since = post.short_since
    return since is not None and post.told_at is None and now >= since + GRACE


def watch_post(session: Session, post_id: UUID, *, now: datetime, actor: events.Actor) -> int:
    """Note since when too few are at a post, and tell who leads them; how many facts that made."""
    statement = select(Post).where(Post.id == post_id).with_for_update(skip_locked=True)
    post = session.scalars(statement.execution_options(populate_existing=True)).first()
    if post is None or post.state != "active":
        return 0
    here, wanted = len(crew(session, post, now)), needed(session, post, now)
    made = 0
    if here < wanted:
        if post.short_since is None:
            post.short_since = now
        if _to_tell(post, now):
            post.told_at = now
            since = post.short_since.isoformat()
            people = [str(one) for one in bosses(session, post.site_id)]
            said: dict[str, object] = {"people": people, "about": dict(post.name), "from": since}
            said["to"] = now.isoformat()
            _tell(session, "post.short", post, here, wanted, actor, now, said)
            made = 1
    elif post.short_since is not None:
        if post.told_at is not None:
            _tell(session, "post.enough", post, here, wanted, actor, now, {})
            made = 1
        post.short_since = post.told_at = None
    session.flush()
    return made


def _tell(
    session: Session,
    kind: str,
    post: Post,
    here: int,
    wanted: int,
    actor: events.Actor,
    now: datetime,
    said: dict[str, object],
) -> None:
    events.append(
        session,
        kind,
        ("post", post.id),
        actor=actor,
        learned_at=now,
        site_id=post.site_id,
        after={"here": here, "wanted": wanted, **said},
    )
