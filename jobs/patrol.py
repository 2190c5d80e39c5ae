"""What time asks of patrols: rounds made ahead, judged while they can be mended, learned from."""

from datetime import datetime, timedelta
from uuid import UUID

from core import runs
from core.db import Session
from jobs.one_by_one import one_by_one, step_by_step
from jobs.work import Work, actor
from workflows.patrol import rounds
from workflows.patrol.honesty import check_later, check_round, look_into, rounds_to_check
from workflows.patrol.rounds import look_at, look_later

ACTOR = actor("rounds")
CHECKER = actor("honesty")
SWEEP = "rounds"
# Nobody looked for so long: who had something to tell could not, or we were away.
ABSENT = timedelta(minutes=5)
# A round of which a look failed waits for so long: a hundred of them must not starve the others.
LOOK_LATER, CHECK_LATER = timedelta(seconds=10), timedelta(minutes=1)


def make_rounds_ahead(work: Work, now: datetime) -> int:
    """Make the rounds of every plan far enough ahead.

    Each plan by itself: one that fails holds no other back, and then the sweep fails.
    """
    with work.database.read() as session:
        due = rounds.plans_to_make(session, now=now)

    def make(session: Session, plan_id: UUID) -> int:
        plan = session.get(rounds.RoundPlan, plan_id, with_for_update=True)
        return 0 if plan is None else rounds.make_rounds(session, plan, now=now, actor=ACTOR)

    return step_by_step(work, [(plan_id, make) for plan_id in due])


def look_at_rounds(work: Work, now: datetime) -> int:
    """Tell of rounds that did not begin and points that are missed, and close what is over.

    Each round by itself: one that fails holds no other back, and then the sweep fails.
    """
    with work.database.read() as session:
        last = runs.last_run(session, SWEEP)
        due = rounds.rounds_to_look_at(session, now=now)
    if due and (last is None or now - last > ABSENT):
        with work.transaction() as session:
            rounds.wait_after_absence(session, now=now)

    def judge(round_id: UUID) -> int:
        with work.transaction() as session:
            return look_at(session, round_id, now=now, actor=ACTOR)

    def later(round_id: UUID) -> None:
        with work.transaction() as session:
            look_later(session, round_id, at=now + LOOK_LATER)

    return one_by_one(work, due, judge, later)


def learn_ways(work: Work, now: datetime) -> int:
    """Learn anew how long the ways of every site take; of how many something is known.

    What takes seconds on a large site is read first, so that nobody waits to write meanwhile.
    """
    with work.database.read() as session:
        sites = rounds.sites_with_rounds(session)
    known = 0
    for site_id in sites:
        if work.stopping.is_set():
            break
        with work.database.read() as session:
            ways = rounds.learn_ways(session, site_id, now=now)
        with work.transaction() as session:
            known += rounds.keep_ways(session, site_id, ways)
    return known


def note_statutes(work: Work, now: datetime) -> int:
    """Put on record which routes do not keep their statutes any more, and which do again.

    Edits are judged as they are made; this sees what a calendar, a shift or the year has changed.
    """
    with work.database.read() as session:
        routes = rounds.routes_under_statutes(session)
    told = 0
    for route_id in routes:
        if work.stopping.is_set():
            break
        with work.transaction() as session:
            route = session.get_one(rounds.Route, route_id, with_for_update=True)
            told += rounds.note_coverage(session, route, actor=ACTOR, now=now)
    return told


def check_rounds(work: Work, now: datetime) -> int:
    """Mark what speaks against rounds that are over; each by itself, as with looking at them.

    What a month of a site says takes long to read, so nobody waits to write meanwhile.
    """
    with work.database.read() as session:
        due = rounds_to_check(session, now=now)

    def check(round_id: UUID) -> int:
        with work.database.read() as session:
            looked = look_into(session, round_id)
        with work.transaction() as session:
            return check_round(session, round_id, now=now, actor=CHECKER, looked=looked)

    def later(round_id: UUID) -> None:
        with work.transaction() as session:
            check_later(session, round_id, at=now + CHECK_LATER)

    return one_by_one(work, due, check, later)
