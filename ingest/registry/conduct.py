"""How devices may be heard, and who uses their credentials: what ingest keeps of it as it runs."""

from collections.abc import Mapping
from uuid import UUID

from core.db import Session
from core.hearings import known_ways
from ingest.registry.model import Conduct, Registry, Way


def load_conduct(session: Session, registry: Registry) -> None:
    """Read it for every device that is bound to something, or was heard or misused before."""
    for row in known_ways(session):
        registry.conduct[row.device_id] = Conduct(
            row.source,
            row.path,
            Way(row.first[0], row.first[1]) if row.first else None,
            Way(row.stray[0], row.stray[1]) if row.stray else None,
            twice=row.twice,
        )


def carry_conduct(old: Mapping[UUID, Conduct], new: dict[UUID, Conduct]) -> None:
    """What came since the new one was read from the database, and is on its way there, goes on."""
    for device_id, before in old.items():
        conduct = new.setdefault(device_id, Conduct())
        conduct.first = conduct.first or before.first
        conduct.stray = before.stray
        conduct.last_stray = before.last_stray
        conduct.recorded = before.recorded
        conduct.twice = before.twice
