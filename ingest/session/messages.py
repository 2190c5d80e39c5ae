"""Messages as they leave the session, and which of them still wait for their acknowledgement."""

from collections.abc import Iterable

# (topic, payload, packet identifier or 0 for QoS 0, flags). A bare tuple, because at 40,000 a
# second the making of a named one would cost as much as the parsing.
Message = tuple[bytes, bytes, int, int]

RETAINED = 1
DUPLICATE = 2


# Identifiers are given in turn, and 65,535 of them go round within two seconds of a heavy load: of
# what was settled, only so much is remembered that it is forgotten before it is given again, also
# where a broker has 20,000 under way.
_REMEMBERED = 16_384
# While we are held up and read nothing, NATS sends a message again every few seconds: so many of
# these may lie before us when its acknowledgement goes out.
_MOST_REPEATS = 5


class Unacknowledged:
    """The packet identifiers delivered in this connection and not acknowledged yet.

    A broker may send an unacknowledged message again in the same connection, marked as a
    duplicate (NATS does after its `ack_wait`): the pipeline already holds it, so it is dropped,
    also when its acknowledgement went out while the repeat was on its way. That acknowledgement
    settles both; a second one could settle a new message that has got the identifier since.
    But the mark doesn't say that we ever saw the message: NATS sets it, too, on one that it held
    back at first since too many were under way. So a repeat of what was settled is dropped a few
    times only: a broker that goes on sending it has not taken the acknowledgement for this message.
    An identifier that comes again *without* the mark belongs to a new message: the broker has
    freed it, because an acknowledgement crossed with a repeat that was then taken for a message of
    its own. The acknowledgement of that repeat must not go out, it would settle the new message.
    """

    __slots__ = ("_before", "_settled", "mids", "superseded")

    def __init__(self) -> None:
        self.mids: set[int] = set()
        self.superseded: dict[int, int] = {}
        # With how many repeats of each were dropped since.
        self._settled: dict[int, int] = {}
        self._before: dict[int, int] = {}

    def admit(self, mid: int, duplicate: int) -> bool:
        """Whether a message is to be taken: it is new, or from before this connection."""
        if mid in self.mids:
            if duplicate:
                return False
            self.superseded[mid] = self.superseded.get(mid, 0) + 1
        elif duplicate and self._is_repeat(mid):
            return False
        self.mids.add(mid)
        return True

    def _is_repeat(self, mid: int) -> bool:
        repeats = self._settled.pop(mid, None)
        earlier = self._before.pop(mid, None)
        count = earlier if repeats is None else repeats
        if count is None or count >= _MOST_REPEATS:
            return False
        self._settled[mid] = count + 1
        return True

    def settle(self, mids: Iterable[int]) -> list[int]:
        """The identifiers to acknowledge now; unknown and superseded ones are left out."""
        waiting = self.mids
        known = [mid for mid in mids if mid in waiting]
        if self.superseded:
            known = [mid for mid in known if not self._retire(mid)]
        waiting.difference_update(known)
        if len(self._settled) >= _REMEMBERED:
            self._before, self._settled = self._settled, {}
        self._settled.update(dict.fromkeys(known, 0))
        return known

    def _retire(self, mid: int) -> bool:
        count = self.superseded.get(mid, 0)
        if count > 1:
            self.superseded[mid] = count - 1
        elif count == 1:
            del self.superseded[mid]
        return count > 0
