"""A filter that the broker refused while it was busy."""

import pytest

from ingest.session import session as session_module
from tests.ingest.session.conftest import Sessions
from tests.ingest.session.scripted_broker import Peer, scripted_broker


def refuse_then_accept(peer: Peer) -> None:
    peer.until(0x10)
    peer.send(b"\x20\x02\x00\x00")
    while (packet := peer.packet())[0] & 0xF0 != 0x80:
        continue
    peer.send(b"\x90\x03" + packet[1:3] + b"\x80")
    peer.until(0x80)
    peer.read_to_the_end()


def test_a_refused_filter_is_reported_and_asked_for_again(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "_ASK_AGAIN", 0.2)
    with scripted_broker(refuse_then_accept) as address:
        ingest = sessions.connect(address, "wk/v1/#")
        ingest.until(lambda: ingest.session.state.refused == ("wk/v1/#",))
        ingest.until(lambda: ingest.session.state.refused == ())
        ingest.session.close()
