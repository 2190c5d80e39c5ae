"""What time does to rounds: not begun, unknown, missed, closed; each found when it is looked at.

A point whose window is over is *missed* only when we know that no scan of it can be on its way:
the phones of whoever goes the round have told everything up to then, or the time that the plan
leaves for that is over. Until then it is *unknown*.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events
from core.lifecycle import move
from core.places import Asset
from core.rosters import bosses
from core.shards import last_beats
from core.teams import members_of
from workflows.patrol.model import ASSET_TYPE, Checkpoint, CheckpointToken
from workflows.patrol.privacy.gate import has_no_other_way
from workflows.patrol.rounds.contact import goers, knowers, known_until
from workflows.patrol.rounds.joining import settle
from workflows.patrol.rounds.model import OPEN, ROUND, Round, RoundPoint, Route

# So long after its edge the supervisor is told as well, if guards were told so long ago at least.
PASS_UP_AFTER, GUARD_FIRST = timedelta(minutes=2), timedelta(minutes=1)
# So long after its end a guard may still go back.
FRESH = timedelta(minutes=10)
# After our own absence everybody gets so long to tell what they know.
AFTER_ABSENCE = timedelta(minutes=15)
# Why a point is excused that its guard could scan only by what they did not agree to.
WITHOUT_POSITIONS = "without_positions"
# While something is unknown it is looked at again so often: phones come back at any time.
_LOOK_AGAIN = timedelta(seconds=10)


def rounds_to_look_at(session: Session, *, now: datetime, limit: int = 500) -> list[UUID]:
    """Rounds about which time may have changed something, the longest waiting first."""
    statement = select(Round.id).where(Round.state.in_(OPEN), Round.next_look <= now)
    return list(session.scalars(statement.order_by(Round.next_look, Round.id).limit(limit)))


def look_later(session: Session, round_id: UUID, *, at: datetime) -> None:
    """A look at it failed: it is looked at again then, and holds nobody up until then."""
    session.execute(
        update(Round)
        .where(Round.id == round_id, Round.state.in_(OPEN))
        .values(next_look=at)
        .execution_options(synchronize_session=False)
    )


def look_at(session: Session, round_id: UUID, *, now: datetime, actor: events.Actor) -> int:
    """Do what time asks of a round until now, however late; how many facts that made."""
    # One that somebody else has in hand is looked at again a moment later.
    statement = select(Round).where(Round.id == round_id).with_for_update(skip_locked=True)
    row = session.scalars(statement.execution_options(populate_existing=True)).first()
    if row is None or row.state not in OPEN:
        return 0
    if row.paused_at is not None:
        # Whoever goes it was called away, and nothing of it is missed meanwhile.
        row.next_look = now + _LOOK_AGAIN
        return 0
    look = _Look(session, row, now, actor)
    look.at_its_start()
    look.at_its_points()
    look.at_its_end()
    session.flush()
    return look.made


class _Look:
    """One look at one round."""

    def __init__(self, session: Session, row: Round, now: datetime, actor: events.Actor) -> None:
        self._session = session
        self._round = row
        self._now = now
        self._actor = actor
        self._points = list(
            session.scalars(
                select(RoundPoint)
                .where(RoundPoint.round_id == row.id)
                .order_by(RoundPoint.position)
                .execution_options(populate_existing=True)
            )
        )
        self._route = session.get_one(Route, row.route_id)
        self._goers = goers(session, row, now=now)
        self._knowers = knowers(session, row)
        self._until = known_until(session, self._knowers)
        self.made = 0

    def at_its_start(self) -> None:
        """Tell guards of a round that did not begin, and a little later who leads them."""
        row = self._round
        if row.state != "planned" or not row.begin_by <= self._now < row.ends_at:
            return
        if row.late_told_at is None:
            if self._nobody_can_begin():
                return
            row.late_told_at = self._now
            self._tell("round.late", self._goers or self._bosses(), {})
        elif row.passed_up_at is None and self._now >= _pass_up_at(row.begin_by, row.late_told_at):
            row.passed_up_at = self._now
            self._tell("round.late_passed_up", self._bosses(), {})

    def _nobody_can_begin(self) -> bool:
        """Whether there is no point that anybody who may go could scan by what they agreed to."""
        people = self._could_go
        return all(
            has_no_other_way(self._session, people, point.checkpoint_id) for point in self._points
        )

    @cached_property
    def _could_go(self) -> list[UUID]:
        """Whoever goes it or was on duty; where no roster says who was, everybody of the team."""
        row = self._round
        if self._knowers:
            return self._knowers
        return [person.id for _, person in members_of(self._session, row.site_id, row.team)]

    def at_its_points(self) -> None:
        """Judge the points whose window is over, and tell of those that are missed."""
        over = [point for point in self._points if point.closes_at <= self._now]
        for point in over:
            if point.state in ("open", "unknown"):
                self._judge(point)
        missed = [point for point in over if point.state == "missed"]
        begun = self._round.state == "running"
        fresh = [point for point in missed if point.told_at is None]
        for point in fresh:
            point.told_at = self._now
        # Hours later nobody can go back, and a guard who sleeps is not woken for it.
        if fresh and begun and self._now <= self._round.ends_at + FRESH:
            self._tell("round.miss", self._goers or self._bosses(), _named(fresh))
        self._pass_up(
            [
                point
                for point in missed
                if point.told_at and self._now >= _pass_up_at(point.closes_at, point.told_at)
            ]
        )

    def _pass_up(self, missed: Sequence[RoundPoint]) -> None:
        """Tell who leads the guards of points that are missed, once of each."""
        due = [point for point in missed if point.passed_up_at is None and point.told_at]
        for point in due:
            point.passed_up_at = self._now
        if due and self._round.state == "running":
            self._tell("round.miss_passed_up", self._bosses(), _named(due))

    def _judge(self, point: RoundPoint) -> None:
        asset = self._session.get_one(Asset, point.checkpoint_id)
        checkpoint = self._session.get_one(Checkpoint, point.checkpoint_id)
        if checkpoint.state != "active" or asset.type != ASSET_TYPE:
            # Nobody can scan there, so nobody has missed it.
            point.state = "excused"
            self._append("round.excuse", point)
            return
        if has_no_other_way(self._session, self._could_go, point.checkpoint_id):
            # Whoever did not agree to be located has no disadvantage of it.
            point.state, point.reason = "excused", WITHOUT_POSITIONS
            self._append("round.excuse", point)
            return
        confirmed = self._now >= self._round.settles_at or self._is_known(point)
        state = "missed" if confirmed else "unknown"
        if state == point.state:
            return
        point.state, point.judged_at = state, self._now
        self._append(f"round.point_{state}", point)

    def _is_known(self, point: RoundPoint) -> bool:
        """Whether every scan that was made at a point in its window must be here by now."""
        devices = _tokens_of_devices(self._session, point.checkpoint_id)
        # What readers tell is here as soon as ingest has listened since.
        heard = min(last_beats(self._session).values(), default=point.opens_at)
        if any(devices) and heard < point.closes_at:
            return False
        if devices and all(devices):
            return True
        return self._until is not None and self._until >= point.closes_at

    def at_its_end(self) -> None:
        """Close a round that is over and of which everything is known; say when to look next."""
        row = self._round
        settle(self._session, row, now=self._now)
        if row.state not in OPEN:
            return
        waits = any(point.state in ("open", "unknown") for point in self._points)
        if self._now >= row.ends_at and not waits:
            # Nobody looks at it any more.
            missed = [point for point in self._points if point.state == "missed"]
            self._pass_up(missed)
            values = {"ended_at": self._now, "next_look": None, "next_check": self._now}
            self._move("close", values)
            return
        row.next_look = self._next_look()

    def _next_look(self) -> datetime:
        row, now = self._round, self._now
        moments = [point.closes_at for point in self._points if point.state == "open"]
        moments += [row.begin_by, row.ends_at, row.settles_at]
        if any(point.state == "unknown" for point in self._points):
            moments.append(now + _LOOK_AGAIN)
        moments += [
            _pass_up_at(point.closes_at, point.told_at)
            for point in self._points
            if point.passed_up_at is None and point.told_at is not None
        ]
        if row.passed_up_at is None and row.late_told_at is not None:
            moments.append(_pass_up_at(row.begin_by, row.late_told_at))
        return min((moment for moment in moments if moment > now), default=now + _LOOK_AGAIN)

    def _move(self, action: str, values: dict[str, Any]) -> None:
        move(
            self._session,
            self._round,
            ROUND,
            action,
            actor=self._actor,
            learned_at=self._now,
            values=values,
        )
        self.made += 1

    def _bosses(self) -> list[UUID]:
        return bosses(self._session, self._round.site_id)

    def _tell(self, kind: str, people: Sequence[UUID], more: dict[str, Any]) -> None:
        """A fact that names who is to be told of it."""
        row = self._round
        said = {"about": dict(self._route.name), "from": row.planned_at.isoformat()}
        said["to"] = row.ends_at.isoformat()
        self._fact(kind, {"people": [str(one) for one in people], **said, **more})

    def _append(self, kind: str, point: RoundPoint) -> None:
        """A fact of one point; the id of a checkpoint is that of its asset."""
        place = str(point.checkpoint_id)
        self._fact(kind, {"checkpoint": place, "asset": place}, happened_at=point.closes_at)

    def _fact(
        self, kind: str, after: dict[str, Any], *, happened_at: datetime | None = None
    ) -> None:
        row = self._round
        events.append(
            self._session,
            kind,
            ("round", row.id),
            actor=self._actor,
            learned_at=self._now,
            happened_at=happened_at,
            site_id=row.site_id,
            after={"route": str(row.route_id), "route_code": self._route.code, **after},
        )
        self.made += 1


def _pass_up_at(edge: datetime, told_at: datetime) -> datetime:
    """When a supervisor is told of what guards were told of, however late we told them."""
    return max(edge + PASS_UP_AFTER, told_at + GUARD_FIRST)


def _named(points: Sequence[RoundPoint]) -> dict[str, Any]:
    return {"checkpoints": [str(point.checkpoint_id) for point in points]}


def _tokens_of_devices(session: Session, checkpoint_id: UUID) -> list[bool]:
    """Of all that can be scanned at a checkpoint, whether a device of ours reads it."""
    statement = select(CheckpointToken.device_id).where(
        CheckpointToken.checkpoint_id == checkpoint_id, CheckpointToken.state == "active"
    )
    return [device_id is not None for device_id in session.scalars(statement)]


def wait_after_absence(session: Session, *, now: datetime) -> None:
    """After nobody looked for a while: nothing settles before phones and readers could tell."""
    session.execute(
        update(Round)
        .where(Round.state.in_(OPEN), Round.settles_at < now + AFTER_ABSENCE)
        .values(settles_at=now + AFTER_ABSENCE)
        .execution_options(synchronize_session=False)
    )
