"""Walk tests: what they keep silent and what not, who answers, and the sheet at the end."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import select

from core import events
from core.clock import to_micros
from core.db import Database
from core.devices import Device, Point
from core.errors import Conflict, Invalid, NotAllowed, Stale, WatchkeeperError
from core.files import FileStore
from core.ids import new_id
from core.people import Caller, Person, caller_for
from core.places import Space
from core.telemetry.readings import Quality, ReadingBatch
from rules.engine import TransitionKind
from tests.fixtures import NOON, SmallSite
from tests.ingest.building import publish_rules
from tests.ingest.memory_store import MemoryStore
from tests.workflows.conftest import (
    MINUTE,
    OVERHEATING,
    clear,
    employ,
    facts_of,
    finding,
    trip,
)
from tests.workflows.test_withholding import sweep
from workflows.alarms import Alarm, RuleFacts, Withholding, record
from workflows.alarms.handed_over import alarms_to_hand_over
from workflows.alarms.walk_tests import running
from workflows.alarms.walk_tests.hearing import keep_answers, listen, what_to_hear
from workflows.alarms.walk_tests.lives import ask_for_lives, confirm_lives, refuse_lives
from workflows.alarms.walk_tests.model import WALK_TEST, WalkTest
from workflows.alarms.walk_tests.reading import describe_test, sensors_of
from workflows.alarms.walk_tests.running import (
    NewWalkTest,
    change_end,
    find_test,
    finish_test,
    series_in,
    start_test,
)
from workflows.alarms.walk_tests.sheet import sheet_of, sheet_paper
from workflows.alarms.walk_tests.signing import drawn, sign_sheet
from workflows.alarms.walk_tests.ticking import tick
from workflows.tickets import Ticket
from workflows.tickets.photos import store_photo

HOUR = 60 * MINUTE
LIVES = """\
id: pump-motor-burns
title: {en: Pump motor burns, zh: 水泵电机起火}
applies_to: {asset_type: pump}
when: motor_temperature > 120 °C
severity: critical
life_safety: true
ticket: {kind: hazard, category: fire, team: security, respond_within: 3m, resolve_within: 1h}
"""
BURNING = replace(
    OVERHEATING, rule_id="pump-motor-burns", version=1, severity="critical", life_safety=True
)
JOB = events.Actor("job", "walk tests")


class Walk:
    """A test of the pump room by a technician, with what the others may do."""

    def __init__(self, database: Database, site: SmallSite) -> None:
        self.database = database
        self.site = site
        self.store = MemoryStore()
        with database.read() as session:
            self.room = session.scalars(select(Space.id).where(Space.code == "b1-pumproom")).one()
            self.house = session.scalars(select(Space.id).where(Space.code == "b1")).one()
        self.technician = self.somebody("technician")
        self.test_id: UUID

    def somebody(self, role: str) -> Caller:
        person = employ(self.database, self.site.id, role)
        with self.database.read() as session:
            return caller_for(session, session.get_one(Person, person))

    def start(self, *, by: Caller | None = None, now: datetime = NOON, **more: Any) -> "Walk":
        given: dict[str, Any] = {
            "space_id": self.room,
            "ends_at": NOON + 2 * HOUR,
            "reason": "yearly test",
        }
        wanted = NewWalkTest(self.site.id, **given | more)
        with self.database.read() as session:
            series = series_in(session, self.site.id, wanted.space_id)
        before = {one: last.value for one, last in self.store.last(series).items()}
        with self.database.write() as session:
            caller = by or self.technician
            self.test_id = start_test(session, caller, wanted, before=before, now=now).id
        return self

    def do(self, how: Callable[..., Any], caller: Caller, now: datetime, **more: Any) -> Any:
        with self.database.write() as session:
            row = find_test(session, caller, self.test_id, to_change=True)
            return how(session, caller, row, now=now, **more)

    def says(self, point: str, value: float, at: datetime) -> None:
        batch = ReadingBatch()
        micros = to_micros(at)
        batch.append(self.site.series[point], micros, value, micros, Quality.GOOD)
        self.store.write(batch)

    def hear(self, now: datetime) -> int:
        with self.database.read() as session:
            wanted = what_to_hear(session, self.test_id, now)
        found = listen(self.store, wanted)
        with self.database.write() as session:
            return keep_answers(session, wanted, found, now=now, actor=JOB)

    def shown(self, now: datetime = NOON) -> dict[str, dict[str, Any]]:
        with self.database.read() as session:
            row = find_test(session, self.technician, self.test_id)
            return {one["code"]: one for one in sensors_of(session, row)}

    def counts(self, now: datetime) -> tuple[str, int, int, int]:
        with self.database.read() as session:
            row = find_test(session, self.technician, self.test_id)
            item = describe_test(session, self.technician, row, now)
        return item["phase"], item["sensors"], item["answered"], item["ticked"]


@pytest.fixture
def walk(database: Database, site: SmallSite) -> Walk:
    return Walk(database, site)


def in_room(
    walk: Walk, at: datetime, *, asset: str = "pump-1", rule: RuleFacts = OVERHEATING
) -> bool:
    """Record that a rule tripped in the pump room; whether anybody was told."""
    one = finding(walk.site, TransitionKind.TRIPPED, at, asset=asset, rule=rule)
    one = replace(one, space_id=walk.room if asset.startswith("pump") else walk.house)
    with walk.database.write() as session:
        return bool(record(session, [one], learned_at=at))


def tickets(walk: Walk) -> list[Ticket]:
    with walk.database.read() as session:
        return list(session.scalars(select(Ticket)))


def refused(error: type[WatchkeeperError], part: str, do: Callable[[], Any]) -> None:
    with pytest.raises(error) as caught:
        do()
    said = f"{caught.value} {getattr(caught.value, 'problems', '')}"
    assert part in said, said


def test_alarms_of_the_place_call_nobody_and_the_end_judges_what_stands(walk: Walk) -> None:
    walk.start()
    assert not in_room(walk, NOON + MINUTE)
    assert not in_room(walk, NOON + 2 * MINUTE, asset="pump-2")
    # Around the corner everything is as always.
    assert in_room(walk, NOON + MINUTE, asset="board-1")
    assert len(tickets(walk)) == 1
    clear(walk.database, walk.site, NOON + 3 * MINUTE, asset="pump-2")
    with walk.database.read() as session:
        held = session.scalars(select(Withholding).where(Withholding.state == "standing")).all()
        assert {(one.why, one.cause_id) for one in held} == {("walk_test", walk.test_id)}
    assert [sweep(walk.database, NOON + 2 * HOUR) for _ in range(2)] == [2, 0]
    first, told = sorted(tickets(walk), key=lambda one: one.number)
    assert told.asset_id == walk.site.assets["pump-1"]
    assert told.happened_at == NOON + MINUTE
    # Nothing is asked of a job for its end: a trip of a later time is told at once.
    walk.start(now=NOON + 3 * HOUR, ends_at=NOON + 4 * HOUR)
    assert in_room(walk, NOON + 4 * HOUR, asset="pump-2")
    assert first.asset_id == walk.site.assets["board-1"]


def test_what_was_told_before_or_tripped_before_stays_told(walk: Walk) -> None:
    trip(walk.database, walk.site, NOON - MINUTE)
    walk.start()
    with walk.database.read() as session:
        assert session.scalars(select(Alarm.state)).one() == "unacknowledged"
    late = replace(
        finding(walk.site, TransitionKind.TRIPPED, NOON - 2 * MINUTE, asset="pump-2"),
        space_id=walk.room,
    )
    with walk.database.write() as session:
        assert record(session, [late], learned_at=NOON + MINUTE)


def test_the_end_can_be_moved_and_come_early(walk: Walk) -> None:
    walk.start()
    in_room(walk, NOON + MINUTE)
    walk.do(change_end, walk.technician, NOON + HOUR, ends_at=NOON + 3 * HOUR)
    assert sweep(walk.database, NOON + 2 * HOUR) == 0
    refused(
        Invalid,
        "at most 12 hours",
        lambda: walk.do(change_end, walk.technician, NOON + HOUR, ends_at=NOON + 13 * HOUR),
    )
    walk.do(finish_test, walk.technician, NOON + 2 * HOUR)
    assert sweep(walk.database, NOON + 2 * HOUR) == 1
    assert len(tickets(walk)) == 1
    refused(Conflict, "is over", lambda: walk.do(finish_test, walk.technician, NOON + 2 * HOUR))
    assert in_room(walk, NOON + 2 * HOUR, asset="pump-2")


def test_a_test_needs_a_place_with_sensors_an_end_a_reason_and_the_right(
    walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = walk.somebody("guard")
    refused(NotAllowed, "", lambda: walk.start(by=guard))
    refused(Invalid, "at most 12 hours", lambda: walk.start(ends_at=NOON + 13 * HOUR))
    refused(Invalid, "in the future", lambda: walk.start(ends_at=NOON))
    refused(Invalid, "say who tests", lambda: walk.start(reason=" "))
    with walk.database.write() as session:
        empty = Space(site_id=walk.site.id, kind="room", code="empty", name={"en": "Empty"})
        session.add(empty)
        session.flush()
        empty_id = empty.id
    refused(Invalid, "no sensor stands there", lambda: walk.start(space_id=empty_id))
    refused(Invalid, "no such place", lambda: walk.start(space_id=walk.site.id))
    # Nobody puts their name to a sheet that leaves some of them out.
    monkeypatch.setattr(running, "MOST_SENSORS", 1)
    refused(Invalid, "more than 1 sensors", walk.start)


def say_lives(walk: Walk) -> None:
    with walk.database.write() as session:
        publish_rules(session, LIVES)


def test_alarms_about_lives_speak_unless_two_people_agree(walk: Walk) -> None:
    say_lives(walk)
    supervisor, officer = walk.somebody("supervisor"), walk.somebody("safety_officer")
    walk.start()
    assert in_room(walk, NOON + MINUTE, rule=BURNING)
    refused(
        NotAllowed,
        "",
        lambda: walk.do(ask_for_lives, walk.technician, NOON + MINUTE, patrol="Li Wei"),
    )
    refused(Invalid, "patrol", lambda: walk.do(ask_for_lives, supervisor, NOON + MINUTE, patrol=""))
    assert walk.do(ask_for_lives, supervisor, NOON + 2 * MINUTE, patrol="Li Wei") == 2
    # Until somebody else agrees they speak.
    assert in_room(walk, NOON + 3 * MINUTE, asset="pump-2", rule=BURNING)
    clear(walk.database, walk.site, NOON + 4 * MINUTE, asset="pump-2", rule=BURNING)
    refused(
        Conflict,
        "does not confirm",
        lambda: walk.do(confirm_lives, supervisor, NOON + 5 * MINUTE),
    )
    assert walk.do(confirm_lives, officer, NOON + 5 * MINUTE) == 2
    told = len(tickets(walk))
    assert not in_room(walk, NOON + 6 * MINUTE, asset="pump-2", rule=BURNING)
    with walk.database.read() as session:
        out = session.scalars(select(Withholding).where(Withholding.state == "standing")).all()
        assert {(one.kind, one.patrol, one.until) for one in out} == {
            ("out_of_service", "Li Wei", NOON + 2 * HOUR)
        }
        assert all(one.confirmed_by == officer.person_id for one in out)
        handed = alarms_to_hand_over(session, supervisor, walk.site.id)
        assert {one["patrol"] for one in handed if one["state"] == "out_of_service"} == {"Li Wei"}
    # A longer test is no longer silence for them.
    walk.do(change_end, walk.technician, NOON + HOUR, ends_at=NOON + 3 * HOUR)
    sweep(walk.database, NOON + 2 * HOUR)
    assert len(tickets(walk)) == told
    with walk.database.read() as session:
        assert set(session.scalars(select(Alarm.state))) == {"unacknowledged"}
        # Nor does its sheet say so.
        sheet = sheet_of(session, find_test(session, supervisor, walk.test_id))
    assert (sheet.row.ends_at, sheet.silent_until) == (NOON + 3 * HOUR, NOON + 2 * HOUR)
    # Their tickets were there already: they are told anew, not twice.
    assert len(facts_of(walk.database, "ticket.announce")) == 2


def lives_until(walk: Walk) -> set[tuple[str, datetime | None]]:
    with walk.database.read() as session:
        rows = session.scalars(select(Withholding).where(Withholding.kind == "out_of_service"))
        return {(one.state, one.until) for one in rows}


def test_an_end_that_is_moved_to_and_fro_makes_no_silence_longer(walk: Walk) -> None:
    say_lives(walk)
    supervisor, officer = walk.somebody("supervisor"), walk.somebody("safety_officer")
    walk.start()
    walk.do(ask_for_lives, supervisor, NOON, patrol="Li Wei")
    walk.do(confirm_lives, officer, NOON + MINUTE)
    walk.do(change_end, walk.technician, NOON + HOUR, ends_at=NOON + 8 * HOUR)
    walk.do(change_end, walk.technician, NOON + HOUR, ends_at=NOON + 7 * HOUR)
    # Two people agreed on two hours.
    assert lives_until(walk) == {("standing", NOON + 2 * HOUR)}
    walk.do(change_end, walk.technician, NOON + HOUR, ends_at=NOON + HOUR + MINUTE)
    assert lives_until(walk) == {("standing", NOON + HOUR + MINUTE)}


def test_a_request_of_a_test_that_is_made_longer_lapses_at_the_end_it_named(walk: Walk) -> None:
    say_lives(walk)
    supervisor, officer = walk.somebody("supervisor"), walk.somebody("safety_officer")
    walk.start()
    walk.do(ask_for_lives, supervisor, NOON, patrol="Li Wei")
    walk.do(change_end, walk.technician, NOON + HOUR, ends_at=NOON + 8 * HOUR)
    walk.do(change_end, walk.technician, NOON + HOUR, ends_at=NOON + 7 * HOUR)
    assert lives_until(walk) == {("asked", NOON + 2 * HOUR)}
    sweep(walk.database, NOON + 2 * HOUR)
    # Nothing fell silent, so no sheet says that two people agreed on it.
    later = NOON + 2 * HOUR + MINUTE
    refused(Conflict, "is over", lambda: walk.do(confirm_lives, officer, later))
    walk.do(refuse_lives, supervisor, later)
    assert walk.do(ask_for_lives, supervisor, later, patrol="Li Wei") == 2
    assert walk.do(confirm_lives, officer, later + MINUTE) == 2
    assert ("standing", NOON + 7 * HOUR) in lives_until(walk)


def test_a_refused_request_leaves_everything_speaking(walk: Walk) -> None:
    say_lives(walk)
    supervisor, officer = walk.somebody("supervisor"), walk.somebody("safety_officer")
    walk.start()
    walk.do(ask_for_lives, supervisor, NOON, patrol="Li Wei")
    assert walk.do(refuse_lives, officer, NOON + MINUTE) == 2
    assert in_room(walk, NOON + 2 * MINUTE, rule=BURNING)
    # It may be asked anew; a test that ends takes its request along.
    walk.do(ask_for_lives, supervisor, NOON + 3 * MINUTE, patrol="Li Wei")
    walk.do(finish_test, walk.technician, NOON + 4 * MINUTE)
    sweep(walk.database, NOON + 4 * MINUTE)
    with walk.database.read() as session:
        states = set(session.scalars(select(Withholding.state)))
    assert states == {"refused", "lapsed"}
    refused(Conflict, "is over", lambda: walk.do(confirm_lives, officer, NOON + 5 * MINUTE))


def test_a_sensor_answers_by_a_change_and_a_bare_number_by_being_sent(walk: Walk) -> None:
    walk.says("pump-1/running", 0, NOON - MINUTE)
    walk.says("pump-2/running", 1, NOON - MINUTE)
    walk.start()
    assert walk.counts(NOON) == ("running", 2, 0, 0)
    walk.says("pump-1/running", 0, NOON + MINUTE)
    walk.says("pump-1/motor_temperature", 51, NOON + MINUTE)
    assert walk.hear(NOON + 2 * MINUTE) == 0
    walk.says("pump-1/running", 1, NOON + 3 * MINUTE)
    assert walk.hear(NOON + 4 * MINUTE) == 1
    assert walk.hear(NOON + 5 * MINUTE) == 0
    one = walk.shown()["pump-1"]
    assert (one["point"].code, one["value"], one["answered_at"]) == (
        "running",
        1.0,
        NOON + 3 * MINUTE,
    )
    assert [
        (fact.after or {})["device"] for fact in facts_of(walk.database, "walk_test.answer")
    ] == [str(walk.site.devices["pump-1"])]
    # What a gateway had kept is found at the end, though it lies behind what was looked at.
    walk.says("pump-2/running", 0, NOON + 2 * MINUTE)
    assert walk.hear(NOON + 30 * MINUTE) == 0
    assert walk.hear(NOON + 2 * HOUR + 6 * MINUTE) == 1
    with walk.database.read() as session:
        assert session.get_one(WalkTest, walk.test_id).settled


def test_what_is_said_after_the_end_is_no_answer_and_a_new_sensor_joins(walk: Walk) -> None:
    with walk.database.write() as session:
        point = session.get_one(Point, walk.site.points["pump-2/running"])
        point.asset_id = walk.site.assets["board-1"]
        for other in session.scalars(select(Point).where(Point.device_id == point.device_id)):
            other.asset_id = walk.site.assets["board-1"]
    walk.start()
    assert set(walk.shown()) == {"pump-1"}
    with walk.database.write() as session:
        device = walk.site.devices["pump-2"]
        for other in session.scalars(select(Point).where(Point.device_id == device)):
            other.asset_id = walk.site.assets["pump-2"]
    walk.hear(NOON + MINUTE)
    assert set(walk.shown()) == {"pump-1", "pump-2"}
    walk.says("pump-1/running", 1, NOON + 2 * HOUR + MINUTE)
    assert walk.hear(NOON + 3 * HOUR) == 0


def photo() -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(target, "JPEG")
    return target.getvalue()


def signature() -> bytes:
    picture = Image.new("RGBA", (200, 80), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line((10, 10, 180, 60), fill="black", width=4)
    target = io.BytesIO()
    picture.save(target, "PNG")
    return target.getvalue()


def test_the_sheet_lists_what_never_answered_and_is_the_same_paper_ever_after(
    walk: Walk, tmp_path: Path
) -> None:
    files = FileStore(str(tmp_path / "files"))
    walk.start()
    taken = store_photo(files, photo())
    first = walk.site.devices["pump-1"]
    ticked = {"device_id": first, "photo": taken, "note": "behind the door"}
    refused(Conflict, "has not answered", lambda: walk.do(tick, walk.technician, NOON, **ticked))
    walk.says("pump-1/running", 1, NOON + MINUTE)
    in_room(walk, NOON + MINUTE)
    walk.hear(NOON + 2 * MINUTE)
    walk.do(tick, walk.technician, NOON + 3 * MINUTE, **ticked)
    assert walk.counts(NOON + HOUR) == ("running", 2, 1, 1)
    signed = drawn(files, signature(), "  Zhang  San ")
    refused(Conflict, "still runs", lambda: sign(walk, signed, NOON + 4 * MINUTE))
    walk.do(finish_test, walk.technician, NOON + HOUR)
    refused(Stale, "meanwhile", lambda: sign(walk, signed, NOON + HOUR, seen="0" * 64))
    sign(walk, signed, NOON + HOUR)
    refused(Conflict, "", lambda: sign(walk, signed, NOON + HOUR))
    refused(Conflict, "signed", lambda: walk.do(tick, walk.technician, NOON + HOUR, **ticked))
    # What comes to light now is not what was signed.
    walk.says("pump-2/running", 1, NOON + 30 * MINUTE)
    assert walk.hear(NOON + 2 * HOUR) == 0
    assert walk.counts(NOON + 2 * HOUR) == ("signed", 2, 1, 1)
    with walk.database.read() as session:
        sheet = sheet_of(session, find_test(session, walk.technician, walk.test_id))
    assert sheet.signer == "Zhang San"
    silent = [one["code"] for one in sheet.sensors if one["answered_at"] is None]
    assert silent == ["pump-2"]
    assert [alarm["test"] for one in sheet.sensors for alarm in one["alarms"]] == [True]
    papers = [sheet_paper(sheet, files, "zh", now=NOON + n * HOUR) for n in (2, 3)]
    assert papers[0] == papers[1]
    assert papers[0].startswith(b"%PDF")
    assert sheet_paper(sheet, files, "en", now=NOON).startswith(b"%PDF")


def test_a_sensor_that_is_replaced_stays_on_the_sheet_with_what_it_watched(walk: Walk) -> None:
    walk.says("pump-2/running", 0, NOON - MINUTE)
    walk.start()
    walk.says("pump-1/running", 1, NOON + MINUTE)
    walk.hear(NOON + 2 * MINUTE)
    walk.do(finish_test, walk.technician, NOON + HOUR)
    before = {code: one["assets"] for code, one in walk.shown().items()}
    with walk.database.write() as session:
        ours = [walk.site.devices[code] for code in ("pump-1", "pump-2")]
        other = Device(id=new_id(), site_id=walk.site.id, code="next-1", state="active")
        session.add(other)
        session.flush()
        for point in session.scalars(select(Point).where(Point.device_id.in_(ours))):
            point.device_id = other.id
    assert [one["code"] for one in before["pump-2"]] == ["pump-2"]
    assert {code: one["assets"] for code, one in walk.shown().items()} == before


def sign(walk: Walk, signed: Any, now: datetime, seen: str | None = None) -> None:
    with walk.database.write() as session:
        sign_sheet(session, walk.technician, walk.test_id, signed, now=now, seen=seen)


def test_every_status_knows_its_moves() -> None:
    assert WALK_TEST.statuses == ("running", "asked", "silent", "finished", "signed")
