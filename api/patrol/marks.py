"""Marks on rounds over HTTP: listed, answered by whom they are about, decided by others."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.answers import IfMatch, answer, expected_version, page_answer
from api.bodies import Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.mark_shapes import MarkAnswer, MarkDecision, MarkPage, MarkWhole
from api.patrol.searched import Why, note_search
from core.db import Session
from workflows import patrol
from workflows.patrol import honesty
from workflows.patrol.privacy import looking

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


@router.get("/patrol-marks", response_model=MarkPage, summary="List marks on rounds")
def get_patrol_marks(
    asked: Reader,
    site: UUID | None = None,
    round_id: Annotated[UUID | None, Query(alias="round")] = None,
    person: UUID | None = None,
    why: Why = None,
    kind: Annotated[str | None, Query(max_length=20)] = None,
    state: Annotated[
        str | None,
        Query(max_length=20, description="undecided (open or answered), or one state."),
    ] = None,
    since: Annotated[Moment | None, Query(description="Made from then on.")] = None,
    until: Annotated[Moment | None, Query(description="Made before then.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The last made first: about you, and those of sites where you hold `scans.read`."""
    note_search(asked, "marks", person, why, site=site, since=since, until=until)
    wanted = honesty.MarkFilter(site, round_id, person, kind, state, since, until)
    with asked.parts.database.read() as session:
        page = honesty.list_marks(session, asked.caller, wanted, wish(limit, cursor, *honesty.KEY))
    return page_answer(page)


@router.get("/patrol-marks/{mark_id}", response_model=MarkWhole, summary="Read a mark")
def get_patrol_mark(asked: Reader, mark_id: UUID) -> Response:
    """With the scans of its round and those it names. Whoever it is about sees that you looked."""
    with asked.parts.database.write() as session:
        content = honesty.describe_mark(session, asked.caller, mark_id)
        looking.note_mark(session, asked.caller, content, now=asked.now)
    return answer(content, version=content["version"])


def _shown(session: Session, asked: Asked, mark_id: UUID) -> Response:
    content = honesty.describe_mark(session, asked.caller, mark_id)
    return answer(content, version=content["version"])


@router.post(
    "/patrol-marks/{mark_id}/answer",
    response_model=MarkWhole,
    summary="Answer a mark",
    responses=may_answer(409, 412),
)
def post_patrol_mark_answer(
    asked: Reader, mark_id: UUID, body: MarkAnswer, if_match: IfMatch = None
) -> Response:
    """Say how it was. Only whoever it is about can, once, and before it is decided."""
    with asked.parts.database.write() as session:
        honesty.answer_mark(
            session,
            asked.caller,
            mark_id,
            body.text,
            now=asked.now,
            expected_version=expected_version(if_match),
        )
        return _shown(session, asked, mark_id)


@router.post(
    "/patrol-marks/{mark_id}/decide",
    response_model=MarkWhole,
    summary="Decide a mark",
    responses=may_answer(409, 412),
)
def post_patrol_mark_decide(
    asked: Writer, mark_id: UUID, body: MarkDecision, if_match: IfMatch = None
) -> Response:
    """Uphold or dismiss it, with a reason and for good, answered or not. Nobody about themselves.

    Send the ETag of what you read as If-Match, so that no answer is passed over that came since.
    """
    with asked.parts.database.write() as session:
        honesty.decide_mark(
            session,
            asked.caller,
            mark_id,
            body.decision,
            body.reason,
            now=asked.now,
            expected_version=expected_version(if_match),
        )
        return _shown(session, asked, mark_id)
