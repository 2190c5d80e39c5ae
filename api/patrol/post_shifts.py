"""What passes from shift to shift over HTTP: keys and equipment, pass-down log, hand-overs."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    kept,
    marked,
    page_answer,
    require_unchanged,
)
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.shift_shapes import (
    Acceptance,
    EntryItem,
    EntryPage,
    EntryToWrite,
    HandOverItem,
    HandOverList,
    HandOverSheet,
    HandOverToMake,
    ItemList,
    ItemsToKeep,
    LogRead,
    LogReadTo,
)
from core.db import Session
from core.idempotency import keep, recall
from core.paging import Wish
from workflows import dispatch, patrol
from workflows.alarms.handed_over import alarms_to_hand_over
from workflows.patrol import posts
from workflows.patrol.reading import names_of

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Guard = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


# What of a hand-over stands in its row.
_OWN = frozenset(HandOverItem.model_fields) - {"from_name", "accepted_by_name"}


def _post(session: Session, asked: Asked, post_id: UUID, permission: str) -> posts.Post:
    return posts.find_post(session, asked.caller, post_id, permission=permission)


def _items(session: Session, post_id: UUID) -> dict[str, Any]:
    names = ("id", "kind", "name", "number", "counted", "counted_at")
    rows = posts.items_of(session, post_id)
    return {"items": [{name: getattr(row, name) for name in names} for row in rows]}


@router.get(
    "/posts/{post_id}/items", response_model=ItemList, summary="List keys and equipment of a post"
)
def get_post_items(asked: Reader, post_id: UUID) -> Response:
    """With what the last hand-over counted."""
    with asked.parts.database.read() as session:
        _post(session, asked, post_id, patrol.READ)
        return marked(_items(session, post_id))


@router.put(
    "/posts/{post_id}/items",
    response_model=ItemList,
    summary="Set keys and equipment of a post",
    responses=may_answer(412, 428),
)
def put_post_items(
    asked: Writer, post_id: UUID, body: ItemsToKeep, if_match: IfMatch = None
) -> Response:
    """The whole list as it is to be. Needs the ETag of what you read as If-Match."""
    with asked.parts.database.write() as session:
        row = _post(session, asked, post_id, patrol.WRITE)
        require_unchanged(if_match, _items(session, post_id))
        wanted = [each.item() for each in body.items]
        posts.set_items(session, asked.caller, row, wanted, now=asked.now)
        return marked(_items(session, post_id))


@router.get(
    "/posts/{post_id}/log", response_model=EntryPage, summary="Read the pass-down log of a post"
)
def get_post_log(
    asked: Reader, post_id: UUID, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """The last entry first, each with who has read it when."""
    with asked.parts.database.read() as session:
        row = _post(session, asked, post_id, patrol.READ)
        page = posts.list_log(session, row, wish(limit, cursor, *posts.LOG_KEY))
    return page_answer(page)


@router.post(
    "/posts/{post_id}/log",
    response_model=EntryItem,
    status_code=201,
    summary="Write into the pass-down log of a post",
    responses=may_answer(409),
)
def post_post_log(
    asked: Guard, post_id: UUID, body: EntryToWrite, idempotency_key: IdempotencyKey = None
) -> Response:
    """It stays as it is written, with your name and the time."""
    request = claim(asked, f"POST /posts/{post_id}/log", idempotency_key, body)
    with asked.parts.database.write() as session:
        row = _post(session, asked, post_id, patrol.SCAN)
        made = recall(session, request)
        if made is None:
            posts.write_entry(session, asked.caller, row, body.text, now=asked.now)
            entry = posts.list_log(session, row, Wish(1)).items[0]
            made = keep(session, request, created(entry, f"posts/{post_id}/log"))
    return kept(made)


@router.post(
    "/posts/{post_id}/log/read",
    response_model=LogRead,
    summary="Tell that the pass-down log was read",
)
def post_post_log_read(asked: Guard, post_id: UUID, body: LogReadTo) -> Response:
    """You have read the entry `up_to` and the 49 before it. Again changes nothing.

    What was written since you read the log stays unread, and so does what is older.
    """
    with asked.parts.database.write() as session:
        row = _post(session, asked, post_id, patrol.SCAN)
        made = posts.read_log(session, asked.caller, row, body.up_to, now=asked.now)
        left = posts.unread_entries(session, post_id, asked.caller.person_id)
        return answer({"entries": made, "unread": left})


def _handed(session: Session, rows: Sequence[dispatch.Handover]) -> list[Mapping[str, Any]]:
    """Hand-overs as they are shown, each with the names of who handed over and who accepted."""
    people = {person for row in rows for person in (row.from_id, row.accepted_by) if person}
    names = names_of(session, people)
    return [
        {
            **{name: getattr(row, name) for name in HandOverItem.model_fields if name in _OWN},
            "from_name": names[row.from_id],
            "accepted_by_name": names[row.accepted_by] if row.accepted_by else None,
        }
        for row in rows
    ]


@router.get(
    "/posts/{post_id}/hand-over",
    response_model=HandOverSheet,
    summary="Read what is to be handed over at a post",
)
def get_post_hand_over(asked: Guard, post_id: UUID) -> Response:
    """What is open now, what is to be counted, and a hand-over that waits to be accepted.

    For whoever may hand over there: who works on tickets of the post's team.
    """
    with asked.parts.database.read() as session:
        row = _post(session, asked, post_id, patrol.SCAN)
        dispatch.require_to_hand_over(asked.caller, row.site_id, row.team)
        alarms = alarms_to_hand_over(session, asked.caller, row.site_id)
        standing = [dispatch.StandingAlarm(**one) for one in alarms]
        lists = dispatch.what_to_hand_over(session, row.site_id, row.team, standing)
        past = dispatch.list_handovers(session, row.site_id, row.team, post_id=post_id)
        waiting = [one for one in past if one.state != "accepted"][:1]
        content = {
            "tickets": lists["tickets"],
            "alarms": lists["alarms"],
            "items": _items(session, post_id)["items"],
            "waiting": next(iter(_handed(session, waiting)), None),
            "unread": posts.unread_entries(session, post_id, asked.caller.person_id),
        }
    return answer(content)


@router.get(
    "/posts/{post_id}/hand-overs", response_model=HandOverList, summary="List hand-overs of a post"
)
def get_post_hand_overs(asked: Guard, post_id: UUID) -> Response:
    """The last ten, newest first, each with what was open then and what was counted."""
    with asked.parts.database.read() as session:
        row = _post(session, asked, post_id, patrol.SCAN)
        found = dispatch.list_handovers(session, row.site_id, row.team, post_id=post_id)
        return answer({"items": _handed(session, found)})


@router.post(
    "/posts/{post_id}/hand-overs",
    response_model=HandOverItem,
    status_code=201,
    summary="Hand a post over to the next shift",
    responses=may_answer(409),
)
def post_post_hand_over(
    asked: Guard, post_id: UUID, body: HandOverToMake, idempotency_key: IdempotencyKey = None
) -> Response:
    """Every item counted; what is not as listed is explained, and opens a ticket.

    You are at the post, or lead those who are. A conflict while an earlier one waits.
    """
    request = claim(asked, f"POST /posts/{post_id}/hand-overs", idempotency_key, body)
    with asked.parts.database.write() as session:
        row = _post(session, asked, post_id, patrol.SCAN)
        made = recall(session, request)
        if made is None:
            handed = _offer(session, asked, row, body)
            made = keep(
                session,
                request,
                created(_handed(session, [handed])[0], f"posts/{post_id}/hand-overs"),
            )
    return kept(made)


def _offer(
    session: Session, asked: Asked, row: posts.Post, body: HandOverToMake
) -> dispatch.Handover:
    counted = posts.count_items(session, asked.caller, row, body.counts(), now=asked.now)
    standing = alarms_to_hand_over(session, asked.caller, row.site_id)
    return dispatch.offer_handover(
        session,
        asked.caller,
        row.site_id,
        row.team,
        note=body.note,
        missing=[],
        alarms=[dispatch.StandingAlarm(**one) for one in standing],
        now=asked.now,
        place=dispatch.Place(row.id, dict(row.name), counted),
    )


@router.post(
    "/hand-overs/{handover_id}/accept",
    response_model=HandOverItem,
    summary="Accept a hand-over",
    responses=may_answer(409),
)
def post_hand_over_accept(asked: Guard, handover_id: UUID, body: Acceptance) -> Response:
    """Under your own name; a conflict for whoever hands over, and once it is accepted."""
    with asked.parts.database.write() as session:
        row = dispatch.accept_handover(
            session, asked.caller, handover_id, remark=body.remark, now=asked.now
        )
        return answer(_handed(session, [row])[0])
