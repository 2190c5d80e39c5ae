"""The ends of telling: it is answered by events, or it was told as often as it is to be."""

from datetime import datetime

from sqlalchemy.orm import Session

from core import events
from core.lifecycle import move
from workflows.notifications.model import NOTICE, Notice

_TELLING = events.Actor("job", "telling")


def settle(session: Session, notice: Notice, *, now: datetime) -> None:
    """Tell nobody any more: somebody is at it, or it is over."""
    notice.due_at = None
    move(session, notice, NOTICE, "settle", actor=_TELLING, learned_at=now)


def spend(session: Session, notice: Notice, *, now: datetime) -> None:
    """Tell it no more: it was told as often as it is to be."""
    notice.due_at = None
    move(session, notice, NOTICE, "spend", actor=_TELLING, learned_at=now)


def repeat(session: Session, notice: Notice, *, now: datetime) -> None:
    """Tell it once more: nobody knows whether the last try reached anybody."""
    if notice.state == "spent":
        move(session, notice, NOTICE, "repeat", actor=_TELLING, learned_at=now)
    notice.tries = max(notice.tries - 1, 0)
    notice.due_at = now
