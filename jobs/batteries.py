"""What time asks of batteries: judged once a day, and put on the month's round of a building."""

from datetime import datetime, timedelta
from uuid import UUID

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


class JudgingBatteries:
    """Judges batteries, some at a time and in turns.

    A turn that telemetry cut short goes on behind the battery at which it did, so that one series
    that can't be read holds up itself alone. Which that was is known to this process only: after a
    restart the turns begin anew.
    """

    def __init__(self) -> None:
        self._behind: UUID | None = None

    def judge(self, work: Work, now: datetime) -> int:
        """Judge batteries that were not judged within the last day; returns how many were."""
        with work.database.read() as session:
            due = devices_to_judge(session, now=now, behind=self._behind)
        turn = _Turn(work, now)
        try:
            return one_by_one(work, due, turn.judge)
        finally:
            self._behind = turn.reached or self._behind


class _Turn:
    """One look at what is due. reached: the last device of which telemetry was asked."""

    def __init__(self, work: Work, now: datetime) -> None:
        self._work = work
        self._now = now
        self._telemetry = work.telemetry
        self.reached: UUID | None = None

    def judge(self, one: ToJudge) -> int:
        """Judge one battery; returns 1, or 0 while telemetry can't tell of it."""
        days = None
        if one.series is not None:
            if self._telemetry is None:
                return 0
            self.reached = one.device_id
            try:
                days = days_of(self._telemetry, one.series, now=self._now)
            except TelemetryError:
                # It is judged when telemetry can tell again. A server that hangs is not asked for
                # each of hundreds, or this would take hours.
                self._telemetry = None
                return 0
        with self._work.transaction() as session:
            changed = changed_on(session, one.device_id)
            judge_battery(session, one.device_id, days, changed=changed, now=self._now)
        return 1


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
