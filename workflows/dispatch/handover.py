"""Shift hand-over: what is open is listed, and accepted by name; else it goes to the supervisor."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, Integer, Select, String, Text, exists, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.colleagues import people_in_role
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import Lifecycle, move
from core.people import Caller
from core.places import Asset, Node
from core.teams import Member, teams_at
from rules.wording import worded
from workflows import tickets
from workflows.tickets import Ticket
from workflows.tickets.scope import of_team, require_for_team
from workflows.tickets.sos import SILENT_CATEGORY

HANDOVER = Lifecycle(
    "handover",
    {
        "accept": {"offered": "accepted", "passed_up": "accepted"},
        "pass_up": {"offered": "passed_up"},
    },
)
WAITS_FOR = timedelta(minutes=30)
WORK, LEADS = "tickets.work", "tickets.manage"
ITEM_KINDS = ("key", "equipment")


class TeamItem(Base):
    """A key or a piece of equipment that a team passes from shift to shift."""

    __tablename__ = "team_item"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    team: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(80))

    __table_args__ = (Index("ix_team_item_team", "site_id", "team"),)


class Handover(Base):
    """One shift hands over to the next.

    post_id: of a post of guards, which dispatch knows by its id and name alone; none for a whole
    team. lists: what was open at that moment, as JSON: tickets, alarms, items, and the name of the
    post. note: what is to be passed on in words. due_at: when it goes to the supervisor if nobody
    has accepted it.
    """

    __tablename__ = "handover"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    team: Mapped[str] = mapped_column(String(40))
    post_id: Mapped[UUID | None] = mapped_column()
    state: Mapped[str] = mapped_column(String(12))
    version: Mapped[int] = mapped_column(Integer, default=1)
    from_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    accepted_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    offered_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    note: Mapped[str] = mapped_column(Text, default="")
    remark: Mapped[str] = mapped_column(Text, default="")
    lists: Mapped[dict[str, Any]] = mapped_column(JSON)

    __table_args__ = (
        Index("ix_handover_team", "site_id", "team", "offered_at"),
        Index("ix_handover_due", "state", "due_at"),
    )


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """An alarm as a hand-over lists it; whoever asks reads them from their own workflow.

    until, patrol: of one that is out of service, its day and who goes there instead.
    """

    id: UUID
    title: Mapping[str, str]
    state: str
    asset: Mapping[str, str]
    since: datetime
    until: datetime | None = None
    patrol: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A post of guards that hands over, with what was counted there; whoever asks counts it.

    items: each with id, kind, name, missing, and whatever else the sheet of it shows.
    """

    id: UUID
    name: Mapping[str, str]
    items: Sequence[Mapping[str, Any]] = ()


def items_of(session: Session, site_id: UUID, team: str) -> list[TeamItem]:
    """The keys and equipment of a team, by kind and name."""
    statement = select(TeamItem).where(TeamItem.site_id == site_id, TeamItem.team == team)
    return list(session.scalars(statement.order_by(TeamItem.kind.desc(), TeamItem.name)))


def set_items(
    session: Session,
    caller: Caller,
    site_id: UUID,
    team: str,
    wanted: Sequence[tuple[str, str]],
    *,
    now: datetime,
) -> None:
    """Say which keys and equipment a team passes on: (kind, name) each."""
    caller.require("rosters.write", site_id)
    _require_team(session, site_id, team)
    named = {(kind, name.strip()) for kind, name in wanted if name.strip()}
    if any(kind not in ITEM_KINDS or len(name) > 80 for kind, name in named):
        raise Invalid(
            worded("nothing was changed"), problems=[worded("items: at most 80 characters each")]
        )
    standing = {(item.kind, item.name): item for item in items_of(session, site_id, team)}
    for key in standing.keys() - named:
        session.delete(standing[key])
    for kind, name in sorted(named - standing.keys()):
        session.add(TeamItem(site_id=site_id, team=team, kind=kind, name=name))
    session.flush()
    events.append(
        session,
        "team.items",
        ("site", site_id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        after={"team": team, "items": len(named)},
    )


def what_to_hand_over(
    session: Session, site_id: UUID, team: str, alarms: Sequence[StandingAlarm]
) -> dict[str, Any]:
    """What is open now for a team: its tickets, the site's alarms, its keys and equipment."""
    statement = (
        select(Ticket, Asset.name)
        .outerjoin(Asset, Asset.id == Ticket.asset_id)
        .where(
            Ticket.site_id == site_id,
            Ticket.team == team,
            Ticket.state.not_in(tickets.ENDED),
            # The whole team reads the sheet, and a silent call is kept from the field.
            Ticket.category != SILENT_CATEGORY,
        )
        .order_by(Ticket.life_safety.desc(), Ticket.next_due.asc().nulls_last(), Ticket.number)
    )
    return {
        "tickets": [
            {
                "number": ticket.number,
                "title": dict(ticket.title),
                "priority": ticket.priority,
                "state": ticket.state,
                "asset": dict(asset or {}),
                "due": ticket.next_due.isoformat() if ticket.next_due else None,
            }
            for ticket, asset in session.execute(statement)
        ],
        "alarms": [
            {
                "id": str(alarm.id),
                "title": dict(alarm.title),
                "state": alarm.state,
                "asset": dict(alarm.asset),
                "since": alarm.since.isoformat(),
                "until": alarm.until.isoformat() if alarm.until else None,
                "patrol": alarm.patrol,
            }
            for alarm in alarms
        ],
        "items": [
            {"id": str(item.id), "kind": item.kind, "name": item.name}
            for item in items_of(session, site_id, team)
        ],
    }


def require_to_hand_over(caller: Caller, site_id: UUID, team: str) -> None:
    """NotAllowed unless somebody may hand over for a team, and accept what is handed over."""
    require_for_team(caller, WORK, site_id, team)


def offer_handover(
    session: Session,
    caller: Caller,
    site_id: UUID,
    team: str,
    *,
    note: str,
    missing: Sequence[UUID],
    alarms: Sequence[StandingAlarm],
    now: datetime,
    place: Place | None = None,
) -> Handover:
    """Hand over to the next shift what is open now. missing: items that are not there.

    place: the post that hands over, and what was counted there, in place of the team's items.
    Conflict while an earlier one of the team, or of the post, waits to be accepted.
    """
    require_for_team(caller, WORK, site_id, team)
    if place is None:
        _require_team(session, site_id, team)
    _refuse_second(session, site_id, team, place)
    lists = _with_items(what_to_hand_over(session, site_id, team, alarms), missing, place)
    row = Handover(
        id=new_id(),
        site_id=site_id,
        team=team,
        post_id=place.id if place else None,
        state="offered",
        version=1,
        from_id=caller.person_id,
        offered_at=now,
        due_at=now + WAITS_FOR,
        note=note.strip(),
        lists=lists,
    )
    session.add(row)
    session.flush()
    events.append(
        session,
        "handover.offer",
        ("handover", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=site_id,
        after={
            "team": team,
            "tickets": len(lists["tickets"]),
            "alarms": len(lists["alarms"]),
            "missing": [item["id"] for item in lists["items"] if item["missing"]],
        },
    )
    return row


def _require_team(session: Session, site_id: UUID, team: str) -> None:
    if team not in {one.code for one in teams_at(session, site_id)}:
        raise NotFound(
            worded("there is no such team on this site"), advice=worded("Choose one from the list.")
        )


def _refuse_second(session: Session, site_id: UUID, team: str, place: Place | None) -> None:
    # Of two who hand over at once one waits, and sees what the other offers.
    session.execute(select(Node.id).where(Node.id == site_id).with_for_update(key_share=True))
    ours = _of_place(site_id, team, place.id if place else None)
    waiting = ours.where(Handover.state == "offered")
    if session.scalars(waiting.with_for_update()).first() is not None:
        raise Conflict(
            worded("a hand-over of this team waits to be accepted"),
            advice=worded("Ask the next shift to accept it first."),
        )


def _with_items(
    lists: dict[str, Any], missing: Sequence[UUID], place: Place | None
) -> dict[str, Any]:
    """The lists with what was counted at the post, or with which items of the team are missing."""
    if place is not None:
        return {**lists, "items": [dict(item) for item in place.items], "post": dict(place.name)}
    gone = set(missing)
    items = [{**item, "missing": UUID(item["id"]) in gone} for item in lists["items"]]
    return {**lists, "items": items}


def find_handover(session: Session, caller: Caller, handover_id: UUID) -> Handover:
    """A hand-over that the caller may read. NotFound otherwise."""
    statement = select(Handover).where(Handover.id == handover_id)
    row = session.scalars(of_team(statement, Handover.site_id, Handover.team, caller)).first()
    if row is None:
        raise NotFound(
            worded("there is no such hand-over"), advice=worded("Look for it in the team's list.")
        )
    return row


def list_handovers(
    session: Session, site_id: UUID, team: str, limit: int = 10, *, post_id: UUID | None = None
) -> list[Handover]:
    """The last hand-overs of a team as a whole, or of one of its posts, newest first."""
    statement = _of_place(site_id, team, post_id)
    return list(session.scalars(statement.order_by(Handover.offered_at.desc()).limit(limit)))


def _of_place(site_id: UUID, team: str, post_id: UUID | None) -> Select[Handover]:
    statement = select(Handover).where(Handover.site_id == site_id, Handover.team == team)
    return statement.where(Handover.post_id == post_id)


def waiting_at(session: Session, posts: Collection[UUID]) -> dict[UUID, UUID]:
    """Of some posts those where a hand-over waits to be accepted, each with who offers it."""
    statement = select(Handover.post_id, Handover.from_id).where(
        Handover.post_id.in_(posts), Handover.state.in_(("offered", "passed_up"))
    )
    found = session.execute(statement.order_by(Handover.offered_at))
    return {post_id: from_id for post_id, from_id in found if post_id is not None}


def handovers_waiting(session: Session, caller: Caller) -> list[Handover]:
    """What waits for the caller to accept, the oldest first.

    Hand-overs to a team of theirs that somebody else offers, and those passed up to who leads.
    """
    others = select(Handover).where(Handover.from_id != caller.person_id)
    ours = exists().where(
        Member.site_id == Handover.site_id,
        Member.team == Handover.team,
        Member.person_id == caller.person_id,
    )
    to_them = others.where(Handover.state.in_(("offered", "passed_up")), ours)
    offered = of_team(to_them, Handover.site_id, Handover.team, caller, WORK)
    passed_up = others.where(Handover.state == "passed_up")
    led = of_team(passed_up, Handover.site_id, Handover.team, caller, LEADS)
    found = {row.id: row for each in (offered, led) for row in session.scalars(each)}
    return sorted(found.values(), key=lambda row: row.offered_at)


def accept_handover(
    session: Session, caller: Caller, handover_id: UUID, *, remark: str, now: datetime
) -> Handover:
    """Accept a hand-over by name. Conflict for who offered it, and when it was accepted already."""
    row = find_handover(session, caller, handover_id)
    require_for_team(caller, WORK, row.site_id, row.team)
    if row.from_id == caller.person_id:
        raise Conflict(
            worded("who hands over does not accept it"),
            advice=worded("Somebody of the next shift, or a supervisor, accepts it."),
        )
    move(
        session,
        row,
        HANDOVER,
        "accept",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"accepted_by": caller.person_id, "accepted_at": now, "remark": remark.strip()},
    )
    return row


def pass_up(session: Session, *, now: datetime, actor: events.Actor) -> int:
    """Pass what nobody accepted in time to the supervisors; returns how many hand-overs."""
    statement = (
        select(Handover)
        .where(Handover.state == "offered", Handover.due_at <= now)
        .with_for_update(skip_locked=True)
    )
    late = session.scalars(statement).all()
    for row in late:
        people = people_in_role(
            session, row.site_id, "supervisor", team=row.team
        ) or people_in_role(session, row.site_id, "manager")
        move(
            session,
            row,
            HANDOVER,
            "pass_up",
            actor=actor,
            learned_at=now,
            facts={"team": row.team, "people": [str(one) for one in people]},
        )
    return len(late)
