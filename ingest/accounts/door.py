"""What lets devices in: the accounts of a broker, whichever it is."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from core.device_credentials import AccountsAway, Connection, Followed, Wanted
from core.device_credentials.dynamic_security import DynamicSecurity
from ingest.broker import BrokerError, EmbeddedBroker
from ingest.broker.config import PRODUCT, TOOLS


class Door(Protocol):
    """The accounts of one broker. kind: embedded or mosquitto; ours: user names that are ours."""

    kind: str
    ours: frozenset[str]

    def follow(self, wanted: Wanted) -> Followed:
        """Make the accounts what is wanted; whoever may no more is cut off.

        Repeating it changes nothing. Raises AccountsAway.
        """
        ...

    def connections(self) -> Sequence[Connection]:
        """Who is connected, and who was taken over lately. Raises AccountsAway."""
        ...

    def close(self) -> None:
        """Ask no more."""
        ...


class EmbeddedDoor:
    """The accounts of the broker that is our child: they stand in its configuration."""

    kind = "embedded"
    # Whoever signs in with the account that devices share is to be seen.
    ours = frozenset({PRODUCT, TOOLS})

    def __init__(self, broker: EmbeddedBroker) -> None:
        self._broker = broker

    def follow(self, wanted: Wanted) -> Followed:
        """As Door has it; where nothing changed the server is left alone."""
        try:
            if wanted != self._broker.wanted or not self._broker.followed:
                self._broker.admit(wanted)
        except (BrokerError, OSError) as error:
            raise AccountsAway(str(error), advice="It is tried again by itself.") from error
        return Followed(tuple(wanted.accounts))

    def connections(self) -> Sequence[Connection]:
        """As Door has it."""
        try:
            return self._broker.connections()
        except BrokerError as error:
            raise AccountsAway(str(error), advice="It is tried again by itself.") from error

    def close(self) -> None:
        """Nothing is held open."""


class MosquittoDoor:
    """The accounts of a Mosquitto with its dynamic security plugin."""

    kind = "mosquitto"

    def __init__(self, control: DynamicSecurity, ours: Iterable[str]) -> None:
        """ours: the user names of Watchkeeper's own sessions."""
        self._control = control
        self.ours = frozenset(ours)

    def follow(self, wanted: Wanted) -> Followed:
        """As Door has it."""
        followed = self._control.follow(wanted)
        unknown = tuple(name for name in followed.unknown if name not in self.ours)
        return Followed(followed.admitted, unknown)

    def connections(self) -> Sequence[Connection]:
        """As Door has it; of those who came before we listened nothing is known."""
        return self._control.connections()

    def close(self) -> None:
        """As Door has it."""
        self._control.close()
