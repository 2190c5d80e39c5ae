"""Back-tests on a small building: what a draft would have done, against the active version."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from core.clock import MICROS
from core.db import Database
from core.errors import Invalid, Refused
from core.people import Caller
from core.places import Asset, Node
from core.telemetry.readings import Quality, Reading
from core.telemetry.store import TelemetryStore
from rules.replay import episodes
from tests.ingest.building import NOON, RULES, START, Names, publish_rules
from tests.ingest.memory_store import MemoryStore
from workflows.laboratory import (
    Cancelled,
    Lived,
    Order,
    Result,
    backtest,
    order,
    run,
    version_asked,
)
from workflows.laboratory.result import _met
from workflows.tickets import Ticket

HOUR = 3600 * MICROS
COOLER = RULES.replace("> 75 °C", "> 70 °C").replace("< 70 °C", "< 60 °C")
MORE = """\
id: warm-for-readings
title: {en: Warm, zh: 偏热}
applies_to: {asset_type: pump}
when: motor_temperature > 60 °C
for: 2 readings
severity: low
ticket: {kind: repair, category: electrical, team: maintenance}
"""


@pytest.fixture
def history(building: Database) -> MemoryStore:
    """Two days of pump-3 and pump-2, a reading each ten minutes."""
    store, series = MemoryStore(), Names(building).series
    for number in range(288):
        at = START + number * 600 * MICROS
        warm = {60: 72.0, 61: 73.0, 100: 80.0, 101: 80.0, 130: 80.0}.get(number, 50.0)
        for asset, value in (("pump-3", warm), ("pump-2", 50.0)):
            row = Reading(series[f"{asset}/motor_temperature"], at, value, at + 5, Quality.GOOD)
            store.rows[row.series, at] = row
    return store


def asked(database: Database, document: str, rule: str, **more: UUID) -> Order:
    with database.read() as session:
        sites = frozenset(session.scalars(select(Node.id).where(Node.kind == "site")))
        caller = Caller(uuid4(), "", "en", dict.fromkeys(("telemetry.read", "tickets.read"), sites))
        end = START + 48 * HOUR
        return order(
            session, caller, document, rule_id=rule, start=START, end=end, shard="main", **more
        )


def tried(database: Database, store: TelemetryStore, document: str, rule: str) -> Result:
    parts: list[float] = []
    result = run(asked(database, document, rule), store, lambda part, _: parts.append(part))
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    return result


def test_a_draft_is_compared_with_the_version_in_force(
    building: Database, history: MemoryStore
) -> None:
    result = tried(building, history, COOLER, "hot")
    assert (result.new.alarms, result.new.tickets) == (3, 1)
    assert result.old is not None
    assert (result.old.alarms, result.old.tickets) == (2, 1)
    changed = result.changed
    assert changed is not None
    assert (changed.both, len(changed.only_new), len(changed.only_old)) == (2, 1, 0)
    told = result.as_json()
    assert told["alarms_a_day"] == 1.5
    assert told["days"] == {"2026-11-24": 1, "2026-11-25": 2}
    (asset,) = told["assets"]
    assert asset["code"] == "pump-3"
    assert [each["ticket"] for each in asset["episodes"]] == [True, False, False]
    assert asset["episodes"][0]["reason"] == "motor_temperature 72 °C > 70 °C"


def test_the_version_in_force_is_compared_with_nothing(
    building: Database, history: MemoryStore
) -> None:
    result = tried(building, history, RULES, "hot")
    assert result.old is None
    assert result.as_json()["changes"] is None


def test_at_each_place_the_version_that_holds_there_is_compared(
    building: Database, history: MemoryStore
) -> None:
    with building.write() as session:
        site = session.scalars(select(Node.id).where(Node.kind == "site")).one()
        company = session.scalars(select(Node.id).where(Node.kind == "company")).one()
        publish_rules(session, COOLER, site)
    wide, nodes = RULES.replace("> 75 °C", "> 79 °C"), {"site": site, "company": company}
    # Wherever it is in force: at the site its own version is what it is compared with.
    everywhere = run(asked(building, wide, "hot"), history, lambda *_: None)
    assert everywhere.old is not None
    assert (everywhere.new.alarms, everywhere.old.alarms) == (2, 3)
    # For the company it changes nothing at the site, which has a version of its own.
    elsewhere = asked(building, wide, "hot", node_id=nodes["company"])
    assert (elsewhere.casts, elsewhere.node_id) == ([], company)
    here = run(asked(building, wide, "hot", node_id=nodes["site"]), history, lambda *_: None)
    assert here.old is not None
    assert (here.new.alarms, here.old.alarms) == (2, 3)
    # What says the same as the version that holds there is compared with nothing.
    assert asked(building, COOLER, "hot", node_id=nodes["site"]).actives == ()


def test_a_rule_without_a_version_is_tried_everywhere(
    building: Database, history: MemoryStore
) -> None:
    result = tried(building, history, MORE, "warm-for-readings")
    assert {each.code for each in result.subjects.values()} == {"pump-1", "pump-2", "pump-3"}
    assert (result.new.alarms, result.new.pending, result.new.abandoned) == (2, 3, 1)


def test_hours_are_those_of_the_site(building: Database, history: MemoryStore) -> None:
    night = MORE.replace("for: 2 readings\n", "").replace("60 °C", "60 °C and during(night)")
    result = tried(building, history, night, "warm-for-readings")
    (episodes,) = result.new.episodes.values()
    # Warm at 22:00, at 04:40 and at 09:40 local time; the night shift is from 23:00 to 07:00.
    assert [(each.tripped_at - START) // (600 * MICROS) for each in episodes] == [100]


def test_what_stands_at_the_beginning_is_no_alarm_of_the_span(
    building: Database, history: MemoryStore
) -> None:
    wanted = asked(building, COOLER, "hot")
    begun = START + 60 * 600 * MICROS + 1
    result = run(replace(wanted, start=begun), history, lambda *_: None)
    ((first, *_),) = result.new.episodes.values()
    assert first.before
    assert result.new.alarms == 2


def test_silence_is_replayed_with_all_behind_the_gateway(
    building: Database, history: MemoryStore
) -> None:
    result = tried(building, history, RULES, "silent")
    # Pump 2 speaks less often than expected, but alone behind its gateway: the gateway is to blame.
    # Pump 1 says nothing while pump 2 does.
    assert {result.subjects[each].code for each in result.new.episodes} == {"pump-1", "pump-3"}
    # Of pump 3 one point is never heard at all.
    (stands,) = _of(result, "pump-3")
    assert stands.before
    assert stands.cleared_at is None


def _of(result: Result, code: str) -> list[Lived]:
    (asset,) = (each.asset_id for each in result.subjects.values() if each.code == code)
    return result.new.episodes[asset]


def test_people_s_verdicts_are_counted(building: Database, history: MemoryStore) -> None:
    with building.write() as session:
        pump = session.scalars(select(Asset).where(Asset.code == "pump-3")).one()
        for number, verdict in enumerate(("real", "nuisance", "nuisance", None)):
            at = NOON + timedelta(hours=number)
            session.add(
                Ticket(
                    id=uuid4(), number=number, site_id=pump.site_id, asset_id=pump.id,
                    kind="repair", priority="high", state="closed", title={"en": "Hot"},
                    team="maintenance", rule_id="hot", happened_at=at, learned_at=at,
                    clock_from=at, verdict=verdict,
                )
            )  # fmt: skip
    result = tried(building, history, RULES, "hot")
    assert result.judged == {"real": 1, "nuisance": 2, "none": 1}


def test_only_one_asset(building: Database, history: MemoryStore) -> None:
    with building.read() as session:
        pump = session.scalars(select(Asset.id).where(Asset.code == "pump-2")).one()
    result = run(asked(building, RULES, "hot", only=pump), history, lambda *_: None)
    assert set(result.subjects) == {pump}


def test_a_crew_of_processes_decides_the_same(
    building: Database, history: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    # With the hours of its site, which the processes must be told as well.
    night = COOLER.replace("> 70 °C", "> 70 °C and during(night)")
    alone = tried(building, history, night, "hot")
    assert alone.new.alarms == 1
    monkeypatch.setattr(backtest, "_WORTH_A_CREW", 0)
    monkeypatch.setattr(backtest, "_demanding", lambda rule: True)
    together = tried(building, history, night, "hot")
    assert together.new == alone.new
    assert together.old == alone.old


def test_a_run_can_be_stopped(building: Database, history: MemoryStore) -> None:
    def stop(part: float, readings: int) -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run(asked(building, RULES, "hot"), history, stop)


@pytest.mark.parametrize(
    ("document", "rule", "told"),
    [
        (RULES, None, "several rules"),
        (RULES, "hotter", "no rule 'hotter'"),
        ("id: x", None, "has problems"),
    ],
)
def test_what_cannot_be_tried_is_told(
    building: Database, document: str, rule: str, told: str
) -> None:
    with pytest.raises(Invalid, match=told):
        asked(building, document, rule)


def kept_at_the_site(building: Database) -> UUID:
    """The rule `hot` has a version of the site's own, with a lower limit; returns the site."""
    with building.write() as session:
        site = session.scalars(select(Node).where(Node.kind == "site")).one()
        publish_rules(session, RULES.split("---")[0].replace("75 °C", "71 °C"), node_id=site.id)
        return site.id


def test_where_a_site_has_its_own_version_that_is_what_judges(
    building: Database, history: MemoryStore
) -> None:
    site = kept_at_the_site(building)
    with building.read() as session:
        company = session.scalars(select(Node.id).where(Node.kind == "company")).one()
    # A draft for the company would not hold there, nor does the company's version.
    assert asked(building, COOLER, "hot", node_id=company).casts == []
    result = run(asked(building, COOLER, "hot", node_id=site), history, lambda *_: None)
    assert result.old is not None
    assert (result.new.alarms, result.old.alarms) == (3, 3)
    with building.read() as session:
        caller = Caller(uuid4(), "", "en", {"rules.read": frozenset([site])})
        here = session.get_one(Node, site)
        assert "71 °C" in version_asked(session, caller, "hot", None, here).document
        assert "75 °C" in version_asked(session, caller, "hot", None).document


def test_a_rule_that_flaps_is_not_followed_until_the_memory_is_full(
    building: Database, history: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest, "MOST_EPISODES", 2)
    with pytest.raises(Refused, match="far too often"):
        tried(building, history, COOLER, "hot")
    monkeypatch.setattr(backtest, "MOST_EPISODES", 3)
    tried(building, history, COOLER, "hot")
    monkeypatch.setattr(episodes, "MOST", 2)
    with pytest.raises(Refused, match="far too often"):
        tried(building, history, COOLER, "hot")


def test_an_asset_with_more_readings_than_fit_is_led_through_them_bit_by_bit(
    building: Database, history: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tried(building, history, COOLER, "hot")
    monkeypatch.setattr(backtest, "_MOST_HELD", 0)
    monkeypatch.setattr(backtest, "_alone", lambda cast: not cast.scenes)
    bits = tried(building, history, COOLER, "hot")
    assert (bits.new, bits.old) == (whole.new, whole.old)


@pytest.mark.parametrize("seed", range(20))
def test_episodes_that_meet_are_found_as_by_comparing_each_with_each(seed: int) -> None:
    chance = Random(seed)

    def lived() -> list[Lived]:
        edges = sorted(chance.sample(range(60), 2 * chance.randrange(6)))
        found = [
            Lived(begin, end, "", "", ticket=False)
            for begin, end in zip(edges[::2], edges[1::2], strict=True)
        ]
        return [*found, Lived(60, None, "", "", ticket=False)] if chance.random() < 0.3 else found

    ours, theirs = lived(), lived()
    plain = [
        any(
            one.tripped_at <= (other.cleared_at or 90)
            and other.tripped_at <= (one.cleared_at or 90)
            for other in theirs
        )
        for one in ours
    ]
    assert _met(ours, theirs, 90) == plain
