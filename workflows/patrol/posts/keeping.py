"""Posts: made, changed, retired, found and listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.inherited import code_problems, name_problems, tidy
from core.lifecycle import move
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, scoped
from core.places import Asset, Node
from core.site_hours import hours_at
from core.teams import teams_at
from rules.wording import worded
from workflows.patrol.checkpoints import READ, checkpoint_of
from workflows.patrol.model import ASSET_TYPE, Checkpoint
from workflows.patrol.posts.model import POST, Post
from workflows.patrol.rounds.model import Route, RoutePoint

LARGEST_CREW, LONGEST_TOLERANCE_MIN = 50, 12 * 60
USUAL_CREW, USUAL_TOLERANCE_MIN = 1, 60
MOST_HOURS = 10
ROWS = rows_of(
    Post.id,
    Post.site_id,
    Post.code,
    Post.name,
    Post.team,
    Post.hours,
    Post.minimum_crew,
    Post.for_rounds,
    Post.checkpoint_id,
    Asset.code.label("checkpoint_code"),
    Asset.name.label("checkpoint_name"),
    Post.tolerance_min,
    Post.state,
    Post.version,
    Post.short_since,
).outerjoin(Asset, Asset.id == Post.checkpoint_id)


@dataclass(frozen=True, slots=True)
class PostDraft:
    """A post as it is to be; see Post for what the fields mean."""

    code: str
    name: Mapping[str, str]
    team: str
    hours: Sequence[str] = ()
    minimum_crew: int = USUAL_CREW
    for_rounds: bool = False
    checkpoint_id: UUID | None = None
    tolerance_min: int = USUAL_TOLERANCE_MIN

    def values(self) -> dict[str, Any]:
        """The columns that can change."""
        return {
            "name": tidy(self.name),
            "team": self.team,
            "hours": sorted(set(self.hours)),
            "minimum_crew": self.minimum_crew,
            "for_rounds": self.for_rounds,
            "checkpoint_id": self.checkpoint_id,
            "tolerance_min": self.tolerance_min,
            # Whether too few are there is judged anew.
            "short_since": None,
            "told_at": None,
        }


def create_post(
    session: Session, site_id: UUID, draft: PostDraft, *, actor: events.Actor, now: datetime
) -> Post:
    """Set up a post. Raises Invalid with every problem, Conflict for a code that is taken."""
    _check(session, site_id, draft, None)
    _keep_checkpoint(session, draft, actor, now)
    row = Post(site_id=site_id, code=draft.code, state="active", version=1, **draft.values())
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise Conflict(
            worded("there is a post %(code)s on this site already", code=draft.code),
            advice=worded("Choose another code."),
        ) from error
    events.append(
        session,
        "post.create",
        ("post", row.id),
        actor=actor,
        learned_at=now,
        site_id=site_id,
        after={"code": row.code, "team": row.team, "minimum_crew": row.minimum_crew},
    )
    return row


def change_post(
    session: Session,
    row: Post,
    draft: PostDraft,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> Post:
    """Make a post as `draft` says; its code stays. Raises Invalid with every problem."""
    if draft.code != row.code:
        raise Invalid(
            worded("the post was not changed"), problems=[worded("code: cannot be changed")]
        )
    _check(session, row.site_id, draft, row.id)
    _keep_checkpoint(session, draft, actor, now)
    facts = {"team": draft.team, "minimum_crew": draft.minimum_crew}
    _move(session, row, "change", actor, now, expected_version, draft.values(), facts)
    return row


def move_post(
    session: Session,
    row: Post,
    action: str,
    *,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """`retire` a post, where nobody is told of then and nobody comes, or `reactivate` it.

    Conflict if it is so already, and where another post has its checkpoint by now.
    """
    if action == "reactivate" and row.checkpoint_id is not None:
        problems = _checkpoint_problems(session, row.site_id, row.checkpoint_id, row.id)
        if problems:
            raise Conflict(
                worded("its checkpoint is used for something else now"),
                advice=worded("Change that first, then take the post into use again."),
            )
    values = {"short_since": None, "told_at": None}
    _move(session, row, action, actor, now, expected_version, values, {})


def _move(
    session: Session,
    row: Post,
    action: str,
    actor: events.Actor,
    now: datetime,
    expected_version: int | None,
    values: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> None:
    try:
        with session.begin_nested():
            move(
                session,
                row,
                POST,
                action,
                actor=actor,
                learned_at=now,
                values=values,
                facts=facts,
                expected_version=expected_version,
            )
    except IntegrityError as error:
        # Another post was given the same checkpoint at this moment.
        raise Conflict(
            worded("another post has this checkpoint"), advice=worded("Choose another checkpoint.")
        ) from error


def _check(session: Session, site_id: UUID, draft: PostDraft, own: UUID | None) -> None:
    problems = [*code_problems(draft.code), *name_problems(draft.name, "name")]
    if draft.team not in {team.code for team in teams_at(session, site_id)}:
        problems.append(worded("team: one of this site"))
    if len(set(draft.hours)) > MOST_HOURS:
        problems.append(worded("hours: at most %(most)s", most=MOST_HOURS))
    wanted = frozenset(draft.hours)
    known = hours_at(session, session.get_one(Node, site_id), wanted)
    problems += [
        worded("hours: %(code)s is no calendar and no shift of this site", code=repr(code[:40]))
        for code in sorted(wanted - known.keys())
    ]
    if not 0 <= draft.minimum_crew <= LARGEST_CREW:
        problems.append(worded("minimum_crew: 0 to %(most)s", most=LARGEST_CREW))
    if not 0 <= draft.tolerance_min <= LONGEST_TOLERANCE_MIN:
        problems.append(worded("tolerance_min: 0 to %(most)s", most=LONGEST_TOLERANCE_MIN))
    if draft.checkpoint_id is not None:
        problems += _checkpoint_problems(session, site_id, draft.checkpoint_id, own)
    if problems:
        raise Invalid(worded("the post was not saved"), problems=problems)


def _checkpoint_problems(
    session: Session, site_id: UUID, checkpoint_id: UUID, own: UUID | None
) -> list[str]:
    asset = session.get(Asset, checkpoint_id)
    if asset is None or asset.site_id != site_id or asset.type != ASSET_TYPE:
        return [worded("checkpoint_id: a checkpoint of this site")]
    row = session.get(Checkpoint, checkpoint_id)
    if row is not None and row.state != "active":
        return [worded("checkpoint_id: this checkpoint is out of use")]
    other = select(Post.id).where(Post.checkpoint_id == checkpoint_id, Post.state == "active")
    if set(session.scalars(other)) - {own}:
        return [worded("checkpoint_id: another post has this checkpoint")]
    # A scan there would be a visit to one and the end of a shift to the other.
    walked = (
        select(Route.id)
        .join(RoutePoint, RoutePoint.route_id == Route.id)
        .where(RoutePoint.checkpoint_id == checkpoint_id, Route.state == "active")
    )
    if session.scalars(walked.limit(1)).first() is not None:
        return [
            worded("checkpoint_id: rounds go to this checkpoint; put up one that is the post's own")
        ]
    return []


def _keep_checkpoint(
    session: Session, draft: PostDraft, actor: events.Actor, now: datetime
) -> None:
    if draft.checkpoint_id is not None:
        asset = session.get_one(Asset, draft.checkpoint_id)
        checkpoint_of(session, asset, actor=actor, now=now)


def find_post(session: Session, caller: Caller, post_id: UUID, *, permission: str) -> Post:
    """A post. NotFound when the caller may not read it, NotAllowed without the permission there."""
    statement = scoped(select(Post).where(Post.id == post_id), Post.site_id, caller, READ)
    row = session.scalars(statement).first()
    if row is None:
        raise _unknown()
    caller.require(permission, row.site_id)
    return row


def require_in_use(row: Post) -> None:
    """Conflict for a post that is out of use."""
    if row.state != "active":
        raise Conflict(
            worded("this post is out of use"), advice=worded("Take it into use again first.")
        )


def read_post(session: Session, caller: Caller, post_id: UUID) -> dict[str, Any]:
    """One post as the list shows it. NotFound when the caller may not read it."""
    found = session.execute(_seen(caller).where(Post.id == post_id)).mappings().first()
    if found is None:
        raise _unknown()
    return dict(found)


def list_posts(
    session: Session,
    caller: Caller,
    wish: Wish,
    *,
    site_id: UUID | None = None,
    state: str | None = None,
) -> Page[dict[str, Any]]:
    """Posts that the caller may read, the last made first. Key: id."""
    statement = _seen(caller)
    if site_id is not None:
        statement = statement.where(Post.site_id == site_id)
    if state is not None:
        statement = statement.where(Post.state == state)
    return newest_first(session, statement, (Post.id,), wish)


def _seen(caller: Caller) -> Select[Any]:
    return scoped(ROWS, Post.site_id, caller, READ)


def _unknown() -> NotFound:
    return NotFound(
        worded("there is no such post"), advice=worded("Look for it in the list of posts.")
    )
