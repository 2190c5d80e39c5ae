"""What was withheld is judged again: it is announced if it still stands, and forgotten if not."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.asset_names import assets_named
from core.clock import to_micros
from core.errors import Conflict
from core.lifecycle import move
from core.places import Asset
from rules.rule import DEFAULT_REALARM_AFTER, DEFAULT_REOPEN_WITHIN
from rules.wording import worded
from workflows import tickets
from workflows.alarms import incidents
from workflows.alarms.finding import Opened, RuleFacts, StandingFault, draft_of, rule_of
from workflows.alarms.leaving import leave_if_elsewhere
from workflows.alarms.model import ALARM, WITHHOLDING, Alarm, Episode, Withholding
from workflows.alarms.withholding import reason_for, standing_of, withhold

# What leads an alarm out of each of its withheld statuses.
_ENDS = {"shelved": "unshelve", "suppressed": "unsuppress", "out_of_service": "return_to_service"}
STANDS = ("active", "clearing")
# How soon an alarm that was about to clear when its withholding ended is looked at again.
_GOES_ON = timedelta(minutes=1)


def stands(alarm: Alarm) -> bool:
    """Whether its condition still holds, as the engine judged last."""
    return alarm.phase in STANDS


def latches(alarm: Alarm) -> bool:
    """Whether it stays after its condition is gone, until somebody resets it."""
    return bool(alarm.facts and alarm.facts.get("latch"))


def latch_where_asked(
    session: Session, alarm: Alarm, *, actor: events.Actor, now: datetime
) -> None:
    """An alarm that just became normal stays latched, if its rule asks for that."""
    if alarm.state == "normal" and latches(alarm):
        move(session, alarm, ALARM, "latch", actor=actor, learned_at=now)


def release(
    session: Session,
    alarm: Alarm,
    how: str,
    *,
    actor: events.Actor,
    now: datetime,
    person: UUID | None = None,
) -> Opened | None:
    """End what withholds an alarm, and judge it again; returns the ticket of one that is announced.

    The caller has locked the alarm. how: expired, ended, cleared, or returned by people. Conflict
    where nothing withholds it, so that of two who release it one does.
    """
    row = standing_of(session, alarm.id)
    if row is None:
        raise Conflict(
            worded("an alarm that is %(state)s is not withheld", state=alarm.state),
            advice=worded("Load it again: somebody was quicker, or its time was over."),
        )
    end_row(session, row, how, actor=actor, now=now, person=person)
    move(
        session,
        alarm,
        ALARM,
        _ENDS[row.kind],
        actor=actor,
        learned_at=now,
        facts={"withholding": str(row.id), "how": how},
    )
    return _judge_again(session, alarm, row, actor=actor, now=now)


def end_row(
    session: Session,
    row: Withholding,
    how: str,
    *,
    actor: events.Actor,
    now: datetime,
    person: UUID | None,
) -> None:
    """End a withholding without a word about its alarm, which the caller moves."""
    move(
        session,
        row,
        WITHHOLDING,
        "end",
        actor=actor,
        learned_at=now,
        values={"ended_at": now, "ended_by": person},
        facts={"alarm": str(row.alarm_id), "how": how},
    )


def _judge_again(
    session: Session, alarm: Alarm, row: Withholding, *, actor: events.Actor, now: datetime
) -> Opened | None:
    if not stands(alarm):
        # One that was told before it was withheld still waits for its reset.
        if row.from_state != "normal":
            latch_where_asked(session, alarm, actor=actor, now=now)
        return None
    fault = standing_fault(session, alarm, now)
    held = reason_for(session, fault, alarm, now)
    if held is not None:
        withhold(session, alarm, held, actor=actor, now=now, before=row.from_state)
        return None
    return announce(session, alarm, fault, row, now=now)


def standing_fault(session: Session, alarm: Alarm, now: datetime) -> StandingFault:
    """The fault of an alarm that stands, as it is at this moment."""
    space_id = session.scalar(select(Asset.space_id).where(Asset.id == alarm.asset_id))
    rule = rule_of(alarm, alarm.facts or _facts_of_ticket(session, alarm))
    return StandingFault(alarm.site_id, alarm.asset_id, space_id, rule, to_micros(now))


def _facts_of_ticket(session: Session, alarm: Alarm) -> dict[str, Any]:
    """Of an alarm that tripped before alarms kept what is known of their rules."""
    ticket = session.get(tickets.Ticket, alarm.ticket_id) if alarm.ticket_id else None
    return {
        "condition": "",
        "kind": ticket.kind if ticket else "repair",
        "category": ticket.category if ticket else "",
        "team": ticket.team if ticket else "maintenance",
        "respond_within": ticket.respond_within if ticket else None,
        "resolve_within": ticket.resolve_within if ticket else None,
        "reopen_within": DEFAULT_REOPEN_WITHIN / 1e6,
        "realarm_after": DEFAULT_REALARM_AFTER / 1e6,
    }


def announce(
    session: Session, alarm: Alarm, fault: StandingFault, row: Withholding, *, now: datetime
) -> Opened:
    """Tell of an alarm as if it tripped now; its ticket says how long it was withheld, and why.

    What tripped around the same time and may come of the same cause becomes one incident with it.
    """
    rule = fault.rule
    actor = events.Actor("rule", f"{rule.rule_id}@{rule.version}")
    tripped_at = alarm.raised_at or now
    move(
        session,
        alarm,
        ALARM,
        "trip",
        actor=actor,
        happened_at=tripped_at,
        learned_at=now,
        facts={
            "rule": rule.rule_id,
            "asset": str(alarm.asset_id),
            "withheld_since": row.since.isoformat(),
            "why": row.why,
        },
    )
    # It belongs to what tripped when it did: many may have been withheld together.
    then = replace(fault, at=to_micros(tripped_at))
    whole = incidents.join(session, alarm, then, now)
    ticket, outcome = (
        open_again(session, fault, tripped_at, now=now)
        if whole is None
        else (whole, tickets.Outcome.JOINED)
    )
    episode = open_episode(session, alarm)
    if episode is not None:
        episode.ticket_id = ticket.id
        episode.announced_at = now
    alarm.ticket_id = ticket.id
    leave_if_elsewhere(session, alarm, ticket)
    proof = (episode.proof if episode else None) or _plain_proof(session, alarm, rule, episode)
    held = {
        "why": row.why,
        "since": to_micros(row.since),
        "until": to_micros(now),
        "reason": row.reason,
    }
    at = episode.tripped_micros if episode else to_micros(tripped_at)
    tickets.add_evidence(
        session,
        ticket.id,
        ticket.site_id,
        "trip",
        at,
        {**proof, "withheld": held},
        chart_wanted=whole is None,
    )
    session.flush()
    return Opened(ticket.id, ticket.number, outcome)


def open_again(
    session: Session, fault: StandingFault, tripped_at: datetime, *, now: datetime
) -> tuple[tickets.Ticket, tickets.Outcome]:
    """The ticket of a standing fault, as if it had shown itself now."""
    rule = fault.rule
    return tickets.open_for_fault(
        session,
        tickets.FaultKey(rule.rule_id, fault.asset_id),
        draft_of(fault, tripped_at, now),
        reopen_within=rule.reopen_within,
        # People were told nothing for so long: it is news, whenever the last news was.
        realarm_after=timedelta(0),
        actor=events.Actor("rule", f"{rule.rule_id}@{rule.version}"),
    )


def open_episode(session: Session, alarm: Alarm) -> Episode | None:
    """The episode of an alarm that still stands."""
    return session.scalars(
        select(Episode)
        .where(Episode.alarm_id == alarm.id, Episode.cleared_micros.is_(None))
        .order_by(Episode.tripped_micros.desc())
        .limit(1)
    ).first()


def _plain_proof(
    session: Session, alarm: Alarm, rule: RuleFacts, episode: Episode | None
) -> dict[str, Any]:
    return {
        "episode": str(episode.id) if episode else None,
        "rule": rule.rule_id,
        "version": rule.version,
        "condition": rule.condition,
        "reason": alarm.reason,
        "assets": assets_named(session, [(alarm.site_id, alarm.reason)])[alarm.site_id],
        "inputs": [],
    }


def due_withholdings(session: Session, *, now: datetime, limit: int = 200) -> list[UUID]:
    """What stands beyond its time, the longest first."""
    statement = (
        select(Withholding.id)
        .where(Withholding.state.in_(("standing", "asked")), Withholding.until <= now)
        .order_by(Withholding.until)
        .limit(limit)
    )
    return list(session.scalars(statement))


def release_due(
    session: Session, withholding_id: UUID, *, now: datetime, actor: events.Actor
) -> int:
    """End one withholding whose time is over; 0 when it was ended or prolonged meanwhile."""
    row = session.get(Withholding, withholding_id)
    if row is None:
        return 0
    # The alarm first, as everybody locks it, and only then what is to be decided.
    alarm = session.get_one(Alarm, row.alarm_id, with_for_update=True, populate_existing=True)
    session.refresh(row)
    if row.until is None or row.until > now or row.state not in ("standing", "asked"):
        return 0
    if row.kind == "suppressed" and alarm.phase == "clearing" and row.state == "standing":
        # It is going already and is no news; should it come back, it is judged again then.
        row.until = now + _GOES_ON
        return 0
    if row.state == "asked":
        move(
            session,
            row,
            WITHHOLDING,
            "lapse",
            actor=actor,
            learned_at=now,
            facts={"alarm": str(row.alarm_id)},
        )
        return 1
    release(session, alarm, "expired", actor=actor, now=now)
    return 1
