"""Calls for help: raised once, climbing until answered, hidden from whoever must not know."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import product
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import events
from core.clock import SimulatedClock
from core.colleagues import people_in_role
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.paging import Wish
from core.people import Caller
from core.personal import destroy_keys
from core.places import Node
from core.sos_phrases import hash_phrase, proves
from core.teams import Member, Team
from jobs.one_by_one import step_by_step
from jobs.sos import pass_calls_on
from tests.fixtures import NOON, SmallSite
from tests.jobs.conftest import make_work
from tests.workflows.calling import SECOND, Scene, make_scene
from tests.workflows.conftest import MINUTE, OVERHEATING, clear, do, facts_of, ticket_of, trip
from workflows import dispatch, notifications
from workflows.notifications import Notice
from workflows.overview import recent_activity
from workflows.patrol import sos
from workflows.tickets import Ticket, edit, mark_moments, unanswered_critical
from workflows.tickets.promises import SosTerms, read_terms, save_terms, service_grades
from workflows.tickets.scope import of_tickets, scope_of
from workflows.tickets.sos import SOS

BUTTON = replace(
    OVERHEATING,
    rule_id="sos-button-pressed",
    severity="critical",
    life_safety=True,
    kind="incident",
    category="sos",
    team="security",
)
HERE = sos.Place(30.25, 120.16, 12.0, 4.0)
# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def scene(database: Database, site: SmallSite) -> Scene:
    return make_scene(database, site)


def told(scene: Scene, kind: str) -> list[set[str]]:
    """Whom each fact of a kind names, by their roles."""
    names = {str(person): role for role, person in scene.people.items()}
    names |= {str(scene.guard): "guard", str(scene.mate): "mate"}
    return [
        {names[one] for one in fact.after["people"]}
        for fact in facts_of(scene.database, kind)
        if fact.after
    ]


def test_a_press_opens_one_critical_ticket_and_tells_who_is_on_duty(scene: Scene) -> None:
    scene.walk.scan("garage", NOON - 10 * MINUTE)
    press_id, row = scene.press(place=HERE, phone="post-1")
    assert (row.id, row.state, row.due_at) == (press_id, "received", NOON + 30 * SECOND)
    assert row.checkpoint_id == scene.walk.points["garage"]
    ticket = ticket_of(scene.database, press_id)
    assert (ticket.priority, ticket.life_safety, ticket.category) == ("critical", True, "sos")
    # Never whoever called.
    assert told(scene, "sos.raise") == [{"mate"}]
    assert scene.press(id=press_id)[1].presses == 1
    assert len(facts_of(scene.database, "sos.")) == 1


def test_a_second_press_adds_to_the_call_that_stands(scene: Scene) -> None:
    first, _ = scene.press()
    second, row = scene.press(NOON + SECOND)
    assert (row.id, row.presses, second != first) == (first, 2, True)
    assert scene.sender_sees(second)["id"] == first
    with scene.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_an_id_that_stands_for_something_else_is_refused(scene: Scene) -> None:
    press_id, _ = scene.press()
    with pytest.raises(Conflict, match="something else"):
        scene.press(person=scene.mate, id=press_id)
    other = scene.walk.scan("gate", NOON)
    taken = trip(scene.database, scene.walk.site, NOON).ticket_id
    with pytest.raises(Conflict, match="something else"):
        scene.press(person=scene.mate, id=taken)
    # What is no press and no ticket may share an id: it stands in another table.
    assert scene.press(person=scene.mate, id=other.id)[1].id == other.id


def test_a_call_is_taken_whatever_is_wrong_around_it(scene: Scene) -> None:
    nowhere = sos.Place(float("nan"), 500.0, None, -1.0)
    _, row = scene.press(site_id=new_id(), place=nowhere)
    assert row.site_id == scene.walk.site.id
    assert scene.sender_sees(row.id)["state"] == "received"
    stranger = Caller(scene.guard, "Nobody", "en")
    with scene.database.write() as session, pytest.raises(NotAllowed, match="on no site"):
        sos.press(session, stranger, sos.Press(new_id(), practice=True), now=NOON)


def test_the_chain_is_told_rung_by_rung_until_somebody_answers(scene: Scene) -> None:
    _, row = scene.press()
    assert scene.climb(NOON + 29 * SECOND) == 0
    assert [scene.climb(NOON + after * SECOND) for after in (30, 45, 60, 120)] == [1, 0, 1, 1]
    assert told(scene, "sos.escalate") == [
        {"supervisor"},
        {"supervisor", "manager"},
        {"supervisor", "manager", "administrator"},
    ]
    # Behind the last rung all of them again.
    assert scene.row(row.id).due_at == NOON + 240 * SECOND
    assert scene.climb(NOON + 240 * SECOND) == 1
    scene.step("acknowledge", row.id, scene.mate, NOON + 250 * SECOND)
    assert scene.climb(NOON + 3600 * SECOND) == 0
    assert len(facts_of(scene.database, "sos.escalate")) == 4


def test_after_an_absence_every_rung_that_was_due_is_told_once(scene: Scene) -> None:
    _, row = scene.press()
    work = make_work(scene.database, SimulatedClock(0))
    assert pass_calls_on(work, NOON + 70 * SECOND) == 1
    assert pass_calls_on(work, NOON + 70 * SECOND) == 0
    assert told(scene, "sos.escalate") == [{"supervisor", "manager"}]
    assert scene.row(row.id).due_at == NOON + 120 * SECOND


def test_a_step_that_fails_or_is_cut_off_holds_no_other_back(scene: Scene) -> None:
    _, first = scene.press()
    _, second = scene.press(person=scene.mate)
    work = make_work(scene.database, SimulatedClock(0))

    def climb(session: Any, one: UUID) -> bool:
        done = sos.escalate(session, one, now=NOON + 30 * SECOND, actor=events.SYSTEM)
        if one == first.id:
            raise ValueError("killed before its commit")
        return done

    with pytest.raises(ValueError, match="killed"):
        step_by_step(work, [(first.id, climb), (second.id, climb)])
    assert [scene.row(one.id).rung for one in (first, second)] == [0, 1]
    # What was cut off left nothing, and is done by the next look.
    assert pass_calls_on(work, NOON + 31 * SECOND) == 1
    assert scene.row(first.id).rung == 1


def test_the_terms_of_a_site_say_who_is_told_when(scene: Scene) -> None:
    standard = service_grades()["standard"].terms
    chain = {"escalation": [{"after": "10s", "to": "manager"}], "repeat": "1m"}
    own = read_terms({**standard.model_dump(mode="json"), "sos": chain})
    with scene.database.write() as session:
        node = session.get_one(Node, scene.walk.site.id)
        boss = scene.caller(scene.people["manager"])
        save_terms(session, boss, node, grade="standard", own=own, now=NOON, expected_version=None)
    _, row = scene.press()
    assert row.due_at == NOON + 10 * SECOND
    assert scene.climb(NOON + 10 * SECOND) == 1
    assert told(scene, "sos.escalate") == [{"manager"}]
    assert scene.row(row.id).due_at == NOON + 70 * SECOND


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({"escalation": []}, "at least 1 item"),
        (
            {"escalation": [{"after": "2m", "to": "manager"}, {"after": "1m", "to": "manager"}]},
            "from the soonest",
        ),
        ({"repeat": "2h"}, "an hour at most"),
    ],
)
def test_terms_by_which_nobody_would_come_are_refused(terms: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        SosTerms.model_validate(terms)


def test_the_sender_sees_how_far_the_answer_came(scene: Scene) -> None:
    _, row = scene.press()
    seen = scene.sender_sees(row.id)
    assert (seen["state"], seen["aloud"], seen["aloud_after_s"]) == ("received", True, 5.0)
    steps = [("see", scene.mate), ("acknowledge", scene.mate), ("come", scene.mate)]
    states = []
    for second, (what, who) in enumerate(steps, 1):
        scene.step(what, row.id, who, NOON + second * SECOND)
        states.append(scene.sender_sees(row.id)["state"])
    assert states == ["seen", "acknowledged", "coming"]
    assert scene.sender_sees(row.id)["aloud"] is False
    scene.step("end", row.id, scene.mate, NOON + MINUTE, "real", "Sprained an ankle; is well")
    assert scene.sender_sees(row.id)["over"] is True
    ticket = ticket_of(scene.database, row.id)
    assert (ticket.state, ticket.verdict) == ("resolved", "real")
    # The next press is a call of its own.
    assert scene.press(NOON + 2 * MINUTE)[1].id != row.id


def test_taking_the_ticket_answers_the_call(scene: Scene) -> None:
    _, row = scene.press()
    do(scene.database, row.id, scene.mate, NOON + SECOND, "accept")
    now = scene.row(row.id)
    assert (now.state, now.acknowledged_by, now.due_at) == ("acknowledged", scene.mate, None)


def test_a_ticket_does_not_end_before_its_call(scene: Scene) -> None:
    _, row = scene.press()
    do(scene.database, row.id, scene.mate, NOON + SECOND, "start")
    for action in ("resolve", "hold", "cancel"):
        with pytest.raises(Conflict, match="see to the person first"):
            do(scene.database, row.id, scene.mate, NOON + MINUTE, action, note="x")
    with scene.database.write() as session:
        ticket, other = session.get_one(Ticket, row.id), {"category": "security"}
        with pytest.raises(Conflict, match="stay as they are"):
            edit(session, ticket, other, person=scene.mate, now=NOON, expected_version=None)
    with pytest.raises(Invalid) as refused:
        scene.step("end", row.id, scene.mate, NOON + MINUTE, "maybe", " ")
    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["outcome", "note"]
    scene.step("end", row.id, scene.mate, NOON + MINUTE, "false", "Pressed in the pocket")
    assert ticket_of(scene.database, row.id).verdict == "false"


def test_a_silent_call_is_hidden_from_its_sender_and_from_the_field(scene: Scene) -> None:
    press_id, row = scene.press(kind="silent", place=HERE)
    assert told(scene, "sos.raise") == [{"service_desk", "safety_officer", "supervisor"}]
    assert facts_of(scene.database, "sos.raise")[0].after["posts"] is False  # type: ignore[index]
    before = scene.sender_sees(press_id)
    scene.step("come", row.id, scene.people["supervisor"], NOON + SECOND)
    after = scene.sender_sees(press_id)
    assert after == before
    assert (after["show"], after["aloud"], after["call"]) == (False, False, None)
    assert scene.standing(scene.mate) == scene.standing(scene.guard) == []
    [shown] = scene.standing(scene.people["service_desk"])
    # A telephone that rings would tell.
    assert (shown["kind"], shown["call"]) == ("silent", None)
    for person in (scene.mate, scene.guard):
        caller = scene.caller(person)
        with scene.database.read() as session:
            assert session.scalars(of_tickets(select(Ticket), caller)).all() == []
            assert not scope_of(caller).holds(session.get_one(Ticket, row.id))
            kinds = {one.kind for one in recent_activity(session, caller)}
            assert not {"ticket.open", "sos.raise"} & kinds
            with pytest.raises(NotFound):
                sos.find_sos(session, caller, row.id)
    with scene.database.read() as session:
        # No siren on site, either.
        assert unanswered_critical(session) == {}


@ONE_ENGINE
def test_a_silent_call_reaches_the_field_by_no_other_way(scene: Scene) -> None:
    terms = {"escalation": [{"after": "30s", "to": "guard"}, {"after": "60s", "to": "manager"}]}
    own = read_terms({**service_grades()["standard"].terms.model_dump(mode="json"), "sos": terms})
    site_id, boss = scene.walk.site.id, scene.caller(scene.people["administrator"])
    with scene.database.write() as session:
        site = session.get_one(Node, site_id)
        more: dict[str, Any] = {"now": NOON, "expected_version": None}
        save_terms(session, boss, site, grade="standard", own=own, **more)
        for person in (scene.guard, scene.mate):
            session.add(Member(site_id=site_id, team="security", person_id=person, skills=[]))
        session.add(Team(site_id=site_id, code="security", name={"en": "x"}, mode="load"))
    _, row = scene.press(kind="silent")
    scene.climb(NOON + 61 * SECOND)
    with scene.database.write() as session:
        # Nobody's turn, no line of a hand-over, none in the groups, and nobody told of deadlines.
        assert dispatch.assign_waiting(session, now=NOON, actor=events.SYSTEM) == 0
        assert dispatch.what_to_hand_over(session, site_id, "security", [])["tickets"] == []
        mark_moments(session, now=NOON + timedelta(days=1), actor=events.SYSTEM)
        facts = session.scalars(select(events.Event).order_by(events.Event.seq)).all()
        assert {"sos.escalate", "ticket.overdue"} <= {fact.kind for fact in facts}
        assert notifications.group_lines(session, facts, 10) == []
        notifications.take_up(session, facts, now=NOON)
        said = {one.person_id for one in session.scalars(select(Notice))}
    assert row.ticket_id is not None
    assert {scene.people["manager"], scene.people["supervisor"]} <= said
    assert not {scene.guard, scene.mate, None} & said


def test_a_silent_press_makes_an_open_call_silent_and_never_the_other_way(scene: Scene) -> None:
    _, row = scene.press()
    assert [one["id"] for one in scene.standing(scene.mate)] == [row.id]
    scene.press(NOON + SECOND, kind="silent")
    scene.press(NOON + 2 * SECOND)
    assert (scene.row(row.id).kind, scene.row(row.id).presses) == ("silent", 3)
    assert scene.standing(scene.mate) == []
    assert ticket_of(scene.database, row.id).category == "silent_sos"


@pytest.mark.parametrize(
    ("said", "proof"),
    [("Blue  HERON", "phrase"), ("red heron", "wrong"), (" ", "none"), ("x" * 150, "wrong")],
)
def test_a_cancel_is_recorded_with_what_it_proves(said: str, proof: str) -> None:
    assert proves(said, hash_phrase("blue heron")) == proof
    assert proves(said, None) == "none"


def test_calling_off_ends_nothing(scene: Scene) -> None:
    _, row = scene.press()
    caller, off = scene.caller(scene.guard), sos.Press(new_id())
    for proof in ("phrase", "wrong"):
        with scene.database.write() as session:
            sos.call_off(session, caller, row.id, off, proof, now=NOON + SECOND)
    with scene.database.write() as session:
        sos.call_off(session, caller, row.id, sos.Press(new_id()), "wrong", now=NOON + MINUTE)
    now = scene.row(row.id)
    # The right phrase stands, and the same cancel twice is one.
    assert (now.state, now.cancel_proof, now.cancelled_at) == ("received", "phrase", NOON + MINUTE)
    assert len(facts_of(scene.database, "sos.cancel")) == 2
    assert scene.climb(NOON + 30 * SECOND) == 1
    with pytest.raises(NotFound):
        scene.step("end", row.id, scene.guard, NOON + MINUTE, "false", "It was nothing")


def test_positions_are_sealed_and_each_look_is_logged_and_shown_to_the_sender(
    scene: Scene,
) -> None:
    _, row = scene.press(place=HERE)
    caller = scene.caller(scene.guard)
    with scene.database.write() as session:
        moved = sos.Press(new_id(), place=sos.Place(30.26, 120.17))
        for _ in range(2):
            sos.add_position(session, caller, row.id, moved, now=NOON + SECOND)
        mate = scene.caller(scene.mate)
        with pytest.raises(NotFound):
            sos.add_position(session, mate, row.id, sos.Press(new_id()), now=NOON)
    supervisor = scene.caller(scene.people["supervisor"])
    with scene.database.write() as session:
        seen = sos.look_at_positions(session, supervisor, scene.row(row.id), now=NOON + MINUTE)
    assert [one["latitude"] for one in seen] == [30.26, 30.25]
    assert seen[1]["at"] == NOON - 4 * SECOND
    said = str([fact.after for fact in facts_of(scene.database, "")])
    assert "30.2" not in said
    scene.step("end", row.id, scene.mate, NOON + 2 * MINUTE, "test", "Tried it out")
    assert [one["by"] for one in scene.sender_sees(row.id)["looks"]] == ["Wei"]
    with scene.database.write() as session:
        destroy_keys(session, [scene.guard])
        assert sos.look_at_positions(session, supervisor, scene.row(row.id), now=NOON) == []


def test_a_practice_counts_nowhere_and_stands_beside_a_real_call(scene: Scene) -> None:
    _, practice = scene.press(practice=True)
    assert (practice.ticket_id, practice.due_at) == (None, None)
    assert facts_of(scene.database, "ticket.") == []
    [shown] = scene.standing(scene.mate)
    assert shown["practice"] is True
    _, real = scene.press(NOON + SECOND)
    assert (real.id != practice.id, real.practice) == (True, False)
    assert [one["practice"] for one in scene.standing(scene.mate)] == [False, True]
    scene.step("acknowledge", practice.id, scene.mate, NOON + 2 * SECOND)
    caller = scene.caller(scene.guard)
    with scene.database.write() as session:
        off = sos.Press(new_id())
        sos.call_off(session, caller, practice.id, off, "none", now=NOON + 3 * SECOND)
    assert scene.row(practice.id).outcome == "test"
    assert scene.row(real.id).state == "received"
    with scene.database.read() as session:
        page = sos.list_calls(session, scene.caller(scene.mate), Wish(50))
    assert [one["id"] for one in page.items] == [real.id]


def test_a_practice_that_was_forgotten_ends_by_itself(scene: Scene) -> None:
    _, row = scene.press(practice=True)
    work = make_work(scene.database, SimulatedClock(0))
    assert pass_calls_on(work, NOON + 9 * MINUTE) == 0
    assert pass_calls_on(work, NOON + 10 * MINUTE) == 1
    assert scene.row(row.id).state == "over"


def test_a_button_on_the_wall_opens_the_same_and_sounds_anew_after_its_end(scene: Scene) -> None:
    opened = trip(scene.database, scene.walk.site, NOON, rule=BUTTON)
    row = scene.row(opened.ticket_id)
    assert (row.origin, row.person_id, row.state) == ("button", None, "received")
    assert told(scene, "sos.raise") == [{"mate", "guard"}]
    assert [one["asset_name"] is not None for one in scene.standing(scene.guard)] == [True]
    scene.step("end", row.id, scene.mate, NOON + MINUTE, "real", "Helped")
    clear(scene.database, scene.walk.site, NOON + 2 * MINUTE, rule=BUTTON)
    again = trip(scene.database, scene.walk.site, NOON + timedelta(hours=1), rule=BUTTON)
    assert again.ticket_id == opened.ticket_id
    now = scene.row(row.id)
    assert (now.state, now.rung, now.outcome) == ("received", 0, None)
    assert now.due_at == NOON + timedelta(hours=1) + 30 * SECOND


def test_people_are_told_by_the_call_and_by_nothing_else(scene: Scene) -> None:
    _, row = scene.press()
    with scene.database.write() as session:
        facts = session.scalars(select(events.Event).order_by(events.Event.seq)).all()
        notifications.take_up(session, facts, now=NOON)
        notices = session.scalars(select(Notice)).all()
        said = [(one.person_id, one.kind, one.urgency) for one in notices]
    assert said == [(scene.mate, "sos.raise", "critical")]
    assert ticket_of(scene.database, row.id).reporter_id is None


def test_where_nobody_else_is_there_the_whole_chain_is_told_at_once(
    database: Database, site: SmallSite
) -> None:
    scene = make_scene(database, site)
    with database.write() as session:
        alone = people_in_role(session, site.id, "guard")
        assert set(alone) >= {scene.guard, scene.mate}
    caller = scene.caller(scene.people["supervisor"])
    with database.write() as session:
        given = sos.Press(new_id(), "silent", site_id=site.id)
        sos.press(session, caller, given, now=NOON)
    [named] = told(scene, "sos.raise")
    assert named == {"service_desk", "safety_officer"}


@pytest.mark.parametrize("pair", list(product(SOS.statuses, SOS.moves)), ids="-".join)
def test_a_call_moves_only_as_its_table_says(pair: tuple[str, str]) -> None:
    state, action = pair
    allowed = action in SOS.actions(state)
    if allowed:
        assert SOS.target(action, state) in SOS.statuses
        return
    with pytest.raises(Conflict, match="cannot"):
        SOS.target(action, state)


def test_two_phones_at_once_make_one_call(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    scene = make_scene(postgres_database, postgres_site)
    barrier = Barrier(6)
    ids = [new_id() for _ in range(3)]

    def call(number: int) -> UUID:
        barrier.wait(timeout=30)
        return scene.press(id=ids[number % 3])[1].id

    with ThreadPoolExecutor(6) as pool:
        found = set(pool.map(call, range(6)))
    assert len(found) == 1
    [one] = found
    assert scene.row(one).presses == 3
    assert len(facts_of(postgres_database, "sos.raise")) == 1
