"""PINs: one's own, and those that a supervisor gives to somebody who has none or forgot it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core import events
from core.errors import NotAllowed, NotFound
from core.people import Caller, Person, caller_for
from core.pins import NewPin, set_pin
from rules.wording import worded
from workflows.patrol.checkpoints import SCAN, WRITE
from workflows.patrol.phones.signing_in import SCOPE


def set_own_pin(session: Session, caller: Caller, pin: NewPin, *, now: datetime) -> None:
    """Set one's own PIN.

    NotAllowed for who may scan nowhere, and needs none, and for a limited token, such as the one
    that somebody finds on a phone.
    """
    caller.require_anywhere(SCAN)
    caller.require_unlimited()
    actor = events.Actor.person(caller.person_id)
    set_pin(session, caller.person_id, pin, actor=actor, now=now)


def require_over_pin(session: Session, caller: Caller, person_id: UUID) -> Person:
    """Somebody to whom the caller may give a PIN: who scans where the caller sets patrols up.

    Only who does nowhere else what a PIN is good for, because whoever gives one could use it.
    NotFound for somebody whom the caller does not know from any site, or who scans nowhere;
    NotAllowed for who may do elsewhere, too, what a PIN lets them do.
    """
    person = session.get(Person, person_id)
    gone = person is None or person.left_at is not None
    theirs = None if gone or person is None else caller_for(session, person)
    ours = caller.sites_for(WRITE)
    known = ours | caller.sites_for("people.read")
    if person is None or theirs is None or not theirs.sites_for(SCAN) & known:
        raise NotFound(
            worded("there is no such guard"), advice=worded("Look for them among the people.")
        )
    if not frozenset().union(*map(theirs.sites_for, SCOPE)) <= ours:
        raise NotAllowed(
            worded("they scan on sites that you don't set up as well"),
            advice=worded(
                "Let them set their PIN on their account page, or ask who sets all of these up."
            ),
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
