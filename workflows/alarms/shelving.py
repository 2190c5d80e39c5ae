"""People withhold alarms: shelved for a while, or out of service until a day that they name."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.lifecycle import move
from core.people import Caller, scoped
from rules.wording import worded
from workflows.alarms.finding import Opened
from workflows.alarms.inhibition import release_inhibited
from workflows.alarms.knowing import is_of_lives
from workflows.alarms.model import ALARM, WITHHOLDING, Alarm, Withholding
from workflows.alarms.operating import acknowledge
from workflows.alarms.reading import READ
from workflows.alarms.releasing import end_row, release, stands
from workflows.alarms.withholding import facts_of, standing_of

ACT, SHELVE, SERVICE = "alarms.act", "alarms.shelve", "alarms.service"
# What a page offers, in minutes; until it clears is the other choice.
SHELVED_FOR = (15, 60, 240, 480)
SHELVED_AT_MOST = timedelta(hours=24)
OUT_AT_MOST = timedelta(days=90)
LIVES_OUT_AT_MOST = timedelta(days=7)
LONGEST_REASON = 500
LONGEST_PATROL = 120
# The other way, where lives depend on the alarm.
OF_LIVES = worded(
    "Take it out of service instead: one asks, another confirms, and a patrol goes in its place."
)


@dataclass(frozen=True, slots=True)
class OutOfService:
    """What taking an alarm out of service says. patrol: who goes instead, where lives depend."""

    until: datetime
    reason: str
    patrol: str = ""


def shelve(
    session: Session,
    caller: Caller,
    alarm: Alarm,
    *,
    until: datetime | None,
    reason: str,
    now: datetime,
) -> Alarm:
    """Silence an alarm for a while. until None: until it clears, for one that stands.

    Shelving a shelved alarm says anew how long and why. Conflict for an alarm about lives.
    """
    caller.require(SHELVE, alarm.site_id)
    if is_of_lives(session, alarm):
        raise Conflict(worded("an alarm about lives is never shelved"), advice=OF_LIVES)
    problems = _wrong_reason(reason)
    if until is not None and not now < until <= now + SHELVED_AT_MOST:
        problems.append(worded("until: in the next 24 hours; plan work, or take it out of service"))
    if problems:
        raise Invalid(worded("the alarm was not shelved"), problems=problems)
    if until is None and not stands(alarm):
        raise Conflict(
            worded("an alarm that does not stand can't be shelved until it clears"),
            advice=worded("Shelve it for a time."),
        )
    actor = events.Actor.person(caller.person_id)
    # The table has the last word, before anything is ended.
    ALARM.target("shelve", alarm.state)
    row = _row(session, alarm, "shelved", until, reason, now, caller.person_id)
    row.one_shot = until is None
    _replace(session, alarm, row, actor=actor, now=now)
    facts = {**facts_of(row), "one_shot": row.one_shot}
    move(session, alarm, ALARM, "shelve", actor=actor, learned_at=now, facts=facts)
    release_inhibited(session, alarm, now)
    return alarm


def unshelve(session: Session, caller: Caller, alarm: Alarm, *, now: datetime) -> Opened | None:
    """End a shelving early; what still stands is announced at once."""
    caller.require(SHELVE, alarm.site_id)
    return _return(session, caller, alarm, "unshelve", now)


def return_to_service(
    session: Session, caller: Caller, alarm: Alarm, *, now: datetime
) -> Opened | None:
    """An alarm works again before its day; what stands is announced at once."""
    caller.require(SERVICE, alarm.site_id)
    return _return(session, caller, alarm, "return_to_service", now)


def _return(
    session: Session, caller: Caller, alarm: Alarm, action: str, now: datetime
) -> Opened | None:
    # Refuses one that something else withholds: its end is not the caller's to say.
    ALARM.target(action, alarm.state)
    person = caller.person_id
    actor = events.Actor.person(person)
    return release(session, alarm, "ended", actor=actor, now=now, person=person)


def reset(session: Session, caller: Caller, alarm: Alarm, *, now: datetime) -> Alarm:
    """Let go of a latched alarm, whose condition is gone; who has not acknowledged it does so."""
    caller.require(ACT, alarm.site_id)
    if stands(alarm):
        raise Conflict(
            worded("the condition of this alarm still holds"),
            advice=worded("Reset it once it is gone."),
        )
    person = caller.person_id
    if alarm.state == "returned_unacknowledged" and alarm.facts and alarm.facts.get("latch"):
        acknowledge(session, alarm, person=person, now=now)
    actor = events.Actor.person(person)
    move(session, alarm, ALARM, "reset", actor=actor, learned_at=now)
    return alarm


def take_out_of_service(
    session: Session, caller: Caller, alarm: Alarm, wanted: OutOfService, *, now: datetime
) -> Withholding:
    """Take an alarm out of service; where lives depend on it this only asks for it.

    Somebody else confirms (`confirm_out_of_service`). Invalid with everything that is wrong.
    """
    caller.require(SERVICE, alarm.site_id)
    of_lives = is_of_lives(session, alarm)
    most = LIVES_OUT_AT_MOST if of_lives else OUT_AT_MOST
    problems = _wrong_reason(wanted.reason)
    if not now < wanted.until <= now + most:
        problems.append(worded("until: in the next %(days)s days", days=most.days))
    if of_lives and not wanted.patrol.strip():
        problems.append(worded("patrol: name who goes there instead while nothing watches"))
    if len(wanted.patrol.strip()) > LONGEST_PATROL:
        problems.append(worded("patrol: at most %(most)s characters", most=LONGEST_PATROL))
    if problems:
        raise Invalid(worded("the alarm stays in service"), problems=problems)
    ALARM.target("take_out", alarm.state)
    person = caller.person_id
    actor = events.Actor.person(person)
    row = _row(session, alarm, "out_of_service", wanted.until, wanted.reason, now, person)
    row.patrol = wanted.patrol.strip()
    if not of_lives:
        _take_out(session, alarm, row, actor=actor, now=now)
        return row
    _refuse_second_request(session, alarm)
    row.state = "asked"
    session.add(row)
    session.flush()
    events.append(
        session,
        "withholding.ask",
        ("withholding", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={"alarm": str(alarm.id), **facts_of(row)},
    )
    return row


def _refuse_second_request(session: Session, alarm: Alarm) -> None:
    asked = select(Withholding.id).where(
        Withholding.alarm_id == alarm.id, Withholding.state == "asked"
    )
    if session.scalar(asked) is not None:
        raise Conflict(
            worded("somebody has asked for this alarm already"),
            advice=worded("Confirm their request, or refuse it and ask anew."),
        )


def confirm_out_of_service(
    session: Session, caller: Caller, row: Withholding, alarm: Alarm, *, now: datetime
) -> Withholding:
    """The second person takes an alarm about lives out of service. Conflict for who asked."""
    caller.require(SERVICE, row.site_id)
    if row.asked_by == caller.person_id:
        raise Conflict(
            worded("whoever asks does not confirm"),
            advice=worded("Somebody else with the right confirms it."),
        )
    WITHHOLDING.target("confirm", row.state)
    if row.until is not None and row.until <= now:
        raise Conflict(
            worded("the time asked for is over"), advice=worded("Ask anew, with a later day.")
        )
    actor = events.Actor.person(caller.person_id)
    _end_standing(session, alarm, row, actor=actor, now=now)
    move(
        session,
        row,
        WITHHOLDING,
        "confirm",
        actor=actor,
        learned_at=now,
        values={"confirmed_by": caller.person_id, "since": now, "from_state": row.from_state},
        facts={"alarm": str(alarm.id), "asked_by": str(row.asked_by)},
    )
    facts = facts_of(row)
    move(session, alarm, ALARM, "take_out", actor=actor, learned_at=now, facts=facts)
    release_inhibited(session, alarm, now)
    return row


def refuse_out_of_service(
    session: Session, caller: Caller, row: Withholding, *, now: datetime
) -> Withholding:
    """Say no to a request, or take one's own back."""
    caller.require(SERVICE, row.site_id)
    move(
        session,
        row,
        WITHHOLDING,
        "refuse",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"ended_at": now, "ended_by": caller.person_id},
        facts={"alarm": str(row.alarm_id)},
    )
    return row


def find_request(
    session: Session, caller: Caller, withholding_id: UUID
) -> tuple[Withholding, Alarm]:
    """A withholding with its alarm, both to be changed; NotFound where the caller may not read."""
    statement = scoped(
        select(Withholding.alarm_id).where(Withholding.id == withholding_id),
        Withholding.site_id,
        caller,
        READ,
    )
    alarm_id = session.scalar(statement)
    if alarm_id is None:
        raise NotFound(
            worded("there is no such request"), advice=worded("Look for it in the list of alarms.")
        )
    # The alarm first, as everybody locks it.
    alarm = session.get_one(Alarm, alarm_id, with_for_update=True, populate_existing=True)
    return session.get_one(Withholding, withholding_id, populate_existing=True), alarm


def _row(
    session: Session,
    alarm: Alarm,
    kind: str,
    until: datetime | None,
    reason: str,
    now: datetime,
    person: UUID,
) -> Withholding:
    session.flush()
    return Withholding(
        id=new_id(),
        site_id=alarm.site_id,
        alarm_id=alarm.id,
        kind=kind,
        why=kind,
        state="standing",
        version=1,
        from_state=alarm.state,
        reason=reason.strip(),
        since=now,
        until=until,
        asked_by=person,
    )


def _take_out(
    session: Session, alarm: Alarm, row: Withholding, *, actor: events.Actor, now: datetime
) -> None:
    _replace(session, alarm, row, actor=actor, now=now)
    move(session, alarm, ALARM, "take_out", actor=actor, learned_at=now, facts=facts_of(row))
    release_inhibited(session, alarm, now)


def _replace(
    session: Session, alarm: Alarm, row: Withholding, *, actor: events.Actor, now: datetime
) -> None:
    _end_standing(session, alarm, row, actor=actor, now=now)
    session.add(row)
    session.flush()


def _end_standing(
    session: Session, alarm: Alarm, row: Withholding, *, actor: events.Actor, now: datetime
) -> None:
    """What stood before ends in favour of `row`, which remembers how the alarm was before both."""
    standing = standing_of(session, alarm.id)
    row.from_state = alarm.state
    if standing is not None:
        row.from_state = standing.from_state
        end_row(session, standing, "replaced", actor=actor, now=now, person=row.asked_by)


def _wrong_reason(reason: str) -> list[str]:
    if not reason.strip():
        return [worded("reason: say why, so that others understand the silence")]
    if len(reason) > LONGEST_REASON:
        return [worded("reason: at most %(most)s characters", most=LONGEST_REASON)]
    return []
