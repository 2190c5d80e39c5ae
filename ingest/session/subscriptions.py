"""The topic filters that a session should hold, and those that it does hold."""

from collections.abc import Iterable, Iterator, Sequence

from paho.mqtt.client import Client
from paho.mqtt.reasoncodes import ReasonCode

from ingest.session.filters import is_valid, without_covered

_FILTERS_A_PACKET = 100
_QOS = 1


class Subscriptions:
    """Brings the broker's subscriptions to what is wanted, by differences.

    Each SUBSCRIBE makes a broker send retained values again, so a filter that stands is left alone;
    but every connection asks for all of them once, whatever the broker says about the session.
    """

    def __init__(self, filters: Iterable[str], former: Iterable[str] = ()) -> None:
        self.refused: set[str] = set()
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

    def want(self, filters: Iterable[str]) -> None:
        """Replace the filters; thread-safe, as it is one assignment."""
        self._wanted = tuple(dict.fromkeys(filters))

    def restart(self) -> None:
        """A new connection begins: nothing is asked for yet, old filters may still stand."""
        self._stale |= self._asked.union(*self._unsubscribing.values())
        self._asked = set()
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

    def renew(self, client: Client) -> bool:
        """Ask for what is missing and give up what is not wanted; True when something was sent."""
        wanted = self._wanted
        if wanted is self._done:
            return False
        valid = without_covered(one for one in wanted if is_valid(one))
        self.refused = {one for one in self.refused if one in valid}
        self.refused |= {one for one in wanted if not is_valid(one)}
        self._subscribe(client, [one for one in valid if one not in self._asked])
        self._unsubscribe(client, sorted((self._asked | self._stale) - set(valid)))
        self._asked, self._stale, self._done = set(valid), set(), wanted
        return True

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
