"""What a session promises, on both brokers and both paths."""

import threading
import time
from pathlib import Path

import pytest

from ingest.session import DUPLICATE, RETAINED, Message, Phase
from ingest.session import session as session_module
from tests.ingest.session.conftest import Ingest, Sessions
from tests.ingest.session.publishing import flood, publish, publish_retained, readings
from tests.servers.broker_process import BrokerProcess
from tests.servers.nats import nats

EVERYTHING = "wk/v1/+/+/readings"
IDENTIFIERS = 65_535


def test_messages_come_in_the_order_they_were_published(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    ingest = sessions.connect(broker.address, EVERYTHING)
    publish(broker.address, readings(3_000))
    came = ingest.take(3_000)
    assert [(topic.decode(), payload) for topic, payload, _, _ in came] == readings(3_000)
    assert all(mid for _, _, mid, _ in came)


def test_acknowledged_messages_do_not_come_again(broker: BrokerProcess, sessions: Sessions) -> None:
    ingest = sessions.connect(broker.address, EVERYTHING)
    publish(broker.address, readings(500))
    ingest.acknowledge(ingest.take(500))
    ingest.session.close()
    again = sessions.connect(broker.address, EVERYTHING)
    assert again.session.session_present
    assert again.quiet(0.9) == []


def test_unacknowledged_messages_come_again_after_a_reconnect(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    ingest = sessions.connect(broker.address, EVERYTHING)
    publish(broker.address, readings(200))
    came = ingest.take(200)
    ingest.acknowledge(came[:150])
    ingest.session.close()
    again = sessions.connect(broker.address, EVERYTHING)
    repeated = again.take(50)
    assert sorted(message[1] for message in repeated) == sorted(m[1] for m in came[150:])
    assert all(message[3] & DUPLICATE for message in repeated)


def test_unacknowledged_messages_survive_a_restart_of_the_broker(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    ingest = sessions.connect(broker.address, EVERYTHING)
    publish(broker.address, readings(100))
    ingest.take(100)
    broker.stop()
    ingest.until(lambda: ingest.session.state.phase is Phase.DISCONNECTED)
    broker.start()
    came = ingest.until(lambda: ingest.session.generation == 2, seconds=60)
    came += ingest.take(100 - len(came))
    assert len({message[1] for message in came}) == 100
    assert ingest.session.state.phase is Phase.CONNECTED
    assert ingest.session.state.error is None


def test_messages_queued_while_away_are_delivered(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    sessions.connect(broker.address, EVERYTHING).session.close()
    publish(broker.address, readings(2_000))
    came = sessions.make(broker.address, EVERYTHING).take(2_000)
    assert [payload for _, payload, _, _ in came] == [payload for _, payload in readings(2_000)]


def test_repeats_on_the_same_connection_are_dropped(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    ingest = sessions.connect(broker.address, EVERYTHING)
    publish(broker.address, readings(20))
    came = ingest.take(20)
    # NATS sends unacknowledged messages again after half a second here; Mosquitto never does.
    assert ingest.quiet(1.2) == []
    assert ingest.settle(came, 0.8) == []


def test_what_waited_for_its_window_is_taken_after_identifiers_went_round(
    tmp_path: Path, sessions: Sessions
) -> None:
    """NATS marks as a duplicate what it held back while too much was under way."""
    most = 1_000
    with nats(tmp_path, max_ack_pending=most) as running:
        ingest = sessions.connect(running.address, EVERYTHING, "alarm/+")
        for start in range(0, IDENTIFIERS, 10_000):
            count = min(10_000, IDENTIFIERS - start)
            sent = threading.Thread(target=flood, args=(running.address, readings(count, start)))
            sent.start()
            taken = 0
            while taken < count:
                some = ingest.take(1)
                ingest.acknowledge(some)
                taken += len(some)
            sent.join()
        flood(running.address, readings(most))
        held_up = ingest.take(most)
        publish(running.address, [("alarm/door", b"open")])
        assert ingest.quiet(0.2) == []
        ingest.acknowledge(held_up)
        (late,) = ingest.take(1, 10)
        assert late[:2] == (b"alarm/door", b"open")
        assert late[3] == DUPLICATE
        ingest.acknowledge([late])
        assert ingest.quiet(1.2) == []


def test_filters_that_are_taken_together_share_a_window_and_keep_the_order(
    tmp_path: Path, sessions: Sessions
) -> None:
    """Each with a queue of its own, NATS puts off what finds the window filled by another."""
    said = [(f"{name}/{number}", b"%d" % number) for number in range(60) for name in "ab"]
    asked_for = [f"discovered/{number}" for number in range(40)]
    with nats(tmp_path, max_ack_pending=20, ack_wait=2.0) as running:
        ingest = sessions.connect(running.address, "a/#", "b/#", *asked_for, together=True)
        assert ingest.session.state.refused == ()
        flood(running.address, [("nobody/asked", b"?"), *said, *((one, b"!") for one in asked_for)])
        came: list[Message] = []
        while len(came) < len(said) + len(asked_for):
            some = ingest.take(1, 1.0)
            ingest.acknowledge(some)
            came += some
        assert [(topic.decode(), payload) for topic, payload, _, _ in came[: len(said)]] == said
        assert [topic.decode() for topic, *_ in came[len(said) :]] == asked_for
        assert not any(flags for *_, flags in came)
        assert ingest.quiet(2.2) == []


def test_filters_are_merged_when_nothing_waits_and_stay_so(
    tmp_path: Path, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NATS throws away what waits for a filter that is given up."""
    monkeypatch.setattr(session_module, "_CALM", 0.3)
    monkeypatch.setattr(session_module, "_FEW", 10)
    with nats(tmp_path, max_ack_pending=10, ack_wait=9.0) as running:
        ingest = sessions.connect(running.address, EVERYTHING, together=True)
        flood(running.address, readings(40))
        came = ingest.take(10)
        ingest.session.set_subscriptions([EVERYTHING, "b/#"])
        came += ingest.quiet(0.4)
        assert ingest.session.held == ("b/#", EVERYTHING)
        while len(came) < 40:
            ingest.acknowledge(came)
            came += ingest.take(1)
        ingest.acknowledge(came)
        assert [message[1] for message in came] == [b"%d" % number for number in range(40)]
        ingest.until(lambda: ingest.session.held == ("#",))
        publish(running.address, [("c/1", b"c"), ("b/1", b"b"), *readings(1)])
        came = ingest.take(2)
        assert [message[0] for message in came] == [b"b/1", b"wk/v1/site/device-0/readings"]
        assert ingest.settle(came, 0.2) == []
        # Of what is wanted later on, too, the retained is told, and nothing comes twice.
        publish_retained(running.address, [("c/1", b"kept")])
        assert ingest.quiet(0.1) == []
        ingest.session.set_subscriptions([EVERYTHING, "b/#", "c/+"])
        assert [(topic, body, flags) for topic, body, _, flags in ingest.take(1)] == [
            (b"c/1", b"kept", RETAINED)
        ]
        ingest.until(lambda: ingest.session.subscribed)
        publish(running.address, [("c/1", b"c")])
        assert [message[1] for message in ingest.settle(ingest.take(1), 0.2)] == []
        former = ingest.session.held
        ingest.session.close()
        publish(running.address, [("b/1", b"b"), *readings(1), ("b/1", b"b")])
        again = sessions.connect(running.address, EVERYTHING, "b/#", former=former, together=True)
        assert [message[0][:1] for message in again.take(3)] == [b"b", b"w", b"b"]
        assert again.session.held == ("#",)


def test_acknowledgements_of_an_older_connection_are_ignored(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    ingest = sessions.connect(broker.address, EVERYTHING)
    publish(broker.address, readings(10))
    old = [message[2] for message in ingest.take(10)]
    broker.stop()
    broker.start()
    came = ingest.until(lambda: ingest.session.generation == 2, seconds=60)
    came += ingest.take(10 - len(came))
    ingest.session.acknowledge(1, [*old, *(message[2] for message in came)])
    ingest.session.poll(0.2)
    ingest.session.close()
    assert len(sessions.connect(broker.address, EVERYTHING).take(10)) == 10


def test_retained_values_and_qos_0_are_marked(broker: BrokerProcess, sessions: Sessions) -> None:
    publish_retained(broker.address, [("state/door", b"open")])
    ingest = sessions.make(broker.address, "state/#", EVERYTHING)
    (retained,) = ingest.take(1)
    assert retained[:2] == (b"state/door", b"open")
    assert retained[3] & RETAINED
    publish(broker.address, [("state/door", b"shut")], qos=0)
    (live,) = ingest.take(1)
    assert live == (b"state/door", b"shut", 0, 0)
    ingest.acknowledge([retained, live])


def test_changed_subscriptions_leave_the_standing_ones_alone(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    publish_retained(broker.address, [("a/1", b"kept"), ("b/1", b"new"), ("c/1", b"old")])
    ingest = sessions.make(broker.address, "a/+", "c/+")
    assert {message[1] for message in ingest.take(2)} == {b"kept", b"old"}
    ingest.session.set_subscriptions(["a/+", "b/+"])
    # A SUBSCRIBE for a/+ would have brought its retained value again.
    assert [message[1] for message in ingest.take(1) + ingest.quiet(0.5)] == [b"new"]
    publish(broker.address, [("c/1", b"gone"), ("a/1", b"still")])
    assert [message[1] for message in ingest.take(1) + ingest.quiet(0.3)] == [b"still"]


def test_filters_of_an_earlier_run_are_given_up(broker: BrokerProcess, sessions: Sessions) -> None:
    sessions.connect(broker.address, "old/+").session.close()
    ingest = sessions.connect(broker.address, "new/+", former=["old/+", "new/+"])
    publish(broker.address, [("old/1", b"1"), ("new/1", b"2")])
    assert [message[1] for message in ingest.take(1) + ingest.quiet(0.3)] == [b"2"]


def test_a_filter_that_is_not_valid_is_reported_and_harms_no_other(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    ingest = sessions.connect(broker.address, "good/+", "bad/#/ugly", "")
    assert ingest.session.state.phase is Phase.CONNECTED
    assert ingest.session.state.refused == ("", "bad/#/ugly")
    publish(broker.address, [("good/1", b"1")])
    assert len(ingest.take(1)) == 1


def test_ten_megabytes_arrive_whole(broker: BrokerProcess, sessions: Sessions) -> None:
    large = bytes(range(256)) * 40_960
    ingest = sessions.connect(broker.address, EVERYTHING)
    publish(broker.address, [*readings(3), ("wk/v1/s/d/readings", large), *readings(3, start=3)])
    came = ingest.take(7)
    assert came[3][1] == large
    assert [message[1] for message in came[:3] + came[4:]] == [b"%d" % n for n in range(6)]


def test_stalled_and_idle_connections_are_kept_and_lose_nothing(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    for attempt in range(5):
        since = time.monotonic()
        idle = sessions.connect(broker.address, "nothing/+", name=f"idle-{attempt}", keepalive=2)
        stalled = sessions.connect(
            broker.address, EVERYTHING, name=f"stalled-{attempt}", keepalive=2
        )
        speaker = threading.Thread(target=publish, args=(broker.address, readings(3_500)))
        speaker.start()
        # A broker waits for one and a half times the keep-alive, here for 3 seconds. Of one that
        # heard nothing for as long, for the machine let us do nothing, we learn nothing.
        longest = kept_alive(stalled, idle, since, speaker)
        speaker.join()
        if longest < 0.8:
            break
    assert idle.session.generation == stalled.session.generation == 1
    came = stalled.take(3_500)
    assert [message[1] for message in came] == [payload for _, payload in readings(3_500)]
    assert stalled.settle(came, 0.8) == []
    assert stalled.session.state.phase is Phase.CONNECTED


def kept_alive(stalled: Ingest, idle: Ingest, since: float, speaker: threading.Thread) -> float:
    """Keep both alive while somebody speaks; the longest time in which they had no turn."""
    turn, longest = since, 0.0
    while turn - since < 3.6 or speaker.is_alive():
        stalled.session.keep_alive()
        assert idle.session.poll(0.1) == []
        longest = max(longest, time.monotonic() - turn)
        turn = time.monotonic()
    return longest


def test_another_thread_acknowledges_and_publishes_while_the_poll_waits(
    broker: BrokerProcess, sessions: Sessions
) -> None:
    watcher = sessions.connect(broker.address, "out/+", name="watcher")
    ingest = sessions.connect(broker.address, EVERYTHING)
    waiting = threading.Thread(target=ingest.session.poll, args=(240.0,))
    waiting.start()
    time.sleep(0.2)
    ingest.session.publish("out/beat", b"1", qos=1)
    assert watcher.take(1)[0][1] == b"1"
    assert waiting.is_alive()
    publish(broker.address, readings(1))
    waiting.join()


def test_close_sends_what_is_queued(broker: BrokerProcess, sessions: Sessions) -> None:
    ingest = sessions.connect(broker.address, EVERYTHING)
    publish(broker.address, readings(1_000))
    came = ingest.take(1_000)
    ingest.session.acknowledge(1, [message[2] for message in came])
    ingest.session.publish("wk/v1/s/d/readings", b"last words", qos=1)
    ingest.session.close()
    again = sessions.connect(broker.address, EVERYTHING)
    assert [message[1] for message in again.quiet(0.9)] == [b"last words"]
