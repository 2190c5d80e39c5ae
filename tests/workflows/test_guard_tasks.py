"""Tasks for guards: the nearest who can be spared goes, until somebody has looked."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import events
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.lifecycle import Lifecycle
from core.people import Caller, Person
from core.places import Node
from tests.fixtures import NOON, SmallSite
from tests.workflows.calling import SECOND
from tests.workflows.conftest import MINUTE, clear, do, employ, facts_of, trip, write_ticket
from tests.workflows.sending import (
    ANSWER,
    INTRUSION,
    LEAK,
    SMOKE,
    Sending,
    make_sending,
)
from tests.workflows.test_guards_side_by_side import until_it_waits
from tests.workflows.walked import TEN, make_walk
from workflows.notifications import Notice, take_up
from workflows.patrol import sos, tasks
from workflows.patrol.posts import Post
from workflows.patrol.rounds import Round
from workflows.patrol.tasks import GUARD_OFFER, GUARD_TASK, GuardTask, arriving
from workflows.patrol.tasks.figures import spread
from workflows.tickets import TicketEvidence
from workflows.tickets.promises import read_terms, save_terms, service_grades

# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def scene(database: Database, site: SmallSite) -> Sending:
    return make_sending(database, site)


def test_the_nearest_on_duty_is_asked_first_and_then_the_next(scene: Sending) -> None:
    scene.seen(scene.mate, "pumps", NOON - MINUTE)
    scene.seen(scene.guard, "far", NOON - MINUTE)
    task = scene.alarm()
    assert scene.look(NOON) == 1
    assert scene.offers(task) == [(scene.mate, "offered")]
    assert scene.people_told("guard_task.offer") == [{scene.mate}]
    # Nobody answers: it goes to the next, not a moment sooner.
    assert scene.look(NOON + ANSWER - SECOND) == 0
    assert scene.look(NOON + ANSWER) == 1
    assert scene.offers(task) == [(scene.mate, "lapsed"), (scene.guard, "offered")]
    scene.do("decline", task, scene.guard, NOON + ANSWER, "busy")
    # Nobody is left: the supervisor is told, once, however often it is looked again.
    assert [scene.look(NOON + ANSWER + n * MINUTE) for n in range(3)] == [1, 0, 0]
    assert scene.people_told("guard_task.pass_up") == [{scene.walk.supervisor}]
    assert scene.row(task).state == "passed_up"
    # Who only did not hear of it is asked once more.
    assert scene.look(NOON + 7 * MINUTE) == 1
    assert scene.row(task).person_id == scene.mate


def test_going_makes_a_ticket_of_their_own_team_theirs(scene: Sending) -> None:
    scene.seen(scene.guard, "hall", NOON - MINUTE)
    task = scene.alarm(rule=INTRUSION)
    scene.look(NOON)
    first = scene.do("accept", task, scene.guard, NOON + 5 * SECOND)
    again = scene.do("accept", task, scene.guard, NOON + 9 * SECOND)
    assert first.state == again.state == "accepted"
    assert again.accepted_at == NOON + 5 * SECOND
    assert len(facts_of(scene.database, "guard_task.accept")) == 1
    ticket = scene.ticket(task)
    assert (ticket.assignee_id, ticket.state) == (scene.guard, "assigned")
    scene.seen(scene.guard, "pumps", NOON + 2 * MINUTE)
    assert (scene.row(task).state, scene.ticket(task).state) == ("arrived", "in_progress")


@ONE_ENGINE
def test_a_ticket_of_another_team_stays_with_it(scene: Sending) -> None:
    task = scene.alarm()
    scene.look(NOON)
    row = scene.row(task)
    assert row.person_id is not None
    scene.do("accept", task, row.person_id, NOON)
    ticket = scene.ticket(task)
    assert (ticket.state, ticket.assignee_id, ticket.responded_at) == ("open", None, None)


@ONE_ENGINE
def test_only_whoever_it_is_offered_to_accepts(scene: Sending) -> None:
    scene.seen(scene.guard, "pumps", NOON)
    task = scene.alarm()
    scene.look(NOON)
    for other in (scene.walk.supervisor, scene.mate):
        with pytest.raises(Conflict, match="not yours"):
            scene.do("accept", task, other, NOON)
    stranger = Caller(new_id(), "Nobody", "en")
    with scene.database.write() as session, pytest.raises(NotFound):
        tasks.accept(session, stranger, task, now=NOON)
    assert scene.offers(task) == [(scene.guard, "offered")]


def test_who_answers_too_late_is_told_that_it_was_passed_on(scene: Sending) -> None:
    scene.seen(scene.guard, "pumps", NOON)
    task = scene.alarm()
    scene.look(NOON)
    scene.look(NOON + ANSWER)
    with pytest.raises(Conflict, match="not yours"):
        scene.do("accept", task, scene.guard, NOON + ANSWER)
    # Passing it on too late takes it from nobody.
    scene.do("decline", task, scene.guard, NOON + ANSWER, "busy")
    assert scene.offers(task) == [(scene.guard, "lapsed"), (scene.mate, "offered")]
    # As long as nobody else was asked, a late answer is an answer.
    row = scene.do("accept", task, scene.mate, NOON + 3 * ANSWER)
    assert row.state == "accepted"


def test_a_post_is_never_left_below_its_minimum_crew(scene: Sending) -> None:
    third = employ(scene.database, scene.walk.site.id, "guard", "Third")
    for one in (scene.guard, scene.mate):
        scene.guarded.let_in(one, NOON - 5 * MINUTE)
    first, second = scene.alarm(), scene.alarm(asset="pump-2")
    scene.look(NOON)
    states = {one: scene.row(one).state for one in (first, second)}
    # Of the two at the gate one can be spared: that one is asked, and the other alarm finds nobody.
    assert sorted(states.values()) == ["offered", "passed_up"]
    waits = next(one for one, state in states.items() if state == "passed_up")
    goes = next(one for one in states if one != waits)
    person = scene.row(goes).person_id
    assert person is not None
    scene.do("accept", goes, person, NOON + SECOND)
    assert scene.look(NOON + MINUTE) == 0
    # Somebody comes: now the other one can be spared, too.
    scene.guarded.let_in(third, NOON + MINUTE)
    assert scene.look(NOON + 2 * MINUTE) == 1
    assert scene.row(waits).state == "offered"


def test_somebody_who_left_the_post_keeps_the_other_there(scene: Sending) -> None:
    duty = {
        one: scene.guarded.let_in(one, NOON - 5 * MINUTE).id for one in (scene.guard, scene.mate)
    }
    task = scene.alarm()
    scene.look(NOON)
    asked = scene.row(task).person_id
    assert asked is not None
    other = scene.mate if asked == scene.guard else scene.guard
    scene.guarded.let_go(other, duty[other], NOON + SECOND)
    # What is refused is kept: it was passed on for this.
    row = scene.do("accept", task, asked, NOON + 2 * SECOND)
    assert (row.state, row.person_id) == ("seeking", None)
    assert scene.offers(task) == [(asked, "withdrawn")]


def test_two_alarms_at_once_do_not_take_two_from_a_post(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    scene = make_sending(postgres_database, postgres_site)
    for one in (scene.guard, scene.mate):
        scene.guarded.let_in(one, NOON - 5 * MINUTE)
    both = [scene.alarm(), scene.alarm(asset="pump-2")]
    together = Barrier(2)

    def step(task: UUID) -> int:
        with scene.database.write() as session:
            together.wait(timeout=30)
            return tasks.step(session, task, now=NOON, actor=events.SYSTEM)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(step, both)) == [1, 1]
    assert sorted(scene.row(one).state for one in both) == ["offered", "passed_up"]


def test_of_two_who_take_a_task_at_once_one_goes(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    scene = make_sending(postgres_database, postgres_site)
    task = scene.alarm()
    scene.look(NOON)
    asked = scene.row(task).person_id
    assert asked is not None
    other = scene.mate if asked == scene.guard else scene.guard
    together = Barrier(2)

    def accept(_: int) -> str:
        together.wait(timeout=30)
        return scene.do("accept", task, asked, NOON).state

    def send(_: int) -> str:
        together.wait(timeout=30)
        return scene.do("send", task, scene.walk.supervisor, NOON, other).state

    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(accept, 0), pool.submit(send, 1)]
        outcomes = [_outcome(one) for one in done]
    # A supervisor who sends somebody has the last word; whoever came first heard theirs.
    assert outcomes[1] == "accepted"
    assert scene.row(task).person_id == other
    states = dict(scene.offers(task))
    assert states == {asked: "withdrawn", other: "accepted"}


def test_a_scan_and_a_supervisor_lock_rounds_before_posts(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    scene = make_sending(postgres_database, postgres_site)
    walk = scene.walk
    walk.route()
    walk.plan()
    walk.scan("gate", TEN)
    task = scene.alarm(TEN)
    scene.look(TEN)
    scene.do("send", task, walk.supervisor, TEN, walk.guard)
    post = scene.guarded.post_id
    with ThreadPoolExecutor(1) as pool:
        with scene.database.write() as session:
            # As a scan of whoever goes does it.
            session.scalars(select(Round.id).with_for_update()).all()
            sent = pool.submit(scene.do, "send", task, walk.supervisor, TEN, scene.mate)
            until_it_waits(scene.database, sent)
            session.scalars(select(Post).where(Post.id == post).with_for_update()).one()
        assert sent.result(30).person_id == scene.mate


def _outcome(done: Any) -> str:
    try:
        return str(done.result(timeout=60))
    except Conflict:
        return "refused"


@ONE_ENGINE
def test_nobody_is_sent_to_two_places(scene: Sending) -> None:
    first, second, third = (scene.alarm(asset=one) for one in ("pump-1", "pump-2", "board-1"))
    scene.look(NOON)
    assert {scene.row(one).person_id for one in (first, second, third)} == {
        scene.guard,
        scene.mate,
        None,
    }
    busy = scene.row(first).person_id
    assert busy is not None
    waits = next(one for one in (second, third) if scene.row(one).person_id is None)
    with pytest.raises(Conflict, match="on the way to something else"):
        scene.do("send", waits, scene.walk.supervisor, NOON, busy)


@ONE_ENGINE
def test_what_is_about_lives_is_offered_before_what_waits_longer(scene: Sending) -> None:
    leaks = [scene.alarm(), scene.alarm(NOON + SECOND, asset="pump-2")]
    smoke = scene.alarm(NOON + 2 * SECOND, rule=SMOKE, asset="pump-2")
    with scene.database.read() as session:
        assert tasks.due_tasks(session, now=NOON + MINUTE) == [smoke, *leaks]


@ONE_ENGINE
def test_a_supervisor_sends_somebody_or_goes_themselves(scene: Sending) -> None:
    task = scene.alarm()
    scene.look(NOON)
    boss, asked = scene.walk.supervisor, scene.row(task).person_id
    assert asked is not None
    other = scene.mate if asked == scene.guard else scene.guard
    with pytest.raises(NotAllowed):
        scene.do("send", task, scene.guard, NOON, scene.guard)
    with pytest.raises(Invalid, match="nobody was sent"):
        scene.do("send", task, boss, NOON, employ(scene.database, scene.walk.site.id, "guard"))
    scene.do("send", task, boss, NOON, other)
    assert scene.people_told("guard_task.send") == [{other}]
    scene.do("send", task, boss, NOON + SECOND, boss)
    assert scene.offers(task) == [(asked, "withdrawn"), (other, "withdrawn"), (boss, "accepted")]
    with scene.database.read() as session:
        shown = tasks.describe_task(session, scene.caller(boss), task)
    assert [one["by_id"] for one in shown["offers"]] == [None, boss, boss]


def test_arrival_is_proven_by_the_checkpoint_nearest_to_the_alarm(scene: Sending) -> None:
    scene.seen(scene.guard, "hall", NOON - MINUTE)
    task = scene.alarm()
    scene.look(NOON)
    scene.do("accept", task, scene.guard, NOON + 10 * SECOND)
    # Neither somebody else's scan nor one elsewhere, nor one of before.
    scene.seen(scene.mate, "pumps", NOON + MINUTE)
    scene.seen(scene.guard, "hall", NOON + MINUTE)
    scene.seen(scene.guard, "pumps", NOON - 2 * MINUTE, told=NOON + MINUTE)
    assert scene.row(task).state == "accepted"
    scan = scene.seen(scene.guard, "pumps", NOON + 100 * SECOND)
    row = scene.row(task)
    assert (row.state, row.arrived_by, row.scan_id) == ("arrived", "scan", scan.id)
    assert row.proof is not None
    assert (row.proof["grade"], row.proof["near"], row.proof["levels"]) == (
        "weak",
        "same_space",
        0,
    )
    [kept] = _evidence(scene, task)
    assert kept | {"by": "scan", "asked": 1, "accept_s": 10, "arrive_s": 90} == kept
    assert kept["checkpoint"] == str(scene.points["pumps"])


def _evidence(scene: Sending, task: UUID) -> list[dict[str, Any]]:
    statement = select(TicketEvidence.data).where(
        TicketEvidence.ticket_id == task, TicketEvidence.kind == "arrival"
    )
    with scene.database.read() as session:
        return list(session.scalars(statement))


@ONE_ENGINE
def test_where_no_checkpoint_is_near_the_next_up_the_tree_proves_it(scene: Sending) -> None:
    # Board 1 stands in the building itself: the hall is the nearest, the pump room is beside.
    task = scene.alarm(asset="board-1")
    scene.look(NOON)
    asked = scene.row(task).person_id
    assert asked is not None
    scene.do("accept", task, asked, NOON)
    scene.seen(asked, "pumps", NOON + MINUTE)
    assert scene.row(task).state == "accepted"
    scene.seen(asked, "hall", NOON + 2 * MINUTE)
    proof = scene.row(task).proof
    assert proof is not None
    assert (proof["near"], proof["levels"]) == ("same_space", 0)


@ONE_ENGINE
def test_an_arrival_that_is_only_said_proves_nothing_and_says_so(scene: Sending) -> None:
    task = scene.alarm()
    scene.look(NOON)
    asked = scene.row(task).person_id
    assert asked is not None
    with pytest.raises(Conflict, match="not accepted"):
        scene.do("arrive", task, asked, NOON)
    scene.do("accept", task, asked, NOON)
    row = scene.do("arrive", task, asked, NOON + MINUTE)
    assert (row.state, row.arrived_by, row.proof) == ("arrived", "said", None)
    assert scene.do("arrive", task, asked, NOON + 2 * MINUTE).arrived_at == NOON + MINUTE
    [kept] = _evidence(scene, task)
    assert (kept["by"], kept["scan"]) == ("said", None)


def test_an_arrival_without_signal_is_told_after_it_was_over(
    scene: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.seen(scene.guard, "pumps", NOON - 30 * MINUTE)
    task = scene.alarm()
    scene.look(NOON)
    scene.do("accept", task, scene.guard, NOON)
    scene.do("call_off", task, scene.walk.supervisor, NOON + 20 * MINUTE, "Somebody else looked")
    scene.seen(scene.guard, "pumps", NOON + 3 * MINUTE, told=NOON + 30 * MINUTE)
    row = scene.row(task)
    assert (row.state, row.arrived_at) == ("over", NOON + 3 * MINUTE)
    assert len(facts_of(scene.database, "guard_task.annex")) == 1
    # What was scanned after it was over is nobody's arrival.
    later = scene.alarm(NOON + 40 * MINUTE, asset="pump-2")
    scene.look(NOON + 40 * MINUTE)
    scene.do("accept", later, scene.guard, NOON + 40 * MINUTE)
    scene.do("finish", later, scene.guard, NOON + 41 * MINUTE)
    looked = []
    monkeypatch.setattr(arriving, "proving", lambda _, ticket: looked.append(ticket.id))
    scene.seen(scene.guard, "pumps", NOON + 50 * MINUTE)
    assert scene.row(later).arrived_at is None
    # Nor is anything looked up for it: there are more of these with each day.
    assert not looked
    with pytest.raises(Conflict, match="over by then"):
        scene.do("arrive", later, scene.guard, NOON + 60 * MINUTE)


@ONE_ENGINE
def test_whoever_is_not_there_in_time_is_told_of_once(scene: Sending) -> None:
    task = scene.alarm()
    scene.look(NOON)
    asked = scene.row(task).person_id
    assert asked is not None
    scene.do("accept", task, asked, NOON)
    assert [scene.look(NOON + minutes * MINUTE) for minutes in (9, 10, 11)] == [0, 1, 0]
    assert scene.people_told("guard_task.late") == [{scene.walk.supervisor}]
    scene.do("give_back", task, asked, NOON + 12 * MINUTE, "unwell")
    assert scene.look(NOON + 12 * MINUTE) == 1
    assert scene.row(task).person_id not in (None, asked)


@pytest.mark.parametrize(("rule", "state"), [(LEAK, "over"), (SMOKE, "offered")])
@ONE_ENGINE
def test_an_alarm_that_cleared_sends_nobody_unless_lives_depend_on_it(
    scene: Sending, rule: Any, state: str
) -> None:
    task = scene.alarm(rule=rule)
    scene.look(NOON)
    clear(scene.database, scene.walk.site, NOON + 10 * SECOND, rule=rule)
    scene.look(NOON + 11 * SECOND)
    row = scene.row(task)
    assert (row.state, row.why) == (state, "cleared" if state == "over" else None)


@ONE_ENGINE
def test_whoever_goes_already_goes_on_when_it_clears(scene: Sending) -> None:
    task = scene.alarm()
    scene.look(NOON)
    asked = scene.row(task).person_id
    assert asked is not None
    scene.do("accept", task, asked, NOON)
    clear(scene.database, scene.walk.site, NOON + 10 * SECOND, rule=LEAK)
    assert scene.look(NOON + 11 * SECOND) == 0
    # And is free as soon as the ticket is done with.
    do(scene.database, task, scene.walk.supervisor, NOON + MINUTE, "start")
    do(scene.database, task, scene.walk.supervisor, NOON + MINUTE, "resolve")
    assert scene.look(NOON + MINUTE) == 1
    assert (scene.row(task).why, scene.offers(task)) == ("ended", [(asked, "done")])


@ONE_ENGINE
def test_it_comes_again_and_somebody_looks_again(scene: Sending) -> None:
    task = scene.alarm()
    scene.look(NOON)
    asked = scene.row(task).person_id
    assert asked is not None
    scene.do("accept", task, asked, NOON)
    scene.do("finish", task, asked, NOON + MINUTE)
    clear(scene.database, scene.walk.site, NOON + 2 * MINUTE, rule=LEAK)
    assert scene.alarm(NOON + 90 * MINUTE) == task
    assert (scene.row(task).state, scene.row(task).run) == ("seeking", 2)
    scene.look(NOON + 90 * MINUTE)
    assert scene.row(task).state == "offered"


@ONE_ENGINE
def test_who_takes_the_ticket_takes_the_task(scene: Sending) -> None:
    scene.seen(scene.guard, "pumps", NOON)
    task = scene.alarm(rule=INTRUSION)
    scene.look(NOON)
    do(scene.database, task, scene.guard, NOON + SECOND, "accept")
    assert scene.look(NOON + SECOND) == 1
    assert scene.offers(task) == [(scene.guard, "accepted")]


@ONE_ENGINE
def test_who_calls_for_help_is_sent_nowhere(scene: Sending) -> None:
    scene.seen(scene.guard, "pumps", NOON)
    with scene.database.write() as session:
        given = sos.Press(new_id(), site_id=scene.walk.site.id)
        sos.press(session, scene.caller(scene.guard), given, now=NOON)
    task = scene.alarm()
    scene.look(NOON)
    assert scene.row(task).person_id == scene.mate


@ONE_ENGINE
def test_calls_for_help_and_what_people_write_send_nobody(scene: Sending) -> None:
    write_ticket(scene.database, scene.walk.site, NOON)
    with scene.database.write() as session:
        given = sos.Press(new_id(), site_id=scene.walk.site.id)
        sos.press(session, scene.caller(scene.guard), given, now=NOON)
    scene.alarm(rule=repair_of("electrical"))
    with scene.database.read() as session:
        assert session.scalar(select(func.count()).select_from(GuardTask)) == 0


def repair_of(category: str) -> Any:
    return replace(LEAK, rule_id=f"of-{category}", kind="repair", category=category)


@ONE_ENGINE
def test_terms_say_what_guards_are_sent_to(scene: Sending) -> None:
    own = service_grades()["standard"].terms.model_dump(mode="json")
    own["guards"] = {"send": [{"category": "electrical"}], "answer_within": "20s"}
    terms = read_terms(own)
    manager = employ(scene.database, scene.walk.site.id, "manager")
    with scene.database.write() as session:
        site = session.get_one(Node, scene.walk.site.id)
        save_terms(
            session,
            scene.caller(manager),
            site,
            grade="standard",
            own=terms,
            now=NOON,
            expected_version=None,
        )
    task = scene.alarm(rule=repair_of("electrical"))
    scene.alarm(asset="pump-2")
    scene.look(NOON)
    assert scene.row(task).due_at == NOON + 20 * SECOND
    with scene.database.read() as session:
        assert session.scalar(select(func.count()).select_from(GuardTask)) == 1
    with pytest.raises(Invalid, match="not saved"):
        read_terms({**own, "guards": {"answer_within": "2h"}})


@ONE_ENGINE
def test_a_site_without_guards_is_told_of_none(database: Database, site: SmallSite) -> None:
    make_walk(database, site)
    task = trip(database, site, NOON, rule=LEAK).ticket_id
    with database.write() as session:
        tasks.step(session, task, now=NOON, actor=events.SYSTEM)
    with database.read() as session:
        row = session.get_one(GuardTask, task)
        assert (row.state, row.why) == ("over", "no_guards")
    assert facts_of(database, "guard_task.pass_up") == []


def test_the_round_that_a_guard_leaves_waits_for_them(scene: Sending) -> None:
    walk = scene.walk
    walk.route()
    walk.plan()
    walk.scan("gate", TEN)
    task = scene.alarm(TEN + 5 * MINUTE)
    scene.look(TEN + 5 * MINUTE)
    scene.do("send", task, walk.supervisor, TEN + 6 * MINUTE, walk.guard)
    row = walk.rounds()[0]
    assert row.paused_at == TEN + 6 * MINUTE
    assert walk.shown()["paused_at"] == row.paused_at
    ends = row.ends_at
    # It would be over by now, and nothing of it is missed meanwhile.
    walk.heard(TEN + 90 * MINUTE, told_until=TEN + 90 * MINUTE)
    walk.look(TEN + 90 * MINUTE)
    assert list(walk.states()) == ["scanned", "open", "open"]
    scene.do("finish", task, walk.guard, TEN + 96 * MINUTE)
    row = walk.rounds()[0]
    assert (row.paused_at, row.paused_s, row.ends_at) == (None, 5400, ends + 90 * MINUTE)
    walk.scan("garage", TEN + 110 * MINUTE)
    walk.scan("roof", TEN + 120 * MINUTE)
    assert walk.rounds()[0].state == "complete"
    kinds = [fact.kind for fact in facts_of(scene.database, "round.")]
    assert kinds.count("round.pause") == kinds.count("round.resume") == 1
    assert not [kind for kind in kinds if "miss" in kind]


@ONE_ENGINE
def test_what_somebody_goes_to_who_leaves_us_waits_for_another(scene: Sending) -> None:
    walk = scene.walk
    walk.route()
    walk.plan()
    walk.scan("gate", TEN)
    task = scene.alarm(TEN + 5 * MINUTE)
    scene.do("send", task, walk.supervisor, TEN + 6 * MINUTE, walk.guard)
    with scene.database.write() as session:
        session.get_one(Person, walk.guard).left_at = TEN + 7 * MINUTE
    assert scene.look(TEN + 8 * MINUTE) == 1
    assert scene.row(task).person_id != walk.guard
    assert scene.row(task).state in ("offered", "passed_up")
    # Nobody waits for them to come back to their round.
    assert walk.rounds()[0].paused_at is None


@ONE_ENGINE
def test_a_killed_process_changes_nothing(scene: Sending) -> None:
    """However long nobody looked, the next look takes one step, and nobody is asked twice."""
    task = scene.alarm()
    scene.look(NOON)
    first = scene.row(task).person_id
    try:
        with scene.database.write() as session:
            tasks.step(session, task, now=NOON + ANSWER, actor=events.SYSTEM)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert scene.row(task).person_id == first
    assert scene.look(NOON + 30 * MINUTE) == 1
    assert [state for _, state in scene.offers(task)] == ["lapsed", "offered"]


def test_whoever_is_asked_gets_a_notice_until_they_answer(scene: Sending) -> None:
    scene.seen(scene.guard, "pumps", NOON)
    task = scene.alarm(rule=SMOKE)
    scene.look(NOON)
    with scene.database.write() as session:
        take_up(session, facts_of(scene.database, "guard_task."), now=NOON)
    statement = select(Notice.person_id, Notice.kind, Notice.urgency, Notice.ticket_id)
    with scene.database.read() as session:
        told = [tuple(row) for row in session.execute(statement)]
    assert told == [(scene.guard, "guard_task.offer", "critical", task)]


def test_the_middle_and_the_slowest_tenth_are_times_that_somebody_took() -> None:
    assert spread([]) is None
    assert spread([None, 7]) == {"n": 1, "median": 7, "p90": 7}
    assert spread(list(range(100, 0, -1))) == {"n": 100, "median": 50, "p90": 90}
    assert spread([1, 2, 900]) == {"n": 3, "median": 2, "p90": 900}


@pytest.mark.parametrize("lifecycle", [GUARD_TASK, GUARD_OFFER], ids=lambda one: one.name)
def test_the_tables_name_every_state_that_they_reach(lifecycle: Lifecycle) -> None:
    for action, moves in lifecycle.moves.items():
        for state in lifecycle.statuses:
            if state in moves:
                assert lifecycle.target(action, state) == moves[state]
            else:
                with pytest.raises(Conflict):
                    lifecycle.target(action, state)


def test_a_round_that_ends_while_it_waits_is_not_lengthened_without_end(scene: Sending) -> None:
    walk = scene.walk
    walk.route()
    walk.plan()
    walk.scan("gate", TEN)
    task = scene.alarm(TEN)
    scene.look(TEN)
    scene.do("send", task, walk.supervisor, TEN, walk.guard)
    scene.do("finish", task, walk.guard, TEN + timedelta(days=9))
    with scene.database.read() as session:
        [row] = session.scalars(select(Round).where(Round.state == "running"))
        assert row.ends_at - row.opens_at <= timedelta(days=3)
