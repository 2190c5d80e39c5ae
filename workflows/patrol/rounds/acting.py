"""What people do with rounds: begin one, call one off, excuse a point that can't be reached."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid, NotFound
from core.lifecycle import move
from core.people import Caller, scoped
from rules.wording import worded
from workflows.patrol.checkpoints import READ, SCAN, WRITE
from workflows.patrol.rounds.joining import settle, start
from workflows.patrol.rounds.model import OPEN, ROUND, Round, RoundPoint

LONGEST_REASON = 500


def find_round(session: Session, caller: Caller, round_id: UUID, *, permission: str) -> Round:
    """A round to be changed, locked. NotFound when the caller may not read it, else NotAllowed."""
    statement = scoped(select(Round).where(Round.id == round_id), Round.site_id, caller, READ)
    row = session.scalars(statement.with_for_update()).first()
    if row is None:
        raise NotFound(
            worded("there is no such round"), advice=worded("Look for it in the list of rounds.")
        )
    caller.require(permission, row.site_id)
    return row


def begin_round(
    session: Session,
    caller: Caller,
    round_id: UUID,
    *,
    now: datetime,
    at: datetime | None = None,
) -> Round:
    """The caller begins a round. Conflict before it opens, and where somebody else has begun it.

    at: when, by the clock of a phone that tells it later; none: now. Again, by the same person,
    changes nothing.
    """
    began = at or now
    row = find_round(session, caller, round_id, permission=SCAN)
    if row.state == "running" and row.person_id == caller.person_id:
        return row
    if not row.opens_at <= began <= row.ends_at:
        raise Conflict(
            worded("this round can't begin now"),
            advice=worded(
                "It can from %(opens_at)s to %(ends_at)s.",
                opens_at=row.opens_at.isoformat(),
                ends_at=row.ends_at.isoformat(),
            ),
        )
    actor = events.Actor.person(caller.person_id)
    start(session, row, caller.person_id, began, actor=actor, now=now)
    settle(session, row, now=now)
    return row


def cancel_round(
    session: Session, caller: Caller, round_id: UUID, reason: str, *, now: datetime
) -> Round:
    """Call a round off. Invalid without a reason, Conflict for one that is over."""
    row = find_round(session, caller, round_id, permission=WRITE)
    values = {"reason": _reason(reason), "ended_at": now, "next_look": None}
    actor = events.Actor.person(caller.person_id)
    move(session, row, ROUND, "cancel", actor=actor, learned_at=now, values=values)
    return row


def excuse_point(
    session: Session,
    caller: Caller,
    round_id: UUID,
    position: int,
    reason: str,
    *,
    now: datetime,
) -> Round:
    """Say why a point of a round need not be scanned: a locked floor, a lift that stands.

    Invalid without a reason; Conflict for a point that is scanned, and in a round that is over.
    """
    row = find_round(session, caller, round_id, permission=WRITE)
    point = session.get(RoundPoint, {"round_id": round_id, "position": position})
    if point is None:
        raise NotFound(
            worded("there is no such point"), advice=worded("Look at the points of the round.")
        )
    if row.state not in OPEN or point.state in ("scanned", "excused"):
        raise Conflict(
            worded("this point can't be excused any more"),
            advice=worded("Only one that is not scanned, of a round that is not over, can be."),
        )
    was = point.state
    point.state, point.reason = "excused", _reason(reason)
    session.flush()
    events.append(
        session,
        "round.excuse",
        ("round", row.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=row.site_id,
        after={"checkpoint": str(point.checkpoint_id), "was": was},
    )
    settle(session, row, now=now)
    return row


def _reason(text: str) -> str:
    reason = " ".join(text.split())
    if not 1 <= len(reason) <= LONGEST_REASON:
        problems = [worded("reason: 1 to %(most)s characters", most=LONGEST_REASON)]
        raise Invalid(worded("nothing was changed"), problems=problems)
    return reason
