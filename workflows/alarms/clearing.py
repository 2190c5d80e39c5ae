"""The end of an alarm's episode: its condition is gone, which its ticket hears as evidence."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.lifecycle import move
from workflows import tickets
from workflows.alarms.finding import judge_of
from workflows.alarms.inhibition import release_inhibited
from workflows.alarms.model import ALARM, WITHHELD, Alarm
from workflows.alarms.releasing import STANDS, latch_where_asked, open_episode, release
from workflows.alarms.withholding import standing_of


def clear_alarm(
    session: Session, alarm: Alarm, at_micros: int, proof: Mapping[str, Any], learned_at: datetime
) -> None:
    """Move an alarm that cleared at `at_micros`, close its episode and tell its ticket."""
    at, actor = from_micros(at_micros), judge_of(alarm)
    alarm.returned_at = at
    # What is pending is sent as well, the episode among it.
    session.flush()
    action = "withheld_clear" if alarm.state in WITHHELD else "clear"
    # One that was released in a quiet moment of its chatter is normal already, or was reset since.
    moved = alarm.state in ALARM.moves[action]
    if moved:
        move(session, alarm, ALARM, action, actor=actor, happened_at=at, learned_at=learned_at)
    release_inhibited(session, alarm, learned_at)
    if moved:
        latch_where_asked(session, alarm, actor=actor, now=learned_at)
    _note_recovery(session, alarm, at_micros, proof, learned_at)
    row = standing_of(session, alarm.id) if alarm.state == "shelved" else None
    if row is not None and row.one_shot:
        release(session, alarm, "cleared", actor=actor, now=learned_at)


def _note_recovery(
    session: Session, alarm: Alarm, at_micros: int, proof: Mapping[str, Any], learned_at: datetime
) -> None:
    at, actor = from_micros(at_micros), judge_of(alarm)
    episode = open_episode(session, alarm)
    if episode is None:
        return
    episode.cleared_micros = at_micros
    ticket = tickets.current_ticket(session, episode.ticket_id) if episode.ticket_id else None
    if ticket is None:
        return
    shown = {"episode": str(episode.id), **proof}
    tickets.add_evidence(session, ticket.id, ticket.site_id, "recovery", at_micros, shown)
    if _others_stand(session, alarm, ticket):
        return
    # The sensor's recovery is evidence and nothing more: only people end a ticket.
    ticket.recovered_at = at
    tickets.note_if_over(session, ticket, at, now=learned_at, actor=actor)
    events.append(
        session,
        "ticket.recovered",
        ("ticket", ticket.id),
        actor=actor,
        happened_at=at,
        learned_at=learned_at,
        site_id=ticket.site_id,
    )


def _others_stand(session: Session, alarm: Alarm, ticket: tickets.Ticket) -> bool:
    """Whether other alarms of a ticket still stand, as of an incident's or of a merged one's."""
    statement = select(Alarm.id).where(
        Alarm.ticket_id.in_(tickets.with_merged(session, ticket.id)),
        Alarm.id != alarm.id,
        Alarm.phase.in_(STANDS),
    )
    return session.scalars(statement.limit(1)).first() is not None
