"""What lets devices in: the accounts of a broker, whichever it is."""

from collections.abc import Sequence
from typing import Protocol

from core.device_credentials import Connection, Wanted
from core.errors import Unavailable
from ingest.broker import BrokerError, EmbeddedBroker
from ingest.broker.config import DEVICES, PRODUCT, TOOLS


class DoorAway(Unavailable):
    """The broker can't be asked now; it is tried again."""


class Door(Protocol):
    """The accounts of one broker. kind: embedded or mosquitto; ours: user names that are ours."""

    kind: str
    ours: frozenset[str]

    def follow(self, wanted: Wanted) -> Sequence[str]:
        """Make the accounts what is wanted; whoever may no more is cut off.

        Returns accounts on the broker that are nobody's here. Repeating it changes nothing.
        Raises DoorAway.
        """
        ...

    def connections(self) -> Sequence[Connection]:
        """Who is connected, and who was taken over lately. Raises DoorAway."""
        ...

    def close(self) -> None:
        """Ask no more."""
        ...


class EmbeddedDoor:
    """The accounts of the broker that is our child: they stand in its configuration."""

    kind = "embedded"
    # Whoever signs in with the shared account is to be seen.
    ours = frozenset({PRODUCT, TOOLS})
    shared = DEVICES

    def __init__(self, broker: EmbeddedBroker) -> None:
        self._broker = broker

    def follow(self, wanted: Wanted) -> Sequence[str]:
        """As Door has it; where nothing changed the server is left alone."""
        try:
            if wanted != self._broker.wanted or not self._broker.followed:
                self._broker.admit(wanted)
        except (BrokerError, OSError) as error:
            raise DoorAway(str(error), advice="It is tried again by itself.") from error
        return ()

    def connections(self) -> Sequence[Connection]:
        """As Door has it."""
        try:
            return self._broker.connections()
        except BrokerError as error:
            raise DoorAway(str(error), advice="It is tried again by itself.") from error

    def close(self) -> None:
        """Nothing is held open."""
