"""Calls for help and check-ins as guards' phones ask them: by the phone's own proof."""

from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import answer
from api.errors import may_answer
from api.patrol.lone_shapes import OwnWatch
from api.patrol.phone_deps import AskedByPhone, ByPhone
from api.patrol.sos_shapes import SenderView, SosCancel, SosMoved, SosPress
from core.db import Session
from core.people import Caller
from core.sos_phrases import phrase_hash, proves
from workflows.patrol import lone, sos
from workflows.patrol.phones.model import Phone

router = APIRouter(tags=["sos"])


class GuardSosPress(SosPress):
    """Somebody presses for help on a phone. As SosPress, and who."""

    person_id: UUID = Field(description="Who signed in on this phone once, or whose own it is.")


def _phone(asked: AskedByPhone, session: Session) -> Phone:
    """The phone, also one that was reported as lost: its guard may have been taken with it."""
    return asked.phone(session, though_lost=True)


def _shown(session: Session, caller: Caller, row: sos.Sos) -> Response:
    return answer(sos.show_sender(session, caller, row))


@router.post(
    "/guard/sos",
    response_model=SenderView,
    summary="Call for help by a phone",
    responses=may_answer(409),
)
def post_guard_sos(asked: ByPhone, body: GuardSosPress) -> Response:
    """As `POST /sos`, for whoever signed in on the phone once: no token of theirs must last.

    Also from a phone that was reported as lost. Without `phone` it is called as its label says, and
    without `site_id` a phone of a post calls from its own.
    """
    with asked.parts.database.write() as session:
        phone = _phone(asked, session)
        caller = sos.sender_on(session, phone, body.person_id)
        given = sos.from_phone(body.press(), phone)
        return _shown(session, caller, sos.press(session, caller, given, now=asked.now))


@router.get("/guard/sos/{sos_id}", response_model=SenderView, summary="See how far one's call is")
def get_guard_sos(asked: ByPhone, sos_id: UUID) -> Response:
    """`sos_id` may be that of any press. Of whoever is known on the phone."""
    with asked.parts.database.read() as session:
        caller = sos.sender_of(session, _phone(asked, session), sos_id)
        return _shown(session, caller, sos.own_call(session, caller, sos_id))


@router.post(
    "/guard/sos/{sos_id}/positions", response_model=SenderView, summary="Tell where the phone is"
)
def post_guard_sos_position(asked: ByPhone, sos_id: UUID, body: SosMoved) -> Response:
    """As `POST /sos/{sos_id}/positions`."""
    with asked.parts.database.write() as session:
        caller = sos.sender_of(session, _phone(asked, session), sos_id)
        row = sos.add_position(session, caller, sos_id, body.press(), now=asked.now)
        return _shown(session, caller, row)


@router.post(
    "/guard/sos/{sos_id}/cancel", response_model=SenderView, summary="Say that one's call is over"
)
def post_guard_sos_cancel(asked: ByPhone, sos_id: UUID, body: SosCancel) -> Response:
    """As `POST /sos/{sos_id}/cancel`: it ends nothing but a practice."""
    with asked.parts.database.read() as session:
        # Before it is hashed, which takes longer than a transaction may.
        person_id = sos.sender_of(session, _phone(asked, session), sos_id).person_id
        known = phrase_hash(session, person_id)
    proof = proves(body.phrase, known)
    with asked.parts.database.write() as session:
        caller = sos.sender_of(session, _phone(asked, session), sos_id)
        row = sos.call_off(session, caller, sos_id, body.press(), proof, now=asked.now)
        return _shown(session, caller, row)


@router.get(
    "/guard/lone-worker", response_model=OwnWatch, summary="See when whoever is signed in is due"
)
def get_guard_lone_worker(asked: ByPhone) -> Response:
    """Of whoever is signed in after the last entry of the journal; `watch` is null for nobody.

    They check in by an entry `check_in` of the journal.
    """
    with asked.parts.database.read() as session:
        person_id = asked.phone(session).signed_in_id
        watch = None if person_id is None else lone.watch_of(session, person_id)
        return answer({"watch": watch})
