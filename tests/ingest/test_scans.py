"""`scan` messages: readers, gateways and wands at checkpoints, also through kills."""

import json
import time
from typing import Any

import pytest
from sqlalchemy import select

from core import events
from core.badges import NewBadge, issue_badge
from core.db import Database
from core.devices import Device, Point
from core.places import Asset
from core.site_file import import_site, read_site_file
from ingest.session import DUPLICATE, RETAINED
from tests.ingest.building import NOON, SITE, publish_rules
from tests.ingest.living import Make, until
from tests.ingest.loop_broker import LoopBroker
from tests.ingest.stage import SECRET, VAULT, Stage
from tests.workflows.agreed import may_be_located
from tests.workflows.conftest import employ
from tests.workflows.patrolled import Tag, tag_of
from workflows.patrol import SCAN, NewToken, Scan, checkpoint_of, put_token

UID = "04E1D2A3B4C5D6"
POSTS = SITE.replace(
    "sources:\n",
    "  - {code: gate, type: checkpoint, space: b1, name: {en: Gate, zh: 大门}}\n"
    "  - {code: roof, type: checkpoint, space: b1, name: {en: Roof, zh: 楼顶}}\nsources:\n",
) + ("  - {code: reader-1, asset: gate}\n  - {code: ble-1, asset: roof}\n")
TELLING = """\
id: often-scanned
title: {en: Often scanned, zh: 多次打点}
applies_to: {asset_type: checkpoint}
when: count(checkpoint_scanned, 1h) >= 2
severity: low
ticket: {kind: hazard, category: security, team: security}
---
id: refused
title: {en: Refused, zh: 被拒}
applies_to: {asset_type: checkpoint}
when: count(scan_refused, 10m) >= 2
severity: low
ticket: {kind: hazard, category: security, team: security}
"""


def furnish(database: Database) -> tuple[Tag, str]:
    """Two checkpoints with all that is scanned at them; returns the signed tag and the guard."""
    with database.write() as session:
        import_site(session, read_site_file(POSTS, "site.yaml"), actor=events.SYSTEM, now=NOON)
    with database.write() as session:
        devices = {row.code: row for row in session.scalars(select(Device))}
        reader, gateway = devices["reader-1"], devices["ble-1"]
        gate, roof = (
            checkpoint_of(
                session, session.get_one(Asset, device.asset_id), actor=events.SYSTEM, now=NOON
            )
            for device in (reader, gateway)
        )

        def put(checkpoint: Any, kind: str, value: str = "", **more: Any) -> Any:
            new = NewToken(kind, value, **more)
            return put_token(session, checkpoint, new, vault=VAULT, actor=events.SYSTEM, now=NOON)

        put(gate, "fixed_reader", device_id=reader.id)
        put(gate, "static_tag", UID)
        put(roof, "beacon", device_id=gateway.id)
        tag = tag_of("04A1B2C3D4E5F6", put(roof, "signed_tag", "04A1B2C3D4E5F6"))
        site_id = reader.site_id
    guard = employ(database, site_id, "guard")
    with database.write() as session:
        for kind, number in (("card", "g-17"), ("beacon", "AC233F5E6D01")):
            badge = NewBadge(guard, kind, number)
            issue_badge(
                session, site_id, badge, needs=SCAN, vault=VAULT, actor=events.SYSTEM, now=NOON
            )
        may_be_located(session, guard, site_id, NOON)
    return tag, str(guard)


@pytest.fixture
def posts(building: Database) -> Stage:
    furnish(building)
    return Stage(building)


def scan(stage: Stage, fields: dict[str, Any], device: str = "reader-1", flags: int = 0) -> None:
    stage.say(device, fields, kind="scan", flags=flags)


def scans(database: Database) -> list[Scan]:
    with database.read() as session:
        return list(session.scalars(select(Scan).order_by(Scan.occurred_at, Scan.id)))


def verdicts(database: Database) -> list[tuple[str, str, bool]]:
    """Kind, verdict, and whether it is known who it was."""
    return [(row.kind, row.verdict, row.person_id is not None) for row in scans(database)]


def test_a_card_at_a_reader_is_a_scan_and_needs_no_phone(posts: Stage) -> None:
    scan(posts, posts.at(1, guard="G-17"))
    posts.finish()
    assert verdicts(posts.database) == [("fixed_reader", "accepted", True)]
    (row,) = scans(posts.database)
    assert (row.channel, (row.occurred_at - NOON).total_seconds()) == ("mqtt", 1.0)


def test_a_reader_that_is_carried_tells_the_tag_and_whose_it_is(posts: Stage) -> None:
    scan(posts, posts.at(1, checkpoint="04:e1:d2:a3:b4:c5:d6", guard="g-17"))
    scan(posts, posts.at(2, checkpoint=UID))
    scan(posts, posts.at(3, checkpoint=UID, guard="nobody's"))
    scan(posts, posts.at(4, checkpoint="0499"))
    posts.finish()
    assert verdicts(posts.database) == [
        ("static_tag", "accepted", True),
        ("static_tag", "accepted", False),
        ("static_tag", "accepted", False),
        ("static_tag", "unknown", False),
    ]


def test_a_signed_tag_is_taken_through_a_reader_once(building: Database) -> None:
    tag, _ = furnish(building)
    stage = Stage(building)
    address = tag.tap()
    scan(stage, stage.at(1, url=address, guard="g-17"))
    scan(stage, stage.at(9, url=address, guard="g-17"))
    stage.finish()
    assert verdicts(building) == [
        ("signed_tag", "accepted", True),
        ("signed_tag", "replayed", True),
    ]


def test_a_badge_that_stays_is_a_scan_a_minute(posts: Stage) -> None:
    for second in range(0, 180, 5):
        scan(posts, posts.at(second, badge="ac:23:3f:5e:6d:01", rssi=-61.4), "ble-1")
        posts.finish()
    rows = scans(posts.database)
    assert [(row.occurred_at - NOON).total_seconds() for row in rows] == [0.0, 60.0, 120.0]
    assert {(row.kind, row.verdict, row.evidence["dbm"]) for row in rows} == {
        ("beacon", "accepted", -61)
    }


def test_radios_of_strangers_leave_no_trace(posts: Stage) -> None:
    for number in range(5):
        scan(posts, posts.at(number, badge=f"AABBCCDDEE0{number}", rssi=-40), "ble-1")
    scan(posts, posts.at(9, badge="AC233F5E6D01"), "ble-1")
    posts.finish()
    assert verdicts(posts.database) == [("beacon", "accepted", True)]
    assert posts.reasons() == {}


def test_a_message_that_comes_again_is_the_same_scan_through_kills(posts: Stage) -> None:
    message = posts.at(1, guard="g-17")
    scan(posts, message)
    posts.restart()
    scan(posts, message, flags=DUPLICATE)
    posts.commit()
    posts.restart()
    for _ in range(3):
        scan(posts, message, flags=DUPLICATE)
        posts.finish()
    scan(posts, posts.at(1, badge="AC233F5E6D01"), "ble-1")
    posts.finish()
    posts.restart()
    scan(posts, posts.at(1, badge="AC233F5E6D01"), "ble-1", DUPLICATE)
    posts.finish()
    assert sorted(verdicts(posts.database)) == [
        ("beacon", "accepted", True),
        ("fixed_reader", "accepted", True),
    ]


def test_what_a_reader_had_kept_is_taken_in_its_own_time(posts: Stage) -> None:
    kept = [posts.at(second, guard="g-17") for second in (-7200, -3600, -1)]
    posts.say("reader-1", kept, kind="scan")
    posts.finish()
    assert [(row.occurred_at - NOON).total_seconds() for row in scans(posts.database)] == [
        -7200.0,
        -3600.0,
        -1.0,
    ]


def test_without_a_time_it_was_now(posts: Stage) -> None:
    scan(posts, {"guard": 17})
    posts.finish()
    (row,) = scans(posts.database)
    assert (row.verdict, abs((row.occurred_at - NOON).total_seconds()) < 1) == (
        "unknown_badge",
        True,
    )


def test_a_retained_scan_is_past_and_not_taken_in(posts: Stage) -> None:
    scan(posts, posts.at(1, guard="g-17"), flags=RETAINED)
    posts.wait(5)
    posts.finish()
    assert (scans(posts.database), posts.reasons()) == ([], {})


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"ts": 1}, "wrong_shape"),
        ({"guard": True}, "wrong_type"),
        ({"guard": 1.5}, "wrong_type"),
        ({"checkpoint": ["04"]}, "wrong_type"),
        ({"guard": ""}, "out_of_range"),
        ({"guard": "x" * 81}, "out_of_range"),
        ({"guard": "a\u0000b"}, "out_of_range"),
        ({"badge": "AC233F5E6D01", "rssi": "loud"}, "out_of_range"),
        ({"badge": "AC233F5E6D01", "rssi": 99}, "out_of_range"),
        ([3], "wrong_shape"),
        (b"{", "bad_json"),
    ],
)
def test_what_is_no_scan_waits_in_quarantine(posts: Stage, payload: Any, reason: str) -> None:
    posts.say("reader-1", payload, kind="scan")
    posts.finish()
    assert (posts.reasons(), scans(posts.database)) == ({reason: 1}, [])


def test_what_can_be_used_of_stored_scans_is_kept(posts: Stage) -> None:
    posts.say("reader-1", [posts.at(1, guard="g-17"), {"guard": False}, 5], kind="scan")
    posts.finish()
    assert posts.reasons() == {"wrong_type": 1, "wrong_shape": 1}
    assert verdicts(posts.database) == [("fixed_reader", "accepted", True)]


def test_a_time_that_can_t_be_read_is_told_and_the_scan_counts_as_of_now(posts: Stage) -> None:
    scan(posts, {"ts": "yesterday", "guard": "g-17"})
    posts.finish()
    assert posts.reasons() == {"bad_time": 1}
    assert verdicts(posts.database) == [("fixed_reader", "accepted", True)]


def test_a_reader_that_nobody_adopted_waits_without_telling_whose_card_it_read(
    posts: Stage,
) -> None:
    scan(posts, posts.at(1, guard="g-17"), "reader-9")
    posts.finish()
    assert posts.reasons() == {"unknown_device": 1}
    with posts.database.read() as session:
        waiting = session.scalars(select(Device).where(Device.code == "reader-9")).one()
        assert waiting.last_sample == {"scan": True}


def test_quarantined_scans_can_be_taken_in_again_once(posts: Stage) -> None:
    topic, body = (
        "wk/v1/riverside/reader-1/scan",
        b'{"ts": "2026-11-24T04:00:01Z", "guard": "g-17"}',
    )
    for _ in range(2):
        assert posts.taker.replay(topic, body, posts.now, judged=True) == []
        posts.finish()
    assert verdicts(posts.database) == [("fixed_reader", "accepted", True)]
    assert posts.taker.replay(topic, b"{}", posts.now, judged=True) == ["wrong_shape"]


def test_rules_are_told_of_scans_and_of_refusals(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    furnish(building)
    with building.write() as session:
        publish_rules(session, TELLING)
    living = make(secret_key=SECRET).start()

    def say(second: float, guard: str) -> None:
        fields = {"ts": time.time() + second, "guard": guard}
        broker.publish("wk/v1/riverside/reader-1/scan", json.dumps(fields).encode())

    for second in (-20, -19):
        say(second, "g-17")
    until(lambda: ("often-scanned", "gate") in living.rules())
    for second in (-10, -9):
        say(second, "nobody's")
    until(lambda: ("refused", "gate") in living.rules())
    with building.read() as session:
        told = {row.code for row in session.scalars(select(Point)) if row.code.startswith("check")}
    assert told == {"checkpoint_scanned"}
