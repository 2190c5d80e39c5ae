"""The lists of problems that stickers offer, over HTTP, on nodes of the tree."""

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
from workflows.customers.problem_lists import (
    MOST_PROBLEMS,
    WRITE,
    ListDraft,
    lists_at,
    save_list,
)
from workflows.customers.problems import Problem

router = APIRouter(tags=["stickers"])
READ = "places.read"
Reader = Annotated[Asked, Depends(Permission(READ))]
Writer = Annotated[Asked, Depends(Permission(WRITE))]


class ProblemShown(BaseModel):
    """One problem as people tap it, and the ticket that it opens."""

    code: str
    en: str
    zh: str
    kind: Kind
    priority: Priority
    team: str
    category: str = Field(description="Of the ticket; empty: none.")
    retired: bool = Field(description="Offered no more; understood from pages that stand open.")


class ProblemListShown(BaseModel):
    """A list as it holds at a node."""

    about: str = Field(
        description="asset or space: the general lists; asset: and a type; space: and a kind."
    )
    problems: list[ProblemShown]
    retired: bool = Field(description="None of its own: the general list is offered.")
    node_id: UUID | None = Field(description="Where it is kept; null: shipped.")
    version: int


class ProblemLists(BaseModel):
    """Every list that holds at a node."""

    items: list[ProblemListShown]


class ProblemBody(Body):
    """One problem; its name is the title of the ticket."""

    code: Annotated[str, Field(min_length=1, max_length=40)]
    name: Names
    kind: Kind = "repair"
    priority: Priority = "medium"
    team: Annotated[str, Field(min_length=1, max_length=40)] = "maintenance"
    category: Annotated[str, Field(max_length=40)] = ""
    retired: bool = False

    def problem(self) -> Problem:
        """The problem that the body describes."""
        said = self.model_dump(exclude={"name"})
        name = self.name.filled()
        return Problem(**said, en=name.get("en", ""), zh=name.get("zh", ""))


class ProblemListBody(Body):
    """A list to keep on a node, the first problem shown first; something else always follows."""

    problems: Annotated[tuple[ProblemBody, ...], Field(max_length=MOST_PROBLEMS)]
    retired: bool = False


@router.get(
    "/nodes/{node_id}/sticker-problems", response_model=ProblemLists, responses=may_answer(404)
)
def get_sticker_problems(node_id: UUID, asked: Reader) -> Response:
    """The lists that hold at a node: the shipped ones and the nearest kept for the same things."""
    with asked.parts.database.read() as session:
        node = find_node(session, asked.caller, READ, node_id)
        found = [one.described() for one in lists_at(session, node.id).values()]
    return answer({"items": found})


@router.put(
    "/nodes/{node_id}/sticker-problems/{about}",
    response_model=ProblemListShown,
    responses=may_answer(404, 412),
)
def put_sticker_problems(
    node_id: UUID, about: str, body: ProblemListBody, asked: Writer, if_match: IfMatch = None
) -> Response:
    """Keep a list on a node and below; one above for the same holds here no more."""
    draft = ListDraft(about, [one.problem() for one in body.problems], body.retired)
    with asked.parts.database.write() as session:
        node = find_node(session, asked.caller, READ, node_id)
        saved = save_list(
            session,
            asked.caller,
            node,
            draft,
            now=asked.now,
            expected_version=expected_version(if_match),
        )
    return answer(saved.described(), version=saved.version)
