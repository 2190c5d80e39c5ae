"""Badges over HTTP: the cards and beacons by which people are known."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import (
    IdempotencyKey,
    answer,
    claim,
    created,
    kept,
    page_answer,
)
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.shapes import (
    BadgeItem,
    BadgePage,
    BadgeToIssue,
)
from core.idempotency import keep, recall
from workflows import patrol

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.PEOPLE))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


@router.get("/badges", response_model=BadgePage, summary="List badges")
def get_badges(
    asked: Reader,
    site: UUID | None = None,
    person: UUID | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Badges that were issued on the sites where you may see who scans, the last first."""
    with asked.parts.database.read() as session:
        page = patrol.list_badges(
            session,
            asked.caller,
            patrol.PEOPLE,
            wish(limit, cursor, UUID),
            site_id=site,
            person_id=person,
        )
    return page_answer(page)


@router.post(
    "/badges",
    response_model=BadgeItem,
    status_code=201,
    summary="Issue a badge",
    responses=may_answer(409),
)
def post_badge(
    asked: Writer, body: BadgeToIssue, idempotency_key: IdempotencyKey = None
) -> Response:
    """To somebody who may scan on the site. Its number is kept as a keyed hash only."""
    asked.caller.require(patrol.WRITE, body.site_id)
    request = claim(asked, "POST /badges", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            row = patrol.issue_badge(
                session,
                body.site_id,
                body.new(),
                needs=patrol.SCAN,
                vault=asked.parts.vault,
                actor=asked.actor,
                now=asked.now,
            )
            content = patrol.describe_badge(session, row)
            made = keep(session, request, created(content, "badges"))
    return kept(made)


@router.post(
    "/badges/{badge_id}/end",
    response_model=BadgeItem,
    summary="End a badge",
    responses=may_answer(409),
)
def post_badge_end(asked: Writer, badge_id: UUID) -> Response:
    """From now on it counts no more; its number may be issued again."""
    with asked.parts.database.write() as session:
        row = patrol.find_badge(session, asked.caller, patrol.PEOPLE, badge_id)
        asked.caller.require(patrol.WRITE, row.site_id)
        patrol.end_badge(session, row, actor=asked.actor, now=asked.now)
        return answer(patrol.describe_badge(session, row))
