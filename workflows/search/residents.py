"""Residents as the search looks through them, kept in memory and followed."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import Database
from core.errors import Unavailable
from core.households import Contact, Resident, contacts_of
from workflows.search.followed import Followed
from workflows.search.spelling import Spelling

CHANGES = ("resident.",)
_AT_ONCE = 200
# So long the reading at the start lets others have the processor after so many.
_REST_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody of a household, with every spelling of their name."""

    contact: Contact
    spelling: Spelling


class ResidentIndex:
    """Everybody of every household, read again when the event log says that one changed.

    Names stand encrypted in the tables, so that no query can look through them. Thread-safe.
    warming: everybody is being read for the first time, and nobody is found until that is done.
    """

    def __init__(self, database: Database) -> None:
        # By the version that was read: of those that did not change nothing is decrypted again.
        self._known: Mapping[tuple[UUID, int], Listed] = {}
        self._warming: threading.Event | None = None
        self._followed = Followed[Sequence[Listed]](database, CHANGES, self._renewed, ())

    @property
    def warming(self) -> bool:
        """Whether everybody is being read for the first time since the start."""
        return self._warming is not None

    def listed(self) -> Sequence[Listed]:
        """Everybody as of now; nobody while `warming`: a search must not wait for that."""
        return () if self.warming else self._followed.now()

    def warm_up(self, stopping: threading.Event) -> None:
        """Read everybody, little by little; Unavailable when the process stops meanwhile.

        If it fails, the first search reads everybody, and waits for it.
        """
        self._warming = stopping
        try:
            self._followed.now()
        finally:
            self._warming = None

    def _renewed(self, session: Session) -> Sequence[Listed]:
        versions = select(Resident.id, Resident.version).order_by(Resident.id)
        standing = [(row_id, version) for row_id, version in session.execute(versions)]
        unread = [key for key in standing if key not in self._known]
        fresh = _read(session, unread, self._warming)
        held = {**self._known, **fresh}
        self._known = {key: held[key] for key in standing if key in held}
        return tuple(self._known.values())


def _read(
    session: Session, keys: Sequence[tuple[UUID, int]], stopping: threading.Event | None
) -> dict[tuple[UUID, int], Listed]:
    found = {}
    for start in range(0, len(keys), _AT_ONCE):
        if stopping is not None and stopping.wait(_REST_SECONDS):
            raise Unavailable("the product stops", advice="Start it again.")
        ids = [row_id for row_id, _ in keys[start : start + _AT_ONCE]]
        rows = list(session.scalars(select(Resident).where(Resident.id.in_(ids))))
        for contact in contacts_of(session, rows):
            listed = Listed(contact, Spelling.of(contact.name))
            found[contact.id, contact.version] = listed
    return found
