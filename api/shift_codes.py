"""Shift codes over HTTP, on nodes of the tree: what the cells of rosters say, and their hours."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import IfMatch, answer, expected_version
from api.bodies import Body, Names
from api.deps import Asked, Permission
from api.errors import may_answer
from core.people import find_node
from core.shift_codes import MOST_WRITTEN, ShiftCodeDraft, save_shift_code, shift_codes_at
from core.teams import ROSTER

router = APIRouter(tags=["teams"])
READ = "people.read"
Reader = Annotated[Asked, Depends(Permission(READ))]
Writer = Annotated[Asked, Depends(Permission(ROSTER))]
Kind = Literal["duty", "on_call"]


class ShiftCodeShown(BaseModel):
    """A shift code as it holds at a node."""

    code: str
    name: dict[str, str]
    written: list[str] = Field(description="What cells say for it, beside its code and names.")
    kind: Kind
    starts: str = Field(description="Such as 08:00, of the site's clock.")
    ends: str = Field(description="At or before the start: on the next day.")
    retired: bool = Field(description="Not understood any more.")
    node_id: UUID | None = Field(description="Where it is kept; null: shipped.")
    version: int


class ShiftCodeList(BaseModel):
    """Every shift code that holds at a node."""

    items: list[ShiftCodeShown]


class ShiftCodeBody(Body):
    """A shift code to keep on a node."""

    name: Names
    starts: Annotated[str, Field(max_length=5)]
    ends: Annotated[str, Field(max_length=5)]
    written: Annotated[tuple[str, ...], Field(max_length=MOST_WRITTEN)] = ()
    kind: Kind = "duty"
    retired: bool = False

    def draft(self, code: str) -> ShiftCodeDraft:
        """The shift code that the body describes."""
        name = self.name.filled()
        return ShiftCodeDraft(
            code, name, self.starts, self.ends, self.written, self.kind, self.retired
        )


@router.get("/nodes/{node_id}/shift-codes", response_model=ShiftCodeList, responses=may_answer(404))
def get_shift_codes(node_id: UUID, asked: Reader) -> Response:
    """The shift codes that hold at a node: the shipped ones and, by code, the nearest kept."""
    with asked.parts.database.read() as session:
        node = find_node(session, asked.caller, READ, node_id)
        found = [one.described() for one in shift_codes_at(session, node.id).values()]
    return answer({"items": found})


@router.put(
    "/nodes/{node_id}/shift-codes/{code}",
    response_model=ShiftCodeShown,
    responses=may_answer(404, 412),
)
def put_shift_code(
    node_id: UUID, code: str, body: ShiftCodeBody, asked: Writer, if_match: IfMatch = None
) -> Response:
    """Keep a shift code on a node and below; shifts that stand keep their hours."""
    with asked.parts.database.write() as session:
        node = find_node(session, asked.caller, READ, node_id)
        saved = save_shift_code(
            session,
            asked.caller,
            node,
            body.draft(code),
            now=asked.now,
            expected_version=expected_version(if_match),
        )
    return answer(saved.described(), version=saved.version)
