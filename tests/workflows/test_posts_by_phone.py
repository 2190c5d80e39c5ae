"""Posts by phone: what it takes along of them, what its journal says of coming and of orders."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from core.db import Database
from core.paging import Wish
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.workflows.conftest import employ, facts_of
from tests.workflows.manned import ORDERS, Guarded, make_guarded
from tests.workflows.phoned import Phoned
from tests.workflows.walked import MINUTE, TEN, uid_of
from workflows.patrol.journal.verdicts import describe_verdict
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.plan import plan_of
from workflows.patrol.posts import (
    Post,
    PostOrders,
    list_log,
    published_of,
    read_log,
    unread_entries,
    write_entry,
)

HOUR = timedelta(hours=1)


class Gate(Guarded):
    """A post at a gate, whose guards share a phone that is known."""

    phoned: Phoned

    @property
    def phone(self) -> GuardPhone:
        return self.phoned.phone

    @property
    def guard(self) -> UUID:
        return self.walk.guard

    def taken(self, now: datetime = TEN) -> list[dict[str, Any]]:
        """What the phone takes along of posts."""
        with self.database.read() as session:
            phone = session.get_one(Phone, self.phone.id)
            return list(plan_of(session, phone, offline_hours=12, now=now)["posts"])

    def told(self, now: datetime) -> list[tuple[str, str | None, list[str]]]:
        """Verdict, reason and marks of what is handed in now."""
        taken = self.phoned.hand_in(now, self.phoned.row().accepted + 1)
        return [(row.verdict, row.reason, row.marks) for row in taken.entries]

    def orders(self) -> PostOrders:
        """Those in force."""
        with self.database.read() as session:
            found = published_of(session, self.post_id)
            assert found is not None
            return found


@pytest.fixture
def gate(database: Database, site: SmallSite) -> Gate:
    guarded = make_guarded(database, site)
    made = Gate(guarded.walk, guarded.post_id)
    made.phoned = Phoned(guarded.walk, GuardPhone())
    made.phoned.enrol(made.phone)
    made.phoned.enter(made.guard, TEN - HOUR)
    return made


ONE_ENGINE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def test_a_phone_takes_the_orders_of_its_posts_along(gate: Gate) -> None:
    gate.publish({"en": "# Gate\n\n<b>Open</b> [it](javascript:x)", "zh": "**放行**"})
    gate.walk.scan("gate", TEN)
    [post] = gate.taken(TEN + MINUTE)
    assert post["checkpoint_id"] == gate.walk.points["gate"]
    assert [(one["person_id"], one["since"]) for one in post["here"]] == [(gate.guard, TEN)]
    assert post["orders"]["read_by"] == []
    html = post["orders"]["html"]
    assert html["zh"] == "<p><strong>放行</strong></p>\n"
    assert "&lt;b&gt;Open" in html["en"]
    assert "href" not in html["en"]


@ONE_ENGINE
def test_a_phone_takes_only_posts_where_its_people_stand(gate: Gate) -> None:
    stranger = employ(gate.database, gate.walk.site.id, "guard", "Zhou")
    assert [post["people"] for post in gate.taken()] == [[gate.guard]]
    # Once others are put into the team, its posts are theirs alone.
    gate.members(stranger)
    assert gate.taken() == []
    gate.let_in(gate.guard, TEN)
    assert [post["people"] for post in gate.taken()] == [[gate.guard]]
    assert len(gate.taken()[0]["here"]) == 1
    # Nothing is told of where others are, or of what they have read.
    gate.let_in(stranger, TEN)
    assert [one["person_id"] for one in gate.taken()[0]["here"]] == [gate.guard]
    gate.let_go(gate.guard, gate.duties()[0].id, TEN + MINUTE)
    assert gate.taken() == []
    gate.walk.on_duty(gate.guard, TEN + 20 * HOUR)
    assert len(gate.taken()) == 1
    assert gate.taken(TEN - 40 * HOUR) == []


def test_orders_that_were_read_without_signal_are_acknowledged_later(gate: Gate) -> None:
    digest = gate.publish(ORDERS)
    orders = gate.orders()
    gate.phone.note("orders_read", TEN, orders=str(orders.id), digest=digest)
    assert gate.told(TEN + HOUR) == [("accepted", None, [])] * 2
    [fact] = facts_of(gate.database, "post_orders.acknowledge")
    assert (fact.happened_at, fact.learned_at) == (TEN, TEN + HOUR)
    assert (fact.after or {})["digest"] == digest
    assert gate.taken()[0]["orders"]["read_by"] == [gate.guard]
    # The same once more is no second fact.
    gate.phone.note("orders_read", TEN + MINUTE, orders=str(orders.id), digest=digest)
    assert gate.told(TEN + HOUR) == [("accepted", None, [])]
    assert len(facts_of(gate.database, "post_orders.acknowledge")) == 1


def test_an_acknowledgement_stands_for_the_version_that_was_read(gate: Gate) -> None:
    digest = gate.publish(ORDERS)
    old = gate.orders().id
    gate.phone.note("orders_read", TEN, orders=str(old), digest=digest)
    gate.publish({"en": "Closed at night.", "zh": "夜间关闭。"}, TEN + MINUTE)
    assert gate.told(TEN + HOUR)[-1] == ("accepted", None, ["newer_orders"])
    with gate.database.read() as session:
        assert session.get_one(PostOrders, old).state == "replaced"
    assert [fact.subject_id for fact in facts_of(gate.database, "post_orders.acknow")] == [str(old)]
    # The newer one is still to be read.
    assert gate.taken()[0]["orders"]["number"] == 2
    assert gate.taken()[0]["orders"]["read_by"] == []


@ONE_ENGINE
def test_what_is_no_acknowledgement_is_refused_with_its_reason(gate: Gate) -> None:
    gate.publish(ORDERS)
    orders = str(gate.orders().id)
    gate.phone.note("orders_read", TEN, orders=orders, digest="0" * 64)
    gate.phone.note("orders_read", TEN, orders=str(gate.post_id), digest="0" * 64)
    gate.phone.note("orders_read", TEN, orders=orders)
    gate.phone.note("orders_read", TEN, orders="gate", digest="0" * 64)
    reasons = [reason for _, reason, _ in gate.told(TEN + MINUTE)]
    assert reasons == [None, "other_text", "no_orders", "malformed", "malformed"]
    assert facts_of(gate.database, "post_orders.acknowledge") == []


def test_a_scan_at_the_post_says_what_it_did(gate: Gate) -> None:
    for minutes in (0, 1, 30):
        gate.phone.scan(uid_of("gate"), TEN + minutes * MINUTE)
    gate.phone.scan(uid_of("roof"), TEN + 31 * MINUTE)
    taken = gate.phoned.hand_in(TEN + HOUR)
    told = [describe_verdict(row)["post"] for row in taken.entries if row.kind == "scan"]
    assert told == ["came", None, "left", None]


def test_a_guard_leaves_without_signal(gate: Gate) -> None:
    gate.phone.scan(uid_of("gate"), TEN)
    gate.phone.note("post_leave", TEN + HOUR, post=str(gate.post_id))
    # Once more, and by the tag as well: they left once.
    gate.phone.note("post_leave", TEN + HOUR + MINUTE, post=str(gate.post_id))
    assert [verdict for verdict, _, _ in gate.told(TEN + 3 * HOUR)] == ["accepted"] * 4
    [duty] = gate.duties()
    assert (duty.state, duty.left_by, duty.ended_at) == ("left", "self", TEN + HOUR)


def test_a_leaving_that_is_told_late_mends_one_that_was_forgotten(gate: Gate) -> None:
    gate.walk.on_duty(gate.guard, TEN, 8)
    gate.phone.scan(uid_of("gate"), TEN)
    gate.told(TEN + MINUTE)
    gate.phone.note("post_leave", TEN + 8 * HOUR + 20 * MINUTE, post=str(gate.post_id))
    assert gate.look(TEN + 10 * HOUR) >= 1
    assert gate.duties()[0].state == "forgotten"
    assert gate.told(TEN + 11 * HOUR) == [("accepted", None, [])]
    [duty] = gate.duties()
    assert (duty.state, duty.ended_at) == ("left", TEN + 8 * HOUR + 20 * MINUTE)


@ONE_ENGINE
def test_a_leaving_of_an_earlier_stay_does_not_end_the_present_one(gate: Gate) -> None:
    gate.walk.on_duty(gate.guard, TEN, 8)
    gate.phone.scan(uid_of("gate"), TEN)
    gate.told(TEN + MINUTE)
    gate.look(TEN + 10 * HOUR)
    gate.let_in(gate.guard, TEN + 20 * HOUR)
    gate.phone.note("post_leave", TEN + 8 * HOUR + 20 * MINUTE, post=str(gate.post_id))
    assert gate.told(TEN + 20 * HOUR + MINUTE) == [("accepted", None, [])]
    first, second = gate.duties()
    assert (first.state, first.ended_at) == ("left", TEN + 8 * HOUR + 20 * MINUTE)
    assert second.state == "present"


@ONE_ENGINE
def test_who_was_not_there_did_not_leave(gate: Gate) -> None:
    other = gate.post("control")
    gate.phone.note("post_leave", TEN, post=str(gate.post_id))
    gate.let_in(gate.guard, TEN + HOUR)
    gate.phone.note("post_leave", TEN + 2 * HOUR, post=str(other))
    gate.phone.note("post_leave", TEN + 30 * MINUTE, post=str(gate.post_id))
    gate.phone.note("post_leave", TEN + 9 * HOUR, post=str(gate.post_id))
    reasons = [reason for _, reason, _ in gate.told(TEN + 3 * HOUR)]
    assert reasons == [None, "not_there", "not_there", "not_there", "ahead"]
    assert [duty.state for duty in gate.duties()] == ["present"]


@ONE_ENGINE
def test_a_leaving_beyond_the_tolerance_mends_nothing(gate: Gate) -> None:
    gate.walk.on_duty(gate.guard, TEN, 8)
    gate.phone.scan(uid_of("gate"), TEN)
    gate.told(TEN + MINUTE)
    gate.look(TEN + 10 * HOUR)
    gate.phone.note("post_leave", TEN + 9 * HOUR + MINUTE, post=str(gate.post_id))
    assert gate.told(TEN + 11 * HOUR) == [("refused", "not_there", [])]
    assert gate.duties()[0].ended_at == TEN + 8 * HOUR


@ONE_ENGINE
def test_nobody_but_who_is_signed_in_reads_or_leaves(gate: Gate) -> None:
    digest = gate.publish(ORDERS)
    gate.let_in(gate.guard, NOON + HOUR)
    gate.phone.note("sign_out", TEN, why="self")
    gate.phone.note("orders_read", TEN, orders=str(gate.orders().id), digest=digest)
    gate.phone.note("post_leave", TEN, post=str(gate.post_id))
    reasons = [reason for _, reason, _ in gate.told(TEN + MINUTE)]
    assert reasons[-2:] == ["not_signed_in", "not_signed_in"]


def test_what_one_shift_leaves_to_the_next_is_written_without_signal(gate: Gate) -> None:
    note = gate.phone.note
    note("log_entry", TEN, post=str(gate.post_id), text=" The barrier sticks. ", files=[])
    note("log_entry", TEN + MINUTE, post=str(gate.post_id), text="", files=[])
    note("log_entry", TEN + MINUTE, post=str(gate.guard), text="Lost", files=[])
    note("log_entry", TEN + MINUTE, post=str(gate.post_id), text="Key", files=[str(gate.guard)])
    reasons = [(reason, marks) for _, reason, marks in gate.told(TEN + HOUR)[1:]]
    assert reasons == [(None, []), ("malformed", []), ("no_post", []), (None, ["no_file"])]
    with gate.database.read() as session:
        page = list_log(session, session.get_one(Post, gate.post_id), Wish(9))
    assert [(row["text"], row["written_at"]) for row in page.items] == [
        ("Key", TEN + MINUTE),
        ("The barrier sticks.", TEN),
    ]


@ONE_ENGINE
def test_what_is_told_late_stands_where_it_is_still_to_be_read(gate: Gate) -> None:
    boss = gate.walk.caller(gate.walk.supervisor)
    gate.phone.note("log_entry", TEN, post=str(gate.post_id), text="Early", files=[])
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        shown = write_entry(session, boss, post, "Late", now=TEN + HOUR).id
    gate.told(TEN + 2 * HOUR)
    with gate.database.write() as session:
        post = session.get_one(Post, gate.post_id)
        # Read up to what the page showed, the one that arrived since is unread.
        read_log(session, boss, post, shown, now=TEN + 2 * HOUR)
        assert unread_entries(session, post.id, boss.person_id) == 1
