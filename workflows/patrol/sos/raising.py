"""Calls for help from phones: raised once, added to by further presses, called off by nobody alone.

A call is never refused for what is wrong around it: a site where the caller may do nothing, a
position that is none, a clock that is off. Only its id and its kind must make sense.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, NotAllowed, NotFound
from core.lifecycle import move
from core.people import Caller
from core.places import Asset
from core.rosters import Shift
from rules.wording import worded
from workflows.patrol.checkpoints import SCAN
from workflows.patrol.model import ACCEPTED, Scan
from workflows.patrol.rounds.contact import note_contact
from workflows.patrol.sos.model import SosSignal
from workflows.patrol.sos.positions import Place, sealed_place
from workflows.tickets import Draft, Ticket, open_ticket
from workflows.tickets.sos import (
    CATEGORY,
    SILENT_CATEGORY,
    SOS,
    Call,
    Sos,
    begin_practice,
    count_press,
)

TEAM = "security"
TITLES = {
    "open": {"en": "SOS from a phone", "zh": "手机紧急求助"},
    "silent": {"en": "Silent SOS", "zh": "静默求助"},
    "lone_worker": {"en": "A lone worker did not check in", "zh": "单独值守人员逾时未报平安"},
}
# Where somebody was scanned within so long is where one looks for them first.
NEAR_IN_TIME = timedelta(hours=1)
# A practice that nobody ends is over by itself.
PRACTICE_ENDS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Press:
    """What a phone sends: the id is its own, so that it may send it as often as it likes.

    occurred_at: by its clock. phone: how it names itself. site_id: where it thinks to be.
    """

    id: UUID
    kind: str = "open"
    practice: bool = False
    site_id: UUID | None = None
    place: Place | None = None
    phone: str = ""
    occurred_at: datetime | None = None


def press(session: Session, caller: Caller, given: Press, *, now: datetime) -> Sos:
    """Raise a call for help, or add to the one of this person that stands.

    The same press again changes nothing. Conflict when its id stands for something else;
    NotAllowed for somebody who works nowhere.
    """
    known = _known(session, caller, given.id)
    if known is not None:
        return known
    try:
        # Of two phones at once one opens it, and the other adds to it.
        with session.begin_nested():
            return _take(session, caller, given, now)
    except IntegrityError:
        known = _known(session, caller, given.id)
        if known is not None:
            return known
        if standing_of(session, caller.person_id, practice=given.practice) is None:
            raise Conflict(
                worded("this id stands for something else"),
                advice=worded("Make a new id for each press."),
            ) from None
        return _take(session, caller, given, now)


def _known(session: Session, caller: Caller, signal_id: UUID) -> Sos | None:
    signal = session.get(SosSignal, signal_id)
    if signal is None:
        return None
    if signal.person_id != caller.person_id or signal.what != "press":
        raise Conflict(
            worded("this id stands for something else"),
            advice=worded("Make a new id for each press."),
        )
    return session.get_one(Sos, signal.sos_id)


def standing_of(session: Session, person_id: UUID, *, practice: bool = False) -> Sos | None:
    """The call of somebody that stands, locked; None when they have none."""
    found = session.scalar(
        select(Sos.id).where(
            Sos.person_id == person_id, Sos.practice.is_(practice), Sos.state != "over"
        )
    )
    if found is None:
        return None
    session.get(Ticket, found, with_for_update=True)
    row = session.get_one(Sos, found, with_for_update=True, populate_existing=True)
    return row if row.state != "over" else None


def _take(session: Session, caller: Caller, given: Press, now: datetime) -> Sos:
    note_contact(session, caller.person_id, now=now)
    row = standing_of(session, caller.person_id, practice=given.practice)
    if row is None:
        row = _open(session, caller, given, now)
    else:
        _add(session, caller, row, given, now)
    _keep(session, row, caller.person_id, "press", given, now, kind=given.kind)
    return row


def _open(session: Session, caller: Caller, given: Press, now: datetime) -> Sos:
    last = last_scan(session, caller.person_id)
    site_id = _site(session, caller, given.site_id, last, now)
    call = Call(
        caller.person_id,
        given.kind,
        "phone",
        given.phone,
        last.checkpoint_id if last is not None else None,
        given.occurred_at,
    )
    if given.practice:
        begin_practice(session, site_id, call, now=now, sos_id=given.id)
    else:
        open_call(session, given.id, site_id, call, last, now=now)
    return session.get_one(Sos, given.id)


def open_call(
    session: Session,
    sos_id: UUID,
    site_id: UUID,
    call: Call,
    last: Scan | None,
    *,
    now: datetime,
    actor: events.Actor | None = None,
) -> Ticket:
    """Open the ticket of a call for help, which sounds and climbs from now on.

    actor: who opens it; whoever calls unless told otherwise.
    """
    silent = call.kind == "silent"
    title = TITLES["lone_worker" if call.origin == "lone_worker" else call.kind]
    draft = Draft(
        id=sos_id,
        site_id=site_id,
        kind="incident",
        category=SILENT_CATEGORY if silent else CATEGORY,
        priority="critical",
        life_safety=True,
        title=title,
        team=TEAM,
        space_id=_space(session, site_id, last, now),
        happened_at=now,
        learned_at=now,
        call=call,
    )
    if actor is None:
        assert call.person_id is not None
        actor = events.Actor.person(call.person_id)
    return open_ticket(session, draft, actor=actor)


def _add(session: Session, caller: Caller, row: Sos, given: Press, now: datetime) -> None:
    """A further press. One that is silent makes the whole call silent: it hides more, not less."""
    actor = events.Actor.person(caller.person_id)
    becomes = {"kind": "silent"} if given.kind == "silent" and not row.silent else {}
    count_press(session, row, becomes, now=now, actor=actor)
    if becomes and row.ticket_id is not None:
        ticket = session.get_one(Ticket, row.ticket_id)
        ticket.category, ticket.version = SILENT_CATEGORY, Ticket.version + 1
        session.flush()
        events.append(
            session,
            "ticket.edit",
            ("ticket", ticket.id),
            actor=actor,
            learned_at=now,
            site_id=ticket.site_id,
            before={"category": CATEGORY},
            after={"category": SILENT_CATEGORY, "fields": ["category"]},
        )


def add_position(
    session: Session, caller: Caller, sos_id: UUID, given: Press, *, now: datetime
) -> Sos:
    """The phone has moved while its call stands. The same again changes nothing.

    NotFound for somebody else's call; one that is over takes no more, silently: its phone may not
    know yet.
    """
    row = own_call(session, caller, sos_id)
    signal = session.get(SosSignal, given.id)
    if signal is not None or row.state == "over":
        return row
    note_contact(session, caller.person_id, now=now)
    _keep_once(session, row, caller.person_id, "position", given, now)
    return row


def call_off(
    session: Session, caller: Caller, sos_id: UUID, given: Press, proof: str, *, now: datetime
) -> Sos:
    """The sender says that it is over, which is recorded and ends nothing: a colleague does.

    proof: see `core.sos_phrases.proves`. A practice ends with it.
    """
    row = own_call(session, caller, sos_id)
    if session.get(SosSignal, given.id) is not None or row.state == "over":
        return row
    actor = events.Actor.person(caller.person_id)
    if not _keep_once(session, row, caller.person_id, "cancel", given, now, proof=proof):
        return row
    # The right word stands, whatever is said after it.
    kept = "phrase" if row.cancel_proof == "phrase" else proof
    if row.practice:
        values = {"ended_at": now, "ended_by": caller.person_id, "outcome": "test"}
        move(session, row, SOS, "end", actor=actor, learned_at=now, values=values)
        return row
    move(
        session,
        row,
        SOS,
        "cancel",
        actor=actor,
        learned_at=now,
        values={"cancelled_at": now, "cancel_proof": kept},
        facts={"proof": proof},
    )
    return row


def own_call(session: Session, caller: Caller, sos_id: UUID) -> Sos:
    """A call of the caller's own, by its id or that of any press. NotFound otherwise."""
    signal = session.get(SosSignal, sos_id)
    row = session.get(Sos, signal.sos_id if signal is not None else sos_id)
    if row is None or row.person_id != caller.person_id:
        raise NotFound(
            worded("there is no such call for help"), advice=worded("Send the press first.")
        )
    return row


def _keep(
    session: Session,
    row: Sos,
    person_id: UUID,
    what: str,
    given: Press,
    now: datetime,
    *,
    kind: str = "",
    proof: str = "",
) -> None:
    session.add(
        SosSignal(
            id=given.id,
            sos_id=row.id,
            site_id=row.site_id,
            person_id=person_id,
            what=what,
            kind=kind,
            occurred_at=given.occurred_at,
            received_at=now,
            sealed=sealed_place(session, person_id, given.place, now=now),
            proof=proof,
        )
    )
    session.flush()


def _keep_once(
    session: Session,
    row: Sos,
    person_id: UUID,
    what: str,
    given: Press,
    now: datetime,
    *,
    proof: str = "",
) -> bool:
    """Keep it unless the very same came in another transaction of this moment; whether it did."""
    try:
        with session.begin_nested():
            _keep(session, row, person_id, what, given, now, proof=proof)
    except IntegrityError:
        if session.get(SosSignal, given.id) is None:
            raise
        return False
    return True


def last_scan(session: Session, person_id: UUID) -> Scan | None:
    """The newest scan of somebody that was accepted, by the scanner's clock."""
    statement = (
        select(Scan)
        .where(
            Scan.person_id == person_id,
            Scan.verdict == ACCEPTED,
            Scan.checkpoint_id.is_not(None),
        )
        .order_by(Scan.occurred_at.desc(), Scan.id.desc())
        .limit(1)
    )
    return session.scalars(statement).first()


def _site(
    session: Session, caller: Caller, wanted: UUID | None, last: Scan | None, now: datetime
) -> UUID:
    """Where somebody calls from: as they say, else by shift, by last scan, by their rights."""
    works = caller.sites_for(SCAN)
    if not works:
        raise NotAllowed(worded("you work on no site"), advice=worded("Call the emergency number."))
    shift = session.scalars(
        select(Shift.site_id)
        .where(Shift.person_id == caller.person_id, Shift.starts_at <= now, Shift.ends_at > now)
        .order_by(Shift.starts_at.desc())
    ).first()
    scanned = last.site_id if last is not None else None
    for site_id in (wanted, shift, scanned):
        if site_id in works:
            return site_id
    return min(works)


def _space(session: Session, site_id: UUID, last: Scan | None, now: datetime) -> UUID | None:
    """The space to look in first: that of a checkpoint which was scanned there not long ago."""
    if last is None or last.site_id != site_id or now - last.occurred_at > NEAR_IN_TIME:
        return None
    return session.scalar(select(Asset.space_id).where(Asset.id == last.checkpoint_id))


def forgotten_practices(session: Session, *, now: datetime) -> list[UUID]:
    """Practices that nobody has ended in time."""
    statement = select(Sos.id).where(
        Sos.practice.is_(True), Sos.state != "over", Sos.opened_at <= now - PRACTICE_ENDS
    )
    return list(session.scalars(statement))


def end_practice(session: Session, sos_id: UUID, *, now: datetime, actor: events.Actor) -> bool:
    """End a practice that was forgotten; returns whether it stood."""
    row = session.get(Sos, sos_id, with_for_update=True, populate_existing=True)
    if row is None or row.state == "over" or not row.practice:
        return False
    values = {"ended_at": now, "outcome": "test"}
    move(session, row, SOS, "end", actor=actor, learned_at=now, values=values)
    return True
