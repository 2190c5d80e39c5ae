"""Answering and deciding: the guard says how it was, and somebody else decides what that means."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core import events
from core.errors import Invalid, NotAllowed, NotFound
from core.lifecycle import move
from core.people import Caller, scoped
from core.personal import make_keys, seal
from rules.wording import Message, worded
from workflows.patrol.checkpoints import PEOPLE, READ, WRITE
from workflows.patrol.honesty.model import MARK, PatrolMark
from workflows.patrol.model import Scan

LONGEST_WORDS = 2_000
DECISIONS = ("uphold", "dismiss")


def seen_by(caller: Caller) -> Any:
    """The marks that somebody may see: of themselves, and where they may see who scanned."""
    return or_(
        PatrolMark.person_id == caller.person_id, PatrolMark.site_id.in_(caller.sites_for(PEOPLE))
    )


def find_mark(session: Session, caller: Caller, mark_id: UUID) -> PatrolMark:
    """A mark to be changed, locked. NotFound for who may not see it."""
    statement = select(PatrolMark).where(PatrolMark.id == mark_id, seen_by(caller))
    statement = scoped(statement, PatrolMark.site_id, caller, READ)
    row = session.scalars(statement.with_for_update()).first()
    if row is None:
        raise NotFound(
            worded("there is no such mark"), advice=worded("Look for it in the list of marks.")
        )
    return row


def answer_mark(
    session: Session,
    caller: Caller,
    mark_id: UUID,
    text: str,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> PatrolMark:
    """Whoever a mark is about says how it was. Once, and before it is decided.

    Invalid without words, NotAllowed for anybody else, Conflict when it was answered or decided.
    """
    row = find_mark(session, caller, mark_id)
    if row.person_id != caller.person_id:
        raise NotAllowed(
            worded("only whoever this mark is about answers it"),
            advice=worded("Say what you know of it as the reason of a decision."),
        )
    words = _words(text, worded("text: 1 to %(most)s characters", most=LONGEST_WORDS))
    key = make_keys(session, [caller.person_id])[caller.person_id]
    move(
        session,
        row,
        MARK,
        "answer",
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values={"answer": seal(key, words), "answered_at": now},
        facts=_named(row),
        expected_version=expected_version,
    )
    return row


def decide_mark(
    session: Session,
    caller: Caller,
    mark_id: UUID,
    decision: str,
    reason: str,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> PatrolMark:
    """A supervisor upholds a mark or dismisses it, with a reason; for good, answered or not.

    Invalid without a reason, NotAllowed about oneself or scans of one's own and without
    `patrol.write`, Conflict when it was decided before.
    """
    row = find_mark(session, caller, mark_id)
    caller.require(WRITE, row.site_id)
    if row.person_id == caller.person_id or _has_made(session, caller, row):
        raise NotAllowed(
            worded("nobody decides about themselves"),
            advice=worded("Answer it; somebody else decides."),
        )
    if decision not in DECISIONS:
        raise Invalid(
            worded("nothing was decided"),
            problems=[worded("decision: one of %(known)s", known=", ".join(DECISIONS))],
        )
    words = _words(reason, worded("reason: 1 to %(most)s characters", most=LONGEST_WORDS))
    about = row.person_id or caller.person_id
    key = make_keys(session, [about])[about]
    values = {"reason": seal(key, words), "decided_at": now, "decided_by": caller.person_id}
    move(
        session,
        row,
        MARK,
        decision,
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        values=values,
        facts=_named(row),
        expected_version=expected_version,
    )
    return row


def _has_made(session: Session, caller: Caller, row: PatrolMark) -> bool:
    """Whether some of what a mark asks about is the caller's own, as where a phone was lent."""
    ids = [UUID(one) for one in row.scans]
    own = select(Scan.id).where(Scan.id.in_(ids), Scan.person_id == caller.person_id)
    return session.scalars(own.limit(1)).first() is not None


def _named(row: PatrolMark) -> dict[str, Any]:
    return {"round": str(row.round_id), "kind": row.kind}


def _words(text: str, problem: Message) -> str:
    words = text.strip()
    if not 1 <= len(words) <= LONGEST_WORDS:
        raise Invalid(worded("nothing was changed"), problems=[problem])
    return words
