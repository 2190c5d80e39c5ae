"""Having quarantined messages taken in again, a portion at a time.

A device may have waited for weeks, and hundreds of them may be adopted at once: read together they
would take the memory of the process, and taken in together the time in which ingest has to listen.
"""

import threading
from collections import deque
from collections.abc import Sequence
from uuid import UUID

from core import quarantine
from core.clock import to_micros
from core.db import Database
from ingest.run import Run

# A portion ends with the row that reaches one of these, of which each has 600 messages at most.
PORTION_MESSAGES = 2_000
PORTION_BYTES = 16 * 1024 * 1024

# A row with its messages: topic, bytes, receipt time in µs.
_Row = tuple[UUID, list[tuple[str, bytes, int]]]


class Replays:
    """Asks one run of ingest for it. `ask` and `look` are called by one thread."""

    def __init__(self, database: Database, run: Run) -> None:
        self._database = database
        self._run = run
        # Rows in order of asking, and whether what they say is judged.
        self._waiting: deque[tuple[UUID, bool]] = deque()
        # Set by the thread of ingest once it has taken in what it was asked for.
        self._taken_in = threading.Event()
        self._taken_in.set()

    def ask(self, row_ids: Sequence[UUID], *, judged: bool) -> None:
        """Have the messages of these rows taken in again, behind what was asked before."""
        self._waiting += [(row_id, judged) for row_id in row_ids]

    def look(self) -> None:
        """Submit the next portion, once the one before it is taken in."""
        if not self._waiting or not self._taken_in.is_set():
            return
        judged = self._waiting[0][1]
        rows = self._portion(judged)
        self._taken_in.clear()
        for _ in rows:
            self._waiting.popleft()
        self._run.submit(lambda: self._replay(rows, judged=judged))

    def _portion(self, judged: bool) -> list[_Row]:
        rows = list[_Row]()
        messages = size = 0
        with self._database.read() as session:
            for row_id, of_this_kind in self._waiting:
                if of_this_kind != judged or messages >= PORTION_MESSAGES or size >= PORTION_BYTES:
                    break
                bodies = [
                    (body.topic, body.body, to_micros(body.received_at))
                    for body in quarantine.bodies_of(session, [row_id])
                    if body.sha256 is None
                ]
                session.expunge_all()
                rows.append((row_id, bodies))
                messages += max(1, len(bodies))
                size += sum(len(body) for _, body, _ in bodies)
        return rows

    def _replay(self, rows: list[_Row], *, judged: bool) -> None:
        try:
            self._run.replay(rows, judged=judged)
        finally:
            self._taken_in.set()
