"""Inhibition: an alarm that another one explains away tells nobody.

A rule names the rules whose alarms explain its own (`inhibited_by`). While an alarm of one of those
stands and people were told of it, a trip is withheld on every asset that it reaches:

* the asset that it is on;
* every asset that this one supplies, however indirectly, with one medium all the way;
* every asset that speaks through it, where it is a gateway;
* where it supplies nothing and is no gateway, such as a meter that watches the mains of a building:
  whatever is in its space or below.

An alarm about silence (its rule's family is network) speaks of what is heard and not of what flows
or where things stand: it reaches the asset that it is on and what speaks through that, no more.

A rule may name itself: the loss of power at a board explains that at the boards which it feeds.

An alarm that is itself inhibited inhibits as well, for people were told of its cause, but never
that cause: two boards in one room explain each other, and both would be silent for good. One that
is withheld for another reason inhibits nothing. When the inhibitor clears, or somebody shelves it
or takes it out of service, what it inhibited is judged again after GRACE, in which things start up
again. After a silence they also get the time to report: until then nothing is known but their old
values; so does what is silent itself. After anything else, what rests on the time when it stood is
explained by it still: a delay that began then, a window that reaches back to it.

The consequence may trip before its cause. When the cause trips within AFTERWARDS, the tickets of
its consequences are merged into its own, as long as nobody has accepted them. A silence began when
the asset was last heard, so what an old value tripped since then is a consequence of it as well.
On the asset itself the time that a trip rests on counts instead of AFTERWARDS where it is longer: a
pit that rises fast, by the last ten minutes, is the one that overflows in the next ten.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.devices import Point
from workflows import tickets
from workflows.alarms.common_causes import causes_at
from workflows.alarms.finding import Faulty, Finding
from workflows.alarms.model import Alarm, Withholding
from workflows.alarms.withheld import Withheld
from workflows.tickets.joining import WAITING, lock_current

GRACE = timedelta(minutes=2)
AFTERWARDS = timedelta(minutes=5)
# The family of the rules that tell of silence.
SILENCE = "network"
# Judged again so soon at the latest, should nobody hear of the end of the inhibitor.
_LATEST = timedelta(hours=12)
_MOST = 500
# What a trip rests on is looked for so far back at most.
_LONGEST = timedelta(days=2)
_PRESENT = ("unacknowledged", "acknowledged")
_STANDS = or_(Alarm.phase.in_(("active", "clearing")), Alarm.chatter_since.is_not(None))
_IS_INHIBITED = (
    select(Withholding.id)
    .where(
        Withholding.alarm_id == Alarm.id,
        Withholding.state == "standing",
        Withholding.why == "inhibited",
    )
    .exists()
)
# Whether an alarm explains others now: it stands, and people were told of it or of its own cause.
INHIBITS = and_(
    _STANDS, or_(Alarm.state.in_(_PRESENT), and_(Alarm.state == "suppressed", _IS_INHIBITED))
)


_NO_SILENCE = Alarm.family.is_distinct_from(SILENCE)
# Its last episode had a ticket.
_WAS_TOLD = Alarm.ticket_id.is_not(None) & Alarm.state.not_in(("shelved", "out_of_service"))


def as_kept(rules: Sequence[str]) -> str:
    """Ids of rules as the row of an alarm keeps them, so that one of them can be looked for."""
    return f" {' '.join(rules)} " if rules else ""


def inhibited(
    session: Session, fault: Faulty, alarm: Alarm | None, learned_at: datetime
) -> Withheld | None:
    """Whether an alarm that stands explains a fault; one of the checks of `withholding`."""
    if not fault.rule.inhibited_by:
        return None
    session.flush()
    stood = INHIBITS
    seen_since = from_micros(fault.at) - fault.rule.looks_back
    if fault.rule.looks_back:
        # That something was silent a while ago says nothing of what was heard since.
        stood = or_(stood, and_(Alarm.returned_at > seen_since, _WAS_TOLD, _NO_SILENCE))
    found = session.execute(
        select(
            *(Alarm.id, Alarm.rule_id, Alarm.asset_id, Alarm.family, Alarm.returned_at, Alarm.state)
        )
        .where(Alarm.site_id == fault.site_id, Alarm.rule_id.in_(fault.rule.inhibited_by), stood)
        .order_by(Alarm.raised_at, Alarm.id)
    )
    for alarm_id, rule_id, asset_id, family, returned_at, state in found:
        if rule_id == fault.rule.rule_id and asset_id == fault.asset_id:
            continue
        if alarm is not None and state == "suppressed" and _rests_on(session, alarm_id, alarm.id):
            continue
        if _reaches(session, fault.site_id, asset_id, fault.asset_id, family):
            until = learned_at + _LATEST
            if returned_at is not None:
                until = max(learned_at, returned_at + fault.rule.looks_back) + GRACE
            return Withheld("suppressed", "inhibited", until, cause=("alarm", alarm_id))
    return None


_CAUSE = select(Withholding.cause_id).where(
    Withholding.alarm_id == bindparam("of_alarm"),
    Withholding.state == "standing",
    Withholding.why == "inhibited",
)


def _rests_on(session: Session, inhibitor: UUID, alarm_id: UUID) -> bool:
    """Whether an alarm is silent because of this one, directly or not: then it can't explain it."""
    cause: UUID | None = inhibitor
    passed = set[UUID]()
    while cause is not None and cause not in passed:
        if cause == alarm_id:
            return True
        passed.add(cause)
        cause = session.scalar(_CAUSE, {"of_alarm": cause})
    return False


def _reaches(
    session: Session, site_id: UUID, inhibitor: UUID, asset_id: UUID, family: str | None
) -> bool:
    """Whether an alarm of this family on the asset `inhibitor` explains one on the other."""
    causes = causes_at(session, site_id)
    if inhibitor == asset_id or ("gateway", inhibitor) in causes.roots("network", asset_id):
        return True
    if family == SILENCE:
        return False
    if inhibitor in causes.suppliers(asset_id):
        return True
    return not causes.carries(inhibitor) and causes.is_around(inhibitor, asset_id)


def release_inhibited(session: Session, alarm: Alarm, now: datetime) -> None:
    """An alarm has cleared, or people are told of it no more: what it inhibited is judged again.

    After a while, in which things start up again and, after a silence, report.
    """
    waits = update(Withholding).where(
        Withholding.cause_id == alarm.id,
        Withholding.state == "standing",
        Withholding.why == "inhibited",
    )
    session.execute(waits.values(until=now + GRACE).execution_options(synchronize_session=False))
    for row in session.execute(_reports(alarm)).all():
        alarm_id, slowest = row[0], row[1] or 0
        until = now + GRACE + timedelta(seconds=slowest)
        session.execute(
            waits.where(Withholding.alarm_id == alarm_id)
            .values(until=until)
            .execution_options(synchronize_session=False)
        )


def _reports(cause: Alarm) -> Select[UUID, float | None]:
    """What a cause inhibits and must report before it can be judged: one of them is of silence.

    With the seconds between two reports of its slowest point.
    """
    found = (
        select(Withholding.alarm_id, func.max(Point.expected_interval))
        .join(Alarm, Alarm.id == Withholding.alarm_id)
        .join(Point, Point.asset_id == Alarm.asset_id)
        .where(
            Withholding.cause_id == cause.id,
            Withholding.state == "standing",
            Withholding.why == "inhibited",
        )
        .group_by(Withholding.alarm_id)
    )
    return found if cause.family == SILENCE else found.where(Alarm.family == SILENCE)


# Asked at every first trip, so it is put together once.
_EXPLAINED = (
    Alarm.site_id == bindparam("of_site"),
    Alarm.inhibited_by != "",
    # An id has no character that means anything in a pattern.
    Alarm.inhibited_by.contains(bindparam("rule")),
    Alarm.raised_at.between(bindparam("earliest"), bindparam("end")),
    or_(
        Alarm.raised_at >= bindparam("begin"),
        and_(Alarm.asset_id == bindparam("of_asset"), _STANDS),
    ),
    Alarm.ticket_id.is_not(None),
    Alarm.life_safety.is_(False),
    Alarm.state.in_((*_PRESENT, "returned_unacknowledged")),
)
_ANY_EXPLAINED = select(Alarm.id).where(*_EXPLAINED).limit(1)
_ALL_EXPLAINED = select(Alarm).where(*_EXPLAINED).order_by(Alarm.raised_at, Alarm.id).limit(_MOST)


def consequences(session: Session, finding: Finding) -> list[Alarm]:
    """Alarms that tripped a moment before and that the finding explains, the first first."""
    at = from_micros(finding.at)
    kept, began = as_kept([finding.rule.rule_id]), _began(finding)
    # What tripped in the same batch may not be sent yet; most have nothing to do with this.
    if any(isinstance(one, Alarm) and kept in (one.inhibited_by or "") for one in _unsent(session)):
        session.flush()
    given = {
        "of_site": finding.site_id,
        "of_asset": finding.asset_id,
        "rule": kept,
        "earliest": min(began, at - _LONGEST),
        "begin": began,
        "end": at,
    }
    if session.connection().execute(_ANY_EXPLAINED, given).first() is None:
        return []
    return [
        alarm
        for alarm in session.scalars(_ALL_EXPLAINED, given).all()
        if (alarm.rule_id, alarm.asset_id) != (finding.rule.rule_id, finding.asset_id)
        and _in_time(alarm, began, at)
        and _reaches(
            session, finding.site_id, finding.asset_id, alarm.asset_id, finding.rule.family
        )
    ]


def _in_time(alarm: Alarm, began: datetime, at: datetime) -> bool:
    """Whether an alarm tripped so late that it may be of what tripped at `at`."""
    if alarm.raised_at is None:
        return False
    looks_back = timedelta(seconds=(alarm.facts or {}).get("looks_back") or 0)
    return alarm.raised_at >= min(began, at - looks_back)


def _unsent(session: Session) -> Iterator[object]:
    yield from session.new
    yield from session.dirty


def _began(finding: Finding) -> datetime:
    """From when on what tripped may be a consequence of a finding."""
    at = from_micros(finding.at)
    heard = [one.at for one in finding.transition.inputs if 0 < one.at < finding.at]
    if finding.rule.family != SILENCE or not heard:
        return at - AFTERWARDS
    return min(at - AFTERWARDS, max(from_micros(max(heard)), at - _LATEST))


def explained(
    session: Session, finding: Finding, ticket: tickets.Ticket, learned_at: datetime
) -> list[tuple[Alarm, tickets.Ticket]]:
    """The consequences of a trip with their tickets, as far as these may go into `ticket`.

    Tickets that somebody has accepted stay theirs; their log says that a cause was found.
    """
    found = consequences(session, finding)
    now = lock_current(session, {alarm.ticket_id for alarm in found if alarm.ticket_id})
    free: list[tuple[Alarm, tickets.Ticket]] = []
    for alarm in found:
        own = now.get(alarm.ticket_id) if alarm.ticket_id else None
        if own is None or own.id == ticket.id or own.state not in WAITING:
            continue
        if own.responded_at is None and not own.life_safety:
            free.append((alarm, own))
            continue
        events.append(
            session,
            "ticket.cause",
            ("ticket", own.id),
            actor=events.SYSTEM,
            happened_at=from_micros(finding.at),
            learned_at=learned_at,
            site_id=own.site_id,
            after={"ticket": str(ticket.id), "number": ticket.number},
        )
    return free
