"""Announced devices: read from labels and sheets, and adopted by themselves when they speak."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.languages import all_told
from core.adoption import NoSuchProfile
from core.clock import SimulatedClock
from core.db import Database
from core.devices import Device, note_waiting
from core.errors import Invalid, NotAllowed
from core.expected_devices import (
    Announced,
    ExpectedDevice,
    drop_expected,
    expect,
    key_of,
    take_expected,
)
from core.expected_problems import reason_of, told
from core.health import Health
from core.people import Caller, Person, caller_for
from core.places import Asset
from core.settings import load
from jobs.expected_devices import adopt_expected
from jobs.work import Work
from tests.fixtures import Administrator, SmallSite
from tests.workflows.conftest import MINUTE, employ
from web.languages import translations

EUI = "24E124136B324185"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        (f"LW:D0:24E124C0002A0001:{EUI}:0050001A", EUI),
        (f"lw:d0:24e124c0002a0001:{EUI.lower()}:0050001a:sn%3a123", EUI),
        (EUI.lower(), EUI),
        ("24:E1:24:13:6B:32:41:85", EUI),
        ("0x24E124136B324185", EUI),
        ("Z:00158D0001A2B3C4$I:83FED3407A939723A5C639B26916D505C3B5", "00158D0001A2B3C4"),
        ("DevEUI: 24E124136B324185 SN: 6136B32418500", EUI),
        ('{"devEui":"24e124136b324185","model":"EM300"}', EUI),
        ("Cellar-Leak", "cellar-leak"),
        ("MT:Y.K9042C00KA0648G00", ""),
        ("  ", ""),
    ],
)
def test_labels_say_which_device_it_is(written: str, key: str) -> None:
    assert key_of(written) == key


@pytest.fixture
def caller(database: Database, administrator: Administrator) -> Caller:
    with database.read() as session:
        return caller_for(session, session.get_one(Person, administrator.person_id))


def sweep(database: Database, clock: SimulatedClock, later: int = 0) -> int:
    work = Work(database, None, load(), Health(clock))
    return adopt_expected(work, clock.now() + later * MINUTE)


def announce(
    database: Database,
    caller: Caller,
    site: SmallSite,
    clock: SimulatedClock,
    *codes: str,
    **more: Any,
) -> list[UUID]:
    devices = [Announced(code, {"en": f"Sensor {n}"}, **more) for n, code in enumerate(codes)]
    with database.write() as session:
        return [one.id for one in expect(session, caller, site.id, devices, now=clock.now())]


def speaks(
    database: Database, site: SmallSite, clock: SimulatedClock, code: str, **said: Any
) -> UUID:
    with database.write() as session:
        return note_waiting(session, site.id, code, said, clock.now()).id


def test_what_was_announced_is_adopted_when_it_speaks_under_its_own_name(
    database: Database, site: SmallSite, caller: Caller, clock: SimulatedClock
) -> None:
    label = f"LW:D0:24E124C0002A0001:{EUI}:0050001A"
    with database.read() as session:
        room = session.get_one(Asset, site.assets["pump-1"]).space_id
    announce(database, caller, site, clock, label, space_id=room)
    assert sweep(database, clock) == 0
    device_id = speaks(database, site, clock, EUI.lower(), water_leak=False)
    assert [sweep(database, clock) for _ in range(2)] == [1, 0]
    with database.read() as session:
        device = session.get_one(Device, device_id)
        asset = session.get_one(Asset, device.asset_id)
        row = session.scalars(select(ExpectedDevice)).one()
    assert (device.state, asset.type, asset.space_id) == ("active", "water_leak", room)
    assert asset.name == {"en": "Sensor 0"}
    assert (row.state, row.device_id) == ("adopted", device_id)


def test_one_that_says_nothing_of_use_waits_with_its_reason_and_is_tried_again(
    database: Database, site: SmallSite, caller: Caller, clock: SimulatedClock
) -> None:
    [row_id] = announce(database, caller, site, clock, "Cellar")
    device_id = speaks(database, site, clock, "cellar", flux_capacitor=88)
    assert sweep(database, clock) == 0
    with database.read() as session:
        reason = told(session.get_one(ExpectedDevice, row_id).problem)
    assert reason is not None
    assert (reason.code, len(reason.texts)) == ("nothing_fits", 1)
    with database.write() as session:
        session.get_one(Device, device_id).last_sample = {"leak": False}
    assert sweep(database, clock) == 0
    assert sweep(database, clock, later=1) == 1


def test_one_for_which_our_own_code_fails_holds_no_other_back(
    database: Database,
    site: SmallSite,
    caller: Caller,
    clock: SimulatedClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [bad, _] = announce(database, caller, site, clock, "Cellar", "Attic")
    speaks(database, site, clock, "cellar", leak=False)
    attic = speaks(database, site, clock, "attic", leak=False)

    def breaking(session: Session, expected_id: UUID, device_id: UUID, **how: Any) -> bool:
        if expected_id == bad:
            raise LookupError("a mistake in our own code")
        return take_expected(session, expected_id, device_id, **how)

    monkeypatch.setattr("jobs.expected_devices.take_expected", breaking)
    with pytest.raises(LookupError):
        sweep(database, clock)
    with database.read() as session:
        assert session.get_one(Device, attic).state == "active"
        reason = told(session.get_one(ExpectedDevice, bad).problem)
        assert reason is not None
        assert reason.code == "failed"
    # It is put off, and not tried again with each look.
    assert sweep(database, clock) == 0


def test_why_one_is_not_adopted_is_kept_without_words_and_told_in_any_language(
    database: Database, site: SmallSite, caller: Caller, clock: SimulatedClock
) -> None:
    # By its code it stands for an asset whose points another device feeds.
    [row_id] = announce(database, caller, site, clock, "pump 1")
    speaks(database, site, clock, "pump 1", motor_temperature=50)
    assert sweep(database, clock) == 0
    with database.read() as session:
        reason = told(session.get_one(ExpectedDevice, row_id).problem)
    assert reason is not None
    assert reason.code == "refused"
    [text] = reason.texts
    assert text.endswith("point 'motor_temperature' of pump-1 is fed by 'pump-1' already")
    assert "已由设备“pump-1”提供数据" in all_told([text], translations("zh").gettext)[0]


def test_a_reason_of_an_earlier_version_is_told_as_it_was_written() -> None:
    assert told("") is None
    assert told("device 'x' was not adopted") == ("other", ("device 'x' was not adopted",))
    gone = told(reason_of(NoSuchProfile("water-leek")))
    assert gone == ("no_profile", ("there is no profile 'water-leek' any more",))


def test_every_wrong_line_is_told_at_once_and_nothing_is_kept(
    database: Database, site: SmallSite, caller: Caller, clock: SimulatedClock
) -> None:
    wrong = [
        Announced("MT:Y.K9042C00KA0648G00", {}),
        Announced("pump-1", {}),
        Announced("cellar", {}, profile="water-leek"),
        Announced("Cellar", {}, space_id=site.id),
    ]
    with database.write() as session, pytest.raises(Invalid) as caught:
        expect(session, caller, site.id, wrong, now=clock.now())
    told = "\n".join(caught.value.problems)
    for part in (
        "devices[0].code: nothing that names",
        "devices[1].code: 'pump-1' is adopted already",
        "did you mean 'water-leak'",
        "the same device as devices[2]",
        "devices[3].space_id",
    ):
        assert part in told, told
    with database.read() as session:
        assert session.scalars(select(ExpectedDevice)).all() == []


def test_one_that_is_retired_would_be_expected_for_ever(
    database: Database, site: SmallSite, caller: Caller, clock: SimulatedClock
) -> None:
    with database.write() as session:
        device = session.scalars(select(Device).where(Device.code == "pump-1")).one()
        device.state = "retired"
    with database.write() as session, pytest.raises(Invalid) as caught:
        expect(session, caller, site.id, [Announced("PUMP-1", {})], now=clock.now())
    (told,) = caught.value.problems
    assert "'pump-1' is retired: put it back into service" in told


def test_announcing_again_says_it_anew_and_dropping_ends_it(
    database: Database, site: SmallSite, caller: Caller, clock: SimulatedClock
) -> None:
    first = announce(database, caller, site, clock, EUI)
    assert announce(database, caller, site, clock, EUI.lower(), profile="water-leak") == first
    guard = employ(database, site.id, "guard")
    with database.write() as session:
        nobody = caller_for(session, session.get_one(Person, guard))
        with pytest.raises(NotAllowed):
            drop_expected(session, nobody, first[0], now=clock.now())
    with database.write() as session:
        drop_expected(session, caller, first[0], now=clock.now())
    speaks(database, site, clock, EUI, leak=False)
    assert sweep(database, clock) == 0
