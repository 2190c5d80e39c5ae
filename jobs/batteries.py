"""What time asks of batteries: judged once a day, and put on the month's round of a building."""

from datetime import datetime, timedelta

from core.device_health import forget_batteries
from core.telemetry.store import TelemetryError
from jobs.one_by_one import one_by_one
from jobs.work import Work, actor
from workflows.maintenance import (
    buildings_due,
    changed_on,
    days_of,
    devices_to_judge,
    judge_battery,
    put_on_round,
)
from workflows.maintenance.battery_rounds import BuildingDue
from workflows.maintenance.judging import ToJudge

ACTOR = actor("batteries")
# As long as a trend is looked for, and some days.
KEPT = timedelta(days=400)


def judge_batteries(work: Work, now: datetime) -> int:
    """Judge the batteries that were not judged within the last day."""
    telemetry = work.telemetry

    def judge(one: ToJudge) -> int:
        nonlocal telemetry
        days = None
        if one.series is not None:
            if telemetry is None:
                return 0
            try:
                days = days_of(telemetry, one.series, now=now)
            except TelemetryError:
                # It is judged when telemetry can tell again. A server that hangs is not asked for
                # each of hundreds, or this would take hours.
                telemetry = None
                return 0
        with work.transaction() as session:
            changed = changed_on(session, one.device_id)
            judge_battery(session, one.device_id, days, changed=changed, now=now)
        return 1

    with work.database.read() as session:
        due = devices_to_judge(session, now=now)
    return one_by_one(work, due, judge)


def make_battery_rounds(work: Work, now: datetime) -> int:
    """Open this month's rounds, or add to them; forget what no trend needs any more."""
    with work.database.read() as session:
        due = buildings_due(session, now=now)

    def open_round(building: BuildingDue) -> int:
        with work.transaction() as session:
            return len(put_on_round(session, building, actor=ACTOR, now=now))

    made = one_by_one(work, due, open_round)
    with work.transaction() as session:
        forget_batteries(session, (now - KEPT).date())
    return made
