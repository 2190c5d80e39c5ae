"""Events: told by devices, and by the product of itself; each counts once, also through kills."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from core import events, shards
from core.clock import MICROS
from core.db import Database
from core.devices import Device, Point
from core.site_file import import_site, read_site_file
from core.telemetry.readings import Quality
from core.told_points import told_point
from ingest.keeper import Keeper
from ingest.registry import Moment
from ingest.session import DUPLICATE, RETAINED
from ingest.telling import PART, Telling
from tests.ingest.building import NOON, SITE, START, Names, publish_rules
from tests.ingest.living import Living, Make, registry_of, until
from tests.ingest.loop_broker import LoopBroker
from tests.ingest.stage import Incident, Stage
from tests.ingest.test_laboratory import asked
from workflows.laboratory import run
from workflows.tickets import Draft, open_ticket

DOORS = SITE.replace(
    "sources:\n", "  - {code: door-1, type: door, space: b1, name: {en: Door 1}}\nsources:\n"
) + (
    "  - code: door-1\n    asset: door-1\n    interval: 10s\n"
    "    points: {open: open, door_forced: door_forced, held: door_held}\n"
)
RULES = """\
id: held-again
title: {en: Held again, zh: 反复超时}
applies_to: {asset_type: door}
when: count(door_held, 1h) >= 3
severity: low
ticket: {kind: hazard, category: security, team: security}
---
id: forced
title: {en: Forced, zh: 强开}
applies_to: {asset_type: door}
when: count(door_forced, 60s) >= 1
severity: high
ticket: {kind: incident, category: security, team: security}
"""
REPEATED = """\
id: root-cause
title: {en: Look for the cause, zh: 查找根因}
applies_to: {asset_type: any}
when: repeats(ticket_opened, 30d) >= 3
severity: low
ticket: {kind: repair, category: electrical, team: maintenance}
"""


def furnish(database: Database, *rules: str) -> None:
    with database.write() as session:
        site = read_site_file(DOORS, "site.yaml")
        import_site(session, site, actor=events.SYSTEM, now=NOON)
        for text in rules:
            publish_rules(session, text)


@pytest.fixture
def doors(building: Database) -> Stage:
    furnish(building, RULES)
    return Stage(building)


def decided(stage: Stage) -> list[Incident]:
    """Without those of sensors that say nothing, which is not what is tried here."""
    return [one for one in stage.incidents() if one.rule != "silent"]


def happen(stage: Stage, second: float, event: str, flags: int = 0, **more: Any) -> None:
    stage.say("door-1", {**stage.at(second, event=event), **more}, kind="event", flags=flags)


def test_an_event_is_stored_as_a_moment_and_judged_at_it(doors: Stage) -> None:
    happen(doors, 1, "door_forced", detail="rear gate")
    doors.finish()
    assert doors.readings("door-1/door_forced") == [(1.0, 1.0, Quality.GOOD)]
    assert decided(doors) == [Incident("forced", "door-1", 1.0, None)]
    doors.wait(70)
    doors.finish()
    assert decided(doors) == [Incident("forced", "door-1", 1.0, 61.0)]
    assert doors.reasons() == {}


def test_three_in_an_hour_count_through_kills_and_however_often_they_are_delivered(
    doors: Stage,
) -> None:
    for second in (1, 600):
        for _ in range(3):
            happen(doors, second, "held", DUPLICATE)
            doors.finish()
        doors.now += 600_000_000
        doors.restart()
    happen(doors, 1300, "held")
    doors.commit()  # The kill comes before the reading is stored, and the broker sends it again.
    doors.restart()
    happen(doors, 1300, "held", DUPLICATE)
    doors.finish()
    assert decided(doors) == [Incident("held-again", "door-1", 1300.0, None)]
    assert [at for at, _, _ in doors.readings("door-1/door_held")] == [1.0, 600.0, 1300.0]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"event": "door_melted"}, "unknown_point"),
        ({"event": "open"}, "unknown_point"),
        ({"event": "ticket_opened"}, "unknown_point"),
        ({"event": 5}, "wrong_shape"),
        ({"detail": "door_forced"}, "wrong_shape"),
        ([1], "wrong_shape"),
        (b"{", "bad_json"),
    ],
)
def test_what_is_no_event_of_the_device_waits_in_quarantine(
    doors: Stage, payload: Any, reason: str
) -> None:
    doors.say("door-1", payload, kind="event")
    doors.finish()
    assert (doors.reasons(), doors.rows()) == ({reason: 1}, [])


def test_what_can_be_used_of_stored_events_is_kept(doors: Stage) -> None:
    some = [doors.at(n, event=name) for n, name in enumerate(("held", "molten", "held", "held"))]
    doors.say("door-1", some, kind="event")
    doors.finish()
    assert doors.reasons() == {"unknown_point": 1}
    assert decided(doors) == [Incident("held-again", "door-1", 3.0, None)]


def test_an_event_among_readings_is_told_by_true_alone(doors: Stage) -> None:
    doors.say("door-1", doors.at(1, open=True, held=True))
    doors.say("door-1", doors.at(2, open=False, held=False))
    doors.finish()
    assert [at for at, _, _ in doors.readings("door-1/door_held")] == [1.0]
    assert [value for _, value, _ in doors.readings("door-1/open")] == [1.0, 0.0]
    assert doors.reasons() == {"wrong_type": 1}


def test_a_retained_event_is_past_and_not_taken_in(doors: Stage) -> None:
    happen(doors, 1, "door_forced", RETAINED)
    doors.say("door-1", doors.at(1, door_forced=True), flags=RETAINED)
    doors.wait(5)
    doors.finish()
    assert (decided(doors), doors.rows()) == ([], [])


def test_an_event_has_no_interval_so_its_absence_is_no_silence(building: Database) -> None:
    furnish(building)
    with building.read() as session:
        points = {row.code: row.expected_interval for row in session.scalars(select(Point))}
    assert (points["open"], points["door_held"]) == (10.0, None)


def test_quarantined_events_can_be_taken_in_again(doors: Stage) -> None:
    body = json.dumps(doors.at(1, event="door_forced")).encode()
    topic = "wk/v1/riverside/door-1/event"
    assert doors.taker.replay(topic, body, doors.now, judged=True) == []
    doors.finish()
    assert decided(doors) == [Incident("forced", "door-1", 1.0, None)]
    bad = json.dumps(doors.at(1, event="gone")).encode()
    assert doors.taker.replay(topic, bad, doors.now, judged=True) == ["unknown_point"]


def test_a_back_test_decides_on_events_as_it_was_decided_live(doors: Stage) -> None:
    with doors.database.write() as session:
        publish_rules(session, REPEATED)
        asset = doors.names.assets["pump-1"]
        place = told_point(session, asset, "ticket_opened", "lift", now=NOON)
    assert place is not None
    doors.reload()
    draw = Random(4)
    for second in range(0, 40_000, 400):
        doors.now = START + second * MICROS
        doors.tick()
        happen(doors, second, draw.choice(("held", "door_forced")))
        if draw.random() < 0.04:
            moment = Moment(
                place.site, place.device, place.code, place.series, doors.now, place.value
            )
            doors.taker.tell(moment, doors.now)
        doors.finish()
    doors.wait(4_000, step=60)
    doors.finish()
    live = [one for one in decided(doors) if one.rule != "gateway-silent"]
    assert {one.rule for one in live} == {"held-again", "forced", "root-cause"}
    for text, rule in ((RULES, "held-again"), (RULES, "forced"), (REPEATED, "root-cause")):
        (document,) = (each for each in text.split("---\n") if f"id: {rule}" in each)
        wanted = replace(asked(doors.database, document, rule), end=doors.now)
        episodes = [
            one
            for each in run(wanted, doors.store, lambda *_: None).new.episodes.values()
            for one in each
        ]
        assert [(one.tripped_at, one.cleared_at) for one in episodes] == [
            (
                round(one.tripped * MICROS) + START,
                None if one.cleared is None else round(one.cleared * MICROS) + START,
            )
            for one in live
            if one.rule == rule
        ]


# What the product tells of itself.


def open_one(living: Living, asset: str, category: str, **more: Any) -> None:
    now = living.clock.now()
    with living.database.write() as session:
        device = session.scalars(select(Device).where(Device.code == "pump-1")).one()
        draft = Draft(
            site_id=device.site_id,
            kind="repair",
            priority="low",
            title={"und": "Once more"},
            team="maintenance",
            happened_at=now,
            learned_at=more.pop("learned_at", now),
            category=category,
            asset_id=living.names.assets[asset],
            **more,
        )
        open_ticket(session, draft, actor=events.SYSTEM)


def told(living: Living, asset: str) -> list[float]:
    living.names = Names(living.database)
    if f"{asset}/ticket_opened" not in living.names.series:
        return []
    return living.values(f"{asset}/ticket_opened")


def test_three_tickets_of_a_category_on_an_asset_open_one_for_their_cause(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    furnish(building, REPEATED)
    living = make().start()
    for category in ("plumbing", "electrical", "plumbing"):
        open_one(living, "pump-1", category)
    open_one(living, "pump-2", "plumbing")
    until(lambda: told(living, "pump-1") == [0.0, 1.0, 0.0])
    until(lambda: told(living, "pump-2") == [0.0])
    assert living.rules() == []
    open_one(living, "pump-1", "plumbing")
    until(lambda: living.rules() == [("root-cause", "pump-1")])
    # Its own ticket is not told, or it would feed itself.
    time.sleep(1)
    assert told(living, "pump-1") == [0.0, 1.0, 0.0, 0.0]
    with building.read() as session:
        point = session.scalars(select(Point).where(Point.code == "ticket_opened")).first()
        assert point is not None
        assert (point.kind, point.states) == ("event", ["plumbing", "electrical"])


def test_while_nobody_listens_a_fact_is_stored_and_costs_no_new_registry(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    furnish(building)
    living = make().start()
    until(lambda: cursor(building) is not None)
    before = registry_of(living)
    for category in ("lift", "fire", "lift"):
        open_one(living, "pump-1", category)
    until(lambda: told(living, "pump-1") == [0.0, 1.0, 0.0])
    assert registry_of(living) is before
    # Who begins to listen later counts what happened before.
    with building.write() as session:
        publish_rules(session, REPEATED)
    until(lambda: registry_of(living) is not before)
    open_one(living, "pump-1", "lift")
    until(lambda: living.rules() == [("root-cause", "pump-1")])


def test_a_rule_that_listens_has_its_points_before_anything_happens(
    broker: LoopBroker, make: Make, building: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(building, REPEATED)
    # How far the keeper has read, and whether the registry that it made of it is in place.
    looks = list[tuple[events.Cursor, bool]]()
    turn = Keeper._turn

    def noted(keeper: Keeper) -> float:
        pause = turn(keeper)
        looks.append((keeper._follower.cursor, keeper._reloading.settled))
        return pause

    monkeypatch.setattr(Keeper, "_turn", noted)
    living = make().start()

    def listening() -> set[str]:
        with building.read() as session:
            known = select(Device.code).join(Point).where(Point.code == "ticket_opened")
            return set(session.scalars(known))

    until(lambda: "watchkeeper/pump-1" in listening())
    until(lambda: bool(listening()) and not registry_of(living).untold)
    # The facts of the new points have a registry made once more.
    until(lambda: looks[-1:] == [(events.newest(building), True)])
    before = registry_of(living)
    for category in ("lift", "fire", "lift", "lift"):
        open_one(living, "pump-1", category)
    until(lambda: living.rules() == [("root-cause", "pump-1")])
    assert registry_of(living) is before


def test_what_happened_while_ingest_was_away_is_told_when_it_is_back(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    furnish(building, REPEATED)
    living = make().start()
    open_one(living, "pump-1", "lift")
    until(lambda: told(living, "pump-1") == [0.0])
    assert living.stop()
    for _ in range(2):
        open_one(living, "pump-1", "lift")
    living.service = living._new()
    living.start()
    until(lambda: living.rules() == [("root-cause", "pump-1")])
    until(lambda: told(living, "pump-1") == [0.0, 0.0, 0.0])


def killed(living: Living, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """The process dies at a moment, and another one takes over."""

    def die(*_: Any, **__: Any) -> None:
        raise SystemExit

    died: list[Any] = []

    def dying(*args: Any, **more: Any) -> None:
        if not died:
            died.append(args)
            die()
        sound(*args, **more)

    sound: Callable[..., None] = getattr(shards, name)
    monkeypatch.setattr(shards, name, dying)
    until(lambda: bool(died))
    living.stop()
    living.service = living._new()
    living.start()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_facts_told_before_a_kill_are_told_again_and_count_once(
    broker: LoopBroker, make: Make, building: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(building, REPEATED)
    living = make().start()
    until(lambda: cursor(building) is not None)
    for _ in range(2):
        open_one(living, "pump-1", "lift")
    # Both are stored and judged, but that they are is not remembered.
    killed(living, monkeypatch, "note_told")
    until(lambda: cursor(building) == newest_ticket(building))
    assert told(living, "pump-1") == [0.0, 0.0]
    assert living.rules() == []
    open_one(living, "pump-1", "lift")
    until(lambda: living.rules() == [("root-cause", "pump-1")])
    until(lambda: len(told(living, "pump-1")) == 3)


def cursor(database: Database) -> events.Cursor | None:
    with database.read() as session:
        return shards.told_up_to(session, "main")


def newest_ticket(database: Database) -> events.Cursor:
    with database.read() as session:
        found = session.scalars(
            select(events.Event)
            .where(events.Event.kind == "ticket.open")
            .order_by(events.Event.seq.desc())
        ).first()
    assert found is not None
    return found.txid, found.seq


def test_tickets_of_one_instant_are_moments_of_their_own(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    living = make().start()
    until(lambda: cursor(building) is not None)
    same = living.clock.now()
    open_one(living, "pump-1", "lift", learned_at=same)
    open_one(living, "pump-1", "lift", learned_at=same)
    # Learned earlier, and written later.
    open_one(living, "pump-1", "lift", learned_at=same - timedelta(seconds=5))
    until(lambda: len(told(living, "pump-1")) == 3)
    until(lambda: cursor(building) == newest_ticket(building))
    number = living.names.series["pump-1/ticket_opened"]
    rows = [row for batch in living.memory.scan([number], 0, 2**62) for row in batch]
    assert [row.quality for row in rows] == [Quality.GOOD] * 3
    first = min(row.at for row in rows)
    assert sorted(row.at - first for row in rows) == [0, 1, 2]
    assert datetime.fromtimestamp(first // 1_000_000, UTC) == same.replace(microsecond=0)


def test_what_can_t_be_judged_is_left_out_alone(
    broker: LoopBroker, make: Make, building: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(building, REPEATED)
    living = make().start()
    until(lambda: cursor(building) is not None)
    open_one(living, "pump-1", "lift")
    until(lambda: told(living, "pump-1") == [0.0])
    submit = Telling._submit

    def poisoned(self: Telling, portion: Any) -> None:
        bad = any(moment.value == 1 for moment in portion.moments)
        tell = self._run.tell
        if bad:
            monkeypatch.setattr(self._run, "tell", lambda _, then: then(False))
        submit(self, portion)
        while self._submitted and self._outcome is None:
            time.sleep(0.01)
        monkeypatch.setattr(self._run, "tell", tell)

    monkeypatch.setattr(Telling, "_submit", poisoned)
    for category in ("lift", "fire", "lift"):
        open_one(living, "pump-1", category)
    until(lambda: living.rules() == [("root-cause", "pump-1")])
    until(lambda: told(living, "pump-1") == [0.0, 0.0, 0.0])


def test_a_fact_that_can_t_be_read_is_left_out_alone_and_people_see_it(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    furnish(building, REPEATED)
    living = make().start()
    until(lambda: cursor(building) is not None)
    with building.write() as session:
        events.append(
            session,
            "scan.record",
            ("scan", "x"),
            actor=events.SYSTEM,
            learned_at=living.clock.now(),
            after={"checkpoint": "none of ours", "kind": "qr"},
        )
    for _ in range(3):
        open_one(living, "pump-1", "lift")
    until(lambda: living.rules() == [("root-cause", "pump-1")])
    assert "left out: 1, the newest scan.record" in living.ill()[PART]


def test_a_device_of_ours_that_is_out_of_service_is_told_nothing(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    living = make().start()
    until(lambda: cursor(building) is not None)
    open_one(living, "pump-1", "lift")
    until(lambda: told(living, "pump-1") == [0.0])
    with building.write() as session:
        ours = session.scalars(select(Device).where(Device.code == "watchkeeper/pump-1")).one()
        ours.state = "retired"
    open_one(living, "pump-1", "lift")
    until(lambda: cursor(building) == newest_ticket(building))
    assert told(living, "pump-1") == [0.0]
