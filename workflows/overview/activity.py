"""What the event log says, with the names that a reader needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.events import Event
from core.people import Caller, Person
from workflows.tickets import Ticket
from workflows.tickets.scope import scope_of, seen_of

OF_TICKETS = ("ticket", "fire_alarm", "sos", "guard_task")
# A call for help names whom it was told.
CALLS = ("sos.raise", "sos.escalate", "sos.again")
# A task names whom it was offered to, and whom it was passed up to.
_TASKS = ("guard_task.offer", "guard_task.send", "guard_task.pass_up", "guard_task.late")
# What became of an offer is told by its task.
_OFFER = "guard_offer"
# What residents do by their accounts; who lives where is not for everybody who reads the log.
_OF_RESIDENTS = ("resident.join", "ticket.keep")
# Who scanned where is for those who may see it, and for whoever did.
_OF_PATROLS = ("scan.record", "scan.refuse", "round.start", "round.visit", "round.annex")
_WHO_SCANNED = "scans.read"
# Who looked where somebody was is told to them, and to nobody who happens to pass by.
_OF_TRACKS = ("track.look", "track.hold", "track.release", "sos.look")
# So many facts at most are looked through for the few that somebody sees.
LOOKED_THROUGH = 400


@dataclass(frozen=True, slots=True)
class Activity:
    """One fact of the event log with the names of who did it and of the ticket it is about.

    told: the names of those whom it was passed on to.
    """

    kind: str
    subject_kind: str
    subject_id: str
    actor_kind: str
    actor_id: str
    actor_name: str | None
    ticket_number: int | None
    ticket_title: Mapping[str, str] | None
    happened_at: datetime
    learned_at: datetime
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    told: Sequence[str] = ()


def recent_activity(
    session: Session, caller: Caller, *, site_id: UUID | None = None, limit: int = 20
) -> list[Activity]:
    """The last facts on the caller's sites, newest first.

    Whoever sees the tickets of some teams only is told of those among the last facts. Who scanned
    is told where the caller may see it, and of oneself.
    """
    scope = scope_of(caller)
    narrowed = bool(scope.teams or scope.unheard)
    most = LOOKED_THROUGH if narrowed else limit
    statement = select(Event).where(Event.kind.not_in(_OF_TRACKS))
    statement = statement.order_by(Event.seq.desc()).limit(most)
    if site_id is not None:
        statement = statement.where(Event.site_id == site_id)
    told = statement.where(Event.site_id.in_(scope.sites), Event.subject_kind != _OFFER)
    rows = session.scalars(told).all()
    if narrowed:
        about = {UUID(row.subject_id) for row in rows if row.subject_kind in OF_TICKETS}
        seen = {str(one) for one in seen_of(session, scope, about)}
        rows = [row for row in rows if row.subject_kind not in OF_TICKETS or row.subject_id in seen]
    rows = rows[:limit]
    seen_there = caller.sites_for(_WHO_SCANNED)
    own = str(caller.person_id)
    return [
        shown
        if row.kind not in _OF_PATROLS or row.site_id in seen_there or row.actor_id == own
        else replace(shown, actor_kind="system", actor_id="", actor_name=None)
        for row, shown in zip(rows, _named(session, rows), strict=True)
    ]


def timeline(session: Session, ticket_id: UUID) -> list[Activity]:
    """Every fact about one ticket, oldest first. The caller has judged who may see it."""
    statement = (
        select(Event)
        .where(Event.subject_kind.in_(OF_TICKETS), Event.subject_id == str(ticket_id))
        .order_by(Event.seq)
    )
    return _named(session, session.scalars(statement).all())


def _named(session: Session, rows: Sequence[Event]) -> list[Activity]:
    people = {UUID(row.actor_id) for row in rows if row.actor_kind == "person"}
    people |= {UUID(one) for row in rows for one in _told(row)}
    tickets = {UUID(row.subject_id) for row in rows if row.subject_kind in OF_TICKETS}
    names: dict[str, str] = {}
    if people:
        found = session.execute(select(Person.id, Person.name).where(Person.id.in_(people)))
        names = {str(person_id): name for person_id, name in found}
    about: dict[str, tuple[int, dict[str, str]]] = {}
    if tickets:
        statement = select(Ticket.id, Ticket.number, Ticket.title).where(Ticket.id.in_(tickets))
        about = {str(key): (number, title) for key, number, title in session.execute(statement)}
    return [
        Activity(
            kind=row.kind,
            subject_kind=row.subject_kind,
            subject_id=row.subject_id,
            actor_kind="resident" if row.kind in _OF_RESIDENTS else row.actor_kind,
            actor_id=row.actor_id,
            actor_name=None if row.kind in _OF_RESIDENTS else names.get(row.actor_id),
            ticket_number=about.get(row.subject_id, (None, None))[0],
            ticket_title=about.get(row.subject_id, (None, None))[1],
            happened_at=row.happened_at,
            learned_at=row.learned_at,
            before=row.before or {},
            after=row.after or {},
            told=[names[one] for one in _told(row) if one in names],
        )
        for row in rows
    ]


def _told(row: Event) -> Sequence[str]:
    passed_on = ("ticket.escalate", "fire_alarm.fire", "fire_alarm.lapse", *CALLS, *_TASKS)
    return (row.after or {}).get("people", ()) if row.kind in passed_on else ()
