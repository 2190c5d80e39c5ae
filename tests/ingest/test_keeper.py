"""What the keeper does beside a running ingest: changes, adoption, replay, charts."""

import threading
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import events, inventory, shards
from core.administration import NewAsset, NewPoint
from core.adoption import adopt
from core.db import Database
from core.devices import Device, Point
from core.errors import NotFound
from core.inventory import quarantined_of_adopted
from core.quarantine import Quarantined
from core.telemetry.readings import Last, ReadingBatch
from ingest import keeper
from ingest.announcing import Announcer
from ingest.telling import Telling
from tests.ingest.building import NOON
from tests.ingest.living import Living, Make, ask_replay, registry_of, tell, until
from tests.ingest.loop_broker import LoopBroker
from workflows.tickets.model import TicketEvidence


def charts_of(living: Living) -> list[dict[str, Any] | None]:
    with living.database.read() as session:
        return [row.data.get("chart") for row in session.scalars(select(TicketEvidence))]


@pytest.mark.parametrize("away", [False, True])
def test_a_ticket_gets_the_chart_with_the_reading_that_tripped_it(
    broker: LoopBroker, make: Make, away: bool
) -> None:
    living = make(flush_seconds=1.5).start()
    for value in (50, 60, 70):
        tell(broker, living, "pump-1", temp=value)
    until(lambda: broker.unacknowledged() == 0)
    living.memory.away = away
    tell(broker, living, "pump-1", temp=80)
    until(lambda: len(living.tickets()) == 1)
    if away:
        time.sleep(1.5)
        assert charts_of(living) == [None]
        living.memory.away = False
    until(lambda: charts_of(living) != [None])
    (chart,) = charts_of(living)
    assert chart is not None
    (curve,) = chart.values()
    assert (curve["point"], curve["value"]) == ("motor_temperature", [50, 60, 70, 80])


def test_what_happened_is_noted_by_all_although_one_of_them_fails(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A siren whose database was away for a moment kept the facts from the rules for good."""
    noted: list[str] = []

    def fail(_: object) -> None:
        raise NotFound("the database is away", advice="Wait.")

    def note(_: object, facts: Sequence[events.Event]) -> None:
        noted.extend(fact.kind for fact in facts)

    monkeypatch.setattr(Announcer, "look", fail)
    monkeypatch.setattr(Telling, "note", note)
    living = make().start()
    with living.database.write() as session:
        about = ("ticket", "x")
        events.append(session, "ticket.open", about, actor=events.SYSTEM, learned_at=NOON)
    until(lambda: "ticket.open" in noted)


def test_nobody_who_keeps_watch_waits_for_a_store_that_hangs(
    broker: LoopBroker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another worker would take the shard over, and sirens would be silent."""
    hanging, answers = threading.Event(), threading.Event()

    def hang(*_: Any) -> Iterator[ReadingBatch]:
        hanging.set()
        answers.wait(60)
        return iter(())

    living = make().start()
    with monkeypatch.context() as patched:
        patched.setattr(living.memory, "scan", hang)
        tell(broker, living, "pump-1", temp=80)
        assert hanging.wait(30)
        tell(broker, living, "pump-1", temp=300)
        until(lambda: living.reasons() == {"out_of_range": 1})
        with living.database.write() as session:
            session.execute(update(Point).values(high=500.0))
            about = ("point", "x")
            events.append(session, "point.change", about, actor=events.SYSTEM, learned_at=NOON)
            ask_replay(session, session.scalars(select(Quarantined)).one())
        until(lambda: living.reasons() == {}, 20)
        answers.set()


def test_nobody_who_keeps_watch_waits_until_it_is_known_what_new_points_were(
    broker: LoopBroker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, answers = threading.Event(), threading.Event()
    living = make().start()
    last = living.memory.last

    def hang(series: Sequence[int] | None = None) -> dict[int, Last]:
        hanging.set()
        answers.wait(60)
        return last(series)

    monkeypatch.setattr(living.memory, "last", hang)
    monkeypatch.setattr(keeper, "_RENEW_SECONDS", 0.05)
    tell(broker, living, "new-1", heat=90)
    until(lambda: living.reasons() == {"unknown_device": 1})
    adopt_new(living)
    assert hanging.wait(30)
    since = beat_on_record(living)
    until(lambda: beat_on_record(living) > since + 0.2, 20)
    answers.set()
    until(lambda: living.reasons() == {})


def test_what_a_device_said_before_its_adoption_is_history_and_then_it_is_judged(
    broker: LoopBroker, make: Make
) -> None:
    living = make().start()
    for number in range(30):
        tell(broker, living, "new-1", heat=90 + number)
    until(lambda: living.reasons() == {"unknown_device": 30})
    talking = threading.Event()

    def talk_on() -> None:
        for number in range(30, 90):
            tell(broker, living, "new-1", heat=90 + number)
            time.sleep(0.01)
        talking.set()

    threading.Thread(target=talk_on).start()
    adopt_new(living)
    until(talking.is_set)
    until(lambda: broker.unacknowledged() == 0 and living.reasons() == {})
    living.names = type(living.names)(living.database)
    assert living.values("new-pump/motor_temperature") == [float(90 + n) for n in range(90)]
    assert living.rules() == [("hot", "new-pump")]


def test_an_adoption_that_the_registry_does_not_know_yet_is_made_up_for(
    broker: LoopBroker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopted = threading.Event()

    def look_late(session: Session) -> list[tuple[UUID, UUID]]:
        adopted.wait(30)
        return quarantined_of_adopted(session)

    monkeypatch.setattr(inventory, "quarantined_of_adopted", look_late)
    living = make().start()
    tell(broker, living, "new-1", heat=90)
    until(lambda: living.reasons() == {"unknown_device": 1})
    adopt_new(living)
    adopted.set()
    until(lambda: living.reasons() == {})


def adopt_new(living: Living) -> None:
    with living.database.write() as session:
        device = session.scalars(select(Device).where(Device.code == "new-1")).one()
        asset = NewAsset(code="new-pump", type="pump", name={"en": "New pump"})
        points = [NewPoint(key="heat", code="motor_temperature")]
        now = living.clock.now()
        adopt(session, device, asset=asset, points=points, actor=events.SYSTEM, now=now)


def test_an_adoption_while_ingest_is_down_is_made_up_for(broker: LoopBroker, make: Make) -> None:
    living = make().start()
    tell(broker, living, "new-1", heat=90)
    until(lambda: living.reasons() == {"unknown_device": 1})
    until(lambda: broker.unacknowledged() == 0)
    assert living.stop()
    adopt_new(living)
    living.service = living._new()
    living.start()
    until(lambda: living.reasons() == {})
    living.names = type(living.names)(living.database)
    assert living.values("new-pump/motor_temperature") == [90.0]
    assert living.rules() == []


def test_a_quarantined_message_can_be_replayed_after_a_fix(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    living = make().start()
    tell(broker, living, "pump-1", temp=300)
    until(lambda: living.reasons() == {"out_of_range": 1})
    with building.write() as session:
        row = session.scalars(select(Quarantined)).one()
        ask_replay(session, row)
    time.sleep(0.5)
    assert living.reasons() == {"out_of_range": 1}
    with building.write() as session:
        session.execute(update(Point).values(high=500.0))
        events.append(session, "point.change", ("point", "x"), actor=events.SYSTEM, learned_at=NOON)
        ask_replay(session, row)
    until(lambda: living.reasons() == {})
    assert living.values("pump-1/motor_temperature") == [300.0]
    assert living.rules() == [("hot", "pump-1")]


def test_a_retired_device_is_a_stranger_and_running_alarms_go_on(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    living = make().start()
    tell(broker, living, "pump-1", temp=80)
    until(lambda: living.rules() == [("hot", "pump-1")])
    with building.write() as session:
        device = session.scalars(select(Device).where(Device.code == "pump-3")).one()
        device.state = "retired"
        events.append(
            session, "device.retire", ("device", device.id), actor=events.SYSTEM, learned_at=NOON
        )
    until(lambda: device.id not in registry_of(living).device_ids())
    tell(broker, living, "pump-3", temp=80)
    until(lambda: living.reasons() == {"unknown_device": 1})
    tell(broker, living, "pump-1", temp=50)
    tell(broker, living, "pump-1", temp=80)
    until(lambda: living.rules() == [("hot", "pump-1")] * 2)
    assert len(living.tickets()) == 1


def test_a_replay_asked_for_while_ingest_is_down_is_made_up_for(
    broker: LoopBroker, make: Make, building: Database
) -> None:
    living = make().start()
    tell(broker, living, "pump-1", temp=300)
    until(lambda: living.reasons() == {"out_of_range": 1})
    until(lambda: broker.unacknowledged() == 0)
    assert living.stop()
    with building.write() as session:
        session.execute(update(Point).values(high=500.0))
        ask_replay(session, session.scalars(select(Quarantined)).one())
    living.service = living._new()
    living.start()
    until(lambda: living.reasons() == {})
    assert living.values("pump-1/motor_temperature") == [300.0]


def test_whoever_watches_learns_at_once_that_ingest_listens_again(
    broker: LoopBroker, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However rarely the heartbeat is put on record otherwise."""
    monkeypatch.setattr(keeper, "_RENEW_SECONDS", 60.0)
    monkeypatch.setattr(keeper, "_ABSENCE", timedelta(seconds=0.5))
    living = make().start()
    first = beat_on_record(living)
    until(lambda: beat_on_record(living) > first + 0.5, 30)


def beat_on_record(living: Living) -> float:
    """When the shard was last known to listen, in seconds."""
    with living.database.read() as session:
        [beat] = shards.last_beats(session).values()
    return beat.timestamp()
