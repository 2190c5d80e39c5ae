"""What is true for a while only: it ends by itself, over restarts, reloads and adoption."""

from typing import Any

import pytest
from sqlalchemy import select

from core import events
from core.adoption import suggest
from core.db import Database
from core.devices import Device
from core.quarantine import QuarantinedBody
from core.site_file import import_site, read_site_file
from ingest.session import RETAINED
from tests.ingest.building import NOON, SITE, START
from tests.ingest.stage import Stage

LEAK = "leak-1/leak"
CONFIG = "homeassistant/binary_sensor/leak/config"
SAYS = {
    "uniq_id": "drip-1", "stat_t": "drip/state", "dev_cla": "moisture", "off_dly": 30,
    "exp_aft": 900,
}  # fmt: skip
TEXT = SITE.replace(
    "sources:\n", "sources:\n  - {code: ha, topic: homeassistant/#, dialect: homeassistant}\n"
).replace(
    "  - {code: leak-1, asset: leak-1, points: {leak: leak, battery: battery}}\n",
    "  - {code: drip-1, asset: leak-1, points: {binary_sensor.leak: leak}}\n",
)


@pytest.fixture
def stage(building: Database) -> Stage:
    """The building with a leak sensor that says only that it is wet."""
    with building.write() as session:
        import_site(session, read_site_file(TEXT, "site.yaml"), actor=events.SYSTEM, now=NOON)
    stage = Stage(building)
    stage.hear(CONFIG.encode(), SAYS)
    return stage


def wet(stage: Stage, flags: int = 0) -> None:
    stage.hear(b"drip/state", b"ON", flags)


def until(stage: Stage, second: float) -> None:
    """Time passes, and the broker is listened to."""
    while stage.second < second:
        stage.wait(min(10, second - stage.second))
        stage.taker.take([], stage.now)


def told(stage: Stage) -> list[tuple[float, float]]:
    stage.finish()
    return [(round(second, 1), value) for second, value, _ in stage.readings(LEAK)]


def leaks(stage: Stage) -> list[tuple[float, float | None]]:
    stage.finish()
    found = [each for each in stage.incidents() if each.rule == "leaking"]
    return [(round(each.tripped), each.cleared and round(each.cleared)) for each in found]


def test_what_is_not_said_anew_ends_when_it_was_to(stage: Stage) -> None:
    wet(stage)
    until(stage, 20)
    wet(stage)
    until(stage, 49)
    assert told(stage) == [(0, 1), (20, 1)]
    until(stage, 60)
    assert told(stage) == [(0, 1), (20, 1), (50, 0)]
    assert leaks(stage) == [(0, 50)]


def test_what_was_taken_back_does_not_end_again(stage: Stage) -> None:
    wet(stage)
    until(stage, 10)
    stage.hear(b"drip/state", b"OFF")
    until(stage, 100)
    assert told(stage) == [(0, 1), (10, 0)]


def test_what_ended_while_nobody_listened_ends_at_its_time(stage: Stage) -> None:
    wet(stage)
    stage.finish()
    stage.sleep(600)
    stage.restart()
    stage.taker.take([], stage.now)
    assert told(stage) == [(0, 1), (30, 0)]
    # It is not remembered any longer.
    stage.restart()
    until(stage, 700)
    assert told(stage) == [(0, 1), (30, 0)]


def test_a_new_registry_does_not_forget_what_lasts(stage: Stage) -> None:
    wet(stage)
    stage.reload()
    until(stage, 40)
    assert told(stage) == [(0, 1), (30, 0)]


def test_a_batch_that_is_lost_takes_the_end_along(stage: Stage) -> None:
    stage.finish()
    wet(stage)
    stage.restart()
    until(stage, 40)
    assert told(stage) == []


def test_a_retained_one_says_nothing_of_now(stage: Stage) -> None:
    wet(stage, RETAINED)
    until(stage, 40)
    assert told(stage) == []
    assert leaks(stage) == []
    stage.hear(b"drip/state", b"OFF", RETAINED)
    until(stage, 50)
    assert stage.reasons() == {}


def test_what_was_said_before_adoption_becomes_history_with_its_end(stage: Stage) -> None:
    stage.hear(CONFIG.encode(), {**SAYS, "uniq_id": "drip-2"})
    wet(stage)
    stage.finish()
    with stage.database.read() as session:
        device = session.scalars(select(Device).where(Device.code == "drip-2")).one()
        assert device.last_sample == {"binary_sensor.leak": True}
        body = session.scalars(select(QuarantinedBody)).one().body
    topic = "wk/v1/riverside/drip-1/readings"
    stage.sleep(600)
    assert stage.taker.replay(topic, body, START, judged=False) == []
    assert told(stage) == [(0, 1), (30, 0)]
    assert leaks(stage) == []


def test_what_could_not_be_read_then_is_read_with_its_end(stage: Stage) -> None:
    stage.finish()
    stage.sleep(600)
    assert stage.taker.replay("drip/state", b"ON", START, judged=False) == []
    assert told(stage) == [(0, 1), (30, 0)]


def test_what_expires_is_expected_so_often_that_silence_is_told_when_it_does(stage: Stage) -> None:
    stage.hear(CONFIG.encode(), {**SAYS, "uniq_id": "drip-2"})
    wet(stage)
    stage.finish()
    with stage.database.read() as session:
        device = session.scalars(select(Device).where(Device.code == "drip-2")).one()
        (point,) = suggest(session, device).points
    assert (point.code, point.expected_interval) == ("leak", 300)


def test_a_device_is_not_offline_while_retained_messages_are_still_coming(
    building: Database,
) -> None:
    text = TEXT.replace(
        "  - {code: drip-1, asset: leak-1, points: {binary_sensor.leak: leak}}\n",
        "  - {code: box, asset: gateway-1, points: {online: online}}\n",
    ).replace("  - {code: gw-1, asset: gateway-1, gateway: true, points: {online: online}}\n", "")
    text = text.replace("    via: gw-1\n", "")
    with building.write() as session:
        import_site(session, read_site_file(text, "site.yaml"), actor=events.SYSTEM, now=NOON)
    stage = Stage(building)
    for name in ("one", "two"):
        said: dict[str, Any] = {"dev": {"ids": "box"}, "stat_t": f"box/{name}",
                                "avty_t": f"box/{name}/there"}  # fmt: skip
        stage.hear(f"homeassistant/sensor/{name}/config".encode(), said)
    stage.hear(b"box/one/there", b"offline", RETAINED)
    stage.hear(b"box/two/there", b"online", RETAINED)
    stage.wait(1)
    stage.finish()
    registry = stage.judge.registry
    assert registry.sites["riverside"].devices["box"].points["online"].value == 1
