"""Labels of checkpoints over HTTP: new codes, on sheets of A4 as PDF."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
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
    with asked.parts.database.read() as session:
        drawn = [
            patrol.draw_code(session, asked.caller, point)
            for point in dict.fromkeys(body.checkpoint_ids)
        ]
    labels = [_label(one, within.get(one.checkpoint["id"], ()), base) for one in drawn]
    # Before anything is written: without a paper no code is replaced, and nobody waits for it.
    paper = label_sheets(labels, patrol.CALL, language=body.language, now=asked.now)
    vault, actor, now = asked.parts.vault, asked.actor, asked.now
    with asked.parts.database.write() as session:
        for one in drawn:
            patrol.put_code(session, asked.caller, one, vault=vault, actor=actor, now=now)
    return Response(paper, media_type=PDF, headers={"Cache-Control": "no-store"})


def _label(drawn: patrol.Drawn, within: tuple[Mapping[str, str], ...], base: str) -> PaperLabel:
    shown, address = drawn.checkpoint, f"{base}/t?{drawn.query}"
    return PaperLabel(shown["name"], within, shown["code"], address, address)
