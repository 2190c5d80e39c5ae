"""What the pipeline does with whatever a decoder tells, remembers, follows, describes, answers."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select, update

import ingest.pipeline.foreign
from core import events, source_memory
from core.administration import delete_source
from core.db import Database
from core.devices import Device, Point, Source
from core.dialects import DIALECTS
from core.site_file import import_site, read_site_file
from core.telemetry.readings import Quality
from ingest import dialects
from ingest.decoding import Problem
from ingest.dialects import (
    FOLLOWED,
    Answer,
    Decoded,
    Described,
    DescribedPoint,
    ForeignSource,
    Result,
    Spoken,
    Told,
)
from ingest.session import DUPLICATE, RETAINED
from tests.ingest.building import NOON, SITE, START
from tests.ingest.stage import Stage

PARROT = SITE.replace(
    "sources:\n", "sources:\n  - {code: bus, topic: bus/#, dialect: parrot, options: {zone: UTC}}\n"
)


def parrot(source: ForeignSource, topic: str, payload: bytes, memory: Mapping[str, Any]) -> Result:
    """Does what the payload says; `alias` is the device, if it is remembered."""
    said = json.loads(payload)
    if said.get("nothing"):
        return None
    if "alias" in said and said["alias"] not in memory:
        return Problem("wrong_shape", "nobody said who that is")
    device = memory.get(said.get("alias", ""), said.get("device", "pump-1"))
    point = DescribedPoint("temp", "number", "°C")
    parts = {"name": Described(name="Probe"), "points": Described(points=(point,))}
    described = parts.get(said.get("describe"), Described(name="Probe", points=(point,)))
    told = Told(
        device,
        [Spoken(kind, fields) for kind, fields in said.get("told", [])],
        through=said.get("through"),
        health=said.get("health", {}),
        described=described if said.get("describe") else None,
    )
    return Decoded(
        told=[told],
        remember=said.get("remember", {}),
        note=said.get("note", {}),
        answers=[Answer(topic, b"again") for topic in said.get("answers", [])],
    )


@pytest.fixture
def stage(building: Database, monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The building with a bus on which a parrot sits."""
    monkeypatch.setattr("core.dialects.DIALECTS", {**DIALECTS, "parrot": DIALECTS["wk"]})
    monkeypatch.setattr("core.site_file.sections.DIALECTS", {**DIALECTS, "parrot": {}})
    monkeypatch.setattr("ingest.registry.loading.DECODERS", {**dialects.DECODERS, "parrot": parrot})
    with building.write() as session:
        import_site(session, read_site_file(PARROT, "site.yaml"), actor=events.SYSTEM, now=NOON)
    return Stage(building)


def say(stage: Stage, *, topic: str = "bus/a", flags: int = 0, **said: Any) -> None:
    stage.hear(topic.encode(), said, flags)


def readings(**fields: Any) -> list[list[Any]]:
    return [["readings", fields]]


TEMPERATURE = "pump-1/motor_temperature"


def test_what_is_remembered_outlives_the_process_and_what_is_noted_does_not(stage: Stage) -> None:
    say(stage, remember={"7": "pump-1", "8": "pump-3"}, note={"9": "pump-1"})
    stage.finish()
    say(stage, alias="9", told=readings(temp=41))
    say(stage, remember={"8": None})
    stage.finish()
    stage.restart()
    stage.now += 1_000_000
    say(stage, alias="7", told=readings(temp=42))
    say(stage, alias="8", told=readings(temp=43))
    say(stage, alias="9", told=readings(temp=44))
    stage.finish()
    assert [value for _, value, _ in stage.readings(TEMPERATURE)] == [41, 42]
    assert stage.reasons() == {"wrong_shape": 2}


def test_a_new_registry_goes_on_with_what_was_learned_since_it_was_loaded(stage: Stage) -> None:
    say(stage, remember={"7": "pump-1"}, note={"9": "pump-1"})
    stage.reload()
    say(stage, alias="7", told=readings(temp=42))
    say(stage, alias="9", told=readings(temp=43))
    stage.finish()
    assert [value for _, value, _ in stage.readings(TEMPERATURE)] == [42, 43]


def test_a_batch_that_is_lost_takes_what_it_remembered_along(stage: Stage) -> None:
    say(stage, remember={"7": "pump-1"})
    stage.restart()
    say(stage, alias="7", told=readings(temp=42))
    stage.finish()
    assert stage.reasons() == {"wrong_shape": 1}


def test_a_source_that_is_deleted_forgets(stage: Stage) -> None:
    say(stage, remember={"7": "pump-1"})
    with stage.database.write() as session:
        source = session.scalars(select(Source).where(Source.code == "bus")).one()
        delete_source(session, source, actor=events.SYSTEM, now=NOON)
    # The batch that came meanwhile is committed all the same.
    stage.finish()
    with stage.database.read() as session:
        assert source_memory.memories(session) == {}


def test_a_topic_that_something_named_is_taken_and_given_up_again(stage: Stage) -> None:
    registry = stage.judge.registry
    stage.hear(b"far/away", {"told": readings(temp=40)})
    say(stage, remember={FOLLOWED + "far/away": {}})
    assert registry.follows_anew
    assert "far/away" in registry.filters()
    stage.hear(b"far/away", {"told": readings(temp=41)})
    stage.finish()
    stage.restart()
    assert "far/away" in stage.judge.registry.filters()
    say(stage, remember={FOLLOWED + "far/away": None})
    assert "far/away" not in stage.judge.registry.filters()
    stage.hear(b"far/away", {"told": readings(temp=42)})
    stage.finish()
    assert [value for _, value, _ in stage.readings(TEMPERATURE)] == [41]
    assert stage.reasons() == {"no_source": 2}


def test_who_names_a_topic_most_closely_is_asked_first_and_may_have_no_use_for_it(
    stage: Stage,
) -> None:
    with stage.database.write() as session:
        source = session.scalars(select(Source).where(Source.code == "bus")).one()
        for code, topic in (("all", "#"), ("close", "bus/+")):
            session.add(
                Source(site_id=source.site_id, code=code, topic_filter=topic, dialect="parrot")
            )
    stage.reload()
    asked = [each.source.code for each in stage.judge.registry.listening("bus/a")]
    assert asked == ["close", "bus", "all"] or asked == ["bus", "close", "all"]
    assert [each.source.code for each in stage.judge.registry.listening("tram/a")] == ["all"]
    stage.hear(b"tram/a", {"nothing": True})
    stage.finish()
    assert stage.reasons() == {}


def test_parts_without_a_time_get_one_each(stage: Stage) -> None:
    say(stage, told=readings(temp=40) + readings(temp=41) + [["readings", {"temp": 42}]])
    say(stage, told=readings(temp=43, other="left", more=None))
    stage.finish()
    values = [(value, quality) for _, value, quality in stage.readings(TEMPERATURE)]
    assert values == [(value, Quality.GOOD) for value in (40, 41, 42, 43)]
    assert stage.reasons() == {}


@pytest.mark.parametrize(
    ("ts", "second"),
    [
        (START / 1e6 + 5, 5),
        ((START / 1e6 + 5) * 1e3, 5),
        ("2026-11-24T04:00:05", 5),
        ("2026-11-24T12:00:05+08:00", 5),
        ("2026-11-24T04:00:05.123456789Z", 5.123456),
    ],
)
def test_times_are_those_of_the_source_however_they_are_told(
    stage: Stage, ts: Any, second: float
) -> None:
    stage.now += 10_000_000
    say(stage, told=readings(ts=ts, temp=40))
    stage.finish()
    assert stage.readings(TEMPERATURE) == [(second, 40, Quality.GOOD)]


def test_bad_values_are_told_apart_from_good_ones(stage: Stage) -> None:
    say(stage, told=readings(temp="warm", run=True))
    say(stage, told=readings(temp=1e9, run=False))
    say(stage, told=readings(ts="soon", temp=40))
    stage.finish()
    assert [value for _, value, _ in stage.readings("pump-1/running")] == [1, 0]
    assert [value for _, value, _ in stage.readings(TEMPERATURE)] == [40]
    assert stage.reasons() == {"wrong_type": 1, "out_of_range": 1, "bad_time": 1}


def test_retained_values_of_many_topics_are_all_the_present_state(stage: Stage) -> None:
    say(stage, topic="bus/temp", flags=RETAINED, told=readings(temp=99))
    say(stage, topic="bus/run", flags=RETAINED, told=readings(run=True))
    stage.wait(1)
    stage.finish()
    assert stage.rows() == []
    assert [(one.rule, one.asset) for one in stage.incidents()] == [("hot", "pump-1")]
    point = stage.judge.registry.sites["riverside"].devices["pump-1"].points["run"]
    assert point.value == 1.0


def test_a_stranger_shows_all_that_it_says_in_messages_of_their_own(stage: Stage) -> None:
    for name, value in (("temp", 41), ("leak", True), ("mode", "idle")):
        say(stage, topic=f"bus/{name}", device="new", told=readings(**{name: value}))
    say(stage, device="silent", describe=True, flags=RETAINED)
    stage.finish()
    say(stage, device="new", told=readings(temp=42))
    stage.now += 6_000_000
    say(stage, device="new", told=readings(temp=43), describe=True)
    stage.finish()
    with stage.database.read() as session:
        found = {row.code: row for row in session.scalars(select(Device)) if row.described}
        assert found["new"].last_sample == {"temp": 43, "leak": True, "mode": "idle"}
        assert (found["silent"].state, found["silent"].last_sample) == ("waiting", {})
        points = [{"key": "temp", "kind": "number", "unit": "°C"}]
        assert found["new"].described == {"name": "Probe", "points": points}
    assert stage.reasons() == {"unknown_device": 5}


def test_a_described_device_is_written_once(stage: Stage) -> None:
    say(stage, device="new", describe=True)
    stage.finish()
    say(stage, device="new", describe=True)
    assert not stage.judge.batch.described


def test_a_device_may_describe_itself_in_parts(stage: Stage) -> None:
    for part in ("points", "name", "points"):
        say(stage, device="new", describe=part)
    stage.finish()
    say(stage, device="new", describe="name")
    assert not stage.judge.batch.described
    stage.restart()
    say(stage, device="new", describe="name")
    stage.finish()
    with stage.database.read() as session:
        (found,) = [row for row in session.scalars(select(Device)) if row.described]
        points = [{"key": "temp", "kind": "number", "unit": "°C"}]
        assert found.described == {"name": "Probe", "points": points}


def test_answers_wait_for_the_commit_and_are_not_given_to_the_past(stage: Stage) -> None:
    say(stage, answers=["bus/down"])
    say(stage, answers=["bus/past"], flags=RETAINED)
    assert stage.judge.batch.answers == [Answer("bus/down", b"again")]
    assert not stage.judge.batch.empty


def test_how_a_device_was_heard_is_collected_by_path(stage: Stage) -> None:
    say(stage, told=readings(temp=40), through="gw-9", health={"rssi": -70, "battery": 90})
    say(stage, told=readings(temp=40), through="gw-9", health={"rssi": -71})
    say(stage, told=readings(temp=40), health={"battery": 89})
    say(stage, told=readings(temp=40), flags=RETAINED, through="old")
    say(stage, device="nobody", told=readings(temp=40), through="gw-9")
    heard = stage.taker.vitals.collect()
    found = {path: (vital.messages, vital.health) for (_, path), vital in heard.items()}
    assert found == {
        "bus/gw-9": (2, {"rssi": -71, "battery": 90}),
        "bus": (1, {"battery": 89}),
    }
    assert stage.taker.vitals.collect() == {}


def test_a_decoder_that_remembers_without_measure_is_stopped(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest.pipeline.foreign, "MOST_REMEMBERED", 3)
    monkeypatch.setattr(ingest.pipeline.foreign, "LONGEST_REMEMBERED", 100)
    say(stage, remember={"a": "pump-1", "b": "x" * 200, "c" * 301: 1}, told=readings(temp=40))
    say(stage, remember={"d": 1, "e": 2, "f": 3, "a": "pump-3"}, note={"g": 1})
    say(stage, alias="a", told=readings(temp=41))
    stage.finish()
    assert [value for _, value, _ in stage.readings(TEMPERATURE)] == [40]
    assert [value for _, value, _ in stage.readings("pump-3/motor_temperature")] == [41]
    assert stage.reasons() == {"too_large": 2}


@pytest.mark.parametrize("own", [False, True], ids=["bus", "own topic"])
def test_values_are_converted_as_their_points_say(stage: Stage, own: bool) -> None:
    with stage.database.write() as session:
        for code, scale, shift in (("motor_temperature", 0.1, -273.1), ("running", -1.0, 1.0)):
            change = update(Point).where(Point.code == code).values(scale=scale, shift=shift)
            session.execute(change)
    stage.reload()
    for second, (kelvin, stopped) in enumerate(((3231, False), (3241, True), (9999, True)), 1):
        fields = {"ts": START / 1e6 + second, "temp": kelvin, "run": stopped}
        if own:
            stage.say("pump-1", fields)
        else:
            say(stage, told=readings(**fields))
    stage.finish()
    warm = [(second, round(value, 3)) for second, value, _ in stage.readings(TEMPERATURE)]
    assert warm == [(1, 50), (2, 51)]
    assert [value for _, value, _ in stage.readings("pump-1/running")] == [1, 0, 0]
    assert stage.reasons() == {"out_of_range": 1}


def test_a_message_that_is_sent_again_changes_nothing(stage: Stage) -> None:
    for flags in (0, DUPLICATE):
        say(stage, told=readings(ts=START / 1e6 + 1, temp=80), flags=flags)
    stage.finish()
    assert stage.readings(TEMPERATURE) == [(1, 80, Quality.GOOD)]
    assert len(stage.tickets()) == 1


def test_what_was_quarantined_is_decoded_again_and_says_why_it_still_fails(stage: Stage) -> None:
    body = json.dumps({"alias": "7", "told": readings(temp=41), "answers": ["x"]}).encode()
    taker = stage.taker
    assert taker.replay("bus/a", body, START, judged=True) == ["wrong_shape"]
    assert taker.replay("bus/a", b'{"nothing": true}', START, judged=True) == ["unknown_device"]
    say(stage, remember={"7": "pump-1"})
    assert taker.replay("bus/a", body, START, judged=True) == []
    assert stage.judge.batch.answers == []
    stage.finish()
    assert [value for _, value, _ in stage.readings(TEMPERATURE)] == [41]


def test_what_can_be_read_of_the_quarantine_waits_with_its_device(stage: Stage) -> None:
    body = json.dumps({"device": "new", "told": readings(temp=41)}).encode()
    assert stage.taker.replay("bus/a", body, START, judged=True) == []
    (moved,) = stage.judge.batch.rejected
    assert (moved.topic, moved.reason) == ("wk/v1/riverside/new/readings", "unknown_device")
    there = [["status", {"online": True}], *readings(temp=42)]
    body = json.dumps({"device": "pump-1", "told": there}).encode()
    assert stage.taker.replay("bus/a", body, START, judged=True) == []
    stage.finish()
    assert [value for _, value, _ in stage.readings(TEMPERATURE)] == [42]


def test_a_press_that_nobody_asked_for_is_not_quarantined(stage: Stage) -> None:
    press = [["event", {"event": "single"}]]
    say(stage, told=press)
    assert (
        stage.taker.replay("bus/a", json.dumps({"told": press}).encode(), START, judged=True) == []
    )
    stage.finish()
    assert stage.reasons() == {}
    say(stage, device="new", told=press)
    stage.finish()
    assert stage.reasons() == {"unknown_device": 1}
