"""A button of a message was pressed: by whom it was sent to, and once."""

from contextlib import suppress
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.channels.pressing import Press
from core.contacts import contacts_of
from core.errors import NotAllowed, NotFound
from rules.wording import worded
from workflows.notifications.model import Attempt, Notice


def press(session: Session, pressed: Press, *, now: datetime) -> tuple[Notice, bool]:
    """The notice behind a button, and whether this press is its first; the same press again, or a
    second one, changes nothing.

    NotFound when we sent no such message; NotAllowed for anybody but the person whom we sent it to,
    as they stand with us now.
    """
    attempt = None
    with suppress(ValueError):
        attempt = session.get(Attempt, UUID(pressed.card), with_for_update=True)
    if attempt is None or attempt.channel != pressed.channel:
        raise NotFound(
            worded("no message of ours has this button"), advice=worded("Look into your inbox.")
        )
    notice = session.get_one(Notice, attempt.notice_id)
    theirs = contacts_of(session, notice.person_id) if notice.person_id is not None else {}
    known = theirs.get(pressed.channel, "")
    # User ids of WeCom tell no large letters from small ones.
    if not known or known.casefold() != pressed.user.casefold():
        raise NotAllowed(
            worded("this message was sent to somebody else"), advice=worded("Look into your inbox.")
        )
    first = attempt.pressed_at is None
    if first:
        attempt.pressed_at = now
        session.flush()
    return notice, first
