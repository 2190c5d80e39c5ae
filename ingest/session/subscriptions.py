"""The topic filters that a session should hold, and those that it does hold."""

from collections.abc import Iterable, Iterator, Sequence

from paho.mqtt.client import Client
from paho.mqtt.reasoncodes import ReasonCode

from ingest.session.filters import Topics, is_valid, overlap, without_covered

EVERYTHING = "#"
_FILTERS_A_PACKET = 100
_QOS = 1


class Subscriptions:
    """Brings the broker's subscriptions to what is wanted, by differences.

    Each SUBSCRIBE makes a broker send retained values again, so a filter that stands is left alone;
    but every connection asks for all of them once, whatever the broker says about the session.

    together: several filters are merged into one that takes everything, beside those below topics
    with a dollar, and stay so. NATS keeps a queue for each filter: what was published in turn on
    topics of two comes in any order, and there is room for few.
    """

    def __init__(
        self, filters: Iterable[str], former: Iterable[str] = (), *, together: bool = False
    ) -> None:
        self.refused: set[str] = set()
        self._together = together
        # Whether several filters wait for being merged; and those that are, of which this
        # connection was told what is retained.
        self._apart = False
        self._told: set[str] = set()
        self._topics: tuple[tuple[str, ...], Topics] = ((), Topics(()))
        self._wanted: tuple[str, ...] = ()
        self._done: tuple[str, ...] | None = None
        self._asked: set[str] = set()
        self._stale = {one for one in former if is_valid(one)}
        self._subscribing: dict[int, Sequence[str]] = {}
        self._unsubscribing: dict[int, Sequence[str]] = {}
        self.want(filters)

    @property
    def settled(self) -> bool:
        """Whether the broker has answered everything that is to be asked."""
        return self._wanted is self._done and not (self._subscribing or self._unsubscribing)

    @property
    def held(self) -> tuple[str, ...]:
        """What the broker may hold at this moment."""
        return tuple(sorted((self._asked | self._stale).union(*self._unsubscribing.values())))

    @property
    def merged(self) -> bool:
        """Whether the broker is asked for everything, so that more may come than is wanted."""
        return self._together and (EVERYTHING in self._asked or EVERYTHING in self._stale)

    def merges(self, filters: Iterable[str]) -> bool:
        """Whether these are several that are merged, now or later."""
        valid = (one for one in filters if is_valid(one))
        return self._together and len(_plain(without_covered(valid))) > 1

    @property
    def topics(self) -> Topics:
        """The topics that are wanted at this moment."""
        wanted = self._wanted
        if self._topics[0] is not wanted:
            self._topics = wanted, Topics(wanted)
        return self._topics[1]

    def want(self, filters: Iterable[str]) -> None:
        """Replace the filters; thread-safe, as it is one assignment."""
        self._wanted = tuple(dict.fromkeys(filters))

    def restart(self) -> None:
        """A new connection begins: nothing is asked for yet, old filters may still stand."""
        self._stale |= self._asked.union(*self._unsubscribing.values())
        self._asked = set()
        self._told = set()
        self._subscribing.clear()
        self._unsubscribing.clear()
        self.refused = set()
        self._done = None

    def ask_again(self) -> None:
        """Have what the broker refused be asked for once more: it may have been busy."""
        refused = self.refused & self._asked
        if refused:
            self._asked -= refused
            self._done = None

    def renew(self, client: Client, *, calm: bool = True) -> bool:
        """Ask for what is missing and give up what is not wanted; True when something was sent.

        calm: whether the broker holds nothing back for us. Until then nothing is merged: what is
        new would overtake what waits. And NATS throws away what waits for a filter that is given
        up, so one that another takes the place of stands until the next time.
        """
        wanted = self._wanted
        if wanted is self._done and not (calm and (self._stale or self._apart)):
            return False
        every = without_covered(one for one in wanted if is_valid(one))
        valid = self._choose(every, calm=calm)
        self.refused = {one for one in self.refused if one in valid}
        self.refused |= {one for one in wanted if not is_valid(one)}
        fresh = [one for one in valid if one not in self._asked]
        self._subscribe(client, fresh)
        given_up = (self._asked | self._stale) - set(valid)
        waits = self._together and (fresh or not calm)
        stale = _replaced(given_up, valid) if waits else set[str]()
        self._unsubscribe(client, sorted(given_up - stale))
        self._asked, self._stale, self._done = set(valid), stale, wanted
        if self.merged:
            told, self._told = self._told, set(_plain(every))
            if EVERYTHING not in fresh:
                # One that still has its own queue must not lose it by that.
                self._look_up(client, sorted(self._told - told - stale))
        return True

    def _look_up(self, client: Client, filters: Sequence[str]) -> None:
        """Have what is retained be told of filters that are merged already, and nothing more."""
        for some in _portions(filters):
            # With QoS 0 there is neither a queue nor a window for them.
            _, mid = client.subscribe([(one, 0) for one in some])
            if mid is not None:
                self._subscribing[mid] = ()
        self._unsubscribe(client, filters)

    def _choose(self, valid: tuple[str, ...], *, calm: bool) -> tuple[str, ...]:
        """The filters by which the broker is to be asked for what is wanted."""
        several = self._together and len(_plain(valid)) > 1
        standing = bool(_plain(self._asked | self._stale))
        merging = self.merged or (several and (calm or not standing))
        self._apart = several and not merging
        if not merging:
            return valid
        return (EVERYTHING, *(one for one in valid if one.startswith("$")))

    def _subscribe(self, client: Client, filters: Sequence[str]) -> None:
        for some in _portions(filters):
            _, mid = client.subscribe([(one, _QOS) for one in some])
            if mid is not None:
                self._subscribing[mid] = some

    def _unsubscribe(self, client: Client, filters: Sequence[str]) -> None:
        for some in _portions(filters):
            _, mid = client.unsubscribe(list(some))
            if mid is not None:
                self._unsubscribing[mid] = some

    def subscribed(self, mid: int, codes: Sequence[ReasonCode]) -> bool:
        """Take a SUBACK; True when that changes what is refused."""
        filters = self._subscribing.pop(mid, ())
        refused = {one for one, code in zip(filters, codes, strict=False) if code.is_failure}
        before = set(self.refused)
        self.refused = (self.refused - set(filters)) | refused
        return self.refused != before

    def unsubscribed(self, mid: int) -> None:
        """Take an UNSUBACK."""
        self._unsubscribing.pop(mid, None)


def _portions(filters: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(filters), _FILTERS_A_PACKET):
        yield filters[start : start + _FILTERS_A_PACKET]


def _plain(filters: Iterable[str]) -> list[str]:
    return [one for one in filters if not one.startswith("$")]


def _replaced(given_up: Iterable[str], valid: Sequence[str]) -> set[str]:
    return {one for one in given_up if any(overlap(one, other) for other in valid)}
