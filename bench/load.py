"""A load generator: QoS 1 publications as fast as the broker takes them, or at a steady rate.

It writes MQTT 3.1.1 frames by itself, since a client library would be the bottleneck of what is to
be measured. It has no other use.
"""

import argparse
import json
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.dialects import NATIVE, SPEECHES

_CHUNK = 200
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent. base: event time of the first message, seconds; step: seconds between them.

    trips: every so many messages one, of a device of its own, exceeds the limit; 0 for none.
    """

    messages: int
    devices: int
    base: float
    step: float
    trips: int = 0
    dialect: str = NATIVE


def payload(load: Load, number: int) -> tuple[int, bytes, bool]:
    """The device, the payload and whether it trips, of message `number`."""
    ts = load.base + number * load.step
    tripping = bool(load.trips) and number % load.trips == load.trips - 1
    # Those that trip are of devices that say nothing else, so that each trips exactly once.
    device = number // load.trips if tripping else number % load.devices
    temperature = 90.0 if tripping else 20 + number % 400 / 10
    values = (temperature, 1 + number % 30 / 10, 10.0 + number % 7)
    speech = SPEECHES[load.dialect]
    return device, speech.said(speech.device(device), ts, values).encode(), tripping


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack(">H", len(raw)) + raw


def _length(size: int) -> bytes:
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (128 if size else 0))
        if not size:
            return bytes(out)


def publication(topic: str, body: bytes, mid: int) -> bytes:
    """A QoS 1 PUBLISH frame (MQTT 3.1.1, section 3.3)."""
    rest = _text(topic) + struct.pack(">H", mid) + body
    return b"\x32" + _length(len(rest)) + rest


class Publisher:
    """One connection with at most `window` publications under way."""

    def __init__(
        self, host: str, port: int, user: str | None, password: str | None, window: int
    ) -> None:
        self._socket = socket.create_connection((host, port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = 0x02 | (0x80 if user else 0) | (0x40 if password else 0)
        body = _text("MQTT") + bytes([4, flags]) + struct.pack(">H", 0)
        body += _text(f"bench-load-{time.time_ns()}")
        body += (_text(user) if user else b"") + (_text(password) if password else b"")
        self._socket.sendall(b"\x10" + _length(len(body)) + body)
        answer = self._socket.recv(4)
        if len(answer) != 4 or answer[3] != 0:
            raise ConnectionError(f"the broker refused: {answer.hex()}")
        self._window = window
        self._rest = 0
        self.sent = 0
        self.acknowledged = 0

    def send(self, frames: list[bytes]) -> None:
        """Send frames, waiting while the window is full."""
        while self.sent - self.acknowledged > self._window:
            self.collect(wait=True)
        self._socket.sendall(b"".join(frames))
        self.sent += len(frames)
        self.collect(wait=False)

    def collect(self, *, wait: bool) -> None:
        """Count acknowledgements: PUBACKs are four bytes each, and nothing else comes."""
        readable, _, _ = select.select([self._socket], [], [], _PATIENCE if wait else 0)
        if not readable:
            if wait:
                raise TimeoutError(f"no acknowledgement within {_PATIENCE:g} s")
            return
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the broker hung up")
        self._rest += len(data)
        count, self._rest = divmod(self._rest, 4)
        self.acknowledged += count

    def finish(self) -> None:
        """Wait for every acknowledgement and disconnect."""
        while self.acknowledged < self.sent:
            self.collect(wait=True)
        self._socket.sendall(b"\xe0\x00")
        self._socket.close()


def frames_of(load: Load, site: str) -> Iterator[tuple[bytes, int, bool]]:
    """Every message as a frame, with its device and whether it trips."""
    for number in range(load.messages):
        device, body, tripping = payload(load, number)
        if load.dialect == NATIVE:
            code = f"trip{device}" if tripping else f"d{device}"
            topic = f"wk/v1/{site}/{code}/readings"
        else:
            speech = SPEECHES[load.dialect]
            topic = speech.topic(speech.device(device))
        yield publication(topic, body, number % 65_535 + 1), device, tripping


def blast(publisher: Publisher, load: Load, site: str) -> float:
    """Send everything as fast as it is taken; returns the seconds it took."""
    started = time.perf_counter()
    frames: list[bytes] = []
    for frame, _, _ in frames_of(load, site):
        frames.append(frame)
        if len(frames) == _CHUNK:
            publisher.send(frames)
            frames = []
    if frames:
        publisher.send(frames)
    publisher.finish()
    return time.perf_counter() - started


def steady(publisher: Publisher, load: Load, site: str, rate: float) -> dict[int, float]:
    """Send at `rate` messages a second; returns when each tripping device was sent, Unix time."""
    trips = {}
    started = time.perf_counter()
    for number in range(load.messages):
        wait = started + number / rate - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        # The event time is the moment of sending, as with a live device.
        live = Load(load.messages, load.devices, time.time() - number * load.step, load.step,
                    load.trips)  # fmt: skip
        device, body, tripping = payload(live, number)
        code = f"trip{device}" if tripping else f"d{device}"
        frame = publication(f"wk/v1/{site}/{code}/readings", body, number % 65_535 + 1)
        if tripping:
            trips[device] = time.time()
        publisher.send([frame])
    publisher.finish()
    return trips


def main() -> None:
    """Run as a process: `python -m bench.load`; prints one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--user")
    parser.add_argument("--password")
    parser.add_argument("--site", default="bench")
    parser.add_argument("--messages", type=int, required=True)
    parser.add_argument("--devices", type=int, required=True)
    parser.add_argument("--base", type=float, required=True)
    parser.add_argument("--step", type=float, default=0.001)
    parser.add_argument("--trips", type=int, default=0)
    parser.add_argument("--dialect", default=NATIVE, choices=list(SPEECHES))
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--window", type=int, default=2_000)
    given = parser.parse_args()
    load = Load(given.messages, given.devices, given.base, given.step, given.trips, given.dialect)
    publisher = Publisher(given.host, given.port, given.user, given.password, given.window)
    result: dict[str, object] = {}
    started = time.perf_counter()
    if given.rate:
        result["trips"] = steady(publisher, load, given.site, given.rate)
    else:
        blast(publisher, load, given.site)
    result["seconds"] = time.perf_counter() - started
    result["sent"] = publisher.sent
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
