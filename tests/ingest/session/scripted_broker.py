"""A broker that does exactly what a test says, also what no real one would do."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ingest.session import BrokerAddress

Script = Callable[["Peer"], None]


class Peer:
    """The broker's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.received: list[bytes] = []

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.sock.sendall(data)

    def packet(self) -> bytes:
        """The next packet of the client; EOFError at its end."""
        head = self._exactly(2)
        length, shift, last = head[1] & 127, 7, head[1]
        while last & 128:
            last = self._exactly(1)[0]
            length += (last & 127) << shift
            shift += 7
        packet = head[:1] + self._exactly(length)
        self.received.append(packet)
        return packet

    def _exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self.sock.recv(count - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def until(self, kind: int) -> bytes:
        """The next packet of a kind, answering pings and subscriptions before it."""
        while True:
            packet = self.packet()
            if packet[0] & 0xF0 == 0x80:
                self.send(b"\x90\x03" + packet[1:3] + b"\x01")
            if packet[0] == 0xC0:
                self.send(b"\xd0\x00")
            if packet[0] & 0xF0 == kind:
                return packet

    def accept(self) -> None:
        """Answer the CONNECT, and the SUBSCRIBE after it."""
        self.until(0x10)
        self.send(b"\x20\x02\x00\x00")
        self.until(0x80)

    def read_to_the_end(self) -> None:
        """Keep everything that the client still sends."""
        try:
            while True:
                self.until(0)
        except (EOFError, OSError):
            pass


def publish_frame(
    topic: bytes, payload: bytes, mid: int = 0, *, retain: bool = False, duplicate: bool = False
) -> bytes:
    """A PUBLISH, with QoS 1 when it has a packet identifier."""
    body = len(topic).to_bytes(2, "big") + topic
    body += mid.to_bytes(2, "big") if mid else b""
    body += payload
    length, digits = len(body), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (128 if length else 0))
        if not length:
            break
    first = 0x30 | (0x02 if mid else 0) | (0x08 if duplicate else 0) | (0x01 if retain else 0)
    return bytes([first]) + bytes(digits) + body


@contextmanager
def scripted_broker(*scripts: Script) -> Iterator[BrokerAddress]:
    """Runs the first script for the first connection, and so on; more connections are refused."""
    server = socket.create_server(("127.0.0.1", 0))
    failures: list[BaseException] = []

    def serve() -> None:
        try:
            for script in scripts:
                sock, _ = server.accept()
                with sock:
                    sock.settimeout(60)
                    script(Peer(sock))
        except (AssertionError, OSError, EOFError) as error:
            failures.append(error)
        finally:
            server.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield BrokerAddress("127.0.0.1", server.getsockname()[1])
        thread.join(60)
        assert not thread.is_alive(), "the script did not come to its end"
        assert not failures, failures
    finally:
        server.close()


def slowly(peer: Peer, data: bytes, pause: float = 0.0005) -> None:
    """Send byte by byte."""
    for index in range(len(data)):
        peer.send(data[index : index + 1])
        time.sleep(pause)
