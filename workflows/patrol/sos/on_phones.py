"""Whose call for help a phone sends: known by its own proof, so that no session ends before it."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.orm import Session

from core.errors import NotAllowed, NotFound
from core.people import Caller, Person, caller_for
from rules.wording import worded
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.phones.model import Phone, PhoneUser
from workflows.patrol.sos.model import SosSignal
from workflows.patrol.sos.raising import Press
from workflows.tickets.sos import Sos


def from_phone(given: Press, phone: Phone) -> Press:
    """A press as its phone sent it, with what the phone is known to be where it said nothing.

    Whose own it is carries it to every site; one of a post stays at its own.
    """
    site_id = given.site_id or (phone.site_id if phone.kind == "post" else None)
    return replace(given, phone=given.phone or phone.label[:64], site_id=site_id)


def sender_on(session: Session, phone: Phone, person_id: UUID) -> Caller:
    """Somebody who calls for help on a phone, with the right to do that and no other.

    Whoever signed in on it with signal once, however long ago, and whose own it is. NotAllowed for
    anybody else, and for who has left.
    """
    person = session.get(Person, person_id)
    if person is None or person.left_at is not None or not _is_known(session, phone, person_id):
        raise NotAllowed(
            worded("this person is not known on this phone"),
            advice=worded("Call the control room by telephone."),
        )
    return caller_for(session, person).within(frozenset({SCAN}))


def sender_of(session: Session, phone: Phone, sos_id: UUID) -> Caller:
    """Whose a call is, by its id or that of any press, for a phone on which they are known.

    NotFound for any other. Of somebody who has left since as well: their call stands.
    """
    signal = session.get(SosSignal, sos_id)
    row = session.get(Sos, signal.sos_id if signal is not None else sos_id)
    person_id = row.person_id if row is not None else None
    if person_id is None or not _is_known(session, phone, person_id):
        raise NotFound(
            worded("there is no such call for help"), advice=worded("Send the press first.")
        )
    person = session.get_one(Person, person_id)
    return caller_for(session, person).within(frozenset({SCAN}))


def _is_known(session: Session, phone: Phone, person_id: UUID) -> bool:
    own = phone.kind == "personal" and phone.person_id == person_id
    return own or session.get(PhoneUser, (phone.id, person_id)) is not None
