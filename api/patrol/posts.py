"""Posts over HTTP: set up, who is there, who comes and who leaves."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    expected_version,
    kept,
    page_answer,
)
from api.bodies import Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.post_shapes import (
    ClockIn,
    ClockOut,
    DutyItem,
    DutyPage,
    DutyState,
    PostPage,
    PostToKeep,
    PostToMake,
    PostWhole,
)
from api.patrol.route_shapes import InUse
from api.patrol.searched import Why, note_search
from core.db import Session
from core.idempotency import keep, recall
from workflows import patrol
from workflows.patrol import posts

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Guard = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


@router.get("/posts", response_model=PostPage, summary="List posts")
def get_posts(
    asked: Reader,
    site: UUID | None = None,
    state: InUse | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Posts of every site where you see checkpoints, the last made first."""
    with asked.parts.database.read() as session:
        page = posts.list_posts(
            session, asked.caller, wish(limit, cursor, UUID), site_id=site, state=state
        )
    return page_answer(page)


@router.get("/posts/{post_id}", response_model=PostWhole, summary="Read a post")
def get_post(asked: Reader, post_id: UUID) -> Response:
    """With who is there now, and how many should be."""
    with asked.parts.database.read() as session:
        return _shown(session, asked, post_id)


def _shown(session: Session, asked: Asked, post_id: UUID) -> Response:
    content = posts.describe_post(session, asked.caller, post_id, now=asked.now)
    return answer(content, version=content["version"])


@router.post(
    "/posts",
    response_model=PostWhole,
    status_code=201,
    summary="Set up a post",
    responses=may_answer(409),
)
def post_post(asked: Writer, body: PostToMake, idempotency_key: IdempotencyKey = None) -> Response:
    """A gate, a control room, or a team that walks. No round goes to its checkpoint."""
    asked.caller.require(patrol.WRITE, body.site_id)
    request = claim(asked, "POST /posts", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            row = posts.create_post(
                session, body.site_id, body.draft(), actor=asked.actor, now=asked.now
            )
            content = posts.describe_post(session, asked.caller, row.id, now=asked.now)
            answered = created(content, f"posts/{row.id}", version=content["version"])
            made = keep(session, request, answered)
    return kept(made)


@router.put(
    "/posts/{post_id}",
    response_model=PostWhole,
    summary="Change a post",
    responses=may_answer(409, 412, 428),
)
def put_post(asked: Writer, post_id: UUID, body: PostToKeep, if_match: IfMatch = None) -> Response:
    """The whole post as it is to be. Needs the ETag of what you read as If-Match."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = _post(session, asked, post_id, patrol.WRITE)
        posts.change_post(
            session,
            row,
            body.draft(),
            actor=asked.actor,
            now=asked.now,
            expected_version=version,
        )
        return _shown(session, asked, post_id)


def _post(session: Session, asked: Asked, post_id: UUID, permission: str) -> posts.Post:
    return posts.find_post(session, asked.caller, post_id, permission=permission)


@router.post(
    "/posts/{post_id}/retire",
    response_model=PostWhole,
    summary="Take a post out of use",
    responses=may_answer(409),
)
def post_post_retire(asked: Writer, post_id: UUID) -> Response:
    """Nobody comes there any more, and nobody is missed. Who is there can still leave."""
    return _moved(asked, post_id, "retire")


@router.post(
    "/posts/{post_id}/reactivate",
    response_model=PostWhole,
    summary="Take a post into use again",
    responses=may_answer(409),
)
def post_post_reactivate(asked: Writer, post_id: UUID) -> Response:
    """A conflict where something else uses its checkpoint by now."""
    return _moved(asked, post_id, "reactivate")


def _moved(asked: Asked, post_id: UUID, action: str) -> Response:
    with asked.parts.database.write() as session:
        row = _post(session, asked, post_id, patrol.WRITE)
        posts.move_post(session, row, action, actor=asked.actor, now=asked.now)
        return _shown(session, asked, post_id)


@router.post(
    "/posts/{post_id}/clock-in",
    response_model=DutyItem,
    summary="Let somebody come to a post",
    responses=may_answer(409),
)
def post_post_clock_in(asked: Writer, post_id: UUID, body: ClockIn) -> Response:
    """For whom no scan does it: by name with a reason, or by the number of their card.

    Guards come by a scan at the post's checkpoint. Who is there already stays as they are; a
    conflict for whoever is at another post.
    """
    with asked.parts.database.write() as session:
        row = _post(session, asked, post_id, patrol.WRITE)
        if body.person_id is None:
            vault, now = asked.parts.vault, asked.now
            duty = posts.clock_in_by_card(
                session, asked.caller, row, body.card, vault=vault, now=now
            )
        else:
            duty = posts.clock_in(
                session,
                asked.caller,
                row,
                body.person_id,
                reason=body.reason,
                at=body.at,
                now=asked.now,
            )
        return answer(posts.describe_duty(session, duty))


@router.get("/post-duties", response_model=DutyPage, summary="List who was at posts when")
def get_post_duties(
    asked: Reader,
    site: UUID | None = None,
    post: UUID | None = None,
    person: UUID | None = None,
    why: Why = None,
    state: DutyState | None = None,
    since: Annotated[Moment | None, Query(description="Who came from then on.")] = None,
    until: Annotated[Moment | None, Query(description="Who came before then.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Whoever came last first. Your own, and everybody's where you hold `scans.read`."""
    note_search(asked, "duties", person, why, site=site, since=since, until=until)
    wanted = posts.DutyFilter(site, post, person, state, since, until)
    with asked.parts.database.read() as session:
        page = posts.list_duties(
            session, asked.caller, wanted, wish(limit, cursor, *posts.DUTY_KEY)
        )
    return page_answer(page)


@router.post(
    "/post-duties/{duty_id}/leave",
    response_model=DutyItem,
    summary="Leave a post",
    responses=may_answer(409),
)
def post_post_duty_leave(asked: Guard, duty_id: UUID, body: ClockOut) -> Response:
    """Your own, now; that of others with `patrol.write`, a reason, and a time if it was earlier.

    Who has left already stays as they are.
    """
    with asked.parts.database.write() as session:
        duty = posts.clock_out(
            session, asked.caller, duty_id, reason=body.reason, at=body.at, now=asked.now
        )
        return answer(posts.describe_duty(session, duty))
