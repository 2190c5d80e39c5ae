"""Incidents: many alarms of one cause become one ticket, with the alarms listed.

The first alarm opens its ticket as any alarm does, and so does the second. When the third trips
within WINDOW of two others (by the time of the readings) that are of its family and may come from
the same cause (`common_causes`), the three are an incident: the ticket of the first stands for it,
the tickets of the others are merged into it as long as nobody has accepted them, and the third
opens none. What trips later within WINDOW of the newest joins without a ticket of its own, as long
as the ticket is worked on. Nothing waits for an incident to form.

An alarm about lives never joins, and none whose rule names no family or that has nothing in common
with the others: they keep tickets of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros, to_micros
from core.ids import new_id
from rules.durations import MINUTE
from workflows import tickets
from workflows.alarms.common_causes import Root, causes_at
from workflows.alarms.finding import Faulty, Finding, judge_of
from workflows.alarms.incident_model import Incident, IncidentChild
from workflows.alarms.inhibition import explained
from workflows.alarms.model import WITHHELD, Alarm
from workflows.tickets.clocks import raise_priority
from workflows.tickets.joining import (
    WAITING,
    is_held,
    lock_current,
    take_fault,
    take_in,
)

WINDOW = 10 * MINUTE
FEWEST = 3
# So many alarms of the last minutes are looked through for those that share a cause.
_MOST = 1000

# What somebody took out of an incident is not to be put into the next.
_TAKEN_OUT = select(IncidentChild.alarm_id).where(
    IncidentChild.alarm_id == Alarm.id, IncidentChild.split_at.is_not(None)
)


@dataclass(frozen=True, slots=True)
class _Other:
    """An alarm that tripped a moment ago, and the ticket that it has now."""

    alarm: Alarm
    ticket: tickets.Ticket


def may_join(session: Session, finding: Finding) -> bool:
    """Whether a first trip has to be looked at closely: most have nothing around them."""
    if not _has_family(finding):
        return False
    # A flood without a common cause must not pay for being one.
    some = select(Alarm.id).where(*_lately(finding)).limit(FEWEST - 1)
    if len(session.scalars(some).all()) < FEWEST - 1 and not _live(session, finding):
        return False
    roots = _roots(session, finding)
    live = {(one.root_kind, one.root_id) for one in _live(session, finding)}
    return not live.isdisjoint(roots) or bool(_shared(session, finding, roots))


def join(
    session: Session, alarm: Alarm, finding: Faulty, learned_at: datetime
) -> tickets.Ticket | None:
    """The ticket of the incident that a trip is a part of; None where it is to have its own.

    Forms the incident if this alarm is the one that makes it. An alarm whose fault has a ticket
    goes on with that.
    """
    key = tickets.FaultKey(finding.rule.rule_id, finding.asset_id)
    if not _has_family(finding):
        return None
    session.flush()
    if is_held(session, key) or _was_taken_out(session, alarm, finding):
        return None
    roots = _roots(session, finding)
    found = _standing(session, finding, roots) or _formed(session, finding, roots, learned_at)
    if found is None:
        return None
    incident, ticket = found
    take_fault(session, ticket, key)
    raised = _add(session, incident, ticket, alarm, learned_at)
    if raised or incident.alarms == FEWEST:
        _tell(session, incident, ticket, alarm, learned_at)
    return ticket


def _was_taken_out(session: Session, alarm: Alarm, finding: Faulty) -> bool:
    """Whether somebody took it out of an incident of around this time."""
    statement = select(IncidentChild.alarm_id).where(
        IncidentChild.alarm_id == alarm.id,
        IncidentChild.split_at.is_not(None),
        IncidentChild.tripped_micros > finding.at - 2 * WINDOW,
    )
    return session.scalars(statement.limit(1)).first() is not None


def _has_family(finding: Faulty) -> bool:
    return finding.rule.family is not None and not finding.rule.life_safety


def _roots(session: Session, finding: Faulty) -> Sequence[Root]:
    causes = causes_at(session, finding.site_id)
    return causes.roots(finding.rule.family or "", finding.asset_id)


def _lately(finding: Faulty) -> tuple[ColumnElement[bool], ...]:
    """Conditions: alarms of the same family on the site that tripped around the same time."""
    around = from_micros(finding.at - WINDOW), from_micros(finding.at + WINDOW)
    return (
        Alarm.site_id == finding.site_id,
        Alarm.family == finding.rule.family,
        Alarm.raised_at.between(*around),
        Alarm.life_safety.is_(False),
        Alarm.ticket_id.is_not(None),
        Alarm.state.not_in(WITHHELD),
        ~_TAKEN_OUT.where(IncidentChild.tripped_micros > finding.at - 2 * WINDOW).exists(),
    )


def _live(session: Session, finding: Faulty) -> Sequence[Incident]:
    statement = select(Incident).where(
        Incident.site_id == finding.site_id,
        Incident.family == finding.rule.family,
        Incident.last_micros >= finding.at - WINDOW,
        Incident.first_micros <= finding.at + WINDOW,
    )
    return session.scalars(statement.order_by(Incident.first_micros)).all()


def _standing(
    session: Session, finding: Faulty, roots: Sequence[Root]
) -> tuple[Incident, tickets.Ticket] | None:
    """An incident that goes on, with what may be behind the finding as its cause."""
    for incident in _live(session, finding):
        if (incident.root_kind, incident.root_id) not in roots:
            continue
        ticket = lock_current(session, [incident.ticket_id]).get(incident.ticket_id)
        if ticket is not None and ticket.state in WAITING:
            return incident, ticket
    return None


def _shared(
    session: Session, finding: Faulty, roots: Sequence[Root]
) -> list[tuple[Root, list[UUID]]]:
    """Causes that enough alarms of around the same time share, with those: the most first."""
    causes, family = causes_at(session, finding.site_id), finding.rule.family or ""
    sharing: dict[Root, list[UUID]] = {root: [] for root in roots}
    statement = (
        select(Alarm.id, Alarm.asset_id, Alarm.rule_id)
        .where(*_lately(finding))
        .order_by(Alarm.raised_at.desc(), Alarm.id)
        .limit(_MOST)
    )
    for alarm_id, asset_id, rule_id in session.execute(statement):
        if (rule_id, asset_id) == (finding.rule.rule_id, finding.asset_id):
            continue
        for root in causes.roots(family, asset_id):
            if root in sharing:
                sharing[root].append(alarm_id)
    enough = [(root, ids) for root, ids in sharing.items() if len(ids) >= FEWEST - 1]
    # Of those that as many share the nearest, which stand first.
    return sorted(enough, key=lambda one: -len(one[1]))


def _formed(
    session: Session, finding: Faulty, roots: Sequence[Root], learned_at: datetime
) -> tuple[Incident, tickets.Ticket] | None:
    for root, ids in _shared(session, finding, roots):
        others = _worked_on(session, ids)
        if len(others) >= FEWEST - 1:
            return _form(session, finding, root, others, learned_at)
    return None


def _worked_on(session: Session, alarm_ids: Sequence[UUID]) -> list[_Other]:
    """Those whose tickets are worked on or wait for it, the first to trip first."""
    statement = select(Alarm).where(Alarm.id.in_(alarm_ids)).order_by(Alarm.raised_at, Alarm.id)
    rows = session.scalars(statement).all()
    now = lock_current(session, {alarm.ticket_id for alarm in rows if alarm.ticket_id})
    paired = [(alarm, now.get(alarm.ticket_id)) for alarm in rows if alarm.ticket_id]
    return [
        _Other(alarm, ticket)
        for alarm, ticket in paired
        if ticket is not None and ticket.state in WAITING and not ticket.life_safety
    ]


def _form(
    session: Session,
    finding: Faulty,
    root: Root,
    others: Sequence[_Other],
    learned_at: datetime,
) -> tuple[Incident, tickets.Ticket]:
    first = others[0]
    incident = _open(session, finding, root, first.ticket, learned_at)
    _take_all(session, incident, first.ticket, others, learned_at)
    return incident, first.ticket


def take_consequences(
    session: Session,
    alarm: Alarm,
    finding: Finding,
    ticket: tickets.Ticket,
    learned_at: datetime,
) -> None:
    """A cause has tripped: what it explains and nobody has accepted goes into its ticket."""
    free = [_Other(one, own) for one, own in explained(session, finding, ticket, learned_at)]
    if not free:
        return
    incident = _open(session, finding, ("cause", alarm.id), ticket, learned_at)
    _add(session, incident, ticket, alarm, learned_at)
    _take_all(session, incident, ticket, free, learned_at)
    _tell(session, incident, ticket, alarm, learned_at)


def _open(
    session: Session,
    finding: Faulty,
    root: Root,
    ticket: tickets.Ticket,
    learned_at: datetime,
) -> Incident:
    incident = Incident(
        id=new_id(),
        site_id=finding.site_id,
        family=finding.rule.family or "",
        root_kind=root[0],
        root_id=root[1],
        ticket_id=ticket.id,
        first_micros=finding.at,
        last_micros=finding.at,
        learned_at=learned_at,
        alarms=0,
    )
    session.add(incident)
    session.flush()
    events.append(
        session,
        "incident.open",
        ("incident", incident.id),
        actor=events.SYSTEM,
        happened_at=from_micros(finding.at),
        learned_at=learned_at,
        site_id=incident.site_id,
        after={"family": incident.family, "root": root[0], "ticket": str(ticket.id)},
    )
    return incident


def _take_all(
    session: Session,
    incident: Incident,
    ticket: tickets.Ticket,
    others: Sequence[_Other],
    learned_at: datetime,
) -> None:
    """Put alarms into an incident, and their tickets into its own where nobody has accepted them.

    A ticket that somebody has accepted stays theirs; it is shown beside the incident.
    """
    facts = {"incident": str(incident.id)}
    for one in others:
        taken = one.ticket.id == ticket.id or take_in(
            session, one.ticket, ticket, now=learned_at, actor=events.SYSTEM, facts=facts
        )
        if taken or one.ticket.merged_into_id == ticket.id:
            _add(session, incident, ticket, one.alarm, learned_at)


def _tripped(alarm: Alarm) -> int:
    return to_micros(alarm.raised_at) if alarm.raised_at else 0


def _add(
    session: Session,
    incident: Incident,
    ticket: tickets.Ticket,
    alarm: Alarm,
    learned_at: datetime,
) -> bool:
    """Put an alarm into an incident; whether its ticket became more urgent by it."""
    tripped = _tripped(alarm)
    session.merge(
        IncidentChild(
            incident_id=incident.id,
            alarm_id=alarm.id,
            site_id=incident.site_id,
            tripped_micros=tripped,
            split_at=None,
            split_by=None,
        )
    )
    alarm.incident_id = incident.id
    alarm.ticket_id = ticket.id
    incident.alarms += 1
    incident.first_micros = min(incident.first_micros, tripped)
    incident.last_micros = max(incident.last_micros, tripped)
    session.flush()
    events.append(
        session,
        "incident.join",
        ("incident", incident.id),
        actor=judge_of(alarm),
        happened_at=from_micros(tripped),
        learned_at=learned_at,
        site_id=incident.site_id,
        after={"alarm": str(alarm.id), "asset": str(alarm.asset_id)},
    )
    actor = judge_of(alarm)
    return raise_priority(session, ticket, alarm.severity, now=learned_at, actor=actor)


def _tell(
    session: Session,
    incident: Incident,
    ticket: tickets.Ticket,
    alarm: Alarm,
    learned_at: datetime,
) -> None:
    """People are told that it is an incident: once, and again when it becomes more urgent."""
    ticket.announced_at = learned_at
    events.append(
        session,
        "ticket.incident",
        ("ticket", ticket.id),
        actor=judge_of(alarm),
        learned_at=learned_at,
        site_id=ticket.site_id,
        after={"incident": str(incident.id), "alarms": incident.alarms},
    )
