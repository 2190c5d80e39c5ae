"""Duty: whether somebody works at a moment, so that where they are may be taken at all."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from core.rosters import Shift, whose_shifts
from core.teams import Member
from workflows.patrol.posts.model import Post, PostDuty
from workflows.patrol.rounds.model import Round

# Whoever comes early or is held up is at work all the same.
AROUND_A_SHIFT = timedelta(minutes=30)
# A team for which nobody has a shift within this keeps no roster.
ROSTER_LOOKED_AT = timedelta(days=7)


def is_on_duty(
    session: Session, person_id: UUID, site_id: UUID, checkpoint_id: UUID | None, at: datetime
) -> bool:
    """Whether somebody is at work at a moment: on a shift, at a post, or on a round.

    Being on call is not, nor a shift from which they are away. Where a team keeps no roster, a
    round of it that nobody else goes, or the checkpoint of its post, says that who is of the team
    is at work.
    """
    if _on_a_shift(session, person_id, at) or _at_a_post(session, person_id, at):
        return True
    if _on_a_round(session, person_id, at):
        return True
    teams = _without_a_roster(session, person_id, site_id, at)
    return bool(teams) and _called_for(session, site_id, checkpoint_id, teams, at)


def _on_a_shift(session: Session, person_id: UUID, at: datetime) -> bool:
    shifts = select(Shift.id).where(
        Shift.kind == "duty",
        Shift.starts_at <= at + AROUND_A_SHIFT,
        Shift.ends_at >= at - AROUND_A_SHIFT,
        Shift.person_id.in_(whose_shifts(session, person_id, at)),
    )
    return session.scalar(shifts.limit(1)) is not None


def _at_a_post(session: Session, person_id: UUID, at: datetime) -> bool:
    duties = select(PostDuty.id).where(
        PostDuty.person_id == person_id,
        PostDuty.started_at <= at,
        or_(PostDuty.ended_at.is_(None), PostDuty.ended_at >= at),
    )
    return session.scalar(duties.limit(1)) is not None


def _on_a_round(session: Session, person_id: UUID, at: datetime) -> bool:
    rounds = select(Round.id).where(
        Round.person_id == person_id, Round.opens_at <= at, Round.ends_at >= at
    )
    return session.scalar(rounds.limit(1)) is not None


def _without_a_roster(session: Session, person_id: UUID, site_id: UUID, at: datetime) -> set[str]:
    """The teams of somebody on a site for which no shifts are written."""
    rostered = exists().where(
        Shift.site_id == Member.site_id,
        Shift.team == Member.team,
        Shift.starts_at.between(at - ROSTER_LOOKED_AT, at + ROSTER_LOOKED_AT),
    )
    teams = select(Member.team).where(
        Member.person_id == person_id, Member.site_id == site_id, ~rostered
    )
    return set(session.scalars(teams))


def _called_for(
    session: Session, site_id: UUID, checkpoint_id: UUID | None, teams: set[str], at: datetime
) -> bool:
    rounds = select(Round.id).where(
        Round.site_id == site_id,
        Round.team.in_(teams),
        Round.person_id.is_(None),
        Round.opens_at <= at,
        Round.ends_at >= at,
    )
    if session.scalar(rounds.limit(1)) is not None:
        return True
    posts = select(Post.id).where(
        Post.checkpoint_id == checkpoint_id, Post.team.in_(teams), Post.state == "active"
    )
    return checkpoint_id is not None and session.scalar(posts.limit(1)) is not None
