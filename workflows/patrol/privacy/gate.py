"""The gate: what tells where somebody is comes in with their consent, on duty, or not at all."""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from workflows.patrol.model import CheckpointToken
from workflows.patrol.privacy.consenting import agreed_among, has_agreed
from workflows.patrol.privacy.duty import is_on_duty

# Which ways of scanning tell where somebody is by themselves, and what they need consent to.
NEEDS: Mapping[str, str] = MappingProxyType({"position": "position", "beacon": "badge"})
# The verdicts of what is neither taken nor kept.
UNKEPT = ("no_consent", "off_duty")


def why_not_taken(
    session: Session,
    kind: str,
    person_id: UUID | None,
    site_id: UUID,
    checkpoint_id: UUID | None,
    at: datetime,
) -> str | None:
    """Why what was presented may not be taken, one of UNKEPT; None where it may."""
    if kind not in NEEDS or person_id is None:
        return None
    if not has_agreed(session, person_id, NEEDS[kind]):
        return "no_consent"
    return None if is_on_duty(session, person_id, site_id, checkpoint_id, at) else "off_duty"


def has_no_other_way(session: Session, people: Collection[UUID], checkpoint_id: UUID) -> bool:
    """Whether none of these people can scan a checkpoint by anything that they have agreed to.

    Of nobody at all it is not said.
    """
    statement = select(CheckpointToken.kind).where(
        CheckpointToken.checkpoint_id == checkpoint_id, CheckpointToken.state == "active"
    )
    kinds = set(session.scalars(statement)) if people else set()
    if not kinds or not kinds <= set(NEEDS):
        return False
    return not any(agreed_among(session, people, NEEDS[kind]) for kind in kinds)


def closed_to(kinds: Collection[str], agreed: Collection[str]) -> list[str]:
    """Which of some ways of scanning are not for somebody who agreed to these purposes."""
    return [kind for kind in kinds if kind in NEEDS and NEEDS[kind] not in agreed]
