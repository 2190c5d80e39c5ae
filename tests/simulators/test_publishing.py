"""Publishing through a real broker: acknowledged, in order, patient, and clear about trouble."""

import socket
import threading
import time
from pathlib import Path

import pytest

from simulators.connection import BrokerAddress, Publisher
from simulators.errors import BadInput, BrokerTrouble
from simulators.publish import publish_message
from tests.servers import free_port
from tests.servers.mosquitto import mosquitto
from tests.simulators.listener import address_of, listening


def test_a_message_arrives_as_written(broker: BrokerAddress) -> None:
    with listening(broker, "wk/v1/x/#") as listener:
        assert publish_message(broker, "wk/v1/x/d/readings", '{"a": 1, "温度": 2}') > 0
        listener.wait_for(lambda: bool(listener.heard))
    expected = '{"a": 1, "温度": 2}'.encode()
    assert listener.heard == [("wk/v1/x/d/readings", expected, False)]


def test_a_retained_message_waits_for_whoever_comes(broker: BrokerAddress) -> None:
    publish_message(broker, "kept/status", "online", retain=True, check_json=False)
    with listening(broker, "kept/#") as listener:
        listener.wait_for(lambda: bool(listener.heard))
    assert listener.heard == [("kept/status", b"online", True)]


@pytest.mark.parametrize("topic", ["", "a/+/b", "a/#", "a b", "a\0b", "a" * 65_536])
def test_a_topic_that_brokers_do_not_take_is_refused(topic: str) -> None:
    with pytest.raises(BadInput):
        publish_message(BrokerAddress(port=1), topic, "{}")


def test_text_that_is_no_json_is_refused_with_its_place() -> None:
    with pytest.raises(BadInput, match="line 2, column 1"):
        publish_message(BrokerAddress(port=1), "a", '{"a":\n}')


def test_a_broker_that_is_away_is_named() -> None:
    port = free_port()
    with pytest.raises(BrokerTrouble, match=rf"no MQTT broker answers at 127\.0\.0\.1:{port}"):
        publish_message(BrokerAddress(port=port), "a", "{}")


def test_a_refused_password_is_said(tmp_path: Path) -> None:
    with (
        mosquitto(tmp_path, ["allow_anonymous false"]) as process,
        pytest.raises(BrokerTrouble, match=r"refused the connection: .*uthor"),
    ):
        publish_message(address_of(process), "a", "{}")


def test_something_that_speaks_no_mqtt_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        with pytest.raises(BrokerTrouble, match=r"didn't answer in 0\.5 s"):
            publish_message(BrokerAddress(port=port), "a", "{}", timeout=0.5)


def test_a_payload_that_the_broker_hangs_up_on_is_said(tmp_path: Path) -> None:
    with (
        mosquitto(tmp_path, ["max_packet_size 2000"]) as process,
        pytest.raises(BrokerTrouble, match="hangs up on this message"),
    ):
        publish_message(address_of(process), "a", f'"{"x" * 5000}"', timeout=20)


def test_more_messages_than_may_be_in_flight_arrive_in_order(broker: BrokerAddress) -> None:
    with listening(broker, "order/#") as listener, Publisher(broker, most_in_flight=10) as sender:
        for number in range(2_000):
            sender.publish("order/a", str(number).encode())
        sender.flush()
        assert (sender.sent, sender.acknowledged, sender.in_flight) == (2_000, 2_000, 0)
        listener.wait_for(lambda: len(listener.heard) == 2_000)
    assert listener.bodies("order/a") == list(range(2_000))


def test_a_publisher_waits_for_a_broker_that_comes_back(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as process:
        address = address_of(process)
        with Publisher(address, patience=None) as sender:
            sender.publish("back/a", b"1")
            sender.flush()
            process.stop()
            pushed = threading.Thread(target=sender.publish, args=("back/a", b"2"))
            pushed.start()
            time.sleep(0.5)
            process.start()
            with listening(address, "back/#") as listener:
                listener.wait_for(lambda: listener.bodies("back/a")[-1:] == [2])
            pushed.join()
            sender.flush()


def test_a_publisher_with_a_buffer_goes_on_while_the_broker_is_away(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as process:
        address = address_of(process)
        with Publisher(address, patience=None, buffer=1_000, most_in_flight=10) as sender:
            process.stop()
            time.sleep(0.1)
            for number in range(1_000):
                sender.publish("kept/a", str(number).encode())
            process.start()
            with listening(address, "kept/#") as listener:
                sender.flush()
                listener.wait_for(lambda: len(listener.heard) == 1_000)
    assert listener.bodies("kept/a") == list(range(1_000))


def test_a_publisher_without_patience_gives_up(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as process, Publisher(address_of(process), patience=0.5) as sender:
        process.stop()
        time.sleep(0.1)
        with pytest.raises(BrokerTrouble, match=r"acknowledged nothing for 0\.5 s"):
            sender.publish("a", b"1")
