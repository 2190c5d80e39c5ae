"""Labels of checkpoints over HTTP: new codes, on sheets of A4 as PDF."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from core.db import Session
from core.papers import PaperLabel, label_sheets
from workflows import patrol

router = APIRouter(tags=["patrol"])
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]
PDF = "application/pdf"
_PAPER: dict[int | str, dict[str, Any]] = {
    200: {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}}
}


class LabelsToMake(Body):
    """Checkpoints that are to get a label. language: of the places that they are in."""

    checkpoint_ids: Annotated[list[UUID], Field(min_length=1, max_length=patrol.MOST_LABELS)]
    language: Literal["en", "zh"] = "zh"


@router.post(
    "/checkpoint-labels",
    response_class=Response,
    summary="Make labels with new codes",
    responses={**_PAPER, **may_answer(404, 409, 503)},
)
def post_checkpoint_labels(asked: Writer, request: Request, body: LabelsToMake) -> Response:
    """A PDF of A4 with 21 labels of 63.5 × 38.1 mm on each sheet, in the order that was asked for.

    Each gets a code that is shown this once; one that stands there already is replaced. Takes no
    Idempotency-Key, because an answer that is kept would keep the codes.
    """
    base = asked.parts.settings.sticker_base(str(request.base_url))
    within = {place.id: place.within[1:] for place in asked.parts.places.places()}
    with asked.parts.database.write() as session:
        labels = [
            _label(session, asked, point, within.get(point, ()), base)
            for point in dict.fromkeys(body.checkpoint_ids)
        ]
        # Within the transaction: without a paper no code is replaced.
        paper = label_sheets(labels, patrol.CALL, language=body.language, now=asked.now)
    return Response(paper, media_type=PDF, headers={"Cache-Control": "no-store"})


def _label(
    session: Session, asked: Asked, point: UUID, within: tuple[Mapping[str, str], ...], base: str
) -> PaperLabel:
    row = patrol.find_checkpoint(
        session, asked.caller, point, now=asked.now, permission=patrol.WRITE
    )
    put = patrol.draw_code(session, row, vault=asked.parts.vault, actor=asked.actor, now=asked.now)
    shown = patrol.describe_checkpoint(session, asked.caller, point)
    address = f"{base}/t?{put.secrets['query']}"
    return PaperLabel(shown["name"], within, shown["code"], address, address)
