"""A device, or a gateway for those behind it, that speaks in a message: what it tells of whom."""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.decoding import Problem
from ingest.dialects.naming import device_code, named
from ingest.dialects.spoken import Spoken, Told


class Speaker:
    """Collects what one message tells of devices, each by its name.

    told, problems and remember become those of `Decoded`.
    """

    def __init__(self, name: str, memory: Mapping[str, Any]) -> None:
        """name: of who speaks."""
        self.name = name
        self.told: list[Told] = []
        self.problems: list[Problem] = []
        self.remember: dict[str, Any] = {}
        self._memory = memory

    def tell(self, name: str, messages: Sequence[Spoken]) -> None:
        """Note messages of a device, if there are any; of another than who speaks, through it."""
        if not messages:
            return
        own = named({**self._memory, **self.remember} if self.remember else self._memory, name)
        if isinstance(own, Problem):
            self.problems.append(own)
            return
        self.remember.update(own.remember)
        through = None if name == self.name else device_code(self.name)
        self.told.append(Told(own.code, messages, through=through))
