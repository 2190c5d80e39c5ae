"""Calls for help over HTTP: sent by phones until they are received, and answered."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import answer, page_answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.sos_shapes import (
    PositionsSeen,
    SenderView,
    SosCancel,
    SosEnd,
    SosMoved,
    SosPage,
    SosPhraseBody,
    SosPress,
    SosWhole,
    StandingCalls,
)
from core.db import Session
from core.errors import NotFound
from core.sos_phrases import hash_phrase, phrase_hash, proves, set_phrase
from workflows import patrol
from workflows.patrol import sos

router = APIRouter(tags=["sos"])
Sender = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Answerer = Annotated[Asked, Depends(Permission(sos.ANSWER, or_else=[sos.ANSWER_SILENT]))]


@router.post("/sos", response_model=SenderView, summary="Call for help", responses=may_answer(409))
def post_sos(asked: Sender, body: SosPress) -> Response:
    """Send it again and again until it is received: the same id changes nothing.

    While a call of yours stands, a further press (with an id of its own) adds to it. What is wrong
    with site, clock or position does not keep it from being taken.
    """
    with asked.parts.database.write() as session:
        row = sos.press(session, asked.caller, body.press(), now=asked.now)
        return answer(sos.show_sender(session, asked.caller, row))


@router.get("/sos", response_model=SosPage, summary="List calls for help")
def get_all_sos(
    asked: Answerer, site: UUID | None = None, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Those that are yours to answer, the last first. Your own and practices are left out."""
    with asked.parts.database.read() as session:
        wanted = wish(limit, cursor, *sos.KEY)
        page = sos.list_calls(session, asked.caller, wanted, site_id=site)
    return page_answer(page)


@router.get("/sos-standing", response_model=StandingCalls, summary="See who calls for help now")
def get_sos_standing(asked: Answerer) -> Response:
    """On every site where you may answer; silent ones where you hold `tickets.dispatch`."""
    with asked.parts.database.read() as session:
        return answer({"items": sos.standing_calls(session, asked.caller)})


@router.get("/sos/{sos_id}", response_model=SenderView | SosWhole, summary="See how far a call is")
def get_sos(sos_id: UUID, asked: Sender) -> Response:
    """Your own: what your phone may show (SenderView); `sos_id` may be that of any press.

    Somebody else's: all of it, where it is yours to answer (SosWhole).
    """
    with asked.parts.database.read() as session:
        try:
            row = sos.own_call(session, asked.caller, sos_id)
        except NotFound:
            content = sos.describe_call(session, asked.caller, sos_id)
            return answer(content, version=content["version"])
        return answer(sos.show_sender(session, asked.caller, row))


@router.post("/sos/{sos_id}/positions", response_model=SenderView, summary="Tell where you are")
def post_sos_position(sos_id: UUID, asked: Sender, body: SosMoved) -> Response:
    """Of your own call, while the app is in front. Sealed, and every look at it is logged."""
    with asked.parts.database.write() as session:
        row = sos.add_position(session, asked.caller, sos_id, body.press(), now=asked.now)
        return answer(sos.show_sender(session, asked.caller, row))


@router.post("/sos/{sos_id}/cancel", response_model=SenderView, summary="Say that it is over")
def post_sos_cancel(sos_id: UUID, asked: Sender, body: SosCancel) -> Response:
    """Recorded with whether the phrase was right, and shown to who answers; it ends nothing.

    A colleague ends it. The answer does not say whether the phrase was right. Ends a practice.
    """
    with asked.parts.database.read() as session:
        # Before it is hashed, which takes longer than a transaction may.
        sos.own_call(session, asked.caller, sos_id)
        known = phrase_hash(session, asked.person)
    proof = proves(body.phrase, known)
    with asked.parts.database.write() as session:
        row = sos.call_off(session, asked.caller, sos_id, body.press(), proof, now=asked.now)
        return answer(sos.show_sender(session, asked.caller, row))


@router.put("/me/sos-phrase", status_code=204, summary="Set the phrase to call off with")
def put_sos_phrase(asked: Sender, body: SosPhraseBody) -> Response:
    """In place of any before. 4 to 100 characters; it can be read nowhere.

    Not by a limited token, such as that of a phone.
    """
    # Not by what is on the phone that somebody took: who holds it would choose the word.
    asked.caller.require_unlimited()
    hashed = hash_phrase(body.phrase)
    with asked.parts.database.write() as session:
        set_phrase(session, asked.person, hashed, now=asked.now)
    return Response(status_code=204)


def _step(asked: Asked, sos_id: UUID, step: Callable[[Session, sos.Sos], object]) -> Response:
    with asked.parts.database.write() as session:
        row = sos.find_sos(session, asked.caller, sos_id)
        step(session, row)
        session.flush()
        content = sos.describe_call(session, asked.caller, sos_id)
    return answer(content, version=content["version"])


@router.post("/sos/{sos_id}/see", response_model=SosWhole, summary="Say that it is on a screen")
def post_sos_see(sos_id: UUID, asked: Answerer) -> Response:
    """A page does, once it shows it to somebody. received → seen. Safe to repeat."""
    return _step(
        asked,
        sos_id,
        lambda session, row: sos.see(session, row, person=asked.person, now=asked.now),
    )


@router.post(
    "/sos/{sos_id}/acknowledge",
    response_model=SosWhole,
    summary="Answer a call for help",
    responses=may_answer(409),
)
def post_sos_acknowledge(sos_id: UUID, asked: Answerer) -> Response:
    """It sounds and climbs no more, and its ticket is yours. received, seen → acknowledged."""
    return _step(
        asked,
        sos_id,
        lambda session, row: sos.acknowledge(session, row, person=asked.person, now=asked.now),
    )


@router.post(
    "/sos/{sos_id}/come",
    response_model=SosWhole,
    summary="Say that you are on the way",
    responses=may_answer(409),
)
def post_sos_come(sos_id: UUID, asked: Answerer) -> Response:
    """received, seen, acknowledged → coming."""
    return _step(
        asked,
        sos_id,
        lambda session, row: sos.come(session, row, person=asked.person, now=asked.now),
    )


@router.post(
    "/sos/{sos_id}/end",
    response_model=SosWhole,
    summary="End a call for help",
    responses=may_answer(409),
)
def post_sos_end(sos_id: UUID, asked: Answerer, body: SosEnd) -> Response:
    """Somebody else than the sender has seen to them; its ticket is resolved as that."""
    return _step(
        asked,
        sos_id,
        lambda session, row: sos.end(
            session, row, body.outcome, body.note, person=asked.person, now=asked.now
        ),
    )


@router.post(
    "/sos/{sos_id}/look", response_model=PositionsSeen, summary="Look at where the sender was"
)
def post_sos_look(sos_id: UUID, asked: Answerer) -> Response:
    """A POST, because it is put on record that you looked; its sender sees that once it is over.

    Where you hold `tickets.dispatch`.
    """
    with asked.parts.database.write() as session:
        row = sos.find_sos(session, asked.caller, sos_id)
        asked.caller.require(sos.ANSWER_SILENT, row.site_id)
        return answer({"items": sos.look_at_positions(session, asked.caller, row, now=asked.now)})
