"""MQTT 3.1.1 frames: PUBLISH taken out of large reads, everything else passed on, PUBACKs made."""

from array import array
from sys import byteorder
from typing import Final

from ingest.session.messages import DUPLICATE, Message, Unacknowledged

PUBLISH: Final = 0x30
PUBACK: Final = 0x40
_PUBLISH_QOS_1: Final = 0x32
_PUBLISH_QOS_2: Final = 0x04
_CONTINUES: Final = 0x7F
_LONGEST_HEADER: Final = 5


class MalformedFrameError(ValueError):
    """The broker sent what MQTT 3.1.1 doesn't allow; the connection can't be trusted any more."""


class FrameReader:
    """Cuts the bytes of one connection into messages and control packets.

    `control` collects the bytes of every packet that isn't a QoS 0 or 1 PUBLISH, whole packets
    only. `malformed` is set once, with the reason, and ends the reading.
    """

    def __init__(self) -> None:
        self.unacknowledged = Unacknowledged()
        self.control = bytearray()
        self.malformed: str | None = None
        self.has_more = False
        self._data = b""
        self._position = 0
        self._chunks: list[bytes] = []
        self._held = 0
        self._needed = 1

    def feed(self, chunk: bytes) -> None:
        """Append what was received; chunks of a large packet are joined only once, at its end."""
        self._chunks.append(chunk)
        self._held += len(chunk)

    def read(self, limit: int) -> list[Message]:
        """Up to `limit` messages; `has_more` tells that whole packets were left for next time."""
        messages: list[Message] = []
        if self.malformed is None and (self.has_more or self._held >= self._needed):
            self._join()
            try:
                self._cut(messages, limit)
            except MalformedFrameError as error:
                self.malformed = str(error)
                self.has_more = False
        return messages

    def _join(self) -> None:
        if self._chunks:
            self._data = b"".join((self._data[self._position :], *self._chunks))
            self._position = 0
            self._chunks.clear()

    def _cut(self, messages: list[Message], limit: int) -> None:
        # This loop is the hot path of the product: a message costs it well under a microsecond.
        # It handles a fresh QoS 1 PUBLISH below 16 KiB itself and leaves the rest to `_other`.
        data, position, end = self._data, self._position, len(self._data)
        mids, append = self.unacknowledged.mids, messages.append
        stop = position
        try:
            while limit:
                stop = 0
                first = data[position]
                length = data[position + 1]
                body = position + 2
                if length > _CONTINUES:
                    high = data[body]
                    body += 1
                    length += (high << 7) - 128
                    if high > _CONTINUES:
                        length, body = _long_length(data, position)
                stop = body + length
                if stop > end:
                    break
                if first == _PUBLISH_QOS_1 and length > 4:
                    middle = body + 2 + (data[body] << 8) + data[body + 1]
                    start = middle + 2
                    if start > stop:
                        raise MalformedFrameError("a PUBLISH whose topic is longer than itself")
                    mid = (data[middle] << 8) + data[middle + 1]
                    if mid not in mids and mid:
                        mids.add(mid)
                        append((data[body + 2 : middle], data[start:stop], mid, 0))
                        limit -= 1
                        position = stop
                        continue
                limit -= self._other(messages, position, body, stop)
                position = stop
        except IndexError:
            stop = 0
        self._remember(position, stop, limit)

    def _remember(self, position: int, stop: int, limit: int) -> None:
        self._position = position
        left = len(self._data) - position
        self._held = left
        self._needed = stop - position if stop > position else left + 1
        self.has_more = limit <= 0 and left > 0

    def _other(self, messages: list[Message], position: int, body: int, stop: int) -> int:
        first = self._data[position]
        if first & 0xF0 != PUBLISH or first & 0x06 == _PUBLISH_QOS_2:
            self.control += self._data[position:stop]
            return 0
        message = _publish(self._data, first, body, stop)
        mid, flags = message[2], message[3]
        if mid and not self.unacknowledged.admit(mid, flags & DUPLICATE):
            return 0
        messages.append(message)
        return 1


def _long_length(data: bytes, position: int) -> tuple[int, int]:
    """A remaining length of three or four bytes and where the body begins; IndexError if cut."""
    length = data[position + 1] - 128 + ((data[position + 2] - 128) << 7)
    third = data[position + 3]
    if third <= _CONTINUES:
        return length + (third << 14), position + 4
    fourth = data[position + 4]
    if fourth > _CONTINUES:
        raise MalformedFrameError("a remaining length of more than four bytes")
    return length + ((third - 128) << 14) + (fourth << 21), position + _LONGEST_HEADER


def _publish(data: bytes, first: int, body: int, stop: int) -> Message:
    if stop - body < 2:
        raise MalformedFrameError("a PUBLISH without a topic")
    middle = body + 2 + (data[body] << 8) + data[body + 1]
    quality = first >> 1 & 3
    start = middle + 2 if quality else middle
    if start > stop:
        raise MalformedFrameError("a PUBLISH whose topic is longer than itself")
    if quality == 3:
        raise MalformedFrameError("a PUBLISH with QoS 3")
    mid = (data[middle] << 8) + data[middle + 1] if quality else 0
    if quality and not mid:
        raise MalformedFrameError("a QoS 1 PUBLISH without a packet identifier")
    flags = (first & 1) | (first >> 2 & DUPLICATE)
    return data[body + 2 : middle], data[start:stop], mid, flags


def acknowledgements(mids: list[int]) -> bytes:
    """The PUBACK packets of these identifiers, one after the other."""
    numbers = array("H", mids)
    if byteorder == "little":
        numbers.byteswap()
    octets = numbers.tobytes()
    packets = bytearray(b"\x40\x02\x00\x00") * len(mids)
    packets[2::4] = octets[0::2]
    packets[3::4] = octets[1::2]
    return bytes(packets)
