"""The only module that reaches into paho: a socket of ours under its client, and three fields.

paho-mqtt 2.2 has no public hook for its socket, and its own reader takes about 29 µs a QoS 1
message. `SievedClient` gives it a socket that keeps the PUBLISH packets for us and shows paho only
the control packets, so that connecting, TLS, subscribing and keep-alive stay paho's work.
"""

import contextlib
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, MQTTMessage

from ingest.session.frames import FrameReader

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

# Each read costs ingest a turn, whatever it brings: a quarter as much held too few messages of 700
# bytes.
CHUNK = 1024 * 1024
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class SieveSocket:
    """What paho takes for its socket.

    paho's packets and our acknowledgements meet in one outbox, in whole packets, so that neither
    is ever written into the middle of the other. Everything happens on the ingest thread.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.reader = FrameReader()
        self.ended: str | None = None
        self._sock = sock
        self._tls = sock if isinstance(sock, ssl.SSLSocket) else None
        self._outbox = bytearray()

    def recv(self, buffer_size: int) -> bytes:
        """Control packets for paho; b"" when the connection has ended."""
        inbox = self.reader.control
        if inbox:
            taken = bytes(inbox[:buffer_size])
            del inbox[:buffer_size]
            return taken
        if self.ended is not None:
            return b""
        raise BlockingIOError

    def send(self, buffer: bytes | bytearray) -> int:
        """Take a packet of paho's whole; `flush` writes it."""
        self._outbox += buffer
        return len(buffer)

    def close(self) -> None:
        """Close the real socket."""
        self._sock.close()

    def fileno(self) -> int:
        """The real socket's descriptor, for polling."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """Pass paho's wish on to the real socket."""
        self._sock.setblocking(flag)

    @property
    def wants_write(self) -> bool:
        """Whether bytes wait for the socket to take them."""
        return bool(self._outbox)

    @property
    def buffered(self) -> bool:
        """Whether the TLS layer holds bytes that polling the socket can't see."""
        return self._tls is not None and self._tls.pending() > 0

    def fill(self) -> int:
        """Read what has arrived, at most about CHUNK bytes; returns how many bytes it was."""
        total = 0
        try:
            while total < CHUNK:
                received = self._sock.recv(CHUNK)
                if not received:
                    self.ended = self.ended or "the broker closed the connection"
                    break
                total += len(received)
                self.reader.feed(received)
                if self._tls is None:
                    break
        except _NOT_NOW:
            pass
        except OSError as error:
            self.ended = self.ended or f"the connection broke: {error}"
        return total

    def flush(self) -> None:
        """Write as much of the outbox as the socket takes now."""
        if not self._outbox or self.ended is not None:
            return
        try:
            del self._outbox[: self._sock.send(self._outbox)]
        except _NOT_NOW:
            pass
        except OSError as error:
            self.ended = f"the connection broke: {error}"


class TidyClient(Client):
    """A paho client that closes its socket when the TLS handshake fails, or when nobody listens at
    a Unix socket; paho leaves it open."""

    def _create_unix_socket_connection(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(self._host)
        except OSError:
            sock.close()
            raise
        return sock

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        context = self._ssl_context
        if context is None:
            raise ValueError("TLS without a context")
        secure = context.wrap_socket(
            tcp_sock, server_hostname=self._host, do_handshake_on_connect=False
        )
        try:
            secure.settimeout(self._connect_timeout)
            secure.do_handshake()
        except OSError:
            secure.close()
            raise
        return secure


class SievedClient(TidyClient):
    """A paho client whose plain or TLS socket is a `SieveSocket`."""

    sieve: SieveSocket

    def _create_socket(self) -> "SocketLike":
        sock = super()._create_socket()
        if not isinstance(sock, socket.socket):
            raise TypeError(f"only a plain or TLS socket can be sieved, not {type(sock).__name__}")
        self.sieve = SieveSocket(sock)
        return self.sieve


def presume_alive(client: Client) -> None:
    """Tell paho that the broker has just been heard.

    paho counts only the bytes that it reads itself, and takes a PINGRESP that waits unread behind
    other packets for a dead broker.
    """
    client._ping_t = 0.0
    client._last_bytes_received = time.monotonic()


def close_socket(client: Client) -> None:
    """Close a socket that did not take the DISCONNECT in time."""
    client._sock_close()


def raw_topic(message: MQTTMessage) -> bytes:
    """The topic as it came; paho's own property raises for one that isn't UTF-8."""
    return message._topic


def real_socket(sock: "SocketLike") -> Any:
    """The operating system's socket under ours, under paho's for websockets, or itself."""
    return sock._sock if isinstance(sock, SieveSocket) else getattr(sock, "_socket", sock)


def finish_sending(sock: "SocketLike", patience: float) -> None:
    """Let the broker read our last packets before the socket closes, at most `patience` seconds.

    Closing a socket with unread data resets the connection, and the reset can overtake the
    acknowledgements and the DISCONNECT just written.
    """
    real = real_socket(sock)
    deadline = time.monotonic() + patience
    with contextlib.suppress(OSError):
        real.settimeout(patience)
        if isinstance(sock, SieveSocket):
            sock.flush()
        real.shutdown(socket.SHUT_WR)
        while time.monotonic() < deadline and real.recv(CHUNK):
            pass
