"""Status tables: who may move what, and one winner when two move at once."""

import pytest

from core import events
from core.db import Database
from core.devices import DEVICE, Device
from core.errors import Conflict, Stale
from core.events import Event
from core.ids import new_id
from core.lifecycle import move
from tests.fixtures import NOON, SmallSite
from tests.threads import in_threads


@pytest.mark.parametrize("status", DEVICE.statuses)
def test_every_action_on_a_device_does_what_the_table_says(
    database: Database, site: SmallSite, status: str
) -> None:
    for action, table in DEVICE.moves.items():
        target = table.get(status)
        with database.write() as session:
            device = Device(id=new_id(), site_id=site.id, code=action, state=status, version=1)
            session.add(device)
            if target is None:
                with pytest.raises(Conflict):
                    move(session, device, DEVICE, action, actor=events.SYSTEM, learned_at=NOON)
            else:
                move(session, device, DEVICE, action, actor=events.SYSTEM, learned_at=NOON)
            assert (device.state, device.version) == ((target, 2) if target else (status, 1))


def test_a_refusal_says_what_is_possible() -> None:
    with pytest.raises(Conflict, match="a device that is retired cannot adopt") as caught:
        DEVICE.target("adopt", "retired")
    assert caught.value.advice == "Possible now: reactivate."
    with pytest.raises(Conflict):
        DEVICE.target("explode", "retired")


def test_statuses_and_actions_come_from_the_table() -> None:
    assert DEVICE.statuses == ("waiting", "active", "retired")
    assert DEVICE.actions("waiting") == ["adopt", "retire"]


def test_of_two_who_move_at_once_one_moves_and_one_is_refused(
    database: Database, site: SmallSite
) -> None:
    def retire(_: int) -> str:
        try:
            with database.write() as session:
                device = session.get_one(Device, site.devices["pump-1"])
                move(session, device, DEVICE, "retire", actor=events.SYSTEM, learned_at=NOON)
        except Conflict:
            return "refused"
        return "moved"

    assert sorted(in_threads(4, retire)) == ["moved", "refused", "refused", "refused"]
    with database.read() as session:
        facts = session.query(Event).filter(Event.kind == "device.retire").all()
    assert [(fact.before, fact.after) for fact in facts] == [
        ({"state": "active"}, {"state": "retired"})
    ]


def test_who_lost_the_swap_judges_again_by_the_new_status(
    postgres_database: Database, postgres_site: SmallSite
) -> None:
    database, device_id = postgres_database, postgres_site.devices["pump-1"]
    with database.write() as session:
        device = session.get_one(Device, device_id)
        assert device.state == "active"
        with database.write() as other:
            same = other.get_one(Device, device_id)
            move(other, same, DEVICE, "retire", actor=events.SYSTEM, learned_at=NOON)
        with pytest.raises(Conflict, match="that is retired"):
            move(session, device, DEVICE, "retire", actor=events.SYSTEM, learned_at=NOON)
        move(session, device, DEVICE, "reactivate", actor=events.SYSTEM, learned_at=NOON)
    with database.read() as session:
        assert session.get_one(Device, device_id).version == 3


def test_a_move_of_an_older_version_is_refused(database: Database, site: SmallSite) -> None:
    with database.write() as session:
        device = session.get_one(Device, site.devices["pump-1"])
        with pytest.raises(Stale, match="version 1"):
            move(
                session,
                device,
                DEVICE,
                "retire",
                actor=events.SYSTEM,
                learned_at=NOON,
                expected_version=7,
            )
        assert device.state == "active"
