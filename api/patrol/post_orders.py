"""Post orders over HTTP: written, published in versions, read and acknowledged."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import IfMatch, answer, expected_version
from api.deps import Asked, Permission
from api.errors import may_answer
from api.patrol.post_shapes import (
    Acknowledgement,
    AcknowledgementItem,
    OrdersItem,
    OrdersList,
    OrdersReaders,
    OrdersToWrite,
)
from core.db import Session
from workflows import patrol
from workflows.patrol import posts

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Guard = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Seer = Annotated[Asked, Depends(Permission(patrol.PEOPLE))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


@router.get("/posts/{post_id}/orders", response_model=OrdersList, summary="List post orders")
def get_post_orders(asked: Reader, post_id: UUID) -> Response:
    """Every version with its text, the newest first; the draft where you hold `patrol.write`."""
    with asked.parts.database.read() as session:
        row = posts.find_post(session, asked.caller, post_id, permission=patrol.READ)
        drafts = row.site_id in asked.caller.sites_for(patrol.WRITE)
        return answer({"items": posts.list_orders(session, row, drafts=drafts)})


@router.put(
    "/posts/{post_id}/orders/draft",
    response_model=OrdersItem,
    summary="Write a draft of post orders",
    responses=may_answer(409, 412, 428),
)
def put_post_orders_draft(
    asked: Writer, post_id: UUID, body: OrdersToWrite, if_match: IfMatch = None
) -> Response:
    """The whole text of the next version. Once there is a draft, needs its version as If-Match."""
    with asked.parts.database.write() as session:
        row = posts.find_post(session, asked.caller, post_id, permission=patrol.WRITE)
        standing = posts.draft_of(session, post_id)
        version = expected_version(if_match, required=standing is not None)
        posts.write_draft(
            session, asked.caller, row, body.model_dump(), now=asked.now, expected_version=version
        )
        return _newest(session, row)


@router.post(
    "/posts/{post_id}/orders/publish",
    response_model=OrdersItem,
    summary="Publish the draft of post orders",
    responses=may_answer(409, 412, 428),
)
def post_post_orders_publish(asked: Writer, post_id: UUID, if_match: IfMatch = None) -> Response:
    """It is in force at once, and every guard of the post has to read it anew.

    Needs the version of the draft as If-Match. Refused while a language is empty.
    """
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = posts.find_post(session, asked.caller, post_id, permission=patrol.WRITE)
        posts.publish(session, asked.caller, row, now=asked.now, expected_version=version)
        return _newest(session, row)


def _newest(session: Session, row: posts.Post) -> Response:
    content = posts.list_orders(session, row, drafts=True)[0]
    return answer(content, version=content["version"])


@router.get(
    "/posts/{post_id}/orders/readers",
    response_model=OrdersReaders,
    summary="List who has read post orders",
)
def get_post_orders_readers(asked: Seer, post_id: UUID) -> Response:
    """Of the orders in force: who is there, has a shift in the team soon, or is in the team."""
    with asked.parts.database.read() as session:
        row = posts.find_post(session, asked.caller, post_id, permission=patrol.PEOPLE)
        orders = posts.published_of(session, post_id)
        found = posts.readers(session, row, now=asked.now) if orders else []
        number = orders.number if orders else None
        return answer({"number": number, "items": [asdict(one) for one in found]})


@router.post(
    "/post-orders/{orders_id}/acknowledge",
    response_model=AcknowledgementItem,
    summary="Acknowledge post orders",
    responses=may_answer(409),
)
def post_post_orders_acknowledge(asked: Guard, orders_id: UUID, body: Acknowledgement) -> Response:
    """You have read them. Again changes nothing; a conflict when newer ones are in force."""
    with asked.parts.database.write() as session:
        read = posts.acknowledge(session, asked.caller, orders_id, body.digest, now=asked.now)
        content = {"orders_id": read.orders_id, "digest": read.digest, "read_at": read.read_at}
        return answer(content)
