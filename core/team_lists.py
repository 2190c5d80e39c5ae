"""Teams and who is in them, set by lists: one fact for each team, whoever it is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.teams import Member, Team


@dataclass(frozen=True, slots=True)
class Doer:
    """By whom and when."""

    actor: events.Actor
    now: datetime


def write_team(
    session: Session, site_id: UUID, code: str, team_id: UUID, values: Mapping[str, Any], by: Doer
) -> None:
    """Make a team or change some fields of it: name, mode, cover. The caller has checked them."""
    row = session.scalars(select(Team).where(Team.site_id == site_id, Team.code == code)).first()
    if row is None:
        row = Team(id=team_id, site_id=site_id, code=code, version=0)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    session.flush()
    after = {"code": code, "mode": row.mode, "cover": row.cover, "fields": sorted(values)}
    _tell(session, "team.change", ("team", row.id), site_id, after, by)


def remove_team(session: Session, row: Team, by: Doer) -> None:
    """Take a team back that nobody is in and nothing is for; a shipped one is as shipped again."""
    session.delete(row)
    session.flush()
    _tell(session, "team.remove", ("team", row.id), row.site_id, {"code": row.code}, by)


@dataclass(slots=True)
class Membership:
    """Who of a team comes in or has other skills, and who goes out."""

    within: dict[UUID, list[str]] = field(default_factory=dict)
    out: set[UUID] = field(default_factory=set)


def write_members(session: Session, site_id: UUID, team: str, wanted: Membership, by: Doer) -> None:
    """Take people into a team or out of it; everybody else stays as they are."""
    touched = {*wanted.within, *wanted.out}
    statement = select(Member).where(
        Member.site_id == site_id, Member.team == team, Member.person_id.in_(touched)
    )
    standing = {row.person_id: row for row in session.scalars(statement)}
    for person_id in wanted.out & standing.keys():
        session.delete(standing[person_id])
    for person_id, skills in wanted.within.items():
        row = standing.get(person_id)
        if row is None:
            row = Member(site_id=site_id, team=team, person_id=person_id)
            session.add(row)
        row.skills = sorted(set(skills))
    session.flush()
    after = {
        "team": team,
        "within": sorted(map(str, wanted.within)),
        "out": sorted(map(str, wanted.out)),
    }
    _tell(session, "team.members", ("site", site_id), site_id, after, by)


def _tell(
    session: Session,
    kind: str,
    subject: tuple[str, UUID],
    site_id: UUID,
    after: Mapping[str, Any],
    by: Doer,
) -> None:
    events.append(
        session,
        kind,
        subject,
        actor=by.actor,
        learned_at=by.now,
        site_id=site_id,
        after=dict(after),
    )
