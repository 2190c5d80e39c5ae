"""People: who works where, inviting them, their roles, and leaving."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import BASE, answer, page_answer
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.colleagues import (
    describe_person,
    find_grant,
    find_invitation,
    find_person,
    list_invitations,
    list_people,
)
from core.errors import NotFound
from core.invitations import (
    add_grant,
    find_node,
    invite,
    require_another_administrator,
    require_may_give,
    require_over,
    revoke,
)
from core.sign_in_links import make_link
from core.teams import team_below
from core.unfounded import take_role
from workflows import staff

router = APIRouter(tags=["people"])
Reader = Annotated[Asked, Depends(Permission("people.read"))]
Writer = Annotated[Asked, Depends(Permission("people.write"))]
RoleName = Annotated[str, Field(min_length=1, max_length=30, description="See the table of roles.")]


class Role(BaseModel):
    """A role of a person on a node of the tree and on all below it."""

    id: UUID
    role: str
    node_id: UUID
    node_name: dict[str, str]
    team: str = Field(description="The team to whose tickets it is limited; empty: to none.")


class PersonItem(BaseModel):
    """Somebody who works here, with their roles on the nodes that you see."""

    id: UUID
    name: str
    locale: str
    left_at: datetime | None
    roles: list[Role]


class PersonPage(BaseModel):
    """A page of people."""

    items: list[PersonItem]
    next: str | None


class InvitationItem(BaseModel):
    """An invitation that waits to be used."""

    id: UUID
    role: str
    node_id: UUID
    team: str
    created_at: datetime
    ends_at: datetime


class InvitationPage(BaseModel):
    """A page of invitations."""

    items: list[InvitationItem]
    next: str | None


class FreshInvitation(InvitationItem):
    """An invitation just made; its path holds the secret, which is shown this once."""

    path: str


class FreshLink(BaseModel):
    """A one-time sign-in link; its path holds the secret, which is shown this once."""

    path: str


class RoleToGive(Body):
    """A role on a node of the tree."""

    role: RoleName
    node_id: UUID
    team: Annotated[str, Field(max_length=40)] = Field(
        default="",
        description="Limits the role to the tickets of a team; several teams are several roles.",
    )


class Left(BaseModel):
    """What became of somebody's open work when they left."""

    tickets_passed_on: int


@router.get("/people", response_model=PersonPage, summary="List people")
def get_people(asked: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Everybody with a role on a site where you may see colleagues, or above it."""
    with asked.parts.database.read() as session:
        return page_answer(list_people(session, asked.caller, wish(limit, cursor, UUID)))


@router.get("/people/{person_id}", response_model=PersonItem, summary="Read a person")
def get_person(asked: Reader, person_id: UUID) -> Response:
    """With their roles."""
    with asked.parts.database.read() as session:
        return answer(describe_person(session, asked.caller, person_id))


@router.post(
    "/people/{person_id}/roles",
    response_model=PersonItem,
    status_code=201,
    summary="Give a role",
)
def post_role(asked: Writer, person_id: UUID, body: RoleToGive) -> Response:
    """No more than you hold there yourself; giving it again changes nothing."""
    with asked.parts.database.write() as session:
        person = find_person(session, asked.caller, person_id)
        node = find_node(session, asked.caller, body.node_id)
        require_may_give(asked.caller, node, body.role, body.team)
        team = team_below(session, node, body.team)
        add_grant(
            session, person.id, node.id, body.role, team=team, actor=asked.actor, now=asked.now
        )
        return answer(describe_person(session, asked.caller, person_id), 201)


@router.delete(
    "/people/{person_id}/roles/{role_id}",
    status_code=204,
    summary="Take a role away",
    responses=may_answer(409),
)
def delete_role(asked: Writer, person_id: UUID, role_id: UUID) -> Response:
    """It ends at once. The company keeps at least one administrator."""
    with asked.parts.database.write() as session:
        find_person(session, asked.caller, person_id)
        grant, node = find_grant(session, person_id, role_id)
        require_over(asked.caller, node)
        if node.kind == "company" and grant.role == "administrator":
            require_another_administrator(session, person_id)
        take_role(session, grant, actor=asked.actor, now=asked.now)
    return Response(status_code=204)


@router.post(
    "/people/{person_id}/leave",
    response_model=Left,
    summary="Let a person leave",
    responses=may_answer(409),
)
def post_leave(asked: Writer, person_id: UUID) -> Response:
    """Ends sessions, tokens, links, password, identity, roles; open tickets go to their teams."""
    with asked.parts.database.write() as session:
        person = find_person(session, asked.caller, person_id)
        passed_on = staff.leave(session, person, caller=asked.caller, now=asked.now)
    return answer({"tickets_passed_on": passed_on})


@router.post(
    "/people/{person_id}/link",
    response_model=FreshLink,
    status_code=201,
    summary="Make a sign-in link",
)
def post_link(asked: Writer, person_id: UUID) -> Response:
    """For somebody who forgot their password: it works once and for 24 hours."""
    with asked.parts.database.write() as session:
        person = find_person(session, asked.caller, person_id)
        secret = make_link(session, asked.caller, person, now=asked.now)
    return answer({"path": f"/sign-in/{secret}"}, 201)


@router.get("/invitations", response_model=InvitationPage, summary="List invitations")
def get_invitations(asked: Writer, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Those that wait to be used, without their secrets."""
    with asked.parts.database.read() as session:
        wished = wish(limit, cursor, UUID)
        return page_answer(list_invitations(session, asked.caller, wished, now=asked.now))


@router.post(
    "/invitations", response_model=FreshInvitation, status_code=201, summary="Invite somebody"
)
def post_invitation(asked: Writer, body: RoleToGive) -> Response:
    """Takes no Idempotency-Key: the secret is shown once and its answer is never kept."""
    with asked.parts.database.write() as session:
        node = find_node(session, asked.caller, body.node_id)
        team = team_below(session, node, body.team)
        row, secret = invite(
            session, asked.caller, body.node_id, body.role, team=team, now=asked.now
        )
        content = {
            "id": row.id,
            "role": row.role,
            "node_id": row.node_id,
            "team": row.team,
            "created_at": row.created_at,
            "ends_at": row.ends_at,
            "path": f"/join/{secret}",
        }
    return answer(content, 201, headers={"Location": f"{BASE}/invitations/{row.id}"})


@router.delete("/invitations/{invitation_id}", status_code=204, summary="Revoke an invitation")
def delete_invitation(asked: Writer, invitation_id: UUID) -> Response:
    """Its link stops working at once."""
    with asked.parts.database.write() as session:
        row, node = find_invitation(session, asked.caller, invitation_id, now=asked.now)
        require_over(asked.caller, node)
        if not revoke(session, row, actor=asked.actor, now=asked.now):
            raise NotFound("this invitation was used before", advice="Look for them among people.")
    return Response(status_code=204)
