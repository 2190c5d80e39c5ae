"""Taking an alarm out of an incident that it does not belong to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.clock import to_micros
from core.errors import Conflict, NotFound
from core.people import Caller, scoped
from rules.wording import worded
from workflows import tickets
from workflows.alarms.finding import draft_of
from workflows.alarms.incident_model import Incident, IncidentChild
from workflows.alarms.model import Alarm, Episode
from workflows.alarms.reading import READ
from workflows.alarms.releasing import standing_fault
from workflows.tickets.joining import WAITING, hand_fault, lock_current
from workflows.tickets.scope import require

RIGHT = "tickets.work"


def split(
    session: Session, caller: Caller, incident_id: UUID, alarm_id: UUID, *, now: datetime
) -> tickets.Ticket:
    """Give an alarm of an incident a ticket of its own, opened by the caller; returns that.

    It has the proof of its trip, and its clocks start now. Conflict where the alarm was taken out
    already or the incident is over.
    """
    incident, child = _found(session, caller, incident_id, alarm_id)
    whole = lock_current(session, [incident.ticket_id]).get(incident.ticket_id)
    if whole is None:
        raise NotFound(worded("there is no such incident"), advice=worded("Load the list again."))
    require(caller, RIGHT, whole)
    # The ticket before the alarm, in the order in which every other action takes them.
    alarm = session.get_one(Alarm, alarm_id, with_for_update=True, populate_existing=True)
    session.refresh(child)
    family = tickets.with_merged(session, whole.id)
    if child.split_at is not None or whole.state not in WAITING or alarm.ticket_id not in family:
        raise Conflict(
            worded("the alarm is no part of this incident any more"),
            advice=worded("Load the ticket again: somebody took it out, or the work is done."),
        )
    actor = events.Actor.person(caller.person_id)
    own = _open_own(session, alarm, whole, actor=actor, now=now)
    alarm.incident_id = None
    for each, part in _parts(session, alarm, family):
        part.split_at, part.split_by = now, caller.person_id
        each.alarms = Incident.alarms - 1
        events.append(
            session,
            "incident.split",
            ("incident", each.id),
            actor=actor,
            learned_at=now,
            site_id=each.site_id,
            after={"alarm": str(alarm.id), "ticket": str(own.id)},
        )
    session.flush()
    return own


def _parts(
    session: Session, alarm: Alarm, family: Sequence[UUID]
) -> Sequence[tuple[Incident, IncidentChild]]:
    """Every incident of a ticket that an alarm is a part of: their cause may have made a second."""
    statement = (
        select(Incident, IncidentChild)
        .join(IncidentChild, IncidentChild.incident_id == Incident.id)
        .where(
            Incident.ticket_id.in_(family),
            IncidentChild.alarm_id == alarm.id,
            IncidentChild.split_at.is_(None),
        )
        .order_by(Incident.id)
    )
    return [(incident, child) for incident, child in session.execute(statement)]


def _found(
    session: Session, caller: Caller, incident_id: UUID, alarm_id: UUID
) -> tuple[Incident, IncidentChild]:
    statement = (
        select(Incident, IncidentChild)
        .join(IncidentChild, IncidentChild.incident_id == Incident.id)
        .where(Incident.id == incident_id, IncidentChild.alarm_id == alarm_id)
    )
    row = session.execute(scoped(statement, Incident.site_id, caller, READ)).first()
    if row is None:
        raise NotFound(
            worded("there is no such alarm in an incident"),
            advice=worded("Load the incident again."),
        )
    return row[0], row[1]


def _open_own(
    session: Session, alarm: Alarm, whole: tickets.Ticket, *, actor: events.Actor, now: datetime
) -> tickets.Ticket:
    fault = standing_fault(session, alarm, now)
    draft = draft_of(fault, alarm.raised_at or now, now)
    own = tickets.open_ticket(session, replace(draft, previous_id=whole.id), actor=actor)
    key = tickets.FaultKey(alarm.rule_id, alarm.asset_id)
    hand_fault(session, whole, key, own)
    episode = session.scalars(
        select(Episode)
        .where(Episode.alarm_id == alarm.id)
        .order_by(Episode.tripped_micros.desc())
        .limit(1)
    ).first()
    alarm.ticket_id = own.id
    if episode is not None:
        episode.ticket_id = own.id
        _copy_proof(session, episode, whole, own)
    return own


def _copy_proof(
    session: Session, episode: Episode, whole: tickets.Ticket, own: tickets.Ticket
) -> None:
    """What proved the trip proves it here, too; the readings around it are fetched anew."""
    proofs = session.scalars(
        select(tickets.TicketEvidence).where(
            tickets.TicketEvidence.ticket_id.in_(tickets.with_merged(session, whole.id)),
            tickets.TicketEvidence.kind == "trip",
            tickets.TicketEvidence.at_micros == episode.tripped_micros,
        )
    )
    for proof in proofs:
        if proof.data.get("episode") == str(episode.id):
            data = {key: value for key, value in proof.data.items() if key != "chart"}
            at = to_micros(own.happened_at)
            tickets.add_evidence(session, own.id, own.site_id, "trip", at, data, chart_wanted=True)
