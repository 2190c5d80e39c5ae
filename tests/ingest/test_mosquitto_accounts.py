"""A real Mosquitto with its dynamic security plugin follows what was decided."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from core.clock import SystemClock
from core.device_credentials import Account, AccountsAway, Wanted
from core.device_credentials.dynamic_security import (
    Control,
    DynamicSecurity,
    _Book,
    first_configuration,
)
from core.device_credentials.issuing import sealed_about
from core.device_credentials.losses import Losses
from core.device_credentials.rights import rights_of
from core.errors import WatchkeeperError
from core.health import Health
from core.settings import load
from core.vault import Vault
from ingest.accounts import MosquittoDoor
from ingest.session import BrokerAddress
from tests.fixtures import NOON
from tests.ingest.session.conftest import Ingest
from tests.ingest.session.publishing import flood
from tests.ingest.test_device_accounts import SECRETS, Speaker, until
from tests.servers import free_port
from tests.servers.broker_process import BrokerProcess
from tests.servers.mosquitto import account_lines, mosquitto_of
from watchkeeper.product import _dropped_detail

VAULT = Vault(load(secret_key="the key of this test, of 32 characters"))


def plugin() -> str:
    """Where Debian puts the plugin on this machine."""
    found = sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))
    assert found, "the package mosquitto brings mosquitto_dynamic_security.so"
    return str(found[0])


def account(name: str, *devices: str, filters: tuple[str, ...] = ()) -> Account:
    credential_id, device_id = uuid4(), uuid4()
    sealed = VAULT.seal(SECRETS[name], sealed_about(credential_id))
    rights = rights_of("site", devices, filters)
    return Account(credential_id, device_id, name, "", sealed, rights)


A, B = account("a", "meter.1"), account("b", "meter.2")
BRIDGE = account("bridge", "gateway", "meter.1", filters=("zigbee2mqtt/#",))


def wanted(*accounts: Account, shared: bool = False, sources: tuple[str, ...] = ()) -> Wanted:
    return Wanted({one.username: one for one in accounts}, shared, sources)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    """One Mosquitto for the file, begun from the configuration that `credentials init` writes."""
    folder = tmp_path_factory.mktemp("dynsec")
    file = folder / "dynamic-security.json"
    file.write_text(first_configuration(("warden", "warden-pw"), ("product", "product-pw")))
    address = BrokerAddress("127.0.0.1", free_port(), "product", "product-pw")
    lines = [
        *account_lines(),
        "per_listener_settings false",
        # As an installation that comes from before: who has no name is let in and may do nothing.
        "allow_anonymous true",
        f"plugin {plugin()}",
        f"plugin_opt_config_file {file}",
        "persistence true",
        f"persistence_location {folder}/",
        "sys_interval 1",
        "log_dest topic",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "connection_messages true",
        f"listener {address.port} {address.host}",
    ]
    with mosquitto_of(folder, lines, address) as running:
        yield running


def door_of(broker: BrokerProcess) -> MosquittoDoor:
    control = Control(broker.address.host, broker.address.port, "warden", "warden-pw")
    return MosquittoDoor(DynamicSecurity(control, VAULT, SystemClock()), {"product", "warden"})


@pytest.fixture
def door(broker: BrokerProcess) -> Iterator[MosquittoDoor]:
    made = door_of(broker)
    yield made
    made.close()


@pytest.fixture
def speak(broker: BrokerProcess) -> Iterator[Callable[..., Speaker]]:
    speakers: list[Speaker] = []

    def one(name: str, client_id: str | None = None) -> Speaker:
        speakers.append(Speaker(broker.address, name, client_id))
        return speakers[-1]

    yield one
    for each in speakers:
        each.leave()


def heard(broker: BrokerProcess, say: Callable[[], None]) -> list[str]:
    """The topics that reach the product while `say` speaks."""
    ingest = Ingest(broker.address, ["wk/v1/#", "zigbee2mqtt/#"], f"ingest-{uuid4()}").connect()
    say()
    ingest.session.publish("wk/v1/site/marker/readings", b"end", qos=1, retain=False)
    topics: list[str] = []
    deadline = time.monotonic() + 30
    while "wk/v1/site/marker/readings" not in topics:
        assert time.monotonic() < deadline
        topics += [message[0].decode() for message in ingest.session.poll(0.05)]
    ingest.session.close()
    return topics[:-1]


def test_each_speaks_as_itself_and_a_bridge_for_its_list(
    broker: BrokerProcess, door: MosquittoDoor, speak: Callable[..., Speaker]
) -> None:
    followed = door.follow(wanted(A, B, BRIDGE))
    assert (followed.admitted, followed.unknown) == (("a", "b", "bridge"), ())
    a, bridge = speak("a"), speak("bridge")

    def say() -> None:
        a.say("wk/v1/site/meter.1/readings")
        a.say("wk/v1/site/meter.2/readings", "forged")
        a.say("wk/v1/site/announce", "forged")
        a.say("$CONTROL/dynamic-security/v1", "{}")
        bridge.say("zigbee2mqtt/lamp")
        bridge.say("wk/v1/site/meter.1/status")
        bridge.say("wk/v1/site/meter.2/readings", "forged")
        bridge.say("wk/v1/site/announce", "forged")

    assert heard(broker, say) == [
        "wk/v1/site/meter.1/readings",
        "zigbee2mqtt/lamp",
        "wk/v1/site/meter.1/status",
    ]
    refused = 0x80
    asked = ["wk/v1/site/meter.2/#", "wk/v1/#", "#", "$SYS/#", "wk/v1/other/announce"]
    assert a.ask(*asked) == [refused] * len(asked)
    assert a.ask("wk/v1/site/announce", "wk/v1/site/meter.1/#") == [1, 1]


def test_following_again_changes_nothing_and_cuts_nobody(
    broker: BrokerProcess, door: MosquittoDoor, speak: Callable[..., Speaker]
) -> None:
    door.follow(wanted(A, B))
    a = speak("a")
    before = door._control._present()
    assert door.follow(wanted(A, B)).admitted == ("a", "b")
    assert door._control._present() == before
    # What a device may do changes under it, and it stays connected.
    wider = replace(A, rights=rights_of("site", ["meter.1", "meter.3"]))
    door.follow(wanted(wider, B))
    assert heard(broker, lambda: a.say("wk/v1/site/meter.3/status")) == [
        "wk/v1/site/meter.3/status"
    ]
    door.follow(wanted(A, B))
    assert heard(broker, lambda: a.say("wk/v1/site/meter.3/status")) == []
    assert a.client.is_connected()


def test_revocation_cuts_who_is_connected_and_nobody_else(
    door: MosquittoDoor, speak: Callable[..., Speaker]
) -> None:
    door.follow(wanted(A, B))
    a, b = speak("a"), speak("b")
    door.follow(wanted(B))
    until(lambda: not a.client.is_connected())
    assert b.client.is_connected()
    assert speak("a", "again").refused
    roles = door._control._present()[1]
    assert f"wk-device-{A.device_id}" not in roles


def test_revocation_waits_for_no_account_that_can_not_be_made(
    door: MosquittoDoor, speak: Callable[..., Speaker]
) -> None:
    door.follow(wanted(A))
    a = speak("a")
    unreadable = replace(B, username="new", sealed=b"under the key of yesterday")
    with pytest.raises(WatchkeeperError):
        door.follow(wanted(unreadable))
    until(lambda: not a.client.is_connected())


def test_who_has_no_name_may_speak_only_while_that_is_shared(
    broker: BrokerProcess, door: MosquittoDoor
) -> None:
    def say() -> None:
        # The plugin cuts off who has no name when what they may do changes.
        nobody = Speaker(replace(broker.address, username=None, password=None), None)
        until(lambda: [o.username for o in door.connections() if o.client_id == "client-None"])
        nobody.say("wk/v1/site/old/readings")
        nobody.say("zigbee2mqtt/lamp")
        nobody.say("wk/v1/site/announce", "forged")
        nobody.leave()

    door.follow(wanted(A))
    door.connections()
    assert heard(broker, say) == []
    door.follow(wanted(A, shared=True, sources=("zigbee2mqtt/#",)))
    assert heard(broker, say) == ["wk/v1/site/old/readings", "zigbee2mqtt/lamp"]
    door.follow(wanted(A))
    assert heard(broker, say) == []


def test_accounts_outlive_the_broker_and_what_it_lost_comes_back(
    broker: BrokerProcess, speak: Callable[..., Speaker]
) -> None:
    door = door_of(broker)
    door.follow(wanted(A, B))
    broker.stop()
    with pytest.raises(AccountsAway, match="can't be reached"):
        door.follow(wanted(A, B))
    broker.start()
    assert not speak("a").refused
    # Somebody deletes an account by hand, makes one of their own, and widens a role.
    security = door._control
    security._do(
        [
            {"command": "deleteClient", "username": "b"},
            {"command": "createClient", "username": "by-hand", "password": "x", "roles": []},
            {
                "command": "addRoleACL",
                "rolename": f"wk-device-{A.device_id}",
                "acltype": "publishClientSend",
                "topic": "#",
                "allow": True,
            },
        ]
    )
    followed = door.follow(wanted(A, B))
    assert followed.unknown == ("by-hand",)
    assert not speak("b").refused
    a = speak("a", "wide")
    assert heard(broker, lambda: a.say("wk/v1/site/meter.9/status")) == []
    # What others made is left to them.
    assert "by-hand" in security._present()[0]
    security._do([{"command": "deleteClient", "username": "by-hand"}])
    door.close()


def test_an_account_whose_secret_is_not_kept_is_not_let_in(door: MosquittoDoor) -> None:
    assert door.follow(wanted(A, replace(B, username="hash-only", sealed=None))).admitted == ("a",)


def test_a_wrong_account_of_ours_is_told_with_what_to_do(broker: BrokerProcess) -> None:
    control = Control(broker.address.host, broker.address.port, "warden", "wrong")
    security = DynamicSecurity(control, VAULT, SystemClock())
    with pytest.raises(AccountsAway, match="warden") as told:
        security.follow(wanted(A))
    assert "mqtt_admin_password" in told.value.advice


def test_the_broker_tells_who_is_connected_and_who_was_taken_over(
    door: MosquittoDoor, speak: Callable[..., Speaker]
) -> None:
    door.follow(wanted(A, B))
    door.connections()
    speak("a", "one")
    other = speak("a", "two (p2, c0, k60, u'b').")
    until(lambda: len([one for one in door.connections() if one.username == "a"]) == 2)
    present = {one.client_id: one for one in door.connections() if one.username == "a"}
    assert present.keys() == {"one", "two (p2, c0, k60, u'b')."}
    assert present["one"].address == "127.0.0.1"
    assert present["one"].patience > timedelta(seconds=90)
    speak("a", "one")
    until(lambda: any(one.taken_over and one.client_id == "one" for one in door.connections()))
    other.leave()
    until(lambda: not any(one.client_id.startswith("two") for one in door.connections()))


def test_the_broker_tells_what_it_dropped_for_a_full_queue(
    broker: BrokerProcess, door: MosquittoDoor
) -> None:
    """Whoever published it was told that it was taken, and nobody else learns of it."""
    Ingest(broker.address, ["wk/v1/full/#"], "away").connect().session.close()
    flood(broker.address, [("wk/v1/full/meter/readings", b"1")] * 1_200)
    security = door._control
    door.connections()
    until(lambda: security.losses.total >= 100)
    health = Health(SystemClock())
    health.watch("broker queue", lambda: _dropped_detail(security.losses, SystemClock()))
    (state,) = health.snapshot()
    assert not state.ok
    assert "messages dropped" in state.detail


def test_drops_are_told_for_an_hour_and_again_when_there_are_more() -> None:
    losses = Losses()
    for figure in (b"0", b"nonsense"):
        losses.read(figure, NOON)
        assert not losses.told(NOON)
    losses.read(b"7", NOON)
    losses.read(b"7", NOON + timedelta(minutes=59))
    assert losses.told(NOON + timedelta(minutes=59))
    assert not losses.told(NOON + timedelta(minutes=60))
    # Mosquitto has begun anew, and so has its figure.
    losses.read(b"0", NOON + timedelta(hours=2))
    assert not losses.told(NOON + timedelta(hours=2))
    losses.read(b"3", NOON + timedelta(hours=3))
    assert losses.told(NOON + timedelta(hours=3))


def test_the_log_is_read_as_mosquitto_writes_it() -> None:
    book = _Book()
    came = "1795996214: New client connected from ::1:54869 as ca (p2, c0, k0, u'a')."
    book.read(came, NOON)
    book.read("1795996214: New client connected from 10.0.0.9:1 as cb (p2, c1, k60).", NOON)
    book.read("1795996214: Nothing that we know.", NOON)
    found = [(one.address, one.username, one.client_id) for one in book.present.values()]
    assert found == [("::1", "a", "ca"), ("10.0.0.9", "", "cb")]
    book.read("1795996215: Client cb already connected, closing old connection.", NOON)
    book.read("1795996215: Client ca has exceeded timeout, disconnecting.", NOON)
    assert book.present == {}
    assert [one.client_id for one in book.taken] == ["cb"]
