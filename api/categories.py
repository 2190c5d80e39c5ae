"""Categories of tickets over HTTP, on nodes of the tree."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import IfMatch, answer, expected_version
from api.bodies import Body, Names
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import Kind, Priority
from core.people import find_node
from workflows.tickets.categories import CategoryDraft, categories_at, save_category

router = APIRouter(tags=["categories"])
READ = "places.read"
Reader = Annotated[Asked, Depends(Permission(READ))]
Writer = Annotated[Asked, Depends(Permission("service.write"))]


class CategoryShown(BaseModel):
    """A category as it holds at a node."""

    code: str
    name: dict[str, str]
    kinds: list[Kind] = Field(description="Of which kinds of ticket; empty: of all.")
    team: str | None = Field(description="What a new ticket of it begins with.")
    priority: Priority | None
    retired: bool = Field(description="No new ticket is filed under it.")
    node_id: UUID | None = Field(description="Where it is kept; null: shipped.")
    version: int


class CategoryList(BaseModel):
    """Every category that holds at a node."""

    items: list[CategoryShown]


class CategoryBody(Body):
    """A category to keep on a node."""

    name: Names
    kinds: Annotated[tuple[Kind, ...], Field(max_length=6)] = ()
    team: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    priority: Priority | None = None
    retired: bool = False

    def draft(self, code: str) -> CategoryDraft:
        """The category that the body describes."""
        name = self.name.filled()
        return CategoryDraft(code, name, self.kinds, self.team, self.priority, self.retired)


@router.get(
    "/nodes/{node_id}/ticket-categories", response_model=CategoryList, responses=may_answer(404)
)
def get_ticket_categories(node_id: UUID, asked: Reader) -> Response:
    """The categories that hold at a node: the shipped ones and, by code, the nearest kept."""
    with asked.parts.database.read() as session:
        node = find_node(session, asked.caller, READ, node_id)
        found = [one.described() for one in categories_at(session, node.id).values()]
    return answer({"items": found})


@router.put(
    "/nodes/{node_id}/ticket-categories/{code}",
    response_model=CategoryShown,
    responses=may_answer(404, 412),
)
def put_ticket_category(
    node_id: UUID, code: str, body: CategoryBody, asked: Writer, if_match: IfMatch = None
) -> Response:
    """Keep a category on a node and below; a shipped one or one above holds here no more."""
    with asked.parts.database.write() as session:
        node = find_node(session, asked.caller, READ, node_id)
        saved = save_category(
            session,
            asked.caller,
            node,
            body.draft(code),
            now=asked.now,
            expected_version=expected_version(if_match),
        )
    return answer(saved.described(), version=saved.version)
