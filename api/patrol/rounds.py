"""Rounds over HTTP: how they stand, begun, called off, excused; and that a phone is heard."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response

from api.answers import answer, page_answer
from api.bodies import Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.round_shapes import Contact, ContactItem, RoundPage, RoundWhole
from api.patrol.round_shapes import Why as Reason
from api.patrol.searched import Why, note_search
from core.db import Session
from workflows import patrol
from workflows.patrol import rounds
from workflows.patrol.rounds.routes import MOST_POINTS

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Guard = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]
Position = Annotated[int, Path(ge=0, lt=MOST_POINTS)]


@router.get("/rounds", response_model=RoundPage, summary="List rounds")
def get_rounds(
    asked: Reader,
    site: UUID | None = None,
    route: UUID | None = None,
    person: UUID | None = None,
    why: Why = None,
    state: Annotated[
        str | None,
        Query(max_length=20, description="open (planned or running), or one state."),
    ] = None,
    since: Annotated[Moment | None, Query(description="Planned from then on.")] = None,
    until: Annotated[Moment | None, Query(description="Planned before then.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The last planned first, each with how many of its points are in which state.

    Who goes a round you see of your own and where you hold `scans.read`.
    """
    note_search(asked, "rounds", person, why, site=site, since=since, until=until)
    wanted = rounds.RoundFilter(site, route, person, state, since, until)
    with asked.parts.database.read() as session:
        page = rounds.list_rounds(session, asked.caller, wanted, wish(limit, cursor, *rounds.KEY))
    return page_answer(page)


@router.get("/rounds/{round_id}", response_model=RoundWhole, summary="Read a round")
def get_round(asked: Reader, round_id: UUID) -> Response:
    """With its points, and when a phone of whoever goes it was heard of last."""
    with asked.parts.database.read() as session:
        return _shown(session, asked, round_id)


def _shown(session: Session, asked: Asked, round_id: UUID) -> Response:
    content = rounds.describe_round(session, asked.caller, round_id, now=asked.now)
    return answer(content, version=content["version"])


@router.post(
    "/rounds/{round_id}/start",
    response_model=RoundWhole,
    summary="Begin a round",
    responses=may_answer(409),
)
def post_round_start(asked: Guard, round_id: UUID) -> Response:
    """You go it. The first scan begins a round as well, so nobody has to ask for this.

    Again by the same person changes nothing. A conflict before it opens, and once somebody else
    has begun it or it is over.
    """
    with asked.parts.database.write() as session:
        rounds.begin_round(session, asked.caller, round_id, now=asked.now)
        return _shown(session, asked, round_id)


@router.post(
    "/rounds/{round_id}/cancel",
    response_model=RoundWhole,
    summary="Call a round off",
    responses=may_answer(409),
)
def post_round_cancel(asked: Writer, round_id: UUID, body: Reason) -> Response:
    """Nothing of it is missed any more, and scans don't count for it. For good."""
    with asked.parts.database.write() as session:
        rounds.cancel_round(session, asked.caller, round_id, body.reason, now=asked.now)
        return _shown(session, asked, round_id)


@router.post(
    "/rounds/{round_id}/points/{position}/excuse",
    response_model=RoundWhole,
    summary="Excuse a point of a round",
    responses=may_answer(409),
)
def post_round_point_excuse(
    asked: Writer, round_id: UUID, position: Position, body: Reason
) -> Response:
    """It need not be scanned: a locked floor, a lift that stands. For this round alone.

    `position` is that of the round's points. A conflict for one that is scanned or excused, and
    when the round is over.
    """
    with asked.parts.database.write() as session:
        rounds.excuse_point(session, asked.caller, round_id, position, body.reason, now=asked.now)
        return _shown(session, asked, round_id)


@router.post("/patrol-contact", response_model=ContactItem, summary="Tell that a phone is here")
def post_patrol_contact(asked: Guard, body: Contact) -> Response:
    """Your own phone. With `told_until`, points whose time is over by then are known to be missed.

    Send it after the scans that it speaks of. A time ahead of ours counts as now, and one before
    what is known changes nothing.
    """
    with asked.parts.database.write() as session:
        row = rounds.note_contact(session, asked.person, now=asked.now, told_until=body.told_until)
        return answer({"heard_at": row.heard_at, "told_until": row.told_until})
