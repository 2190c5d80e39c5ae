"""What waits in the box of what was pushed is taken in, whatever dies in between."""

import json
import threading
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import OperationalError

from core.db import Database
from core.device_credentials import devices_used_twice
from core.devices import Device, Source
from core.http_ingest import HttpMessage, taken
from core.ids import new_id
from core.places import Node
from ingest.pipeline.taking import Taker
from ingest.pushed import Inbox
from ingest.run import Run
from tests.ingest.living import Living, Make, until


@pytest.fixture
def pushing(building: Database) -> Database:
    """The building with a source to which boxes push."""
    mapping = {
        "device": "{$.d}",
        "time": {"path": "$.t", "format": "s"},
        "readings": [{"key": "temp", "path": "$.temp"}],
    }
    with building.write() as session:
        site = session.scalars(select(Node).where(Node.code == "riverside")).one()
        cloud = Source(
            site_id=site.id,
            code="cloud",
            topic_filter="http/riverside/cloud/#",
            dialect="mapping",
            options={"mapping": mapping},
        )
        session.add(cloud)
        session.flush()
        # Or it would be an alarm that they are heard by another way than theirs.
        here = Device.site_id == site.id
        session.execute(update(Device).where(here).values(source_id=cloud.id))
    return building


def put(database: Database, *messages: Any, again: bool = False) -> None:
    """Messages that the API has accepted."""
    now = datetime.now(UTC)
    with database.write() as session:
        for message in messages:
            body = message if isinstance(message, bytes) else json.dumps(message).encode()
            session.add(
                HttpMessage(
                    source_id=new_id(),
                    topic="http/riverside/cloud",
                    body=body,
                    received_at=now,
                    again=again,
                )
            )


def left(database: Database) -> int:
    with database.read() as session:
        return len(session.scalars(select(HttpMessage.id)).all())


def test_a_push_becomes_a_reading_a_ticket_and_leaves_the_box(
    pushing: Database, make: Make
) -> None:
    living = make(pushing)
    # It waited while ingest was away.
    put(pushing, {"d": "pump-1", "temp": 50})
    living.start()
    put(pushing, {"d": "pump-1", "temp": 81}, b"{", {"d": "new-box", "temp": 1})
    until(lambda: left(pushing) == 0)
    assert living.values("pump-1/motor_temperature") == [50.0, 81.0]
    assert living.rules() == [("hot", "pump-1")]
    assert len(living.tickets()) == 1
    assert living.reasons() == {"bad_json": 1, "unknown_device": 1}


def test_a_kill_between_commit_and_leaving_the_box_only_repeats_work(
    pushing: Database, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    living = make(pushing)

    def killed(session: Any, ids: Any) -> None:
        raise OperationalError("", {}, Exception("killed"))

    with monkeypatch.context() as patched:
        # As a kill would leave it: the message is both durable and in the box, again and again.
        patched.setattr("ingest.pushed.taken", killed)
        living.start()
        put(pushing, {"d": "pump-1", "temp": 81}, {"d": "pump-2", "temp": 82})
        until(lambda: len(living.tickets()) == 2)
        until(lambda: living.values("pump-2/motor_temperature") == [82.0])
        assert living.stop()
    assert left(pushing) == 2
    living.service = living._new()
    living.start()
    until(lambda: left(pushing) == 0)
    assert living.values("pump-1/motor_temperature") == [81.0]
    assert living.values("pump-2/motor_temperature") == [82.0]
    assert living.rules() == [("hot", "pump-1"), ("hot", "pump-2")]
    assert len(living.tickets()) == 2


def test_what_was_decided_beside_what_is_pushed_is_kept(pushing: Database, make: Make) -> None:
    living = make(pushing).start()
    run = living.service._run
    assert run is not None
    with pushing.read() as session:
        device_id = session.scalars(select(Device.id).where(Device.code == "pump-1")).one()
    gathered, settled = threading.Event(), threading.Event()
    who = [{"client_id": "box", "address": "10.0.0.1"}, {"client_id": "box", "address": "10.0.0.2"}]

    def gather() -> None:
        gathered.wait(10)

    # As it comes when the accounts are looked at while what was pushed is taken in.
    run.submit(gather)
    run.used_twice(device_id, who)
    run.submit(lambda: run.settled(settled.set))
    gathered.set()
    assert settled.wait(10)
    with pushing.read() as session:
        assert devices_used_twice(session) == {device_id}


def test_while_telemetry_is_away_the_box_keeps_what_it_has(pushing: Database, make: Make) -> None:
    living = make(pushing).start()
    living.memory.away = True
    put(pushing, {"d": "pump-1", "temp": 81})
    # The alarm does not wait for it.
    until(lambda: len(living.tickets()) == 1)
    assert left(pushing) == 1
    living.memory.away = False
    until(lambda: left(pushing) == 0)
    assert living.values("pump-1/motor_temperature") == [81.0]


def test_a_message_that_fails_is_kept_aside_and_those_behind_it_go_on(
    pushing: Database, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Taker.take_pushed

    def failing(self: Taker, topic: bytes, payload: bytes, flags: int, received: int) -> None:
        if b"boom" in payload:
            raise RuntimeError("boom")
        plain(self, topic, payload, flags, received)

    monkeypatch.setattr(Taker, "take_pushed", failing)
    living = make(pushing).start()
    put(pushing, {"d": "boom"}, {"d": "pump-1", "temp": 50})
    until(lambda: left(pushing) == 0)
    assert living.values("pump-1/motor_temperature") == [50.0]
    assert living.reasons() == {"failed": 1}


def test_the_heartbeat_goes_on_between_many_messages(
    pushing: Database, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []
    plain, beat = Taker.take_pushed, Run._send_beat

    def taken(self: Taker, *message: Any) -> None:
        done.append("taken")
        plain(self, *message)

    def sent(self: Run) -> None:
        done.append("beat")
        beat(self)

    monkeypatch.setattr(Taker, "take_pushed", taken)
    monkeypatch.setattr(Run, "_send_beat", sent)
    # As where each takes long.
    monkeypatch.setattr("ingest.run._TASKS_SECONDS", 0, raising=False)
    put(pushing, *({"d": "pump-1", "temp": 50 + number} for number in range(5)))
    make(pushing).start()
    until(lambda: left(pushing) == 0)
    assert done.count("taken") == 5
    assert ("taken", "taken") not in pairwise(done)


def test_the_same_content_again_without_a_time_opens_nothing_twice(
    pushing: Database, make: Make
) -> None:
    living = make(pushing).start()
    put(pushing, {"d": "pump-1", "temp": 81})
    until(lambda: left(pushing) == 0)
    put(pushing, {"d": "pump-1", "temp": 81}, again=True)
    until(lambda: left(pushing) == 0)
    assert len(living.tickets()) == 1


def test_an_inbox_looks_no_further_than_there_is(building: Database, make: Make) -> None:
    living: Living = make(building).start()
    run = living.service._run
    assert run is not None
    inbox = Inbox(living.stores, run)
    assert inbox.look() is False
    with building.write() as session:
        taken(session, [new_id()])
        session.execute(delete(HttpMessage))
