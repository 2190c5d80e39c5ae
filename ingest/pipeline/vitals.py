"""How devices are: through whom they were last heard, how loud, and how their batteries are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from ingest.dialects import Told
from ingest.registry import DeviceState, Listener


@dataclass(slots=True)
class Vital:
    """A device as it was heard over one path since these were last collected.

    first, last: receipt times, µs. health: the newest of each, as in `Told.health`.
    """

    first: int
    last: int = 0
    messages: int = 0
    health: dict[str, float] = field(default_factory=dict)


class Vitals:
    """Notes them on the ingest thread; `collect` is called by another.

    heard: since the last collection, by device and path; another dictionary after each.
    A path is the code of the source and, behind a slash, of the gateway that the message names.
    """

    def __init__(self) -> None:
        self.heard: dict[tuple[UUID, str], Vital] = {}

    def note(self, device: DeviceState, listener: Listener, told: Told, received: int) -> None:
        """A device of another dialect has spoken."""
        vital = self.of(device, listener, told.through, received)
        vital.last = received
        vital.messages += 1
        if told.health:
            vital.health.update(told.health)

    def of(
        self, device: DeviceState, listener: Listener, through: str | None, received: int
    ) -> Vital:
        """A device as it is heard over a path from now on, if it wasn't before."""
        path = listener.source.code
        if through:
            path = f"{path}/{through}"
        vital = self.heard.get((device.device_id, path))
        if vital is None:
            vital = self.heard[device.device_id, path] = Vital(received)
        return vital

    def collect(self) -> Mapping[tuple[UUID, str], Vital]:
        """What was noted since the last time."""
        heard, self.heard = self.heard, {}
        return heard
