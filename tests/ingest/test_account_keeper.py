"""The broker follows what was decided, however often either of them was away meanwhile."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.device_credentials import (
    AccountsAway,
    Connection,
    DeviceCredential,
    Followed,
    Issued,
    Wanted,
    broker_accounts,
    issue_credential,
    revoke_credentials,
    rotate_credential,
    wanted_accounts,
)
from core.devices import Device
from core.health import Health
from core.hearings import note_twice
from core.settings import load
from ingest.accounts import AccountKeeper, EmbeddedDoor
from ingest.accounts.twice import used_twice
from ingest.broker import BrokerConfig, EmbeddedBroker
from ingest.stores import Stores
from tests.fixtures import NOON, SmallSite
from tests.ingest.memory_store import MemoryStore


class Broker:
    """The accounts of a broker that may be away, and that forgets all of them when told to."""

    kind = "embedded"
    ours = frozenset({"watchkeeper"})

    def __init__(self) -> None:
        self.away = False
        self.accounts: set[str] = set()
        self.followed = 0
        self.present: list[Connection] = []

    def follow(self, wanted: Wanted) -> Followed:
        self._ask()
        self.followed += 1
        self.accounts = set(wanted.accounts)
        return Followed(tuple(wanted.accounts), ("somebody-else",))

    def connections(self) -> Sequence[Connection]:
        self._ask()
        return self.present

    def close(self) -> None: ...

    def _ask(self) -> None:
        if self.away:
            raise AccountsAway("no route to the broker")


class Bench:
    """A keeper on a database, looking when it is told to."""

    def __init__(self, database: Database, site: SmallSite) -> None:
        self.database, self.site, self.broker = database, site, Broker()
        self.clock = SimulatedClock(0)
        self.health = Health(self.clock)
        self.now = NOON
        self.told: list[list[dict[str, Any]] | None] = []
        self.begin()

    def begin(self, **settings: str) -> None:
        """A process dies and another one begins."""
        stores = Stores(
            load(**settings),
            self.clock,
            self.database,
            MemoryStore(),
            self.health,
            "bench",
        )
        self.keeper = AccountKeeper(stores, self.broker, self.tell)

    def tell(self, device_id: UUID, who: list[dict[str, Any]] | None) -> None:
        """What ingest does with it, at once."""
        self.told.append(who)
        with self.database.write() as session:
            note_twice(session, device_id, who, at=self.now)

    def look(self, seconds: float = 2.0) -> None:
        self.now += timedelta(seconds=seconds)
        self.keeper.look(self.now)

    def make(self, code: str) -> Issued:
        with self.database.write() as session:
            device = session.get_one(Device, self.site.devices[code])
            return issue_credential(session, device, vault=None, actor=events.SYSTEM, now=self.now)

    def rotate(self, code: str) -> Issued:
        with self.database.write() as session:
            device = session.get_one(Device, self.site.devices[code])
            return rotate_credential(session, device, vault=None, actor=events.SYSTEM, now=self.now)

    def row(self, credential_id: UUID) -> DeviceCredential:
        with self.database.read() as session:
            row = session.get_one(DeviceCredential, credential_id)
            session.expunge(row)
        return row

    def connect(self, username: str, client_id: str = "c") -> None:
        number = len(self.broker.present) + 1
        self.broker.present.append(
            Connection(number, username, client_id, "10.0.0.7", self.now, self.now)
        )


@pytest.fixture
def bench(database: Database, site: SmallSite) -> Bench:
    return Bench(database, site)


@pytest.fixture
def code(site: SmallSite) -> str:
    return sorted(site.devices)[0]


def test_the_broker_is_waited_for_and_followed_up_after_a_kill(bench: Bench, code: str) -> None:
    bench.broker.away = True
    made = bench.make(code)
    bench.look()
    assert bench.broker.accounts == set()
    assert bench.row(made.credential_id).admitted_at is None
    state = {one.part: one for one in bench.health.snapshot()}["device accounts"]
    assert (state.ok, state.detail) == (False, "no route to the broker")
    with bench.database.read() as session:
        assert broker_accounts(session).fault == "no route to the broker"
    # Killed between the decision and the broker: the next process finds it still to be done.
    bench.begin()
    bench.broker.away = False
    bench.look()
    assert bench.broker.accounts == {made.username}
    assert bench.row(made.credential_id).admitted_at == bench.now
    with bench.database.read() as session:
        row = broker_accounts(session)
        assert (row.fault, row.reached_at, row.unknown) == (None, bench.now, ["somebody-else"])


def test_a_broker_that_has_forgotten_everything_is_told_again(bench: Bench, code: str) -> None:
    made = bench.make(code)
    bench.look()
    bench.broker.away = True
    bench.look()
    bench.broker.away = False
    bench.look()
    bench.broker.accounts = set()
    bench.begin()
    bench.look()
    assert bench.broker.accounts == {made.username}


def test_a_look_that_sees_nothing_new_asks_for_nothing(bench: Bench, code: str) -> None:
    made = bench.make(code)
    bench.connect(made.username)
    bench.look()
    bench.look()
    followed = bench.broker.followed
    version = bench.database.write

    def refuse() -> None:
        raise AssertionError("it wrote")

    bench.database.write = refuse  # type: ignore[method-assign, assignment]
    bench.look()
    bench.database.write = version  # type: ignore[method-assign]
    assert bench.broker.followed == followed


def test_the_old_credential_ends_when_the_device_is_seen_with_the_new_one(
    bench: Bench, code: str
) -> None:
    old = bench.make(code)
    bench.connect(old.username)
    bench.look()
    new = bench.rotate(code)
    bench.look()
    assert bench.broker.accounts == {old.username, new.username}
    bench.connect(new.username)
    bench.look()
    bench.look()
    assert bench.broker.accounts == {new.username}
    ended = bench.row(old.credential_id)
    assert (ended.state, ended.connections) == ("ended", [])
    used = bench.row(new.credential_id)
    assert used.first_used_at is not None
    assert used.connections[0]["address"] == "10.0.0.7"


def test_who_shares_an_account_or_has_none_is_listed(bench: Bench, code: str) -> None:
    made = bench.make(code)
    for username in (made.username, "watchkeeper", "devices", ""):
        bench.connect(username, f"client of {username}")
    bench.look()
    with bench.database.read() as session:
        shared = broker_accounts(session).shared
    assert [one["client_id"] for one in shared] == ["client of ", "client of devices"]


def test_a_credential_used_twice_is_told_once_and_until_it_is_over(bench: Bench, code: str) -> None:
    made = bench.make(code)
    bench.connect(made.username, "one")
    bench.look()
    bench.connect(made.username, "two")
    bench.look()
    # The first one has said nothing since: its device may have lost the network.
    assert bench.told == []
    bench.broker.present[0] = replace(bench.broker.present[0], active=bench.now)
    for _ in range(3):
        bench.look()
    assert [[one["client_id"] for one in who or ()] for who in bench.told] == [["one", "two"]]
    del bench.broker.present[0]
    bench.look(60)
    # A kill and a restart: the quiet is counted anew, and nothing is told again.
    bench.begin()
    bench.look()
    bench.look(500)
    assert len(bench.told) == 1
    bench.look(101)
    assert bench.told[1:] == [None]
    bench.look()
    assert len(bench.told) == 2


def test_two_that_throw_each_other_out_are_two_and_a_bad_network_is_one() -> None:
    def thrown_out(number: int, seconds: float) -> Connection:
        at = NOON - timedelta(seconds=seconds)
        return Connection(number, "a", "same", "10.0.0.7", at, at, taken_over=True)

    standing = Connection(9, "a", "same", "10.0.0.7", NOON, NOON)
    some = [thrown_out(number, 20 * number) for number in range(1, 4)]
    assert used_twice([*some, standing], NOON) == {}
    assert used_twice([*some, thrown_out(4, 500), standing], NOON) == {}
    assert len(used_twice([*some, thrown_out(4, 80), standing], NOON)["a"]) == 4


def test_where_the_broker_knows_no_activity_a_dead_one_is_given_its_time() -> None:
    patience = timedelta(seconds=110)
    old = Connection(1, "a", "one", "10.0.0.7", NOON - timedelta(hours=1), patience=patience)
    new = Connection(2, "a", "two", "10.0.0.8", NOON, patience=patience)
    assert used_twice([old, new], NOON + timedelta(seconds=100)) == {}
    assert used_twice([old, new], NOON + timedelta(seconds=120)).keys() == {"a"}


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[EmbeddedBroker]:
    """A real embedded broker that knows nobody yet."""
    broker = EmbeddedBroker(BrokerConfig(tmp_path / "broker", port=0))
    broker.start()
    broker.wait_ready(60)
    yield broker
    broker.stop()


def test_the_real_embedded_broker_follows(
    bench: Bench, code: str, embedded: EmbeddedBroker
) -> None:
    made = bench.make(code)
    bench.broker = EmbeddedDoor(embedded)  # type: ignore[assignment]
    bench.begin(device_sign_in="own")
    bench.look()
    with bench.database.read() as session:
        assert embedded.wanted == wanted_accounts(session, shared=False)
    assert made.username in embedded.config.file.read_text()
    assert made.secret not in embedded.config.file.read_text()
    with bench.database.write() as session:
        device = session.get_one(Device, made.device_id)
        revoke_credentials(session, device, actor=events.SYSTEM, now=bench.now)
    embedded.stop()
    bench.look()
    with bench.database.read() as session:
        assert "can't be asked" in str(broker_accounts(session).fault)
    embedded.start()
    embedded.wait_ready(60)
    bench.look()
    assert made.username not in embedded.config.file.read_text()
    with bench.database.read() as session:
        assert broker_accounts(session).fault is None
