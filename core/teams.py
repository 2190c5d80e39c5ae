"""Teams, who is in them and what they can do, and who may do which work by certificate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Date, ForeignKey, Integer, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.calendars import codes_at
from core.colleagues import able_people
from core.db import Base, Instant, wait_turn
from core.errors import Conflict, Invalid, Stale
from core.ids import new_id
from core.people import Caller, Person
from core.places import Node
from rules.wording import worded

SHIPPED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "maintenance": {"en": "Maintenance", "zh": "工程维修"},
        "security": {"en": "Security", "zh": "秩序安保"},
        "service": {"en": "Service desk", "zh": "客服前台"},
    }
)
# How a ticket finds its person: whoever takes it; the one who waited longest; the least loaded.
MODES = ("grab", "round_robin", "load")
WRITE, ROSTER = "service.write", "rosters.write"
# The certificates that a category of work needs by law.
CERTIFICATES: Mapping[str, str] = MappingProxyType(
    {"electrical": "electrician", "lift": "lift_mechanic", "fire": "fire_facility"}
)
CERTIFICATE_KINDS = (*sorted(set(CERTIFICATES.values())), "welder", "work_at_height")


class Team(Base):
    """How a team of a site works; the shipped teams need no row to exist.

    cover: the code of the calendar in which somebody must be on duty; NULL = nobody watches that.
    """

    __tablename__ = "team"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    code: Mapped[str] = mapped_column(String(40))
    name: Mapped[dict[str, str]] = mapped_column(JSON)
    mode: Mapped[str] = mapped_column(String(12), default="grab")
    cover: Mapped[str | None] = mapped_column(String(60))
    version: Mapped[int] = mapped_column(Integer, default=1)

    __table_args__ = (UniqueConstraint("site_id", "code"),)


class Member(Base):
    """Somebody in a team. skills: the categories of work they take; none = all.

    assigned_at: when the team's turn was theirs last.
    """

    __tablename__ = "team_member"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), primary_key=True)
    team: Mapped[str] = mapped_column(String(40), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    skills: Mapped[list[str]] = mapped_column(JSON, default=list)
    assigned_at: Mapped[datetime | None] = mapped_column(Instant)


class Certificate(Base):
    """A licence of a person, valid to the end of a day."""

    __tablename__ = "certificate"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    valid_until: Mapped[date] = mapped_column(Date)

    __table_args__ = (UniqueConstraint("person_id", "kind"),)


@dataclass(frozen=True, slots=True)
class TeamShown:
    """A team as it works now. version: 0 while nobody changed what is shipped."""

    code: str
    name: Mapping[str, str]
    mode: str
    cover: str | None
    version: int


def team_at(session: Session, site_id: UUID, code: str) -> TeamShown:
    """A team of a site; one that nobody set up works by grabbing."""
    row = _row(session, site_id, code)
    if row is None:
        return TeamShown(code, SHIPPED.get(code, {"und": code}), "grab", None, 0)
    return TeamShown(row.code, dict(row.name), row.mode, row.cover, row.version)


def _row(session: Session, site_id: UUID, code: str) -> Team | None:
    return session.scalars(select(Team).where(Team.site_id == site_id, Team.code == code)).first()


def teams_at(session: Session, site_id: UUID) -> list[TeamShown]:
    """Every team of a site, the shipped ones first."""
    own = session.scalars(select(Team.code).where(Team.site_id == site_id).order_by(Team.code))
    codes = dict.fromkeys((*SHIPPED, *own))
    return [team_at(session, site_id, code) for code in codes]


def teams_below(session: Session, node: Node) -> dict[str, Mapping[str, str]]:
    """The teams of every site of a node, by code, with their names; the shipped ones first."""
    statement = (
        select(Team.code, Team.name)
        .join(Node, Node.id == Team.site_id)
        .where(Node.path.startswith(node.path, autoescape=True))
        .order_by(Team.code)
    )
    own = {code: dict(name) for code, name in session.execute(statement)}
    return {**SHIPPED, **own}


def team_below(session: Session, node: Node, code: str) -> str:
    """A team that a role on a node may be limited to; empty for none. Invalid if unknown."""
    if code and code not in teams_below(session, node):
        raise Invalid(
            worded("there is no such team"), problems=[worded("team: one of a site at this place")]
        )
    return code


def members_of(session: Session, site_id: UUID, team: str) -> list[tuple[Member, Person]]:
    """Who is in a team and with us, by name."""
    statement = (
        select(Member, Person)
        .join(Person, Person.id == Member.person_id)
        .where(Member.site_id == site_id, Member.team == team, Person.left_at.is_(None))
        .order_by(Person.name, Person.id)
    )
    return [(member, person) for member, person in session.execute(statement)]


def teams_of_person(session: Session, person_id: UUID) -> dict[UUID, list[str]]:
    """The teams that somebody is in, by site."""
    statement = select(Member.site_id, Member.team).where(Member.person_id == person_id)
    found: dict[UUID, list[str]] = {}
    for site_id, team in session.execute(statement):
        found.setdefault(site_id, []).append(team)
    return found


def save_team(
    session: Session,
    caller: Caller,
    site: Node,
    wanted: TeamShown,
    members: Mapping[UUID, list[str]],
    *,
    now: datetime,
) -> None:
    """Set up a team: how tickets find their person, when it is covered, and who is in it.

    members: for each person their skills. Invalid with every problem; Stale when `wanted.version`
    is not the present one.
    """
    caller.require(WRITE, site.id)
    able = {person.id for person in able_people(session, site.id, "tickets.work")}
    problems = (
        [] if wanted.mode in MODES else [worded("mode: one of %(known)s", known=", ".join(MODES))]
    )
    if wanted.cover is not None and wanted.cover not in codes_at(session, site):
        problems.append(
            worded("cover: there is no calendar %(cover)s here", cover=repr(wanted.cover))
        )
    if not wanted.code.strip() or len(wanted.code) > 40:
        problems.append(worded("code: 1 to 40 characters"))
    problems += [
        worded("members: %(one)s can't work tickets here", one=one)
        for one in members
        if one not in able
    ]
    if problems:
        raise Invalid(worded("the team was not saved"), problems=problems)
    # Of two who save it at once one waits, and is told that the other did.
    wait_turn(session, Node.id, site.id)
    row = _row(session, site.id, wanted.code)
    if (row.version if row else 0) != wanted.version:
        raise Stale(
            worded("the team was changed since you read it"), advice=worded("Load the page again.")
        )
    if row is None:
        row = Team(id=new_id(), site_id=site.id, code=wanted.code)
        session.add(row)
    row.name, row.mode, row.cover = dict(wanted.name), wanted.mode, wanted.cover
    row.version = wanted.version + 1
    _set_members(session, site.id, wanted.code, members)
    session.flush()
    events.append(
        session,
        "team.change",
        ("team", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site.id,
        after={
            "code": row.code,
            "mode": row.mode,
            "cover": row.cover,
            "members": sorted(str(one) for one in members),
        },
    )


def _set_members(
    session: Session, site_id: UUID, team: str, members: Mapping[UUID, list[str]]
) -> None:
    standing = {
        row.person_id: row
        for row in session.scalars(
            select(Member).where(Member.site_id == site_id, Member.team == team)
        )
    }
    for person_id in standing.keys() - members.keys():
        session.delete(standing[person_id])
    for person_id, skills in members.items():
        row = standing.get(person_id)
        if row is None:
            row = Member(site_id=site_id, team=team, person_id=person_id)
            session.add(row)
        row.skills = sorted(set(skills))


def leave_teams(session: Session, person_id: UUID) -> None:
    """Take somebody who leaves out of every team."""
    session.execute(delete(Member).where(Member.person_id == person_id))


def set_certificate(
    session: Session,
    caller: Caller,
    site_id: UUID,
    person_id: UUID,
    kind: str,
    valid_until: date | None,
    *,
    now: datetime,
) -> None:
    """Record until when a certificate is valid; None takes it away. Invalid for an unknown kind."""
    caller.require(ROSTER, site_id)
    if kind not in CERTIFICATE_KINDS:
        raise Invalid(
            worded("nothing was recorded"), problems=[worded("kind: choose a certificate")]
        )
    if person_id not in {one.id for one in able_people(session, site_id, "tickets.work")}:
        raise Invalid(
            worded("nothing was recorded"), problems=[worded("person: not with this site")]
        )
    wait_turn(session, Person.id, person_id)
    row = session.scalars(
        select(Certificate).where(Certificate.person_id == person_id, Certificate.kind == kind)
    ).first()
    before = {"valid_until": row.valid_until.isoformat()} if row else None
    if valid_until is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(Certificate(person_id=person_id, kind=kind, valid_until=valid_until))
    else:
        row.valid_until = valid_until
    session.flush()
    events.append(
        session,
        "person.certificate",
        ("person", person_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        before=before,
        after={"kind": kind, "valid_until": valid_until.isoformat() if valid_until else None},
    )


def certificates_of(session: Session, people: list[UUID]) -> list[Certificate]:
    """The certificates of people, what ends first first."""
    statement = select(Certificate).where(Certificate.person_id.in_(people))
    return list(session.scalars(statement.order_by(Certificate.valid_until, Certificate.id)))


def may_do(session: Session, person_id: UUID, category: str, today: date) -> bool:
    """Whether somebody's certificates let them do a category of work on a day.

    A certificate that is asked for counts once anybody's of this kind is recorded: a company that
    records none is not stopped from working.
    """
    kind = CERTIFICATES.get(category)
    if kind is None:
        return True
    rows = session.scalars(select(Certificate).where(Certificate.kind == kind)).all()
    own = [row for row in rows if row.person_id == person_id]
    return not rows or any(row.valid_until >= today for row in own)


def require_certified(session: Session, person_id: UUID, category: str, today: date) -> None:
    """Conflict when `may_do` says no."""
    if not may_do(session, person_id, category, today):
        kind = CERTIFICATES[category].replace("_", " ")
        raise Conflict(
            worded(
                "this work needs a certificate (%(kind)s) that they lack or that has expired",
                kind=kind,
            ),
            advice=worded(
                "Choose somebody else, or record the renewed certificate with their team."
            ),
        )


def certificate_facts(row: Certificate, today: date) -> dict[str, Any]:
    """A certificate as it is shown."""
    return {
        "person_id": row.person_id,
        "kind": row.kind,
        "valid_until": row.valid_until,
        "expired": row.valid_until < today,
    }
