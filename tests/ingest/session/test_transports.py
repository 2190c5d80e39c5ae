"""TLS, websockets, Unix sockets, and brokers that don't let us in."""

import gc
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import Unavailable
from ingest.session import BrokerAddress, Phase
from ingest.session.links import PahoLink, SievedLink, link
from tests.ingest.session.certificates import make_certificate
from tests.ingest.session.conftest import Sessions
from tests.ingest.session.publishing import publish, readings
from tests.servers import free_port
from tests.servers.broker_process import BrokerProcess
from tests.servers.mosquitto import mosquitto
from tests.servers.nats import nats

EVERYTHING = "wk/v1/+/+/readings"


def tls_lines(certificate: Path, key: Path, port: int) -> list[str]:
    return [f"listener {port} 127.0.0.1", f"certfile {certificate}", f"keyfile {key}"]


@pytest.mark.parametrize("insecure", [False, True], ids=["host-checked", "host-unchecked"])
def test_tls_carries_batches_and_large_messages(
    tmp_path: Path, sessions: Sessions, insecure: bool
) -> None:
    names = "subjectAltName=DNS:elsewhere" if insecure else "subjectAltName=IP:127.0.0.1"
    certificate, key = make_certificate(tmp_path, names)
    port = free_port()
    with mosquitto(tmp_path, tls_lines(certificate, key, port)) as broker:
        secure = replace(broker.address, port=port, tls_ca=str(certificate), tls_insecure=insecure)
        ingest = sessions.connect(secure, EVERYTHING)
        large = b"z" * 3_000_000
        publish(broker.address, [*readings(3_000), ("wk/v1/s/d/readings", large), *readings(3)])
        came = ingest.take(3_004)
        assert [message[1] for message in came[:3_000]] == [body for _, body in readings(3_000)]
        assert came[3_000][1] == large
        ingest.acknowledge(came)
        ingest.session.close()
        assert sessions.connect(secure, EVERYTHING).quiet(0.5) == []


def test_tls_of_nats(tmp_path: Path, sessions: Sessions) -> None:
    certificate, key = make_certificate(tmp_path)
    with nats(tmp_path, tls_cert=certificate, tls_key=key, tls_ca=certificate) as broker:
        ingest = sessions.connect(broker.address, EVERYTHING)
        for number in range(500):
            ingest.session.publish("wk/v1/s/d/readings", b"%d" % number, qos=1)
        came = ingest.take(500)
        assert [message[1] for message in came] == [b"%d" % number for number in range(500)]


@pytest.mark.parametrize("flaw", ["other-host", "unknown-authority", "no-tls-there"])
def test_a_certificate_that_can_not_be_trusted_is_refused(
    tmp_path: Path, sessions: Sessions, flaw: str
) -> None:
    names = (
        "subjectAltName=DNS:elsewhere" if flaw == "other-host" else "subjectAltName=IP:127.0.0.1"
    )
    certificate, key = make_certificate(tmp_path, names)
    port = free_port()
    with mosquitto(tmp_path, tls_lines(certificate, key, port)) as broker:
        ca = "system" if flaw == "unknown-authority" else str(certificate)
        at = broker.address.port if flaw == "no-tls-there" else port
        address = replace(broker.address, port=at, tls_ca=ca)
        ingest = sessions.make(address, EVERYTHING)
        ingest.until(lambda: bool(ingest.errors))
    assert "can't reach the broker" in ingest.errors[0]
    assert ingest.session.generation == 0


def test_websockets_take_paho_s_own_path(tmp_path: Path, sessions: Sessions) -> None:
    port = free_port()
    extra = {"websocket": {"host": "127.0.0.1", "port": port, "no_tls": True}}
    with nats(tmp_path, extra) as broker:
        plain = broker.address
        settings = broker.folder / "nats-server.conf"
        settings.write_text(settings.read_text().replace('"MQTT"]', '"MQTT", "MQTT_WS"]'))
        broker.stop()
        broker.start()
        ingest = sessions.connect(replace(plain, port=port, transport="websockets"), EVERYTHING)
        publish(plain, readings(300))
        came = ingest.take(300)
        assert [message[1] for message in came] == [body for _, body in readings(300)]
        ingest.acknowledge(came)
        assert ingest.quiet(0.8) == []


def test_unix_sockets_take_paho_s_own_path(tmp_path: Path, sessions: Sessions) -> None:
    path = tmp_path / "mqtt.sock"
    with mosquitto(tmp_path, [f"listener 0 {path}"]) as broker:
        ingest = sessions.connect(BrokerAddress(str(path), 0, transport="unix"), EVERYTHING)
        publish(broker.address, readings(300))
        came = ingest.take(300)
        assert [message[1] for message in came] == [body for _, body in readings(300)]
        ingest.acknowledge(came)


def test_a_unix_socket_at_which_nobody_listens_is_closed(tmp_path: Path) -> None:
    waiting = link("x", "unix", True)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ResourceWarning)
        with pytest.raises(OSError, match="No such file"):
            waiting.connect(str(tmp_path / "mqtt.sock"), 1, 30)
        gc.collect()
    assert [str(one.message) for one in said] == []


def test_the_path_follows_from_transport_and_setting() -> None:
    assert isinstance(link("x", "tcp", True), SievedLink)
    assert isinstance(link("x", "tcp", False), PahoLink)
    assert isinstance(link("x", "websockets", True), PahoLink)
    assert isinstance(link("x", "unix", True), PahoLink)


def test_wrong_credentials_are_said_and_tried_again(tmp_path: Path, sessions: Sessions) -> None:
    with nats(tmp_path) as broker:
        assert_refused(sessions, broker)


def test_wrong_credentials_at_mosquitto_are_said_and_tried_again(
    tmp_path: Path, sessions: Sessions
) -> None:
    with mosquitto(tmp_path, ["allow_anonymous false"]) as broker:
        assert_refused(sessions, broker)


def assert_refused(sessions: Sessions, broker: BrokerProcess) -> None:
    wrong = replace(broker.address, username="watchkeeper", password="wrong")
    ingest = sessions.make(wrong, EVERYTHING)
    ingest.until(lambda: ingest.session.state.attempts == 2)
    assert ingest.session.state.phase is Phase.DISCONNECTED
    assert "refused" in str(ingest.session.state.error)
    assert "authorized" in str(ingest.session.state.error)
    assert "wrong" not in repr(ingest.session.state) + repr(wrong)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_is_not_there_yet_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "authority.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Unavailable, match=r"authority\.pem, can't be read"):
        BrokerAddress("127.0.0.1", 8883, tls_ca=str(file)).tls_context()
