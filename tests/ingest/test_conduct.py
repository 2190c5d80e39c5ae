"""A device heard by another way than its own, or whose credential two use at once: one alarm."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from core import events
from core.clock import from_micros
from core.device_credentials import DeviceIdentity
from core.devices import Device, Source
from core.errors import Conflict
from core.events import Event
from core.hearings import DeviceHearing, accept_way
from ingest.registry import Way
from tests.ingest.stage import Stage

EAST, WEST = b"tele/east/pump-3/SENSOR", b"tele/west/pump-3/SENSOR"


@pytest.fixture
def heard(stage: Stage) -> Callable[[bytes, float], None]:
    """Pump 3 speaks on a topic; it is bound to the source east."""
    with stage.database.write() as session:
        site_id = stage.judge.registry.sites["riverside"].site_id
        for code in ("east", "west"):
            session.add(
                Source(
                    site_id=site_id,
                    code=code,
                    topic_filter=f"tele/{code}/#",
                    dialect="tasmota",
                    options={},
                    enabled=True,
                )
            )
        session.flush()
        east = session.scalars(select(Source.id).where(Source.code == "east")).one()
        session.execute(update(Device).where(Device.code == "pump-3").values(source_id=east))
    stage.reload()

    def hear(topic: bytes, seconds: float = 1.0) -> None:
        stage.wait(seconds, step=60.0)
        stage.hear(topic, {"vib": stage.second / 1e6})
        stage.finish()

    return hear


def alarms(stage: Stage, rule: str = "device-other-way") -> list[tuple[str, bool]]:
    """(asset, whether it still stands) of each episode of a rule."""
    found = [one for one in stage.incidents() if one.rule == rule]
    return [(one.asset, one.cleared is None) for one in found]


def hearing(stage: Stage) -> DeviceHearing | None:
    with stage.database.read() as session:
        return session.scalars(select(DeviceHearing)).first()


def test_another_source_is_one_alarm_however_often_it_speaks(
    stage: Stage, heard: Callable[..., None]
) -> None:
    heard(EAST)
    assert alarms(stage) == []
    for _ in range(5):
        heard(WEST)
        heard(EAST)
    assert alarms(stage) == [("pump-3", True)]
    row = hearing(stage)
    assert row is not None
    assert (row.source, row.stray_source) == ("east", "west")
    # A kill does not raise it anew, and its own way alone for an hour ends it.
    stage.restart()
    heard(WEST)
    assert alarms(stage) == [("pump-3", True)]
    heard(EAST, 3500)
    assert alarms(stage) == [("pump-3", True)]
    heard(EAST, 101)
    assert alarms(stage) == [("pump-3", False)]
    row = hearing(stage)
    assert row is not None
    assert row.stray_since is None
    with stage.database.read() as session:
        kinds = session.scalars(select(Event.kind).where(Event.kind.startswith("device_way")))
        assert list(kinds) == ["device_way.stray", "device_way.return"]


def test_a_device_bound_to_a_bridge_and_heard_on_a_topic_of_ours_alarms_until_that_ends(
    stage: Stage, heard: Callable[..., None]
) -> None:
    own = b"wk/v1/riverside/pump-3/readings"
    heard(EAST)
    for _ in range(3):
        heard(own)
    assert alarms(stage) == [("pump-3", True)]
    # It goes on for hours: no quiet begins, though that topic is one of the quick ones.
    for _ in range(3):
        heard(own, 1800)
        heard(EAST)
    assert alarms(stage) == [("pump-3", True)]
    heard(EAST, 3601)
    assert alarms(stage) == [("pump-3", False)]


def test_whoever_moved_it_says_so_and_the_alarm_ends_with_its_next_message(
    stage: Stage, heard: Callable[..., None]
) -> None:
    heard(EAST)
    heard(WEST)
    with stage.database.write() as session:
        device = session.scalars(select(Device).where(Device.code == "pump-3")).one()
        accept_way(session, device, actor=events.SYSTEM, now=from_micros(stage.now))
        source = session.get_one(Source, device.source_id)
        assert source.code == "west"
    stage.reload()
    heard(WEST)
    assert alarms(stage) == [("pump-3", False)]
    heard(WEST)
    heard(EAST)
    assert alarms(stage) == [("pump-3", False), ("pump-3", True)]
    with stage.database.write() as session:
        other = session.scalars(select(Device).where(Device.code == "pump-2")).one()
        with pytest.raises(Conflict):
            accept_way(session, other, actor=events.SYSTEM, now=from_micros(stage.now))


def test_a_site_that_speaks_only_our_own_topics_keeps_no_ways(stage: Stage) -> None:
    stage.say("pump-3", stage.at(1, vib=1.0))
    stage.finish()
    assert hearing(stage) is None
    assert stage.judge.registry.conduct == {}


@pytest.mark.parametrize(
    ("ways", "roams", "strays"),
    [
        # pump-1 belongs to gw-1.
        (["gw-1", "gw-1", None], False, [False, False, False]),
        (["pump-2"], False, [True]),
        # What its bridge calls itself may be another name than its device has here …
        (["z2m", "z2m", "gw-1"], False, [False, False, False]),
        # … but not two names in turn.
        (["z2m", "z2m-two"], False, [False, True]),
        (["gw-1", "strange"], False, [False, True]),
        # Where any gateway may hear it, only a stranger's is odd.
        (["gw-1", "pump-2", "strange"], True, [False, False, True]),
    ],
)
def test_another_gateway_is_judged_by_what_is_known_of_it(
    stage: Stage,
    heard: Callable[..., None],
    ways: list[str | None],
    roams: bool,
    strays: list[bool],
) -> None:
    with stage.database.write() as session:
        session.execute(update(Device).where(Device.code == "pump-1").values(source_id=None))
    stage.reload()
    device = stage.judge.registry.sites["riverside"].devices["pump-1"]
    conducts = stage.taker.conducts
    found = [
        not conducts.heard(device, Way("east", through), stage.now + number, roams=roams)
        for number, through in enumerate(ways)
    ]
    stage.finish()
    assert found == strays
    assert len(alarms(stage)) == any(strays)


def told_twice(stage: Stage, who: list[dict[str, Any]] | None) -> UUID:
    device_id = stage.judge.registry.sites["riverside"].devices["pump-1"].device_id
    stage.taker.conducts.twice(device_id, who, stage.now)
    stage.finish()
    return device_id


def test_a_credential_used_twice_is_one_alarm_until_it_is_over(stage: Stage) -> None:
    who = [{"client_id": name, "address": "10.0.0.7"} for name in ("one", "two")]
    for _ in range(3):
        device_id = told_twice(stage, who)
    assert alarms(stage, "device-twice") == [("pump-1", True)]
    with stage.database.read() as session:
        identity = session.get_one(DeviceIdentity, device_id)
        assert (identity.twice_since is not None, identity.twice) == (True, who)
    stage.restart()
    told_twice(stage, who)
    assert alarms(stage, "device-twice") == [("pump-1", True)]
    told_twice(stage, None)
    told_twice(stage, None)
    assert alarms(stage, "device-twice") == [("pump-1", False)]
    with stage.database.read() as session:
        assert session.get_one(DeviceIdentity, device_id).twice_since is None
    assert len(stage.tickets()) == 1
