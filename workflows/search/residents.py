"""Residents as the search looks through them, kept in memory and followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.db import Database
from core.households import Contact, Resident, contacts_of
from workflows.search.followed import Followed
from workflows.search.spelling import Spelling

CHANGES = ("resident.",)
_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody of a household, with every spelling of their name."""

    contact: Contact
    spelling: Spelling


class ResidentIndex:
    """Everybody of every household, read again when the event log says that one changed.

    Names stand encrypted in the tables, so that no query can look through them. Thread-safe.
    """

    def __init__(self, database: Database) -> None:
        # By the version that was read: of those that did not change nothing is decrypted again.
        self._known: Mapping[tuple[UUID, int], Listed] = {}
        self._followed = Followed[Sequence[Listed]](database, CHANGES, self._renewed, ())

    def listed(self) -> Sequence[Listed]:
        """Everybody as of now."""
        return self._followed.now()

    def _renewed(self, session: Session) -> Sequence[Listed]:
        versions = select(Resident.id, Resident.version).order_by(Resident.id)
        standing = [(row_id, version) for row_id, version in session.execute(versions)]
        fresh = _read(session, [key for key in standing if key not in self._known])
        held = {**self._known, **fresh}
        self._known = {key: held[key] for key in standing if key in held}
        return tuple(self._known.values())


def _read(session: Session, keys: Sequence[tuple[UUID, int]]) -> dict[tuple[UUID, int], Listed]:
    found = {}
    for start in range(0, len(keys), _AT_ONCE):
        ids = [row_id for row_id, _ in keys[start : start + _AT_ONCE]]
        rows = list(session.scalars(select(Resident).where(Resident.id.in_(ids))))
        for contact in contacts_of(session, rows):
            listed = Listed(contact, Spelling.of(contact.name))
            found[contact.id, contact.version] = listed
    return found
