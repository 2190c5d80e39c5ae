"""Forgetting secrets that have ended: they open nothing any more, and nobody needs them."""

from datetime import datetime

from sqlalchemy import and_, delete, or_
from sqlalchemy.orm import Session

from core.people import Credential


def forget_credentials(session: Session, *, before: datetime) -> int:
    """Drop tokens, sessions and links that ended, and links used up, before that moment."""
    used_up = and_(Credential.kind == "link", Credential.used_at < before)
    statement = delete(Credential).where(or_(Credential.ends_at < before, used_up))
    return len(session.execute(statement.returning(Credential.id)).all())
