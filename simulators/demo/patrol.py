"""The demo's guard: a round each quarter of an hour, with a card at readers on the wall."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from simulators.world.messages import Publication

EVERY_S = 900
# The first reader is reached so long after the quarter, the next ones so long after each other.
_FIRST_S, _BETWEEN_S, _LOITERS_S = 40.0, 75.0, 30.0
# One round in so many goes by a checkpoint.
_FORGETS = 5
CARD = "DEMO-0001"


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of the demo. space: where it hangs, by code; name: of its checkpoint, (en, zh)."""

    code: str
    space: str
    name: tuple[str, str]


READERS = (
    Reader("patrol-reader-1", "b1-lobby", ("Lobby, building 1", "1号楼大堂")),
    Reader("patrol-reader-2", "b1-pumproom", ("Pump room, building 1", "1号楼水泵房")),
    Reader("patrol-reader-3", "substation", ("Substation", "变配电室")),
    Reader("patrol-reader-4", "garage", ("Underground garage", "地下车库")),
    Reader("patrol-reader-5", "b2-roof", ("Roof, building 2", "2号楼屋面")),
)


class Guard:
    """Walks for ever. `scans` gives what the readers tell from one call to the next."""

    def __init__(
        self, site: str, start: float, random: Random, readers: Sequence[Reader] = READERS
    ) -> None:
        self._site = site
        self._random = random
        self._readers = readers
        self._due = self._walk(start)
        self._next = next(self._due)

    def scans(self, now: float) -> list[Publication]:
        """The scans until `now`, seconds since the epoch."""
        found = []
        while self._next[0] <= now:
            at, reader = self._next
            body = json.dumps({"ts": round(at, 3), "guard": CARD}).encode()
            found.append(Publication(f"wk/v1/{self._site}/{reader.code}/scan", body))
            self._next = next(self._due)
        return found

    def _walk(self, start: float) -> Iterator[tuple[float, Reader]]:
        quarter = (start // EVERY_S + 1) * EVERY_S
        while True:
            forgotten = self._random.choice(self._readers) if self._forgets() else None
            at = quarter + _FIRST_S
            for reader in self._readers:
                if reader is not forgotten:
                    yield at + self._random.uniform(0, _LOITERS_S), reader
                at += _BETWEEN_S
            quarter += EVERY_S

    def _forgets(self) -> bool:
        return self._random.randrange(_FORGETS) == 0
