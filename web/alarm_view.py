"""What pages show of alarms beside their own rows: chatter and incidents."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from core.db import Session
from core.people import Caller
from workflows.alarms.chatter import chatter_of
from workflows.alarms.incident_reading import incidents_of


def alarms_shown(session: Session, caller: Caller, ticket_id: UUID) -> dict[str, Any]:
    """How the alarms of a ticket chattered, and the incidents that it stands for."""
    return {
        "chatters": chatter_of(session, ticket_id),
        "incidents": incidents_of(session, caller, ticket_id),
    }


def proofs_shown(
    evidence: Sequence[dict[str, Any]], behind: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The evidence to show in full; of an incident that of its first alarm, the list has more."""
    if not behind["incidents"] or not evidence:
        return list(evidence)
    episode = evidence[0]["data"].get("episode")
    return [row for row in evidence if row["data"].get("episode") == episode]
