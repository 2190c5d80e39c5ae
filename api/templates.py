"""Templates of tickets over HTTP, on nodes of the tree."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import IfMatch, answer, expected_version
from api.bodies import Body, Names
from api.checklists import ItemBody, ItemKind
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import Kind, Priority
from core.people import find_node
from workflows.tickets.templates import (
    TemplateDraft,
    describe_template,
    save_template,
    templates_at,
)

router = APIRouter(tags=["templates"])
READ = "places.read"
Reader = Annotated[Asked, Depends(Permission(READ))]
Writer = Annotated[Asked, Depends(Permission("service.write"))]


class TemplateItem(BaseModel):
    """An item of the checklist that a ticket begins with; numbers as text."""

    text: dict[str, str]
    kind: ItemKind
    required: bool
    unit: str | None
    low: str | None
    high: str | None
    choices: list[dict[str, str]]


class TemplateShown(BaseModel):
    """A template as it holds at a node."""

    node_id: UUID = Field(description="Where it is kept.")
    code: str
    name: dict[str, str]
    kind: Kind
    category: str
    priority: Priority
    team: str
    title: dict[str, str]
    description: dict[str, str]
    items: list[TemplateItem]
    retired: bool = Field(description="Offered no more, also where it is inherited.")
    version: int


class TemplateList(BaseModel):
    """Every template that holds at a node."""

    items: list[TemplateShown]


class LongNames(Body):
    """A longer text, in one language or both."""

    en: Annotated[str, Field(max_length=4000)] = ""
    zh: Annotated[str, Field(max_length=4000)] = ""


class TemplateBody(Body):
    """A template to keep on a node."""

    name: Names
    title: Names
    kind: Kind = "repair"
    category: Annotated[str, Field(max_length=40)] = ""
    priority: Priority = "medium"
    team: Annotated[str, Field(min_length=1, max_length=40)] = "maintenance"
    description: LongNames = LongNames()
    items: Annotated[tuple[ItemBody, ...], Field(max_length=60)] = ()
    retired: bool = False

    def draft(self, code: str) -> TemplateDraft:
        """The template that the body describes."""
        return TemplateDraft(
            code,
            self.name.filled(),
            self.title.filled(),
            self.kind,
            self.category,
            self.priority,
            self.team,
            self.description.model_dump(),
            tuple(one.item() for one in self.items),
            self.retired,
        )


@router.get(
    "/nodes/{node_id}/ticket-templates", response_model=TemplateList, responses=may_answer(404)
)
def get_ticket_templates(node_id: UUID, asked: Reader) -> Response:
    """The templates that hold at a node: its own and, by code, the nearest above."""
    with asked.parts.database.read() as session:
        node = find_node(session, asked.caller, READ, node_id)
        found = [describe_template(one) for one in templates_at(session, node.id).values()]
    return answer({"items": found})


@router.put(
    "/nodes/{node_id}/ticket-templates/{code}",
    response_model=TemplateShown,
    responses=may_answer(404, 412),
)
def put_ticket_template(
    node_id: UUID, code: str, body: TemplateBody, asked: Writer, if_match: IfMatch = None
) -> Response:
    """Keep a template on a node and below; one of the same code above it holds here no more."""
    with asked.parts.database.write() as session:
        node = find_node(session, asked.caller, READ, node_id)
        version = expected_version(if_match)
        saved: dict[str, Any] = describe_template(
            save_template(
                session,
                asked.caller,
                node,
                body.draft(code),
                now=asked.now,
                expected_version=version,
            )
        )
    return answer(saved, version=saved["version"])
