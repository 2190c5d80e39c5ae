"""What is known of one incident: a ticket with all that led to it, or a guard's report."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.events import Event
from core.places import Asset, Node, Space
from workflows.patrol.frozen.canon import plain
from workflows.patrol.frozen.day import FORMAT, described_site, people_in
from workflows.patrol.frozen.naming import people_named
from workflows.patrol.frozen.told import report_of, reports_of_ticket
from workflows.patrol.frozen.words import words
from workflows.tickets.model import Ticket, TicketEvidence, TicketNote, TicketPhoto
from workflows.tickets.sos import Sos

TICKET, GUARD_REPORT = "ticket", "guard_report"
Step = dict[str, Any]


def gather_ticket(session: Session, row: Ticket) -> dict[str, Any]:
    """All that an incident report says of a ticket, as JSON has it; see `gather_day`."""
    reports = reports_of_ticket(session, row.id)
    call = session.scalars(select(Sos).where(Sos.ticket_id == row.id)).first()
    steps = [*_of_events(session, TICKET, row.id), *_of_notes(session, row.id)]
    steps += [step for one in reports for step in _of_report(one)]
    if call is not None:
        steps += _of_call(call)
    about = {
        "kind": TICKET,
        "id": row.id,
        "number": row.number,
        "title": dict(row.title),
        "text": row.description,
        "priority": row.priority,
        "place": _place(session, row),
        "happened_at": row.happened_at,
        "learned_at": row.learned_at,
    }
    roles = {
        "reporter": row.reporter_id,
        "assignee": row.assignee_id,
        "doer": row.doer_id,
        "caller": call.person_id if call else None,
    }
    readings = session.scalar(
        select(func.count()).select_from(TicketEvidence).where(TicketEvidence.ticket_id == row.id)
    )
    photos = _own_photos(session, row.id, reports)
    return _whole(session, row.site_id, about, steps, roles, reports, photos, readings or 0)


def gather_report(session: Session, report_id: UUID, site_id: UUID) -> dict[str, Any]:
    """The same of a guard's report that opened no ticket."""
    one = report_of(session, report_id)
    assert one is not None
    about = {
        "kind": GUARD_REPORT,
        "id": report_id,
        "number": None,
        "title": one["name"],
        "text": "",
        "priority": None,
        "place": dict(one["checkpoint_name"] or {}),
        "happened_at": one["occurred_at"],
        "learned_at": _received(session, report_id) or one["occurred_at"],
    }
    roles = {"reporter": one["person_id"]}
    return _whole(session, site_id, about, list(_of_report(one)), roles, [one], [], 0)


def _whole(
    session: Session,
    site_id: UUID,
    about: Mapping[str, Any],
    steps: Sequence[Step],
    roles: Mapping[str, UUID | None],
    reports: Sequence[Mapping[str, Any]],
    photos: Sequence[Mapping[str, Any]],
    readings: int,
) -> dict[str, Any]:
    site = session.get_one(Node, site_id)
    content = {
        "format": FORMAT,
        "kind": "incident",
        "site": described_site(site),
        "about": about,
        "timeline": sorted(steps, key=lambda one: (one["at"], str(one["id"]))),
        "involved": _involved(roles, steps),
        "reports": reports,
        "photos": photos,
        "readings": readings,
    }
    content["people"] = people_named(session, people_in(content), about["happened_at"])
    found: dict[str, Any] = plain(content)
    return found


def _received(session: Session, report_id: UUID) -> datetime | None:
    statement = select(Event.learned_at).where(
        Event.subject_kind == GUARD_REPORT,
        Event.subject_id == str(report_id),
        Event.kind == "guard_report.record",
    )
    return session.scalar(statement.limit(1))


def _step(
    row_id: Any, at: datetime, step: str, person: UUID | None, by: str = "", text: str = ""
) -> Step:
    return {"id": row_id, "at": at, "step": step, "person_id": person, "by": by, "text": text}


def _of_events(session: Session, kind: str, subject_id: UUID) -> Iterator[Step]:
    """What the log says of it, as far as we have a word for it; what somebody wrote is beside."""
    statement = (
        select(Event)
        .where(Event.subject_kind == kind, Event.subject_id == str(subject_id))
        .order_by(Event.seq)
    )
    for row in session.scalars(statement):
        step = row.kind.partition(".")[2]
        if f"step_{step}" not in words() or step in ("note", "photo"):
            continue
        person = UUID(row.actor_id) if row.actor_kind == "person" else None
        yield _step(row.id, row.happened_at, step, person)


def _of_notes(session: Session, ticket_id: UUID) -> Iterator[Step]:
    notes = select(TicketNote).where(TicketNote.ticket_id == ticket_id)
    for row in session.scalars(notes):
        yield _step(row.id, row.at, "note", row.author_id, "", row.body)
    photos = select(TicketPhoto).where(TicketPhoto.ticket_id == ticket_id)
    for one in session.scalars(photos):
        yield _step(one.id, one.at, "photo", one.author_id, "", f"SHA-256 {one.original}")


def _of_report(one: Mapping[str, Any]) -> Iterator[Step]:
    yield _step(one["id"], one["occurred_at"], "report", one["person_id"], "", one["text"])
    for each in one["additions"]:
        yield _step(each["id"], each["at"], "addition", one["person_id"], "", each["text"])
    if one["closed_at"]:
        closed = ("close_report", one["closed_by"], "", one["closing"])
        yield _step(f"{one['id']}/closed", one["closed_at"], *closed)


def _of_call(row: Sos) -> Iterator[Step]:
    for step, at, person in (
        ("call", row.opened_at, row.person_id),
        ("acknowledge", row.acknowledged_at, row.acknowledged_by),
        ("come", row.coming_at, row.coming_by),
        ("end", row.ended_at, row.ended_by),
    ):
        if at is not None:
            yield _step(f"{row.id}/{step}", at, step, person)


def _involved(roles: Mapping[str, UUID | None], steps: Sequence[Step]) -> list[dict[str, Any]]:
    found = defaultdict[UUID, list[str]](list)
    for role, person in roles.items():
        if person is not None:
            found[person].append(role)
    for step in steps:
        if step["person_id"] is not None and step["person_id"] not in found:
            found[step["person_id"]].append("actor")
    return [{"person_id": person, "as": roles} for person, roles in found.items()]


def _place(session: Session, row: Ticket) -> dict[str, str]:
    asset = session.get(Asset, row.asset_id) if row.asset_id else None
    space = session.get(Space, row.space_id) if row.space_id else None
    named = asset or space
    return dict(named.name) if named is not None else {}


def _own_photos(
    session: Session, ticket_id: UUID, reports: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Photos of a ticket that none of its reports has."""
    known = {photo["sha256"] for one in reports for photo in one["photos"]}
    statement = (
        select(TicketPhoto)
        .where(TicketPhoto.ticket_id == ticket_id, TicketPhoto.original.not_in(known))
        .order_by(TicketPhoto.at, TicketPhoto.id)
    )
    return [
        {"id": row.id, "sha256": row.original, "taken_at": row.at, "copy": row.copy}
        for row in session.scalars(statement)
    ]
