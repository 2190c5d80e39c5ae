"""How far an import is, for whoever waits for it in this process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from workflows.intake.lines import Told

# Far more than anybody watches at once; whoever guesses tokens must not fill the memory.
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, and how much of it is done; total 0: nobody knows yet."""

    stage: str
    done: int
    total: int


class Watched:
    """Imports under way, by who does them and the token that their page made. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[UUID, str], Progress] = {}

    @contextmanager
    def watch(self, person_id: UUID, token: str) -> Iterator[Told]:
        """Remember what is told as long as it goes on."""
        key = (person_id, token[:64])

        def told(stage: str, done: int, total: int) -> None:
            with self._lock:
                if token and (key in self._under_way or len(self._under_way) < _MOST):
                    self._under_way[key] = Progress(stage, done, total)

        try:
            yield told
        finally:
            with self._lock:
                self._under_way.pop(key, None)

    def of(self, person_id: UUID, token: str) -> Progress | None:
        """How far it is; None when nothing of this token is under way here."""
        with self._lock:
            return self._under_way.get((person_id, token[:64]))
