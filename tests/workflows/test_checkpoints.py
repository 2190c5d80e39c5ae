"""Checkpoints: made by whichever way, changed, retired; and badges."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from core import badges, events
from core.administration import update_asset
from core.badges import Badge, NewBadge, badge_at, derived, end_badge, issue_badge, number_of
from core.clock import SimulatedClock
from core.db import Database
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from core.events import Event
from core.ids import new_id
from core.lifecycle import Lifecycle, move
from core.paging import Wish
from core.people import Caller, Grant, Person, caller_for
from core.places import Asset, Node
from core.site_file import import_site, load_catalog, read_site_file
from tests.fixtures import NOON, SITE_FILE, Administrator, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import employ, facts_of
from tests.workflows.patrolled import Post, make_post
from tests.workflows.spreadsheets import Desk, reasons
from workflows.patrol import (
    CHECKPOINT,
    SCAN,
    TOKEN,
    WRITE,
    Checkpoint,
    CheckpointToken,
    NewCheckpoint,
    NewToken,
    StaticTag,
    change_checkpoint,
    checkpoint_of,
    create_checkpoint,
    find_checkpoint,
    list_checkpoints,
    lose_token,
    put_token,
    reactivate_checkpoint,
    recover_token,
    retire_checkpoint,
    tokens_of,
)
from workflows.staff.leaving import leave

CHECKPOINT_LINE = (
    "  - {code: gate-n, type: checkpoint, space: b1, name: {en: North gate, zh: 北门}}\n"
)


@pytest.fixture
def post(database: Database, site: SmallSite) -> Post:
    return make_post(database, site)


def caller_of(database: Database, person_id: UUID) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, person_id))


def checkpoint(database: Database, checkpoint_id: UUID) -> Checkpoint:
    with database.read() as session:
        return session.get_one(Checkpoint, checkpoint_id)


def change(post: Post, changes: dict[str, Any], **more: Any) -> None:
    with post.database.write() as session:
        row = session.get_one(Checkpoint, post.checkpoint_id)
        change_checkpoint(session, row, changes, actor=events.SYSTEM, now=NOON, **more)


def test_a_checkpoint_is_an_asset_with_the_same_id(post: Post) -> None:
    with post.database.read() as session:
        asset = session.get_one(Asset, post.checkpoint_id)
        row = session.get_one(Checkpoint, post.checkpoint_id)
    assert (asset.type, asset.code, row.asset_id) == ("checkpoint", "gate", asset.id)
    kinds = [fact.kind for fact in facts_of(post.database, "")]
    assert kinds[-2:] == ["asset.create", "checkpoint.create"]


@pytest.mark.parametrize(
    ("place", "problem"),
    [
        ({"latitude": 31.0}, "latitude, longitude: give both, or neither"),
        ({"radius_m": 20.0}, "radius_m: it needs a position around which it is"),
        ({"latitude": 91.0, "longitude": 0.0}, "latitude: -90 to 90"),
        ({"latitude": 0.0, "longitude": float("nan")}, "longitude: -180 to 180"),
        ({"latitude": 0.0, "longitude": 0.0, "radius_m": 4.9}, "radius_m: 5 to 1000"),
    ],
)
def test_half_a_position_is_none(
    database: Database, site: SmallSite, place: dict[str, float], problem: str
) -> None:
    new = NewCheckpoint("gate", {"en": "Gate"}, **place)  # type: ignore[arg-type]
    with database.write() as session, pytest.raises(Invalid) as caught:
        create_checkpoint(session, site.id, new, actor=events.SYSTEM, now=NOON)
    assert caught.value.problems == (problem,)


def test_name_and_position_are_changed_together_and_told_without_the_place(post: Post) -> None:
    names = {"en": "Main gate, north", "zh": "北大门"}
    change(post, {"name": names, "latitude": 31.2, "longitude": 121.4})
    row = checkpoint(post.database, post.checkpoint_id)
    assert (row.latitude, row.longitude, row.radius_m, row.version) == (31.2, 121.4, 30.0, 2)
    [fact] = facts_of(post.database, "checkpoint.change")
    assert fact.after is not None
    assert fact.after["fields"] == ["name", "latitude", "longitude", "radius_m"]
    assert "31.2" not in str(fact.after)
    change(post, {"latitude": None, "longitude": None})
    assert checkpoint(post.database, post.checkpoint_id).radius_m is None
    with pytest.raises(Invalid) as caught:
        change(post, {"code": "x"})
    assert caught.value.problems == ("code: cannot be changed",)


def test_a_change_of_an_older_version_is_refused(post: Post) -> None:
    change(post, {"criticality": "high"}, expected_version=1)
    with pytest.raises(Stale):
        change(post, {"criticality": "low"}, expected_version=1)


@pytest.mark.parametrize(
    ("table", "model"), [(CHECKPOINT, Checkpoint), (TOKEN, CheckpointToken)], ids=lambda x: str(x)
)
def test_every_action_does_what_the_table_says(
    post: Post, table: Lifecycle, model: type[Checkpoint] | type[CheckpointToken]
) -> None:
    row_id = post.put("static_tag", "1").token.id if table is TOKEN else post.checkpoint_id
    for state in table.statuses:
        for action, moves in table.moves.items():
            with post.database.write() as session:
                row: Any = session.get_one(model, row_id)
                row.state = state
                if state in moves:
                    move(session, row, table, action, actor=events.SYSTEM, learned_at=NOON)
                    assert row.state == moves[state]
                else:
                    with pytest.raises(Conflict):
                        move(session, row, table, action, actor=events.SYSTEM, learned_at=NOON)


def test_a_retired_checkpoint_comes_back(post: Post) -> None:
    with post.database.write() as session:
        row = session.get_one(Checkpoint, post.checkpoint_id)
        retire_checkpoint(session, row, actor=events.SYSTEM, now=NOON)
        with pytest.raises(Conflict):
            change_checkpoint(session, row, {}, actor=events.SYSTEM, now=NOON)
        reactivate_checkpoint(session, row, actor=events.SYSTEM, now=NOON)
        assert row.state == "active"


def test_a_checkpoint_of_a_site_file_is_one_from_the_first_thing_put_there(
    database: Database, site: SmallSite, clock: SimulatedClock, administrator: Administrator
) -> None:
    text = SITE_FILE.replace("supplies:\n", f"{CHECKPOINT_LINE}supplies:\n")
    with database.read() as session:
        catalog = load_catalog(session)
    with database.write() as session:
        read = read_site_file(text, "site.yaml", catalog=catalog)
        import_site(session, read, actor=events.SYSTEM, now=clock.now())
    caller = caller_of(database, administrator.person_id)
    with database.read() as session:
        [item] = list_checkpoints(session, caller, Wish()).items
        assert session.get(Checkpoint, item["id"]) is None
    assert (item["code"], item["state"], item["version"]) == ("gate-n", "active", 1)
    with database.write() as session:
        row = find_checkpoint(session, caller, item["id"], now=NOON, permission=WRITE)
        assert (row.site_id, row.state, row.version) == (site.id, "active", 1)
        again = find_checkpoint(session, caller, item["id"], now=NOON)
        assert again is row
    assert len(facts_of(database, "checkpoint.create")) == 1


def test_a_checkpoint_of_a_spreadsheet_is_one_too_and_is_not_taken_back_once_it_is_used(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    desk = Desk(database, administrator.person_id)
    assets = [
        ["Code", "Type", "Name in English", "Space"],
        ["gate-1", "Checkpoint", "Gate 1", "b1"],
        ["gate-2", "巡更点", "Gate 2", "b1"],
    ]
    done = desk.bring_in({"Assets": assets})
    caller = caller_of(database, administrator.person_id)
    with database.write() as session:
        items = list_checkpoints(session, caller, Wish()).items
        assert sorted(item["code"] for item in items) == ["gate-1", "gate-2"]
        used = next(item["id"] for item in items if item["code"] == "gate-1")
        find_checkpoint(session, caller, used, now=NOON)
    assert reasons(desk.undo(done)) == [("asset", "used", "checkpoint")]
    with database.read() as session:
        items = list_checkpoints(session, caller, Wish()).items
    assert [item["code"] for item in items] == ["gate-1"]


def test_two_who_need_a_new_checkpoint_at_once_make_one(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database = postgres_database
    asset = Asset(id=new_id(), site_id=postgres_site.id, type="checkpoint", code="x", name={})
    with database.write() as session:
        session.add(asset)

    def put(number: int) -> None:
        with database.write() as session:
            row = checkpoint_of(
                session, session.get_one(Asset, asset.id), actor=events.SYSTEM, now=NOON
            )
            assert row.id == asset.id

    in_threads(4, put)
    assert len(facts_of(database, "checkpoint.create")) == 1


def test_an_asset_of_another_type_is_no_checkpoint(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    caller = caller_of(database, administrator.person_id)
    with database.write() as session:
        pump = session.get_one(Asset, site.assets["pump-1"])
        with pytest.raises(Invalid, match="no checkpoint"):
            checkpoint_of(session, pump, actor=events.SYSTEM, now=NOON)
        with pytest.raises(NotFound):
            find_checkpoint(session, caller, pump.id, now=NOON)


def test_what_stands_at_an_asset_that_is_no_checkpoint_any_more_counts_for_nothing(
    post: Post,
) -> None:
    post.put("static_tag", "77")
    with post.database.write() as session:
        asset = session.get_one(Asset, post.checkpoint_id)
        update_asset(session, asset, {"type": "door"}, actor=events.SYSTEM, now=NOON)
    assert post.show(StaticTag(uid="77", **post.about())).verdict == "retired"


def test_who_may_not_set_checkpoints_up_is_refused(post: Post) -> None:
    guard = caller_of(post.database, post.guard)
    with post.database.write() as session:
        assert find_checkpoint(session, guard, post.checkpoint_id, now=NOON).state == "active"
        with pytest.raises(NotAllowed):
            find_checkpoint(session, guard, post.checkpoint_id, now=NOON, permission=WRITE)
    stranger = caller_of(post.database, employ(post.database, other_site(post.database), "guard"))
    with post.database.write() as session, pytest.raises(NotFound):
        find_checkpoint(session, stranger, post.checkpoint_id, now=NOON)


def other_site(database: Database) -> UUID:
    with database.write() as session:
        company = session.query(Node).where(Node.kind == "company").one()
        node = Node(
            id=new_id(), parent_id=company.id, kind="site", code="h", name={}, path="acme/h/"
        )
        session.add(node)
        return node.id


@pytest.mark.parametrize(
    ("new", "problem"),
    [
        (NewToken("magic"), "kind: one of signed_tag, rotating_code"),
        (NewToken("signed_tag", "04A1"), "value: the UID of the tag, 14 hexadecimal digits"),
        (NewToken("static_tag", " : "), "value: its number, as its readers tell it"),
        (NewToken("wand"), "value: its number, as its readers tell it"),
        (NewToken("rotating_code", "MFRGG"), "value: the secret of the display"),
        (NewToken("printed_code", "x" * 201), "value: at most 200 characters"),
        (NewToken("fixed_reader"), "device_id: a device of this site"),
        (NewToken("beacon", device_id=new_id()), "device_id: a device of this site"),
        (NewToken("static_tag", "1", device_id=new_id()), "device_id: this kind has none"),
        (NewToken("static_tag", "1", weakest_dbm=-70), "weakest_dbm: only a beacon has it"),
        (NewToken("static_tag", "1", label="x" * 81), "label: at most 80 characters"),
    ],
)
def test_what_can_not_be_scanned_is_not_put_there(post: Post, new: NewToken, problem: str) -> None:
    more = {"label": new.label, "device_id": new.device_id, "weakest_dbm": new.weakest_dbm}
    with pytest.raises(Invalid) as caught:
        post.put(new.kind, new.value, **more)
    assert any(told.startswith(problem) for told in caught.value.problems)


def test_a_beacon_is_heard_between_silence_and_noise(post: Post) -> None:
    for dbm in (-121, 1):
        with pytest.raises(Invalid):
            post.put("beacon", device_id=post.site.devices["gw-1"], weakest_dbm=dbm)


def test_points_of_wands_are_numbered_anew_on_every_site(post: Post) -> None:
    post.put("wand", "1")
    elsewhere = other_site(post.database)
    new = NewCheckpoint("gate", {"en": "Gate"})
    with post.database.write() as session:
        there = create_checkpoint(session, elsewhere, new, actor=events.SYSTEM, now=NOON).id

    def put_there(kind: str) -> None:
        with post.database.write() as session:
            row = session.get_one(Checkpoint, there)
            token = NewToken(kind, "1")
            put_token(session, row, token, vault=post.vault, actor=events.SYSTEM, now=NOON)

    put_there("wand")
    # A tag is one thing, wherever it is.
    post.put("static_tag", "1")
    with pytest.raises(Conflict):
        put_there("static_tag")


def test_a_lost_token_is_not_found_again_once_another_took_its_place(post: Post) -> None:
    first = post.put("static_tag", "55").token.id
    with post.database.write() as session:
        row = session.get_one(CheckpointToken, first)
        lose_token(session, row, actor=events.SYSTEM, now=NOON)
    post.put("static_tag", "55")
    with post.database.write() as session:
        row = session.get_one(CheckpointToken, first)
        with pytest.raises(Conflict):
            recover_token(session, row, actor=events.SYSTEM, now=NOON)
    with post.database.read() as session:
        listed = tokens_of(session, post.checkpoint_id)
    assert [(token["state"], token["grade"]) for token in listed] == [
        ("active", "weak"),
        ("lost", "weak"),
    ]
    assert all({"sealed", "derived_id"}.isdisjoint(token) for token in listed)


@pytest.mark.parametrize(
    ("written", "number"),
    [("04:a1:B2", "04A1B2"), ("0012345", "12345"), ("000", "0"), (" １２ ", "12"), ("-", "")],
)
def test_numbers_are_compared_as_every_reader_writes_them(written: str, number: str) -> None:
    assert number_of(written) == number


def issue(post: Post, new: NewBadge) -> Badge:
    with post.database.write() as session:
        return issue_badge(
            session,
            post.site.id,
            new,
            needs=SCAN,
            vault=post.vault,
            actor=events.SYSTEM,
            now=NOON,
        )


def test_a_number_is_one_persons_at_a_time(post: Post) -> None:
    other = employ(post.database, post.site.id, "guard", "Lin")
    day = timedelta(days=1)
    issue(post, NewBadge(post.guard, "card", "1", ends_at=NOON + day))
    with pytest.raises(Conflict, match="somebody's badge"):
        issue(post, NewBadge(other, "card", "1"))
    issue(post, NewBadge(other, "card", "1", starts_at=NOON + day))
    issue(post, NewBadge(other, "beacon", "1"))
    derived_id = derived(post.vault, "card", "001")
    with post.database.read() as session:
        owners = [badge_at(session, derived_id, NOON + days * day) for days in (0, 1, 5)]
        before = badge_at(session, derived_id, NOON - day)
        assert badge_at(session, derived(post.vault, "card", "2"), NOON) is None
    assert [row.person_id for row in owners if row] == [post.guard, other, other]
    assert before is not None
    assert not badges.counts(before, NOON - day)


def test_a_badge_is_given_to_who_may_scan_here_with_everything_wrong_told_at_once(
    post: Post,
) -> None:
    accountant = employ(post.database, post.site.id, "accountant")
    with pytest.raises(Invalid) as caught:
        issue(post, NewBadge(accountant, "ring", " ", "x" * 81, ends_at=NOON))
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "person_id",
        "kind",
        "number",
        "label",
        "ends_at",
    ]


def test_a_badge_is_ended_once(post: Post) -> None:
    later = issue(post, NewBadge(post.guard, "card", "9", starts_at=NOON + timedelta(hours=1)))
    with post.database.write() as session:
        row = session.get_one(Badge, later.id)
        end_badge(session, row, actor=events.SYSTEM, now=NOON)
        assert row.ends_at == row.starts_at
        with pytest.raises(Conflict, match="has ended before"):
            end_badge(session, row, actor=events.SYSTEM, now=NOON + timedelta(hours=2))
    assert [fact.kind for fact in facts_of(post.database, "badge.")] == [
        "badge.issue",
        "badge.end",
    ]


def test_of_two_who_issue_the_same_number_at_once_one_is_refused(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    post = make_post(postgres_database, postgres_site)

    def give(_: int) -> str:
        try:
            issue(post, NewBadge(post.guard, "card", "4711"))
        except Exception as error:  # noqa: BLE001 - which of the two guards it is does not matter
            return type(error).__name__
        return "issued"

    found = in_threads(3, give)
    assert found.count("issued") == 1
    assert set(found) <= {"issued", "Conflict", "IntegrityError"}


def test_who_leaves_keeps_no_badge(post: Post, administrator: Administrator) -> None:
    badge = post.badge("31")
    caller = caller_of(post.database, administrator.person_id)
    with post.database.write() as session:
        leave(session, session.get_one(Person, post.guard), caller=caller, now=NOON)
    with post.database.read() as session:
        assert session.get_one(Badge, badge).ends_at == NOON
        kinds = [event.kind for event in session.query(Event).order_by(Event.seq)]
    assert "badge.end" in kinds
    with post.database.read() as session:
        assert session.query(Grant).where(Grant.person_id == post.guard).all() == []
