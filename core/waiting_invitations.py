"""Invitations that wait: of two who use or end one at once, one comes too late."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from core.companies import CompanyInvitation
from core.homes import HomeInvitation

Kind = type[CompanyInvitation] | type[HomeInvitation]


def swap_waiting(
    session: Session,
    kind: Kind,
    invitation_id: UUID,
    field: Literal["used_at", "ends_at"],
    *,
    now: datetime,
) -> bool:
    """Mark an invitation as used, or as ended, if it still waits; whether it did.

    It may have been used, or the hire or the home have ended, since whoever asks looked at it.
    """
    swap = (
        update(kind)
        .where(kind.id == invitation_id, kind.used_at.is_(None), kind.ends_at > now)
        .values({field: now})
        .execution_options(synchronize_session=False)
    )
    result = session.execute(swap)
    assert isinstance(result, CursorResult)
    return result.rowcount == 1
