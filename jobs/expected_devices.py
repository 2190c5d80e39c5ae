"""Announced devices that speak by now are adopted, each in a transaction of its own."""

from datetime import datetime
from uuid import UUID

from core.errors import Conflict, Invalid, NotFound
from core.expected_devices import due_expected, note_problem, take_expected
from core.expected_problems import failure, reason_of
from jobs.one_by_one import one_by_one
from jobs.work import Work, actor

ACTOR = actor("expected devices")


def adopt_expected(work: Work, now: datetime) -> int:
    """Adopt what was announced and has spoken; what can't be is noted, and tried again."""

    def note(expected_id: UUID, reason: str) -> None:
        with work.transaction() as session:
            note_problem(session, expected_id, reason, now=now)

    def adopt(one: tuple[UUID, UUID]) -> int:
        try:
            with work.transaction() as session:
                return int(take_expected(session, *one, actor=ACTOR, now=now))
        except (Conflict, Invalid, NotFound) as error:
            note(one[0], reason_of(error))
            return 0

    with work.database.read() as session:
        due = due_expected(session, now=now)
    return one_by_one(work, due, adopt, later=lambda one: note(one[0], failure()))
