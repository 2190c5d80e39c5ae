"""Watching over whoever is alone: who is watched, and what becomes of a check-in that is due.

Time decides, never a phone: signs of life are looked up when a check-in is due, whichever process
took them in. The person is told first, and only then does it become an alarm.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.clock import to_micros
from core.ids import new_id
from core.lifecycle import move
from core.places import Node
from core.rosters import on_duty, shifts_between
from core.site_hours import hours_at
from workflows.patrol.lone.model import WATCH, LonePlan, LoneWatch
from workflows.patrol.lone.signal import has_no_signal
from workflows.patrol.model import ACCEPTED, Scan
from workflows.patrol.rounds.model import PatrolContact
from workflows.patrol.sos.raising import last_scan, open_call, standing_of
from workflows.tickets.sos import Call, Sos

_MINUTE = timedelta(minutes=1)
# Whoever is overdue is looked after so often: they may be heard of at any time.
_LOOK_AGAIN = timedelta(seconds=1)
# A phone that comes back brings a shift of scans at once.
_SCANS_LOOKED_AT = 200
_OVERDUE = ("due", "out_of_signal", "missed")


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of life. by: one of SIGNS; checkpoint_id: where it was, if anybody knows."""

    at: datetime
    by: str
    checkpoint_id: UUID | None = None


def plans_in_use(session: Session) -> list[UUID]:
    """The plans by which somebody may have to be watched."""
    statement = select(LonePlan.id).where(LonePlan.state == "active").order_by(LonePlan.id)
    return list(session.scalars(statement))


def begin_watches(session: Session, plan_id: UUID, *, now: datetime, actor: events.Actor) -> int:
    """Watch over everybody who is on duty by a plan and is not watched yet; returns how many.

    Whoever is on call is at home. Whose shift was made longer is watched longer, and whose shift
    was taken away only until they have answered what was due; both also out of the plan's hours.
    """
    plan = session.get(LonePlan, plan_id)
    if plan is None or plan.state != "active":
        return 0
    made, within = 0, _is_within(session, plan, now)
    duty = [one for one in on_duty(session, plan.site_id, plan.team, now) if one.kind == "duty"]
    for one in duty:
        standing = session.scalars(
            select(LoneWatch).where(LoneWatch.person_id == one.person_id, LoneWatch.state != "over")
        ).first()
        if standing is None:
            made += _begin(session, plan, one.person_id, one.until, now, actor) if within else 0
        elif standing.plan_id == plan.id and standing.ends_at != one.until:
            standing.ends_at, standing.next_look = one.until, now
    _let_go(session, plan, {one.person_id for one in duty}, now)
    session.flush()
    return made


def _let_go(session: Session, plan: LonePlan, duty: set[UUID], now: datetime) -> None:
    """End what is watched of whoever has no shift any more.

    Who has one stays watched, whatever else speaks against their being on duty.
    """
    shifts = shifts_between(session, plan.site_id, plan.team, now, now + timedelta(microseconds=1))
    duty = duty | {shift.person_id for shift, _ in shifts if shift.kind == "duty"}
    watched = select(LoneWatch).where(
        LoneWatch.plan_id == plan.id, LoneWatch.state != "over", LoneWatch.ends_at > now
    )
    for row in session.scalars(watched.order_by(LoneWatch.id).with_for_update(skip_locked=True)):
        if row.person_id not in duty:
            row.ends_at, row.next_look = now, now


def _is_within(session: Session, plan: LonePlan, now: datetime) -> bool:
    if not plan.hours:
        return True
    site = session.get_one(Node, plan.site_id)
    hours = hours_at(session, site, frozenset({plan.hours})).get(plan.hours)
    if hours is None:
        # A calendar that was taken away must not leave anybody alone.
        return True
    return hours.at(to_micros(now))[0] != plan.outside


def _begin(
    session: Session,
    plan: LonePlan,
    person_id: UUID,
    until: datetime,
    now: datetime,
    actor: events.Actor,
) -> int:
    last = last_scan(session, person_id)
    row = LoneWatch(
        id=new_id(),
        site_id=plan.site_id,
        plan_id=plan.id,
        person_id=person_id,
        state="well",
        version=1,
        began_at=now,
        ends_at=until,
        heard_at=now,
        heard_by="start",
        checkpoint_id=last.checkpoint_id if last is not None else None,
        due_at=now + plan.every_min * _MINUTE,
        next_look=min(now + plan.every_min * _MINUTE, until),
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        # Another process saw their shift begin at the same moment.
        return 0
    events.append(
        session,
        "lone_worker.begin",
        ("lone_worker", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after={"state": "well", "person": str(person_id), "plan": str(plan.id)},
    )
    return 1


def watches_to_look_at(session: Session, *, now: datetime, limit: int = 500) -> list[UUID]:
    """Those about whom time may have changed something, the longest waiting first."""
    statement = (
        select(LoneWatch.id)
        .where(LoneWatch.next_look.is_not(None), LoneWatch.next_look <= now)
        .order_by(LoneWatch.next_look, LoneWatch.id)
        .limit(limit)
    )
    return list(session.scalars(statement))


def look_after(session: Session, watch_id: UUID, *, now: datetime, actor: events.Actor) -> int:
    """Do what time asks for somebody until now, however late; how many moves that made.

    Grace counts from when they were told, so after an absence of ours nobody is an alarm before
    they were asked.
    """
    statement = select(LoneWatch).where(LoneWatch.id == watch_id)
    statement = statement.with_for_update(skip_locked=True)
    row = session.scalars(statement.execution_options(populate_existing=True)).first()
    if row is None or row.state == "over":
        return 0
    look = _Look(session, row, now, actor)
    look.hear()
    look.judge()
    session.flush()
    return look.made


class _Look:
    """One look after one person."""

    def __init__(
        self, session: Session, row: LoneWatch, now: datetime, actor: events.Actor
    ) -> None:
        self._session = session
        self._row = row
        self._now = now
        self._actor = actor
        self._plan = session.get_one(LonePlan, row.plan_id)
        self.made = 0

    def hear(self) -> None:
        """Take in every sign of life since the last one."""
        sign = newest_sign(self._session, self._row, self._plan)
        if sign is not None and hear_of(
            self._session, self._row, self._plan, sign, now=self._now, actor=self._actor
        ):
            self.made += 1

    def judge(self) -> None:
        """Remind, wait, miss or end, each in its time; say when to look next."""
        row, now = self._row, self._now
        # What was due before the end of the shift is asked for, also if we look only after it.
        ended = now >= row.ends_at and row.due_at >= row.ends_at
        if row.state == "well" and (ended or self._plan.state != "active"):
            self._move("end", {"ended_at": now, "next_look": None})
            return
        if row.state == "well" and now >= row.due_at:
            people = {"people": [str(row.person_id)]}
            self._move("remind", {"reminded_at": now}, people, row.due_at)
        if row.state == "due" and now >= self._grace_ends():
            if self._plan.wait_min and has_no_signal(self._session, row.checkpoint_id, now=now):
                self._move("wait", {}, {"since": row.heard_at.isoformat()}, self._grace_ends())
            else:
                self._miss(self._grace_ends())
        if row.state == "out_of_signal" and now >= self._wait_ends():
            self._miss(self._wait_ends())
        row.next_look = self._next_look()

    def _grace_ends(self) -> datetime:
        told = self._row.reminded_at or self._row.due_at
        return told + self._plan.grace_min * _MINUTE

    def _wait_ends(self) -> datetime:
        return self._grace_ends() + self._plan.wait_min * _MINUTE

    def _next_look(self) -> datetime:
        if self._row.state in _OVERDUE:
            return self._now + _LOOK_AGAIN
        return min(self._row.due_at, self._row.ends_at)

    def _miss(self, happened_at: datetime) -> None:
        """They were told and are still not heard of: it is an alarm, or part of their own."""
        row = self._row
        standing = standing_of(self._session, row.person_id)
        sos_id = standing.id if standing is not None else new_id()
        if standing is None:
            last = last_scan(self._session, row.person_id)
            call = Call(row.person_id, origin="lone_worker", checkpoint_id=row.checkpoint_id)
            open_call(
                self._session, sos_id, row.site_id, call, last, now=self._now, actor=self._actor
            )
        values = {"missed_at": self._now, "sos_id": sos_id}
        self._move("miss", values, {"sos": str(sos_id)}, happened_at)

    def _move(
        self,
        action: str,
        values: dict[str, Any],
        facts: dict[str, Any] | None = None,
        happened_at: datetime | None = None,
    ) -> None:
        move(
            self._session,
            self._row,
            WATCH,
            action,
            actor=self._actor,
            learned_at=self._now,
            happened_at=happened_at,
            values=values,
            facts=facts,
        )
        self.made += 1


def newest_sign(session: Session, row: LoneWatch, plan: LonePlan) -> Sign | None:
    """The newest sign of life that is newer than the one that is known; None without any.

    A scan that was made online counts when it reached us, whatever the phone's clock says; any
    other at its own time, never later than it reached us; one whose time nobody knows says nothing
    here, only by its journal. A missed one whose call a colleague has ended was seen then.
    """
    scans = session.scalars(
        select(Scan)
        .where(
            Scan.person_id == row.person_id,
            Scan.verdict == ACCEPTED,
            Scan.received_at > row.heard_at,
        )
        .order_by(Scan.received_at.desc())
        .limit(_SCANS_LOOKED_AT)
    )
    found = [
        Sign(
            scan.received_at
            if scan.channel == "online"
            else min(scan.occurred_at, scan.received_at),
            "scan",
            scan.checkpoint_id,
        )
        for scan in scans
        if not scan.evidence.get("clock_unsure")
    ]
    if plan.contact_counts:
        contact = session.get(PatrolContact, row.person_id, populate_existing=True)
        if contact is not None:
            found.append(Sign(contact.heard_at, "contact"))
    if row.state == "missed" and row.sos_id is not None:
        call = session.get(Sos, row.sos_id, populate_existing=True)
        if call is not None and call.ended_at is not None:
            found.append(Sign(call.ended_at, "answered"))
    newest = max(found, key=lambda sign: sign.at, default=None)
    return newest if newest is not None and newest.at > row.heard_at else None


def hear_of(
    session: Session,
    row: LoneWatch,
    plan: LonePlan,
    sign: Sign,
    *,
    now: datetime,
    actor: events.Actor,
) -> bool:
    """Take in a sign of life; returns whether somebody who was overdue is well again.

    One that is too old to be well by moves only what is known. The alarm of a missed one stands
    until a colleague ends it.
    """
    due_at = sign.at + plan.every_min * _MINUTE
    heard = {"heard_at": sign.at, "heard_by": sign.by, "due_at": due_at}
    if sign.checkpoint_id is not None:
        heard["checkpoint_id"] = sign.checkpoint_id
    # A missed one whose call a colleague has ended is asked anew, however late we learn of it:
    # their watch would else stand for ever, and no later one begin.
    too_old = due_at <= now and sign.by != "answered"
    if row.state == "well" or too_old:
        for name, value in heard.items():
            setattr(row, name, value)
        if row.state == "well":
            row.next_look = min(due_at, row.ends_at)
        session.flush()
        return False
    move(
        session,
        row,
        WATCH,
        "check_in",
        actor=actor,
        learned_at=now,
        happened_at=sign.at,
        values={
            **heard,
            **dict.fromkeys(("reminded_at", "missed_at", "sos_id")),
            "next_look": min(due_at, row.ends_at),
        },
        facts={"by": sign.by},
    )
    return True
