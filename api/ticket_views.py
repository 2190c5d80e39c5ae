"""Saved views of the ticket list over HTTP: one's own, and those that colleagues share."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import IdempotencyKey, IfMatch, answer, claim, created, expected_version, kept
from api.bodies import Body, Change
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import Kind, Priority
from core.db import Session
from core.errors import Invalid
from core.idempotency import keep, recall
from rules.wording import worded
from workflows.saved_views import (
    LONGEST_NAME,
    READ,
    SavedView,
    ViewChange,
    begin_with,
    change_view,
    delete_view,
    find_view,
    list_views,
    listed_view,
    restore_view,
    save_view,
)

router = APIRouter(tags=["ticket views"])
Reader = Annotated[Asked, Depends(Permission(READ))]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
TeamCode = Annotated[str, Field(min_length=1, max_length=40)]


class ViewFilters(Body):
    """What a list shows, as the console's own address of it says."""

    view: Literal["mine", "free", "open", "late", "check", "ended", "all"] = "open"
    kind: Kind | None = None
    priority: Priority | None = None
    site: UUID | None = None
    category: Annotated[str, Field(max_length=40)] | None = None
    q: Annotated[str, Field(max_length=100)] | None = None

    def kept(self) -> dict[str, str]:
        """What is given, as texts."""
        return {name: str(value) for name, value in self.model_dump(exclude_none=True).items()}


class ViewShown(BaseModel):
    """A saved view as you find it."""

    id: UUID
    name: str
    filters: dict[str, str]
    node_id: UUID | None = Field(description="With whose people it is shared; null: yours alone.")
    team: str | None = Field(description="Only with those who are in this team of the site.")
    mine: bool = Field(description="You may change and delete it.")
    default: bool = Field(description="Your list of tickets begins with it.")
    version: int


class ViewList(BaseModel):
    """Your own views in their order, then those shared with you."""

    items: list[ViewShown]


class NewView(Body):
    """A view to keep. node_id: share it there, which takes `views.share`; team: only with those
    who are in this team of that site.
    """

    name: Name
    filters: ViewFilters = ViewFilters()
    node_id: UUID | None = None
    team: TeamCode | None = None


class ChangedView(Change):
    """Fields to change; what is left out stays. position: its place among yours, from 1.

    team: together with node_id, which alone shares it with everybody there.
    """

    may_be_null = frozenset({"node_id", "team"})

    name: Name | None = None
    filters: ViewFilters | None = None
    node_id: UUID | None = None
    team: TeamCode | None = None
    position: Annotated[int, Field(ge=1, le=1000)] | None = None

    def change(self) -> ViewChange:
        """What becomes of the view. Invalid when nothing is given."""
        given = self.changes()
        if "team" in given and "node_id" not in given:
            raise Invalid(
                worded("nothing was changed"), problems=[worded("team: together with node_id")]
            )
        return ViewChange(
            name=self.name,
            filters=self.filters.kept() if self.filters else None,
            position=self.position,
            share="node_id" in given,
            node_id=self.node_id,
            team=self.team,
        )


class ViewStart(Body):
    """Whether your list of tickets begins with the view."""

    start: bool


def _shown(session: Session, asked: Asked, view: SavedView) -> dict[str, Any]:
    listed = listed_view(session, asked.caller, view)
    return {name: getattr(listed, name) for name in ViewShown.model_fields}


@router.get("/ticket-views", response_model=ViewList, summary="List saved views")
def get_ticket_views(asked: Reader) -> Response:
    """Your own views in their order, then those that are shared with you, by name."""
    with asked.parts.database.read() as session:
        found = list_views(session, asked.caller)
    items = [{name: getattr(one, name) for name in ViewShown.model_fields} for one in found]
    return answer({"items": items})


@router.post(
    "/ticket-views",
    response_model=ViewShown,
    status_code=201,
    summary="Save a view",
    responses=may_answer(404, 409),
)
def post_ticket_view(
    asked: Reader, body: NewView, idempotency_key: IdempotencyKey = None
) -> Response:
    """Keep a list of tickets under a name. At most 50 a person."""
    request = claim(asked, "POST /ticket-views", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            view = save_view(
                session,
                asked.caller,
                body.name,
                body.filters.kept(),
                node_id=body.node_id,
                team=body.team,
                now=asked.now,
            )
            content = _shown(session, asked, view)
            made = keep(
                session, request, created(content, f"ticket-views/{view.id}", version=view.version)
            )
    return kept(made)


@router.get("/ticket-views/{view_id}", response_model=ViewShown, summary="Read a saved view")
def get_ticket_view(asked: Reader, view_id: UUID) -> Response:
    """One of those that you find in your list."""
    with asked.parts.database.read() as session:
        view = find_view(session, asked.caller, view_id)
        return answer(_shown(session, asked, view), version=view.version)


@router.patch(
    "/ticket-views/{view_id}",
    response_model=ViewShown,
    summary="Change a saved view",
    responses=may_answer(412, 428),
)
def patch_ticket_view(
    asked: Reader, view_id: UUID, body: ChangedView, if_match: IfMatch = None
) -> Response:
    """Name, filters, place and with whom it is shared; only its owner may (403)."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        view = find_view(session, asked.caller, view_id, own=True)
        change_view(
            session, asked.caller, view, body.change(), now=asked.now, expected_version=version
        )
        return answer(_shown(session, asked, view), version=view.version)


@router.put(
    "/ticket-views/{view_id}/start", response_model=ViewShown, summary="Start with a saved view"
)
def put_ticket_view_start(asked: Reader, view_id: UUID, body: ViewStart) -> Response:
    """Let your list of tickets begin with a view, or with none any more."""
    with asked.parts.database.write() as session:
        view = find_view(session, asked.caller, view_id)
        begin_with(session, asked.caller, view, begins=body.start, now=asked.now)
        return answer(_shown(session, asked, view), version=view.version)


@router.delete("/ticket-views/{view_id}", status_code=204, summary="Delete a saved view")
def delete_ticket_view(asked: Reader, view_id: UUID) -> Response:
    """Gone for everybody with whom it was shared. For 15 minutes `restore` brings it back."""
    with asked.parts.database.write() as session:
        view = find_view(session, asked.caller, view_id, own=True)
        delete_view(session, asked.caller, view, now=asked.now)
    return Response(status_code=204)


@router.post(
    "/ticket-views/{view_id}/restore",
    response_model=ViewShown,
    summary="Bring a deleted view back",
    responses=may_answer(409),
)
def restore_ticket_view(asked: Reader, view_id: UUID) -> Response:
    """Only its owner, and not later than 15 minutes after it was deleted (404 otherwise)."""
    with asked.parts.database.write() as session:
        view = restore_view(session, asked.caller, view_id, now=asked.now)
        return answer(_shown(session, asked, view), version=view.version)
