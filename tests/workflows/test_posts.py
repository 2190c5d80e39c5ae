"""Posts: set up, come to and left by scans and by hand, too few told, orders read by version."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DBAPIError

from core import events
from core.badges import NewBadge, issue_badge
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from core.paging import Wish
from core.people import Person
from core.places import Node
from core.rosters import Absence, Shift
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import employ, facts_of
from tests.workflows.manned import ORDERS, Guarded, make_guarded
from tests.workflows.walked import MINUTE, TEN
from workflows.notifications.taking_up import take_up
from workflows.patrol import SCAN
from workflows.patrol.posts import (
    LOG_PAGE,
    Count,
    Item,
    Post,
    PostDraft,
    PostLog,
    acknowledge,
    can_be_spared,
    change_post,
    clock_in_by_card,
    clock_out,
    count_items,
    create_post,
    draft_of,
    list_log,
    move_post,
    passing,
    publish,
    published_of,
    read_log,
    readers,
    scanning,
    set_items,
    unread_among,
    unread_by,
    unread_entries,
    write_draft,
    write_entry,
)
from workflows.patrol.posts.clocking import come, leave
from workflows.patrol.posts.model import PostDuty
from workflows.patrol.rounds import Route, RouteDraft, Stop, create_route, move_route
from workflows.patrol.rounds.contact import goers, knowers
from workflows.patrol.rounds.model import Round
from workflows.tickets import Ticket

HOUR = timedelta(hours=1)
NAME = {"en": "South gate", "zh": "南门岗"}
# Where nothing differs between the engines.
ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def gate(database: Database, site: SmallSite) -> Guarded:
    return make_guarded(database, site)


def told(gate: Guarded, kind: str) -> list[dict[str, Any]]:
    return [dict(fact.after or {}) for fact in facts_of(gate.database, kind)]


def draft(**more: Any) -> PostDraft:
    return PostDraft(**{"code": "south", "name": NAME, "team": "security", **more})


def refused(gate: Guarded, **more: Any) -> tuple[str, ...]:
    with gate.database.write() as session, pytest.raises(Invalid) as caught:
        create_post(session, gate.walk.site.id, draft(**more), actor=events.SYSTEM, now=NOON)
    return caught.value.problems


@ONE_ENGINE
def test_a_post_is_checked_field_by_field(gate: Guarded) -> None:
    problems = refused(
        gate,
        code="South Gate",
        team="nobody",
        hours=["never"],
        minimum_crew=51,
        tolerance_min=-1,
        checkpoint_id=gate.walk.site.assets["pump-1"],
    )
    assert [one.partition(":")[0] for one in problems] == [
        "code",
        "team",
        "hours",
        "minimum_crew",
        "tolerance_min",
        "checkpoint_id",
    ]
    taken = refused(gate, checkpoint_id=gate.walk.points["gate"])
    assert taken == ("checkpoint_id: another post has this checkpoint",)
    with gate.database.write() as session, pytest.raises(Conflict, match="north"):
        create_post(session, gate.walk.site.id, draft(code="north"), actor=events.SYSTEM, now=NOON)


def test_a_checkpoint_is_a_posts_or_of_rounds_and_never_both(gate: Guarded) -> None:
    points = gate.walk.points
    with gate.database.write() as session:
        stops = [Stop(points["garage"])]
        way = create_route(
            session,
            gate.walk.site.id,
            RouteDraft("r", {"en": "R"}, stops),
            actor=events.SYSTEM,
            now=NOON,
        ).id
    assert "rounds go to this checkpoint" in refused(gate, checkpoint_id=points["garage"])[0]
    walked = RouteDraft("s", {"en": "S"}, [Stop(points["gate"])])
    with gate.database.write() as session, pytest.raises(Invalid) as caught:
        create_route(session, gate.walk.site.id, walked, actor=events.SYSTEM, now=NOON)
    assert "that of a post" in caught.value.problems[0]
    # A route that is out of use leaves its checkpoints to a post, and comes back without them only.
    with gate.database.write() as session:
        row = session.get_one(Route, way)
        move_route(session, row, "retire", actor=events.SYSTEM, now=NOON)
    gate.post("ramp", "garage")
    with gate.database.write() as session:
        row = session.get_one(Route, way)
        with pytest.raises(Conflict, match="that of a post"):
            move_route(session, row, "reactivate", actor=events.SYSTEM, now=NOON)


def test_a_post_is_changed_by_version_and_taken_out_of_use(gate: Guarded) -> None:
    with gate.database.write() as session:
        row = session.get_one(Post, gate.post_id)
        new = draft(code="north", minimum_crew=2, hours=["night"])
        change_post(session, row, new, actor=events.SYSTEM, now=NOON, expected_version=1)
    with gate.database.write() as session:
        row = session.get_one(Post, gate.post_id)
        with pytest.raises(Stale):
            change_post(session, row, new, actor=events.SYSTEM, now=NOON, expected_version=1)
    with gate.database.write() as session:
        row = session.get_one(Post, gate.post_id)
        assert (row.minimum_crew, row.hours, row.checkpoint_id) == (2, ["night"], None)
        move_post(session, row, "retire", actor=events.SYSTEM, now=NOON)
    with pytest.raises(Conflict, match="out of use"):
        gate.let_in(gate.walk.guard, NOON)


def test_the_first_scan_comes_and_the_next_one_leaves(gate: Guarded) -> None:
    guard = gate.walk.guard
    came = gate.walk.scan("gate", TEN)
    assert came.evidence["post"] == "came"
    assert gate.here(TEN) == [guard]
    # Twice within five minutes is once, and the same scan again is the same.
    gate.walk.scan("gate", TEN + 4 * MINUTE)
    gate.walk.scan("gate", TEN, scan_id=came.id)
    assert gate.here(TEN + 5 * MINUTE) == [guard]
    assert gate.walk.scan("gate", TEN + 8 * HOUR).evidence["post"] == "left"
    [duty] = gate.duties()
    assert (duty.state, duty.came_by, duty.left_by) == ("left", "scan", "scan")
    assert (duty.started_at, duty.ended_at) == (TEN, TEN + 8 * HOUR)
    assert gate.here(TEN + 8 * HOUR) == []
    assert gate.here(TEN + 7 * HOUR) == [guard]
    assert [fact.kind for fact in facts_of(gate.database, "post_duty.")] == [
        "post_duty.come",
        "post_duty.leave",
    ]


@ONE_ENGINE
def test_scans_that_a_phone_kept_count_by_their_own_clock(gate: Guarded) -> None:
    later = TEN + 9 * HOUR
    gate.walk.scan("gate", TEN, told=later, channel="sync")
    gate.walk.scan("gate", TEN + 8 * HOUR, told=later, channel="sync")
    # One that is older than what is known by now changes nothing.
    old = gate.walk.scan("gate", TEN + 2 * HOUR, told=later, channel="sync")
    assert "post" not in old.evidence
    [duty] = gate.duties()
    assert (duty.started_at, duty.ended_at) == (TEN, TEN + 8 * HOUR)


def test_nobody_is_at_two_posts_at_once(gate: Guarded) -> None:
    other = gate.post("south", "roof")
    gate.walk.scan("gate", TEN)
    assert gate.walk.scan("roof", TEN + HOUR).evidence["post"] == "other_post"
    with pytest.raises(Conflict, match=r"at another post \(north\)"):
        gate.let_in(gate.walk.guard, TEN + HOUR, other)
    assert gate.here(TEN + HOUR) == [gate.walk.guard]
    assert gate.here(TEN + HOUR, other) == []


@ONE_ENGINE
def test_a_scan_soon_after_being_let_in_by_hand_says_the_same_and_a_later_one_that_they_leave(
    gate: Guarded,
) -> None:
    duty = gate.let_in(gate.walk.guard, TEN)
    assert gate.walk.scan("gate", TEN + 20 * MINUTE).evidence["post"] == "came"
    assert [one.id for one in gate.duties() if one.ended_at is None] == [duty.id]
    assert gate.walk.scan("gate", TEN + 40 * MINUTE).evidence["post"] == "left"


@ONE_ENGINE
def test_a_scan_is_kept_though_somebody_lets_them_in_elsewhere_at_that_moment(
    gate: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_args: Any, **_more: Any) -> None:
        raise Conflict("they are at another post")

    monkeypatch.setattr(scanning, "come", taken)
    scan = gate.walk.scan("gate", TEN)
    assert (scan.verdict, scan.evidence["post"]) == ("accepted", "other_post")


def test_of_two_who_let_somebody_in_at_once_one_does(gate: Guarded) -> None:
    places = (gate.post_id, gate.post("south"))

    def let_in(number: int) -> bool:
        try:
            gate.let_in(gate.walk.guard, TEN, places[number])
        except Conflict:
            return False
        return True

    assert sorted(in_threads(2, let_in)) == [False, True]
    assert len(gate.duties()) == 1


def test_somebody_of_another_team_only_tests_the_tag(gate: Guarded) -> None:
    technician = employ(gate.database, gate.walk.site.id, "technician")
    gate.members(gate.walk.guard)
    assert gate.walk.scan("gate", TEN, person=technician).evidence["post"] == "not_of_team"
    assert gate.walk.scan("gate", TEN).evidence["post"] == "came"
    # Whoever stands in for somebody of the team is of the team.
    with gate.database.write() as session:
        span = {"starts_at": TEN - HOUR, "ends_at": TEN + 8 * HOUR}
        at = {"site_id": gate.walk.site.id, "team": "security", "kind": "duty"}
        session.add(Shift(**at, person_id=gate.walk.guard, **span))
        session.add(Absence(person_id=gate.walk.guard, deputy_id=technician, **span))
    again = gate.walk.scan("gate", TEN + MINUTE, person=technician)
    assert again.evidence["post"] == "came"
    assert gate.duties()[-1].shift_end == TEN + 8 * HOUR


@ONE_ENGINE
def test_a_supervisor_lets_in_and_go_with_a_reason(gate: Guarded) -> None:
    guard = gate.walk.guard
    with pytest.raises(Invalid, match="nobody was put down"):
        gate.let_in(guard, TEN, reason=" ")
    with pytest.raises(Invalid):
        gate.let_in(guard, TEN, at=TEN + MINUTE)
    first = gate.let_in(guard, TEN, at=TEN - HOUR)
    assert gate.let_in(guard, TEN).id == first.id
    other = employ(gate.database, gate.walk.site.id, "guard")
    with pytest.raises(NotFound):
        gate.let_go(other, first.id, TEN + MINUTE)
    left = gate.let_go(guard, first.id, TEN + HOUR)
    assert (left.left_by, left.ended_at) == ("self", TEN + HOUR)
    assert gate.let_go(guard, first.id, TEN + 2 * HOUR).ended_at == TEN + HOUR
    with pytest.raises(Conflict, match="was at a post until"):
        gate.let_in(guard, TEN + 2 * HOUR, at=TEN)
    caller = gate.walk.caller(guard)
    with gate.database.write() as session, pytest.raises(NotAllowed):
        clock_in_by_card(
            session,
            caller,
            session.get_one(Post, gate.post_id),
            "7",
            vault=gate.walk.vault,
            now=TEN,
        )
    again = gate.let_in(guard, TEN + 2 * HOUR)
    gate.let_go(gate.walk.supervisor, again.id, TEN + 3 * HOUR, reason="Sent home, fever")
    assert gate.duties()[-1].left_reason == "Sent home, fever"


@ONE_ENGINE
def test_a_card_that_a_supervisor_reads_in_says_who_comes(gate: Guarded) -> None:
    caller = gate.walk.caller(gate.walk.supervisor)
    with gate.database.write() as session:
        issue_badge(
            session,
            gate.walk.site.id,
            NewBadge(gate.walk.guard, "card", "0012345"),
            needs=SCAN,
            vault=gate.walk.vault,
            actor=events.SYSTEM,
            now=NOON,
        )

    def read_in(card: str) -> str:
        with gate.database.write() as session:
            post = session.get_one(Post, gate.post_id)
            return clock_in_by_card(
                session, caller, post, card, vault=gate.walk.vault, now=TEN
            ).came_by

    with pytest.raises(NotFound, match="card"):
        read_in("777")
    assert read_in("12345") == "card"
    assert gate.here(TEN) == [gate.walk.guard]


def test_who_forgets_to_leave_is_let_go_after_their_shift_and_marked(gate: Guarded) -> None:
    gate.walk.on_duty(gate.walk.guard, TEN, 8)
    gate.walk.scan("gate", TEN - 10 * MINUTE)
    end = TEN + 8 * HOUR
    gate.look(end + 59 * MINUTE)
    assert gate.duties()[0].state == "present"
    gate.look(end + HOUR)
    [duty] = gate.duties()
    assert (duty.state, duty.ended_at, duty.left_by) == ("forgotten", end, "forgotten")
    # A phone that comes back later knows better.
    late = gate.walk.scan("gate", end + 20 * MINUTE, told=end + 3 * HOUR, channel="sync")
    assert late.evidence["post"] == "left"
    [duty] = gate.duties()
    assert (duty.state, duty.ended_at, duty.left_by) == ("left", end + 20 * MINUTE, "scan")
    # And the next evening they come anew.
    assert gate.walk.scan("gate", TEN + 24 * HOUR).evidence["post"] == "came"


@ONE_ENGINE
def test_whoever_forgot_to_leave_does_not_stay_by_saying_so_later(gate: Guarded) -> None:
    gate.walk.on_duty(gate.walk.guard, TEN, 8)
    gate.walk.scan("gate", TEN + 3 * MINUTE, told=TEN)
    [duty] = gate.duties()
    gate.look(TEN + 9 * HOUR)
    with pytest.raises(Conflict, match="nobody said that you left"):
        gate.let_go(gate.walk.guard, duty.id, TEN + 40 * HOUR)
    again = gate.let_in(gate.walk.guard, TEN + 10 * HOUR)
    why = {"reason": "Left with the next shift"}
    with pytest.raises(Invalid) as caught:
        gate.let_go(gate.walk.supervisor, duty.id, TEN + 11 * HOUR, **why)
    assert "when they came to a post again" in caught.value.problems[0]
    mended = TEN + 8 * HOUR + 20 * MINUTE
    gate.let_go(gate.walk.supervisor, duty.id, TEN + 11 * HOUR, at=mended, **why)
    assert (gate.duties()[0].state, gate.duties()[0].ended_at) == ("left", mended)
    gate.let_go(gate.walk.guard, again.id, TEN + 12 * HOUR)
    # Whose scanner's clock is ahead has not left before they came.
    gate.walk.scan("gate", TEN + 24 * HOUR + 4 * MINUTE, told=TEN + 24 * HOUR)
    ahead = gate.duties()[-1]
    assert gate.let_go(gate.walk.guard, ahead.id, TEN + 24 * HOUR).ended_at == ahead.started_at


@ONE_ENGINE
def test_a_second_shift_keeps_somebody_at_their_post(gate: Guarded) -> None:
    gate.walk.on_duty(gate.walk.guard, TEN, 8)
    gate.walk.scan("gate", TEN)
    gate.walk.on_duty(gate.walk.guard, TEN + 8 * HOUR, 4)
    gate.look(TEN + 9 * HOUR)
    assert gate.duties()[0].state == "present"
    gate.look(TEN + 13 * HOUR)
    assert gate.duties()[0].ended_at == TEN + 12 * HOUR


@ONE_ENGINE
def test_where_somebody_is_on_another_site_is_not_told(gate: Guarded) -> None:
    with gate.database.write() as session:
        about: dict[str, Any] = {"parent_id": gate.walk.site.company_id, "code": "far", "name": {}}
        far = Node(kind="site", path="acme/far/", time_zone="Asia/Shanghai", **about)
        session.add(far)
        session.flush()
        post = Post(
            site_id=far.id, code="secret", name={"en": "Secret"}, team="security", hours=[],
            minimum_crew=0, tolerance_min=60, state="active", version=1,
        )  # fmt: skip
        session.add(post)
        session.flush()
        more: dict[str, Any] = {"by": "self", "actor": events.SYSTEM, "now": TEN}
        duty = come(session, post, gate.walk.guard, at=TEN, **more)
    for left in (False, True):
        if left:
            with gate.database.write() as session:
                row = session.get_one(PostDuty, duty.id)
                leave(session, row, at=TEN + HOUR, **{**more, "now": TEN + HOUR})
        with pytest.raises(Conflict, match="of another site") as error:
            gate.let_in(gate.walk.guard, TEN + 2 * HOUR, at=TEN + MINUTE)
        assert "secret" not in str(error.value)


@ONE_ENGINE
def test_being_on_call_after_a_shift_keeps_nobody_at_their_post(gate: Guarded) -> None:
    gate.walk.on_duty(gate.walk.guard, TEN, 8)
    gate.walk.on_duty(gate.walk.guard, TEN + 8 * HOUR, 12, kind="on_call")
    gate.walk.scan("gate", TEN)
    gate.look(TEN + 9 * HOUR)
    assert (gate.duties()[0].state, gate.duties()[0].ended_at) == ("forgotten", TEN + 8 * HOUR)


@ONE_ENGINE
def test_who_leaves_the_company_leaves_the_post(gate: Guarded) -> None:
    gate.walk.scan("gate", TEN)
    with gate.database.write() as session:
        session.get_one(Person, gate.walk.guard).left_at = TEN + HOUR
    assert gate.here(TEN + HOUR) == []
    gate.look(TEN + 2 * HOUR)
    assert gate.duties()[0].ended_at == TEN + HOUR


def test_too_few_are_told_to_the_supervisor_once_and_until_there_are_enough(gate: Guarded) -> None:
    assert gate.missing(TEN) == 1
    gate.look(TEN)
    gate.look(TEN + 4 * MINUTE)
    assert told(gate, "post.short") == []
    for minute in range(5, 20):
        gate.look(TEN + minute * MINUTE)
    [fact] = told(gate, "post.short")
    assert fact["people"] == [str(gate.walk.supervisor)]
    assert (fact["here"], fact["wanted"], fact["about"]["en"]) == (0, 1, "North post")
    with gate.database.write() as session:
        assert take_up(session, facts_of(gate.database, "post.short"), now=TEN) == 1
    gate.walk.scan("gate", TEN + 20 * MINUTE)
    gate.look(TEN + 20 * MINUTE)
    gate.look(TEN + 21 * MINUTE)
    assert len(told(gate, "post.enough")) == 1
    assert gate.missing(TEN + 21 * MINUTE) == 0


@ONE_ENGINE
def test_a_change_of_shift_is_no_shortage(gate: Guarded) -> None:
    gate.look(TEN)
    gate.walk.scan("gate", TEN + 4 * MINUTE)
    gate.look(TEN + 6 * MINUTE)
    assert told(gate, "post.") == told(gate, "post.create")


@ONE_ENGINE
def test_out_of_its_hours_nobody_is_missing(gate: Guarded) -> None:
    with gate.database.write() as session:
        row = session.get_one(Post, gate.post_id)
        new = draft(code="north", hours=["night"])
        change_post(session, row, new, actor=events.SYSTEM, now=NOON)
    # Ten in the evening and midnight by the clocks of the site; nights begin at eleven.
    assert gate.missing(TEN) == 0
    assert gate.missing(TEN + 2 * HOUR) == 1


@ONE_ENGINE
def test_nobody_is_called_away_below_the_minimum(gate: Guarded) -> None:
    guard, other = gate.walk.guard, employ(gate.database, gate.walk.site.id, "guard")
    idle = employ(gate.database, gate.walk.site.id, "guard")

    def spared(person: UUID) -> bool:
        with gate.database.read() as session:
            return can_be_spared(session, person, TEN)

    gate.let_in(guard, TEN)
    assert [spared(one) for one in (guard, idle)] == [False, True]
    gate.let_in(other, TEN)
    assert [spared(one) for one in (guard, other)] == [True, True]


def test_who_is_at_a_post_for_rounds_is_on_duty_for_them(gate: Guarded) -> None:
    walk = gate.walk
    rounds_post = gate.post("walkers", for_rounds=True)
    with gate.database.write() as session:
        row = session.get_one(Post, gate.post_id)
        change_post(session, row, draft(code="north"), actor=events.SYSTEM, now=NOON)
    walk.route()
    walk.plan()
    at_gate = employ(gate.database, walk.site.id, "guard")
    gate.let_in(at_gate, TEN)

    def asked(ask: Callable[..., list[UUID]], **more: Any) -> list[UUID]:
        with gate.database.read() as session:
            return ask(session, session.get_one(Round, walk.first), **more)

    assert asked(goers, now=TEN) == []
    duty = gate.let_in(walk.guard, TEN, rounds_post)
    assert asked(goers, now=TEN) == [walk.guard]
    assert asked(knowers) == [walk.guard]
    # Nobody twice, and after they left they are told nothing more, but their phone may know.
    walk.on_duty(walk.guard)
    assert asked(goers, now=TEN + MINUTE) == [walk.guard]
    other = gate.let_in(walk.supervisor, TEN + MINUTE, rounds_post)
    gate.let_go(walk.supervisor, other.id, TEN + 2 * MINUTE)
    gate.let_go(walk.guard, duty.id, TEN + 2 * MINUTE)
    assert asked(goers, now=TEN + 3 * MINUTE) == [walk.guard]
    assert set(asked(knowers)) == {walk.guard, walk.supervisor}
    walk.look(TEN + 10 * MINUTE)
    assert told(gate, "round.late")[0]["people"] == [str(walk.guard)]


def test_orders_are_read_by_version_and_whoever_has_not_is_told_of(gate: Guarded) -> None:
    guard, supervisor = gate.walk.guard, gate.walk.supervisor
    gate.members(guard)
    digest = gate.publish(ORDERS)
    gate.walk.scan("gate", TEN)
    [fact] = told(gate, "post.unread_orders")
    assert fact["people"] == [str(supervisor)]
    assert (fact["person"], fact["number"]) == (str(guard), 1)
    caller = gate.walk.caller(guard)
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        orders = unread_by(session, post.id, guard)
        assert orders is not None
        with pytest.raises(Conflict, match="not the text"):
            acknowledge(session, caller, orders.id, "0" * 64, now=TEN)
        first = acknowledge(session, caller, orders.id, digest, now=TEN)
        again = acknowledge(session, caller, orders.id, digest, now=TEN + HOUR)
        assert first.read_at == again.read_at == TEN
        assert unread_by(session, post.id, guard) is None
        assert [one.read_at for one in readers(session, post, now=TEN)] == [TEN]
        number_one = orders.id
    [read] = told(gate, "post_orders.acknowledge")
    assert (read["digest"], read["number"]) == (digest, 1)
    # Newer orders have to be read anew; the old ones can't be any more, by anybody else.
    gate.publish({**ORDERS, "en": "Open for nobody."}, TEN + HOUR)
    with gate.database.write() as session:
        assert unread_by(session, gate.post_id, guard) is not None
        boss = gate.walk.caller(supervisor)
        with pytest.raises(Conflict, match="newer orders"):
            acknowledge(session, boss, number_one, digest, now=TEN + HOUR)
    states = [fact.kind for fact in facts_of(gate.database, "post_orders.")]
    assert states.count("post_orders.publish") == 2
    assert states.count("post_orders.replace") == 1


def test_a_draft_is_in_both_languages_before_it_is_published(gate: Guarded) -> None:
    caller = gate.walk.caller(gate.walk.supervisor)
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        with pytest.raises(NotFound):
            publish(session, caller, post, now=NOON)
        row = write_draft(session, caller, post, {"en": "Watch."}, now=NOON)
        assert (row.number, row.version) == (1, 1)
        with pytest.raises(Invalid) as caught:
            publish(session, caller, post, now=NOON)
        assert caught.value.problems == ("body.zh: write it in both languages",)
        with pytest.raises(Invalid):
            write_draft(session, caller, post, {"en": "x" * 20_001}, now=NOON)
        row = write_draft(session, caller, post, ORDERS, now=NOON, expected_version=1)
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        with pytest.raises(Stale):
            write_draft(session, caller, post, ORDERS, now=NOON, expected_version=1)
    with gate.database.write() as session:
        assert published_of(session, gate.post_id) is None
        digest = publish(session, caller, session.get_one(Post, gate.post_id), now=NOON).digest
    # A draft can be read by nobody, and the same text under another number is another version.
    assert digest != gate.publish(ORDERS)


@ONE_ENGINE
def test_a_draft_that_somebody_began_meanwhile_is_not_written_over(gate: Guarded) -> None:
    caller = gate.walk.caller(gate.walk.supervisor)
    with gate.walk.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        write_draft(session, caller, post, {"en": "Theirs"}, now=NOON)
        with pytest.raises(Stale, match="somebody has begun"):
            write_draft(session, caller, post, {"en": "Mine"}, now=NOON)
        row = draft_of(session, gate.post_id)
        assert row is not None
        assert (row.body["en"], row.version) == ("Theirs", 1)


@ONE_ENGINE
def test_a_guard_writes_no_orders_of_others(gate: Guarded) -> None:
    stranger = gate.walk.caller(employ(gate.database, gate.walk.site.company_id, "resident"))
    gate.publish(ORDERS)
    with gate.database.write() as session:
        orders = published_of(session, gate.post_id)
        assert orders is not None
        with pytest.raises(NotFound):
            acknowledge(session, stranger, orders.id, orders.digest or "", now=NOON)
    duty = gate.let_in(gate.walk.guard, NOON)
    with gate.database.write() as session, pytest.raises(NotFound):
        clock_out(session, stranger, duty.id, now=NOON + HOUR)


@ONE_ENGINE
def test_keys_are_counted_and_a_difference_opens_one_ticket(gate: Guarded) -> None:
    guard, boss = (gate.walk.caller(one) for one in (gate.walk.guard, gate.walk.supervisor))
    wanted = [Item("key", "Master key", 3), Item("equipment", "Radio", 2)]
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        with pytest.raises(NotAllowed):
            set_items(session, guard, post, wanted, now=NOON)
        with pytest.raises(Invalid):
            set_items(session, boss, post, [*wanted, wanted[0]], now=NOON)
        key, radio = (row.id for row in set_items(session, boss, post, wanted, now=NOON))

    def count(keys: int, why: str, now: datetime) -> list[dict[str, Any]]:
        with gate.database.write() as session:
            post = session.get_one(Post, gate.post_id)
            counted = {key: Count(keys, why), radio: Count(2)}
            return count_items(session, guard, post, counted, now=now)

    with pytest.raises(Conflict, match="not at this post"):
        count(3, "", TEN)
    gate.walk.scan("gate", TEN)
    with pytest.raises(Invalid) as caught:
        count(2, " ", TEN)
    assert caught.value.problems[0].startswith("items.Master key: say why it is not 3")
    told = count(2, "One broke off", TEN)
    assert [(one["name"], one["counted"], one["missing"]) for one in told] == [
        ("Master key", 2, True),
        ("Radio", 2, False),
    ]
    number = told[0]["ticket"]
    with gate.database.read() as session:
        ticket = session.scalars(select(Ticket)).one()
        assert (ticket.number, ticket.kind, ticket.team) == (number, "incident", "security")
        assert "Master key: 2 / 3. One broke off" in ticket.description
    # The next shifts find the same, which somebody sees to already; one that was closed does not.
    assert count(2, "Still broken", TEN + HOUR)[0]["ticket"] == number
    assert count(3, "", TEN + 2 * HOUR)[0]["ticket"] is None
    assert count(2, "Lost", TEN + 3 * HOUR)[0]["ticket"] == number + 1
    # What goes missing beyond that is another difference.
    assert count(1, "One more is gone", TEN + 4 * HOUR)[0]["ticket"] == number + 2


def test_the_pass_down_log_stays_as_it_was_written(gate: Guarded) -> None:
    guard, boss = (gate.walk.caller(one) for one in (gate.walk.guard, gate.walk.supervisor))
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        with pytest.raises(Invalid):
            write_entry(session, guard, post, "  ", now=NOON)
        entry = write_entry(session, guard, post, "The barrier sticks.", now=NOON).id
        last = write_entry(session, boss, post, "Mended.", now=NOON + MINUTE).id
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        assert unread_entries(session, post.id, boss.person_id) == 1
        assert read_log(session, boss, post, last, now=TEN) == 1
        assert read_log(session, boss, post, last, now=TEN) == 0
        page = list_log(session, post, Wish(10))
        assert [row["text"] for row in page.items] == ["Mended.", "The barrier sticks."]
        assert [len(row["readers"]) for row in page.items] == [0, 1]
    for statement in (delete(PostLog), update(PostLog).values(text="Nothing")):
        with pytest.raises(DBAPIError, match="append-only"), gate.database.write() as session:
            session.execute(statement)
    assert entry
    # What was passed down is in the log of events by its id alone.
    assert "barrier" not in str([fact.after for fact in facts_of(gate.database, "post.log")])


def test_who_reads_the_log_says_up_to_which_entry(gate: Guarded) -> None:
    guard, boss = (gate.walk.caller(one) for one in (gate.walk.guard, gate.walk.supervisor))
    other = gate.post("control")
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        wrote = [
            write_entry(session, guard, post, str(number), now=NOON).id
            for number in range(LOG_PAGE + 3)
        ]
        elsewhere = write_entry(session, guard, session.get_one(Post, other), "Door", now=NOON).id
    assert wrote == sorted(wrote)
    shown = wrote[-2]
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        # Of what a page showed: neither what was written since, nor what lies on older pages.
        assert read_log(session, boss, post, shown, now=TEN) == LOG_PAGE
        assert unread_among(session, wrote, boss.person_id) == {*wrote[:2], wrote[-1]}
        assert read_log(session, boss, post, wrote[1], now=TEN) == 2
        assert unread_entries(session, post.id, boss.person_id) == 1
        with pytest.raises(NotFound):
            read_log(session, boss, post, elsewhere, now=TEN)
    told = [(fact.after or {})["entries"] for fact in facts_of(gate.database, "post.log_read")]
    assert told == [LOG_PAGE, 2]


def test_an_entry_stands_behind_those_that_somebody_may_have_read(
    gate: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = gate.walk.caller(gate.walk.guard)
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        first = write_entry(session, guard, post, "One", now=NOON).id
        # Of a machine whose clock is behind.
        monkeypatch.setattr(passing, "new_id", lambda: UUID(int=first.int - 1))
        second = write_entry(session, guard, post, "Two", now=NOON).id
        assert second > first
        assert [row["text"] for row in list_log(session, post, Wish(5)).items] == ["Two", "One"]
