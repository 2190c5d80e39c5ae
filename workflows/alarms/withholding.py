"""What keeps an alarm from telling people: one list of reasons, asked at every trip.

A withheld alarm is judged and written down like any other. What ends the withholding judges it
again (`releasing.release`), so that nothing which still stands is forgotten.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.ids import new_id
from core.lifecycle import move
from workflows.alarms.finding import Faulty, Finding, proof_of
from workflows.alarms.inhibition import inhibited
from workflows.alarms.model import ALARM, WITHHELD, Alarm, Episode, Withholding
from workflows.alarms.planned_work import planned_work
from workflows.alarms.walk_tests.covering import walk_test
from workflows.alarms.withheld import Check, Withheld

_STANDING = select(Withholding).where(
    Withholding.alarm_id == bindparam("of_alarm"), Withholding.state == "standing"
)


def standing_of(session: Session, alarm_id: UUID) -> Withholding | None:
    """What withholds an alarm now."""
    session.flush()
    return session.scalars(_STANDING, {"of_alarm": alarm_id}).first()


def _stands_already(
    session: Session, fault: Faulty, alarm: Alarm | None, learned_at: datetime
) -> Withheld | None:
    """It is shelved, suppressed or out of service, and nothing has ended that yet."""
    del fault, learned_at
    if alarm is None or alarm.state not in WITHHELD:
        return None
    row = standing_of(session, alarm.id)
    if row is None:
        return None
    return Withheld(row.kind, row.why, row.until, standing=row.id)


# Asked in this order; the first that answers counts. None but the first may hold an alarm that is
# about lives, which is why the others are not even asked. Each must cost nothing where its rule
# does not ask for it: a flood of first trips goes through here.
CHECKS: tuple[Check, ...] = (_stands_already, walk_test, planned_work, inhibited)


def reason_for(
    session: Session, fault: Faulty, alarm: Alarm | None, learned_at: datetime
) -> Withheld | None:
    """Why a fault that trips now is not to be told; None where it is.

    alarm: of this rule on this asset, None where there never was one.
    """
    for check in CHECKS[:1] if fault.rule.life_safety else CHECKS:
        held = check(session, fault, alarm, learned_at)
        if held is not None:
            return held
    return None


def withhold(
    session: Session,
    alarm: Alarm,
    held: Withheld,
    *,
    actor: events.Actor,
    now: datetime,
    before: str | None = None,
) -> Withholding:
    """Suppress an alarm for a cause outside of it; what people do to it is in `shelving`.

    before: the alarm's state before all that withheld it until now, where something did.
    """
    session.flush()
    row = Withholding(
        id=new_id(),
        site_id=alarm.site_id,
        alarm_id=alarm.id,
        kind=held.kind,
        why=held.why,
        state="standing",
        version=1,
        from_state=before or alarm.state,
        reason=held.reason,
        since=now,
        until=held.until,
        cause_kind=held.cause[0] if held.cause else None,
        cause_id=held.cause[1] if held.cause else None,
    )
    move(
        session,
        alarm,
        ALARM,
        "suppress",
        actor=actor,
        learned_at=now,
        facts=facts_of(row),
    )
    session.add(row)
    session.flush()
    return row


def facts_of(row: Withholding) -> dict[str, str]:
    """What the log says of a withholding: ids, words and moments, never what people wrote."""
    facts = {"withholding": str(row.id), "why": row.why}
    if row.until is not None:
        facts["until"] = row.until.isoformat()
    if row.cause_id is not None:
        facts["cause"] = str(row.cause_id)
    return facts


def keep_silent(
    session: Session, alarm: Alarm, finding: Finding, held: Withheld, learned_at: datetime
) -> None:
    """Write down a trip that tells nobody: its episode, with the proof for later."""
    rule = finding.rule
    actor = events.Actor("rule", f"{rule.rule_id}@{rule.version}")
    standing = held.standing or withhold(session, alarm, held, actor=actor, now=learned_at).id
    move(
        session,
        alarm,
        ALARM,
        "withheld_trip",
        actor=actor,
        happened_at=from_micros(finding.at),
        learned_at=learned_at,
        facts={"rule": rule.rule_id, "asset": str(finding.asset_id), "why": held.why},
    )
    episode = Episode(
        id=new_id(),
        alarm_id=alarm.id,
        site_id=finding.site_id,
        rule_version=rule.version,
        tripped_micros=finding.at,
        learned_at=learned_at,
        reason=finding.transition.reason,
        withholding_id=standing,
    )
    episode.proof = {"episode": str(episode.id), **proof_of(finding)}
    session.add(episode)


def make_due(session: Session, cause_id: UUID, until: datetime) -> int:
    """Say that a cause ends at `until`: the next sweep then judges again what it suppressed."""
    found = session.execute(
        update(Withholding)
        .where(Withholding.cause_id == cause_id, Withholding.state == "standing")
        .values(until=until)
        .returning(Withholding.id)
    )
    return len(found.all())
