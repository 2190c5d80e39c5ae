"""Batteries: their trend, and one round for a building and a month."""

import math
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core import events
from core.clock import SystemClock, to_micros
from core.db import Database
from core.device_health import DeviceBattery, DevicePath, Heard, forget_batteries, note_heard
from core.devices import Device, Point
from core.health import Health
from core.places import Asset
from core.settings import load
from core.site_file import import_site, read_site_file
from core.telemetry.readings import Quality, ReadingBatch
from core.telemetry.store import TelemetryError
from jobs import batteries
from jobs.batteries import JudgingBatteries, make_battery_rounds
from jobs.work import Work
from tests.ingest.memory_store import MemoryStore
from workflows.maintenance import BatteryRound, BatteryState, RoundCell, forecast, judging
from workflows.maintenance.forecast import EMPTY, FEWEST_DAYS, FURTHEST
from workflows.tickets import Draft, Ticket
from workflows.tickets.checklist import ChecklistItem
from workflows.tickets.opening import FaultKey, open_for_fault

DAY = timedelta(days=1)
FIRST = date(2026, 1, 1)
NOW = datetime(2026, 11, 20, 2, tzinfo=UTC)


def days(*percents: float, first: date = FIRST) -> list[tuple[date, float]]:
    return [(first + place * DAY, percent) for place, percent in enumerate(percents)]


def test_a_battery_that_falls_evenly_is_empty_when_its_line_says_so() -> None:
    found = forecast(days(*(100 - 0.5 * day for day in range(61))))
    assert found is not None
    assert found.per_day == pytest.approx(0.5)
    # At 70 % on day 60; 60 % more to fall at half a percent a day.
    assert found.empty_on == FIRST + 180 * DAY
    assert not found.low


@pytest.mark.parametrize(
    ("percents", "low", "empty"),
    [
        ([100.0] * 60, False, None),
        ([90, 89] * 30, False, None),
        ([50.0] * (FEWEST_DAYS - 1), False, None),
        ([100 - 5 * day for day in range(10)], False, None),
        ([20.0] * 60, True, None),
        ([9.0], True, FIRST),
        ([90 - 0.03 * day for day in range(100)], False, None),
    ],
    ids=["full", "warm days", "new", "a week is no trend", "low", "empty", "lasts for years"],
)
def test_what_is_no_trend_foretells_nothing(
    percents: list[float], low: bool, empty: date | None
) -> None:
    found = forecast(days(*percents))
    assert found is not None
    assert (found.low, found.empty_on) == (low, empty)


def test_nothing_is_said_of_nothing() -> None:
    assert forecast([]) is None
    assert forecast(days(50.0), changed=FIRST + DAY) is None


def test_single_days_of_cold_count_for_nothing() -> None:
    even = [100 - 0.5 * day for day in range(61)]
    cold = [percent - 30 * (place % 9 == 4) for place, percent in enumerate(even)]
    found = forecast(days(*cold))
    assert found is not None
    assert found.empty_on is not None
    assert abs(found.empty_on - (FIRST + 180 * DAY)) < 12 * DAY


def test_a_new_battery_begins_a_new_trend() -> None:
    old = [40 - day for day in range(30)]
    new = [100 - 0.5 * day for day in range(30)]
    found = forecast(days(*old, *new))
    assert found is not None
    assert found.since == FIRST + 30 * DAY
    assert found.per_day == pytest.approx(0.5)
    # A spike of one day is none.
    spike = forecast(days(*old[:20], 100, *old[20:]))
    assert spike is not None
    assert spike.since == FIRST


def test_a_battery_that_was_changed_for_an_old_one_is_of_that_day_on() -> None:
    found = forecast(days(*(60 - day for day in range(40))), changed=FIRST + 35 * DAY)
    assert found is not None
    assert (found.since, found.per_day) == (FIRST + 35 * DAY, None)


@given(st.lists(st.floats(0, 100), max_size=120))
def test_any_history_has_a_sound_forecast(percents: list[float]) -> None:
    found = forecast(days(*percents))
    if found is None:
        assert not percents
        return
    assert FIRST <= found.since <= FIRST + len(percents) * DAY
    assert found.per_day is None or (found.per_day > 0 and math.isfinite(found.per_day))
    if found.empty_on is not None:
        assert FIRST <= found.empty_on <= FIRST + len(percents) * DAY + FURTHEST


def test_trends_with_noise_are_foretold_well() -> None:
    """Lives of 200 to 550 days, gauges that step and stumble, 60 days before the end."""
    off = []
    for seed in range(40):
        random = Random(seed)
        life = random.randint(200, 550)
        told = [
            max(0.0, min(100.0, round(100 * (1 - day / life) + random.gauss(0, 2))))
            for day in range(life - 60)
        ]
        found = forecast(days(*told))
        assert found is not None
        truth = FIRST + int(life * (1 - EMPTY / 100)) * DAY
        if found.empty_on is not None:
            off.append(abs((found.empty_on - truth).days))
    assert len(off) >= 38
    assert sorted(off)[int(len(off) * 0.9)] <= 8, sorted(off)


# Rounds.

SITE = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
region: {code: east, name: {en: East, zh: 华东}}
site: {code: riverside, name: {en: Riverside Court, zh: 滨江苑}, time_zone: Asia/Shanghai}
spaces:
  - code: b1
    kind: building
    name: {en: Building 1, zh: 1号楼}
    spaces:
      - {code: b1-f1, kind: floor, name: {en: Ground floor, zh: 一层}}
  - {code: b2, kind: building, name: {en: Building 2, zh: 2号楼}}
assets:
"""


class Stage:
    """A site of leak sensors, telemetry, and time that is told."""

    def __init__(self, database: Database, count: int) -> None:
        assets = "".join(
            f"  - {{code: leak-{n}, type: water_leak, space: {'b2' if n == 1 else 'b1-f1'}, "
            f"name: {{en: Leak {n}, zh: 水浸{n}}}}}\n"
            for n in range(1, count + 1)
        )
        devices = "devices:\n" + "".join(
            f"  - {{code: leak-{n}, asset: leak-{n}, points: {{leak: leak, battery: battery}}}}\n"
            for n in range(1, count + 1)
        )
        self.database = database
        with database.write() as session:
            file = read_site_file(SITE + assets + devices, "site.yaml")
            import_site(session, file, actor=events.SYSTEM, now=NOW)
        with database.read() as session:
            wanted = select(Device.code, Point.series, Device.id).join(
                Point, Point.device_id == Device.id
            )
            found = session.execute(wanted.where(Point.code == "battery")).all()
        self.series = {code: series for code, series, _ in found}
        self.ids = {code: device_id for code, _, device_id in found}
        self.store = MemoryStore()
        self.work = Work(database, self.store, load(), Health(SystemClock()))
        self.batteries = JudgingBatteries()

    def falls(self, code: str, start: float, per_day: float, *, count: int = 60) -> None:
        """A battery falls evenly until now."""
        batch = ReadingBatch()
        for day in range(count):
            at = to_micros(NOW - (count - day) * DAY)
            batch.append(self.series[code], at, start - per_day * day, at, Quality.GOOD)
        self.store.write(batch)

    def sweep(self, now: datetime = NOW) -> None:
        """As the jobs do it."""
        self.batteries.judge(self.work, now)
        make_battery_rounds(self.work, now)

    def rounds(self) -> dict[str, list[str]]:
        """Titles of tickets, and what stands on their checklists, in English."""
        with self.database.read() as session:
            return {
                ticket.title["en"]: [
                    item.text["en"]
                    for item in session.scalars(
                        select(ChecklistItem)
                        .where(ChecklistItem.ticket_id == ticket.id)
                        .order_by(ChecklistItem.place)
                    )
                ]
                for ticket in session.scalars(select(Ticket).order_by(Ticket.number))
            }


@pytest.fixture
def stage(database: Database) -> Stage:
    return Stage(database, 4)


def test_a_building_and_a_month_have_one_round_with_what_to_take_along(stage: Stage) -> None:
    stage.falls("leak-1", 100, 0.1)
    stage.falls("leak-2", 70, 0.8)
    stage.falls("leak-3", 18, 0.0)
    stage.sweep()
    stage.sweep()
    cell = "CR2032"
    assert stage.rounds() == {
        "Battery round: Building 1, 2026-11": [
            f"Take along: 2 × {cell}",
            f"Ground floor, Leak 2 (leak-2): 1 × {cell}, 23 %",
            f"Ground floor, Leak 3 (leak-3): 1 × {cell}, 18 %",
        ]
    }
    # Another one that is found out joins the round while it is to be gone.
    stage.falls("leak-4", 60, 0.7)
    stage.sweep(NOW + DAY)
    (lines,) = stage.rounds().values()
    assert lines[0] == f"Take along: 3 × {cell}"
    assert len(lines) == 4
    # The log knows that the first line was written anew, by whom, and what it asks for now.
    with stage.database.read() as session:
        reworded = select(events.Event).where(events.Event.kind == "ticket.checklist_reworded")
        fact = session.scalars(reworded).one()
        first = select(ChecklistItem.id).where(ChecklistItem.place == 1)
        assert fact.after == {"item": str(session.scalars(first).one()), "cells": {cell: 3}}
        assert (fact.actor_id, fact.learned_at) == ("batteries", NOW + DAY)


def test_a_battery_that_was_changed_is_on_no_round_and_one_that_was_not_is_on_the_next(
    stage: Stage,
) -> None:
    stage.falls("leak-2", 18, 0.0)
    stage.falls("leak-3", 18, 0.0)
    stage.sweep()
    finish_round(stage, changed={"leak-2"})
    batch = ReadingBatch()
    for code, percent in (("leak-2", 100.0), ("leak-3", 17.0)):
        for day in range(1, 4):
            at = to_micros(NOW + day * DAY)
            batch.append(stage.series[code], at, percent, at, Quality.GOOD)
    stage.store.write(batch)
    stage.sweep(NOW + 4 * DAY)
    assert len(stage.rounds()) == 1
    stage.sweep(datetime(2026, 12, 1, 2, tzinfo=UTC))
    lines = stage.rounds()["Battery round: Building 1, 2026-12"]
    assert [line.split(" (")[0] for line in lines[1:]] == ["Ground floor, Leak 3"]
    with stage.database.read() as session:
        state = session.get_one(BatteryState, stage.ids["leak-2"])
        assert (state.changed_on, state.percent) == (NOW.date(), 100.0)


def test_a_round_that_is_gone_a_month_later_begins_no_other_for_the_same_batteries(
    stage: Stage,
) -> None:
    stage.falls("leak-2", 18, 0.0)
    stage.falls("leak-3", 18, 0.0)
    stage.sweep()
    gone = datetime(2026, 12, 2, 1, tzinfo=UTC)
    stage.sweep(gone - timedelta(hours=12))
    batch = ReadingBatch()
    for code in ("leak-2", "leak-3"):
        for at, percent in ((gone - timedelta(minutes=30), 17.0), (gone + timedelta(hours=1), 100)):
            batch.append(stage.series[code], to_micros(at), percent, to_micros(at), Quality.GOOD)
    stage.store.write(batch)
    finish_round(stage, changed={"leak-2", "leak-3"}, at=gone)
    # At once, while what was judged is of the old ones, and that day, whose lowest is of them, too.
    for hours in (1, 9, 22):
        stage.sweep(gone + timedelta(hours=hours))
        assert len(stage.rounds()) == 1, hours


def test_telemetry_that_is_away_is_asked_once_a_sweep(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def away(*args: object) -> None:
        asked.append(args)
        raise TelemetryError("away")

    stage.falls("leak-2", 18, 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(stage.store, "series", away)
        stage.sweep()
    assert (len(asked), stage.rounds()) == (1, {})
    stage.sweep()
    assert len(stage.rounds()) == 1


def judged(stage: Stage) -> set[str]:
    """The codes of devices whose battery was judged."""
    wanted = select(Device.code).join(BatteryState, BatteryState.device_id == Device.id)
    with stage.database.read() as session:
        return set(session.scalars(wanted))


def in_order(stage: Stage) -> list[str]:
    """The codes of the devices in the order in which they are due."""
    return sorted(stage.ids, key=lambda code: stage.ids[code])


def tells_itself(stage: Stage, code: str) -> None:
    """Its battery is no point from now on, but in what it tells of itself."""
    with stage.database.write() as session:
        session.execute(delete(Point).where(Point.series == stage.series[code]))
    heard(stage, code, NOW - DAY, battery=80)


def test_who_needs_no_telemetry_does_not_wait_behind_those_who_do(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_MOST_AT_ONCE", 2)
    last = in_order(stage)[-1]
    tells_itself(stage, last)
    stage.store.away = True
    stage.batteries.judge(stage.work, NOW)
    assert judged(stage) == {last}


def test_one_battery_that_cannot_be_read_holds_up_itself_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_MOST_AT_ONCE", 2)
    sound = in_order(stage)
    broken = sound.pop(0)
    read = stage.store.series

    def series(number: int, *span: int) -> object:
        if number == stage.series[broken]:
            raise TelemetryError("it takes too long")
        return read(number, *span)

    with monkeypatch.context() as patch:
        patch.setattr(stage.store, "series", series)
        for _ in range(3):
            stage.batteries.judge(stage.work, NOW)
        assert judged(stage) == set(sound)
    stage.batteries.judge(stage.work, NOW)
    assert judged(stage) == {broken, *sound}


def test_batteries_whose_judging_fails_hold_no_others_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "_MOST_AT_ONCE", 2)
    sound = in_order(stage)
    broken = {stage.ids[sound.pop(0)] for _ in range(2)}

    def judge(session: Session, device_id: UUID, *about: object, **more: Any) -> None:
        if device_id in broken:
            raise ValueError("a battery like no other")
        judging.judge_battery(session, device_id, None, now=more["now"])

    monkeypatch.setattr(batteries, "judge_battery", judge)
    with pytest.raises(ValueError, match="no other"):
        stage.batteries.judge(stage.work, NOW)
    stage.batteries.judge(stage.work, NOW)
    assert judged(stage) == set(sound)


def finish_round(stage: Stage, changed: set[str], at: datetime = NOW) -> None:
    with stage.database.write() as session:
        ticket = session.scalars(select(Ticket)).one()
        for cell in session.scalars(select(RoundCell)):
            code = session.get_one(Device, cell.device_id).code
            if code in changed:
                item = session.get_one(ChecklistItem, cell.item_id)
                item.answer, item.answered_at = "yes", at
        ticket.state = "closed"


def test_who_has_a_ticket_of_its_own_is_on_no_round(stage: Stage) -> None:
    stage.falls("leak-2", 18, 0.0)
    stage.falls("leak-3", 18, 0.0)
    with stage.database.write() as session:
        asset = session.scalars(select(Asset).where(Asset.code == "leak-2")).one()
        draft = Draft(
            site_id=asset.site_id,
            kind="repair",
            priority="medium",
            title={"en": "Battery low"},
            team="maintenance",
            happened_at=NOW,
            learned_at=NOW,
            asset_id=asset.id,
        )
        key = FaultKey("smoke-detector-battery-low", asset.id)
        open_for_fault(
            session, key, draft, actor=events.SYSTEM, reopen_within=DAY, realarm_after=DAY
        )
    stage.sweep()
    lines = stage.rounds()["Battery round: Building 1, 2026-11"]
    assert [line.split(" (")[0] for line in lines[1:]] == ["Ground floor, Leak 3"]


def test_a_full_checklist_goes_on_in_a_further_part(database: Database) -> None:
    stage = Stage(database, 63)
    for number in range(2, 64):
        stage.falls(f"leak-{number}", 15, 0.0, count=1)
    stage.sweep()
    assert [(title, len(lines)) for title, lines in stage.rounds().items()] == [
        ("Battery round: Building 1, 2026-11", 60),
        ("Battery round: Building 1, 2026-11 (2)", 4),
    ]
    with database.read() as session:
        parts = session.scalars(select(BatteryRound).order_by(BatteryRound.part)).all()
        assert [(row.month, row.part) for row in parts] == [
            (date(2026, 11, 1), 1),
            (date(2026, 11, 1), 2),
        ]


def test_while_telemetry_is_away_nothing_is_judged_and_then_all_of_it(stage: Stage) -> None:
    stage.falls("leak-2", 18, 0.0)
    stage.store.away = True
    stage.sweep()
    assert stage.rounds() == {}
    stage.store.away = False
    stage.sweep()
    assert len(stage.rounds()) == 1


# What devices tell of themselves.


def heard(stage: Stage, code: str, at: datetime, path: str = "lora/gw-1", **health: float) -> None:
    with stage.database.write() as session:
        note_heard(session, [Heard(stage.ids[code], path, at, at, 3, health)])


def test_a_device_is_heard_over_paths_with_their_signal_and_rate(stage: Stage) -> None:
    heard(stage, "leak-1", NOW, rssi=-70, snr=5)
    heard(stage, "leak-1", NOW + timedelta(hours=1), rssi=-72)
    heard(stage, "leak-1", NOW + DAY, path="lora/gw-2")
    heard(stage, "leak-1", NOW + DAY, rssi=-71)
    with stage.database.read() as session:
        rows = {row.path: row for row in session.scalars(select(DevicePath))}
    one = rows["lora/gw-1"]
    assert (one.rssi, one.snr, one.today, one.yesterday) == (-71, 5, 3, 6)
    assert (one.first_heard, one.last_heard) == (NOW, NOW + DAY)
    assert rows["lora/gw-2"].today == 3


def test_a_device_that_roams_keeps_its_newest_paths(stage: Stage) -> None:
    for number in range(25):
        heard(stage, "leak-1", NOW + number * DAY, path=f"lora/gw-{number}")
    with stage.database.read() as session:
        paths = {row.path for row in session.scalars(select(DevicePath))}
    assert paths == {f"lora/gw-{number}" for number in range(5, 25)}


def test_a_battery_that_is_no_point_is_kept_by_day_and_judged_by_that(stage: Stage) -> None:
    with stage.database.write() as session:
        session.execute(delete(Point).where(Point.series == stage.series["leak-2"]))
    for day in range(60):
        at = NOW - (60 - day) * DAY
        heard(stage, "leak-2", at, battery=70 - 0.8 * day)
        heard(stage, "leak-2", at, battery=72 - 0.8 * day)
    heard(stage, "leak-2", NOW, battery=300)
    stage.sweep()
    (lines,) = stage.rounds().values()
    assert lines[1].endswith("23 %")
    with stage.database.write() as session:
        assert forget_batteries(session, (NOW - 30 * DAY).date()) == 30
        assert session.scalar(select(func.count()).select_from(DeviceBattery)) == 30


def test_of_a_device_that_is_gone_nothing_is_kept(stage: Stage) -> None:
    with stage.database.write() as session:
        note_heard(session, [Heard(UUID(int=1), "a", NOW, NOW, 1)])
    with stage.database.read() as session:
        assert session.scalars(select(DevicePath)).all() == []
