"""Journals of guards who go the same way from both ends, handed in at the same moment."""

import threading
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.db import Database, despite_deadlocks
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.threads import in_threads
from tests.workflows.phoned import Phoned, colleague
from tests.workflows.walked import MINUTE, TEN, make_walk, uid_of
from workflows.patrol.journal import applying, taking
from workflows.patrol.journal.model import JournalEntry
from workflows.patrol.model import Scan
from workflows.patrol.rounds import RouteDraft, Stop, create_route


def test_two_who_wait_for_each_other_are_both_taken(
    postgres_database: Database, postgres_site: SmallSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    phoned = _two_rounds(postgres_database, postgres_site)
    other = GuardPhone()
    phoned.enrol(other)
    _go(phoned, phoned.phone, phoned.walk.guard, "gate", "roof")
    _go(phoned, other, colleague(phoned), "roof", "gate")
    begun = _meet_after_the_first_scan(monkeypatch)
    phones, now = (phoned.phone, other), TEN + 45 * MINUTE
    in_threads(2, lambda one: despite_deadlocks(lambda: phoned.hand_in(now, phone=phones[one])))
    # One of them was ended, and began once more.
    assert len(begun) == 3
    with phoned.database.read() as session:
        assert session.scalars(select(JournalEntry.verdict)).all() == ["accepted"] * 6
        assert len(session.scalars(select(Scan.id)).all()) == 4


def _two_rounds(database: Database, site: SmallSite) -> Phoned:
    """Two rounds at the same time, of one checkpoint each."""
    walk = make_walk(database, site)
    for code in ("gate", "roof"):
        draft = RouteDraft(code, {"en": code, "zh": code}, [Stop(walk.points[code])])
        with database.write() as session:
            walk.route_id = create_route(session, site.id, draft, actor=events.SYSTEM, now=NOON).id
        walk.plan()
    walk.on_duty(walk.guard)
    phoned = Phoned(walk, GuardPhone())
    phoned.enrol(phoned.phone)
    return phoned


def _go(phoned: Phoned, phone: GuardPhone, person: UUID, *codes: str) -> None:
    phoned.enter(person, TEN + MINUTE, phone)
    for minute, code in enumerate(codes):
        phone.scan(uid_of(code), TEN + (5 + 5 * minute) * MINUTE)


def _meet_after_the_first_scan(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Each holds the round of its first scan before one asks for that of its second; gives back
    the number of every first scan that is taken."""
    together, met = threading.Barrier(2), threading.local()
    begun: list[int] = []
    does = applying.apply

    def apply(of: Any, entry: Any) -> Any:
        outcome = does(of, entry)
        if entry.kind == "scan" and entry.seq == 2:
            begun.append(entry.seq)
            if not hasattr(met, "other"):
                met.other = together.wait(60)
        return outcome

    monkeypatch.setattr(taking, "apply", apply)
    return begun
