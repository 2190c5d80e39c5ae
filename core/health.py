"""Health: what each part says of itself, for /readyz, the metrics and the page."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from core.clock import Clock


@dataclass(frozen=True, slots=True)
class PartState:
    """One part's own word. since: when it came to be so; faults: how many things are wrong."""

    part: str
    ok: bool
    detail: str
    since: datetime
    faults: int


class Health:
    """What is well and what is ill in this process; parts report, readers ask. Thread-safe.

    A part may both report and be watched: it is well only when both say so. A database that still
    answers a question may refuse what ingest wants to write.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reported: dict[str, PartState] = {}
        self._found: dict[str, PartState] = {}
        self._checks: dict[str, Callable[[], str | None]] = {}

    def report(self, part: str, *, ok: bool, detail: str = "", faults: int = 1) -> bool:
        """Say how a part is; returns whether that changed between well and ill.

        faults: how many of its things are wrong where it is ill, such as sweeps that fail.
        """
        return self._note(self._reported, part, ok, detail, faults)

    def _note(
        self, states: dict[str, PartState], part: str, ok: bool, detail: str, faults: int = 1
    ) -> bool:
        with self._lock:
            before = states.get(part)
            changed = before is None or before.ok != ok
            since = self._clock.now() if changed or before is None else before.since
            states[part] = PartState(part, ok, detail, since, 0 if ok else faults)
            return changed

    def watch(self, part: str, check: Callable[[], str | None]) -> None:
        """Ask `check` at each snapshot; it may return a detail, and raises when all is not well."""
        self._checks[part] = check

    def snapshot(self) -> list[PartState]:
        """The state of every part, the ill ones first."""
        for part, check in list(self._checks.items()):
            try:
                detail = check()
            except Exception as error:  # noqa: BLE001 - any failure of a check is its answer
                self._note(self._found, part, False, f"{type(error).__name__}: {error}"[:300])
            else:
                self._note(self._found, part, True, detail or "")
        with self._lock:
            states = [_worse(self._reported.get(p), self._found.get(p)) for p in self._parts()]
        return sorted(states, key=lambda state: (state.ok, state.part))

    def _parts(self) -> set[str]:
        return self._reported.keys() | self._found.keys()


def _worse(reported: PartState | None, found: PartState | None) -> PartState:
    both = [state for state in (found, reported) if state is not None]
    return min(both, key=lambda state: (state.ok, not state.detail))
