"""PINs: one's own, and those that a supervisor gives to somebody who has none or forgot it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.errors import NotAllowed, NotFound
from core.people import Caller, Person, caller_for
from core.pins import NewPin, set_pin
from workflows.patrol.checkpoints import SCAN, WRITE


def set_own_pin(session: Session, caller: Caller, pin: NewPin, *, now: datetime) -> None:
    """Set one's own PIN. NotAllowed for who may scan nowhere, and needs none."""
    caller.require_anywhere(SCAN)
    actor = events.Actor.person(caller.person_id)
    set_pin(session, caller.person_id, pin, actor=actor, now=now)


def require_over_pin(session: Session, caller: Caller, person_id: UUID) -> Person:
    """Somebody to whom the caller may give a PIN: who scans where the caller sets patrols up.

    Only there, because whoever gives a PIN could use it. NotFound for somebody whom the caller
    does not know from any site, NotAllowed for who scans elsewhere, too, or nowhere.
    """
    person = session.get(Person, person_id)
    gone = person is None or person.left_at is not None
    theirs = frozenset() if gone or person is None else caller_for(session, person).sites_for(SCAN)
    ours = caller.sites_for(WRITE)
    if person is None or not theirs & (ours | caller.sites_for("people.read")):
        raise NotFound("there is no such guard", advice="Look for them among the people.")
    if not theirs <= ours:
        raise NotAllowed(
            "they scan on sites that you don't set up as well",
            advice="Let them set their PIN on their account page, or ask who sets all of these up.",
        )
    return person


def give_pin(
    session: Session, caller: Caller, person_id: UUID, pin: NewPin, *, now: datetime
) -> None:
    """Give somebody a PIN, which they must change when they use it; see `require_over_pin`.

    One's own is set, not given.
    """
    if person_id == caller.person_id:
        set_own_pin(session, caller, pin, now=now)
        return
    require_over_pin(session, caller, person_id)
    actor = events.Actor.person(caller.person_id)
    set_pin(session, person_id, pin, actor=actor, now=now)


def may_give(session: Session, caller: Caller, person_id: UUID) -> bool:
    """Whether the caller may give somebody else a PIN."""
    if person_id == caller.person_id:
        return False
    try:
        require_over_pin(session, caller, person_id)
    except (NotFound, NotAllowed):
        return False
    return True
