"""What the tests of posts share: a site of three checkpoints, posts, and who comes and goes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import events
from core.db import Database
from core.teams import Member
from tests.fixtures import NOON, SmallSite
from tests.workflows.walked import TEAM, Walk, make_walk
from workflows.patrol.posts import (
    Post,
    PostDraft,
    PostDuty,
    clock_in,
    clock_out,
    create_post,
    crew,
    duties_to_end,
    end_forgotten,
    is_due,
    missing,
    posts_to_watch,
    publish,
    watch_post,
    write_draft,
)

ORDERS = {"en": "# Gate\n\nOpen for fire engines.", "zh": "# 门岗\n\n消防车一律放行。"}


@dataclass
class Guarded:
    """A site with a post at its gate, and what happens there."""

    walk: Walk
    post_id: UUID

    @property
    def database(self) -> Database:
        """Where it stands."""
        return self.walk.database

    def post(self, code: str, checkpoint: str | None = None, **more: Any) -> UUID:
        """Another post."""
        return put_post(self.walk, code, checkpoint, **more)

    def row(self, post_id: UUID | None = None) -> Post:
        """A post as it stands."""
        with self.database.read() as session:
            return session.get_one(Post, post_id or self.post_id)

    def members(self, *people: UUID) -> None:
        """Put people into the team of the post."""
        with self.database.write() as session:
            for one in people:
                session.add(Member(site_id=self.walk.site.id, team=TEAM, person_id=one, skills=[]))

    def duties(self) -> list[PostDuty]:
        """Every stay at a post, by when it began."""
        with self.database.read() as session:
            return list(session.scalars(select(PostDuty).order_by(PostDuty.started_at)))

    def here(self, at: datetime, post_id: UUID | None = None) -> list[UUID]:
        """Who is at the post at a moment."""
        with self.database.read() as session:
            post = session.get_one(Post, post_id or self.post_id)
            return [one.person_id for one in crew(session, post, at)]

    def missing(self, at: datetime) -> int:
        """How many are missing there."""
        with self.database.read() as session:
            return missing(session, session.get_one(Post, self.post_id), at)

    def let_in(
        self, person: UUID, now: datetime, post_id: UUID | None = None, **more: Any
    ) -> PostDuty:
        """The supervisor puts down that somebody came."""
        caller = self.walk.caller(self.walk.supervisor)
        with self.database.write() as session:
            post = session.get_one(Post, post_id or self.post_id)
            told = {"reason": "The reader is broken", **more}
            return clock_in(session, caller, post, person, now=now, **told)

    def let_go(self, by: UUID, duty: UUID, now: datetime, **more: Any) -> PostDuty:
        """Somebody puts down that somebody left."""
        caller = self.walk.caller(by)
        with self.database.write() as session:
            return clock_out(session, caller, duty, now=now, **more)

    def publish(self, body: dict[str, str], now: datetime = NOON) -> str:
        """New orders are in force; returns the digest."""
        caller = self.walk.caller(self.walk.supervisor)
        with self.database.write() as session:
            post = session.get_one(Post, self.post_id)
            write_draft(session, caller, post, body, now=now)
            row = publish(session, caller, post, now=now)
            assert row.digest is not None
            return row.digest

    def look(self, now: datetime) -> int:
        """What the sweep does."""
        made = 0
        with self.database.write() as session:
            for duty in duties_to_end(session, now=now):
                made += end_forgotten(session, duty, now=now, actor=events.SYSTEM)
            for post_id in posts_to_watch(session):
                if is_due(session, session.get_one(Post, post_id), now=now):
                    made += watch_post(session, post_id, now=now, actor=events.SYSTEM)
        return made


def put_post(walk: Walk, code: str, checkpoint: str | None = None, **more: Any) -> UUID:
    """A post of the security team."""
    name = {"en": f"{code.title()} post", "zh": f"{code} 岗"}
    point = walk.points[checkpoint] if checkpoint else None
    draft = PostDraft(code, name, **{"team": TEAM, "checkpoint_id": point, **more})
    with walk.database.write() as session:
        return create_post(session, walk.site.id, draft, actor=events.SYSTEM, now=NOON).id


def make_guarded(database: Database, site: SmallSite) -> Guarded:
    """A post at the gate that one has to be at; its guard, and their supervisor."""
    walk = make_walk(database, site)
    return Guarded(walk, put_post(walk, "north", "gate"))
