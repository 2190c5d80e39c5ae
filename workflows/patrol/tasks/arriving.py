"""Arrival: proven by a scan at the checkpoint nearest to the alarm, or only said by hand."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import events
from core.clock import to_micros
from core.errors import Conflict, Invalid
from core.lifecycle import move
from core.people import Caller
from core.places import Asset, Space
from rules.wording import worded
from workflows.patrol.model import ACCEPTED, AHEAD, Scan
from workflows.patrol.tasks.answering import own_task, passed_on
from workflows.patrol.tasks.offering import seconds_between
from workflows.patrol.tasks.places import Proving, proving
from workflows.tickets.guard_tasks import GUARD_TASK, GuardOffer, GuardTask
from workflows.tickets.model import Ticket
from workflows.tickets.opening import add_evidence
from workflows.tickets.working import Step, act

SCANNED, SAID = "scan", "said"
EVIDENCE = "arrival"


def arrive_by_scans(session: Session, scans: Sequence[Scan], *, now: datetime) -> int:
    """Let accepted scans prove that whoever was sent has come; how many did.

    However late they are told: a task that is over by then is told of it, and changes no more.
    """
    wanted = [
        scan
        for scan in scans
        if scan.verdict == ACCEPTED
        and scan.checkpoint_id is not None
        and scan.person_id is not None
        and scan.occurred_at <= now + AHEAD
    ]
    people = {scan.person_id for scan in wanted}
    if not people:
        return 0
    earliest = min(scan.occurred_at for scan in wanted)
    statement = select(GuardTask.id).where(
        GuardTask.person_id.in_(people),
        GuardTask.accepted_at.is_not(None),
        GuardTask.arrived_at.is_(None),
        # Of those that were over before nothing is proven, and there are more of them each day.
        or_(GuardTask.ended_at.is_(None), GuardTask.ended_at >= earliest),
    )
    proved = 0
    for task_id in session.scalars(statement.order_by(GuardTask.id)).all():
        ticket = session.get_one(Ticket, task_id, with_for_update=True, populate_existing=True)
        row = session.get_one(GuardTask, task_id, populate_existing=True)
        if row.arrived_at is not None or row.accepted_at is None:
            continue
        places = proving(session, ticket)
        scan = _proof_of(session, row, places, wanted)
        if scan is not None and places is not None:
            _prove(session, row, ticket, scan, places, now)
            proved += 1
    return proved


def _proof_of(
    session: Session, row: GuardTask, places: Proving | None, scans: Sequence[Scan]
) -> Scan | None:
    """The first scan of whoever goes that proves it: since it was offered, until it was over."""
    if places is None:
        return None
    fitting = [
        scan
        for scan in scans
        if scan.person_id == row.person_id
        and scan.checkpoint_id in places.checkpoints
        and (row.offered_at is None or scan.occurred_at >= row.offered_at)
        and (row.ended_at is None or scan.occurred_at <= row.ended_at)
    ]
    return min(fitting, key=lambda scan: (scan.occurred_at, scan.id), default=None)


def _prove(
    session: Session,
    row: GuardTask,
    ticket: Ticket,
    scan: Scan,
    places: Proving,
    now: datetime,
) -> None:
    assert scan.checkpoint_id is not None
    assert scan.person_id is not None
    asset = session.get_one(Asset, scan.checkpoint_id)
    space = session.get(Space, asset.space_id) if asset.space_id else None
    proof: dict[str, Any] = {
        "checkpoint": str(scan.checkpoint_id),
        "name": dict(asset.name),
        "space": dict(space.name) if space else None,
        "kind": scan.kind,
        "grade": scan.grade,
        "channel": scan.channel,
        "near": places.how,
        "levels": places.levels,
    }
    _arrive(session, row, ticket, scan.occurred_at, SCANNED, proof, now, scan)


def arrive(
    session: Session, caller: Caller, task_id: UUID, *, now: datetime, at: datetime | None = None
) -> GuardTask:
    """Whoever goes says that they are there, which proves nothing. Again changes nothing.

    at: when, by a clock that tells it later. Conflict where it is not theirs, or was over by then.
    """
    row, ticket = own_task(session, caller, task_id)
    moment = at or now
    if row.person_id != caller.person_id:
        raise passed_on()
    if row.arrived_at is not None:
        return row
    if row.accepted_at is None:
        raise Conflict(worded("this task was not accepted"), advice=worded("Accept it first."))
    if row.ended_at is not None and moment > row.ended_at:
        raise Conflict(
            worded("this task was over by then"), advice=worded("Nobody has to go there any more.")
        )
    if moment > now + AHEAD or moment < row.accepted_at - AHEAD:
        raise Invalid(
            worded("that can't be when you came"), problems=[worded("at: before it was accepted")]
        )
    _arrive(session, row, ticket, moment, SAID, None, now, None)
    return row


def _arrive(
    session: Session,
    row: GuardTask,
    ticket: Ticket,
    at: datetime,
    by: str,
    proof: dict[str, Any] | None,
    now: datetime,
    scan: Scan | None,
) -> None:
    assert row.person_id is not None
    actor = events.Actor.person(row.person_id)
    action = "annex" if row.state == "over" else "arrive"
    values: dict[str, Any] = {
        "arrived_at": at,
        "arrived_by": by,
        "proof": proof,
        "scan_id": scan.id if scan is not None else None,
    }
    if action == "arrive":
        values["due_at"] = None
    took = seconds_between(row.accepted_at, at)
    facts = {"person": str(row.person_id), "by": by, "seconds": took}
    if proof is not None:
        facts |= {"checkpoint": proof["checkpoint"], "grade": proof["grade"], "near": proof["near"]}
    move(
        session,
        row,
        GUARD_TASK,
        action,
        actor=actor,
        learned_at=now,
        happened_at=at,
        values=values,
        facts=facts,
    )
    _keep_evidence(session, row, at, by, proof, scan)
    own = ticket.assignee_id == row.person_id and ticket.state == "assigned"
    if action == "arrive" and own:
        act(session, ticket, Step("start"), person=row.person_id, now=now)


def _keep_evidence(
    session: Session,
    row: GuardTask,
    at: datetime,
    by: str,
    proof: dict[str, Any] | None,
    scan: Scan | None,
) -> None:
    """What the ticket holds of it, for good: the proof, and how long each step took."""
    numbers = select(GuardOffer.number).where(
        GuardOffer.task_id == row.id, GuardOffer.run == row.run
    )
    data = {
        "by": by,
        "person": str(row.person_id),
        "scan": str(scan.id) if scan is not None else None,
        **(proof or {}),
        "asked": len(session.scalars(numbers).all()),
        "accept_s": seconds_between(row.began_at, row.accepted_at),
        "arrive_s": seconds_between(row.accepted_at, at),
    }
    add_evidence(session, row.id, row.site_id, EVIDENCE, to_micros(at), data)
