"""Scans at the checkpoint of a post: they say who comes and who leaves."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict
from core.rosters import Absence, Shift
from core.teams import Member
from workflows.patrol.model import ACCEPTED, AHEAD, Scan
from workflows.patrol.posts.clocking import EARLY, come, leave, present_duty
from workflows.patrol.posts.model import TWICE, Post, PostDuty

# A gateway hears a badge again and again; that says who is there, and never that they leave.
_HEARD = "beacon"
# Within so long of being let in by hand a scan says the same once more.
CONFIRMS = timedelta(minutes=30)


def clock_scans(session: Session, scans: Sequence[Scan], *, now: datetime) -> None:
    """Let accepted scans at the checkpoints of posts say who comes and who leaves.

    The first one of somebody who is at no post says that they come, the next one there that they
    leave; by the scanner's clock, in its order, however late they are told. What is older than
    what is known of a person changes nothing, but for one: it mends a leaving that was forgotten.
    A scan says in its evidence what it did: `post`: came, left, other_post, not_of_team.
    """
    wanted = [
        scan
        for scan in scans
        if scan.verdict == ACCEPTED
        and scan.checkpoint_id is not None
        and scan.person_id is not None
        and scan.occurred_at <= now + AHEAD
    ]
    places = {scan.checkpoint_id for scan in wanted}
    if not places:
        return
    statement = select(Post).where(Post.checkpoint_id.in_(places), Post.state == "active")
    posts = {post.checkpoint_id: post for post in session.scalars(statement)}
    for scan in sorted(wanted, key=lambda one: (one.occurred_at, one.id)):
        post = posts.get(scan.checkpoint_id)
        did = _clock(session, post, scan, now) if post is not None else None
        if did is not None:
            _note(session, scan, did)


def _clock(session: Session, post: Post, scan: Scan, now: datetime) -> str | None:
    """What a scan at a post's checkpoint says of whoever scanned; None: nothing."""
    assert scan.person_id is not None
    at, actor = scan.occurred_at, events.Actor.person(scan.person_id)
    standing = present_duty(session, scan.person_id)
    if standing is None:
        return _back(session, post, scan, now)
    if at <= standing.started_at:
        return None
    if standing.post_id != post.id:
        return "other_post"
    if scan.kind == _HEARD or at <= standing.started_at + TWICE:
        return None
    if standing.came_by != "scan" and at <= standing.started_at + CONFIRMS:
        # Somebody let them in by hand shortly before they came to the tag.
        return "came"
    leave(session, standing, at=at, by="scan", actor=actor, now=now, scan_id=scan.id)
    return "left"


def _back(session: Session, post: Post, scan: Scan, now: datetime) -> str | None:
    """The same of somebody who is at no post: they come, or they had forgotten to leave."""
    assert scan.person_id is not None
    at, actor = scan.occurred_at, events.Actor.person(scan.person_id)
    statement = select(PostDuty).where(PostDuty.person_id == scan.person_id)
    last = session.scalars(
        statement.order_by(PostDuty.started_at.desc(), PostDuty.id.desc()).limit(1)
    ).first()
    if last is not None and last.ended_at is not None:
        mends = last.state == "forgotten" and last.post_id == post.id and scan.kind != _HEARD
        if mends and last.started_at + TWICE < at <= last.ends_by:
            leave(session, last, at=at, by="scan", actor=actor, now=now, scan_id=scan.id)
            return "left"
        again = TWICE if last.post_id == post.id else timedelta()
        if at <= last.ended_at + again:
            return None
    if not belongs(session, post, scan.person_id, at):
        return "not_of_team"
    how: dict[str, Any] = {"by": "scan", "actor": actor, "scan_id": scan.id}
    try:
        come(session, post, scan.person_id, at=at, now=now, **how)
    except Conflict:
        # Somebody let them in elsewhere at this very moment; the scan is kept all the same.
        return "other_post"
    return "came"


def _note(session: Session, scan: Scan, did: str) -> None:
    evidence = {**scan.evidence, "post": did}
    statement = update(Scan).where(Scan.id == scan.id).values(evidence=evidence)
    session.execute(statement.execution_options(synchronize_session=False))
    scan.evidence = evidence


def belongs(session: Session, post: Post, person_id: UUID, at: datetime) -> bool:
    """Whether a scan of somebody at a post says that they come to work there.

    So it does of the people of its team and of whoever has a shift in it; of anybody where nobody
    was put into the team.
    """
    members = select(Member.person_id).where(
        Member.site_id == post.site_id, Member.team == post.team
    )
    known = set(session.scalars(members))
    if not known or person_id in known:
        return True
    deputies = select(Absence.person_id).where(
        Absence.deputy_id == person_id, Absence.starts_at <= at, Absence.ends_at > at
    )
    shifts = select(Shift.id).where(
        Shift.site_id == post.site_id,
        Shift.team == post.team,
        Shift.person_id.in_({person_id, *session.scalars(deputies)}),
        Shift.starts_at <= at + EARLY,
        Shift.ends_at > at,
    )
    return session.scalars(shifts.limit(1)).first() is not None
