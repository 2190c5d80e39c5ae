"""People: who works where, inviting them, their roles, and leaving."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from core.colleagues import (
    describe_person,
    find_grant,
    find_invitation,
    find_person,
    list_invitations,
    list_people,
    nodes_in_sight,
)
from core.db import Session
from core.errors import Invalid, NotFound
from core.events import Actor
from core.invitations import (
    add_grant,
    answers_for,
    find_node,
    invite,
    require_another_administrator,
    require_may_give,
    require_over,
    revoke,
    roles_to_give,
)
from core.paging import LARGEST_PAGE, Wish
from core.people import Caller
from core.permissions import ROLES
from core.places import Node
from core.sign_in_links import make_link
from core.teams import team_below, teams_below
from core.unfounded import take_role
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import staff
from workflows.patrol.phones.giving import may_give


@dataclass(frozen=True, slots=True)
class Offer:
    """Which roles may be given, and where. roles: those that may be given on some place.

    teams: those that a role may be limited to on some place.
    """

    places: list[Node]
    roles: list[str]
    teams: dict[str, Mapping[str, str]]


def _offer(session: Session, caller: Caller, nodes: Mapping[UUID, Node]) -> Offer:
    places = [node for node in nodes.values() if answers_for(caller, node)]
    given = {role for node in places for role in roles_to_give(caller, node)}
    teams: dict[str, Mapping[str, str]] = {}
    for node in nodes.values():
        teams |= teams_below(session, node)
    return Offer(places, [role for role in ROLES if role in given], teams)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Invalid(
            worded(mark("nothing was changed")), problems=[worded(mark("node: choose a place"))]
        ) from None


def _actor(visit: Visit) -> Actor:
    return Actor.person(visit.caller.person_id)


def _shown(visit: Visit, request: Request, path: str) -> tuple[str, str]:
    """A link to us as people type it, and its QR code as an image in the page."""
    base = visit.parts.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
    link = f"{base}{path}"
    return link, segno.make(link, error="m").svg_data_uri(scale=8, border=2)


def router(templates: Templates) -> APIRouter:
    """The routes of people."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_invitations(routes, templates)
    _add_changes(routes, templates)
    return routes


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/people")
    def show_all(visit: SignedInVisit, after: UUID | None = None) -> Response:
        visit.caller.require_anywhere("people.read")
        wish = Wish(LARGEST_PAGE, (after,) if after else None)
        with visit.parts.database.read() as session:
            page = list_people(session, visit.caller, wish)
            nodes = nodes_in_sight(session, visit.caller)
            offer = _offer(session, visit.caller, nodes)
            now = visit.parts.clock.now()
            waiting = list_invitations(session, visit.caller, Wish(LARGEST_PAGE), now=now).items
        return templates.page(
            "people/list.html",
            visit,
            section="people",
            people=page.items,
            more=page.next[0] if page.next else None,
            invitations=waiting if offer.places else [],
            names={node.id: node.name for node in nodes.values()},
            places=offer.places,
            roles=offer.roles,
            teams=offer.teams,
        )

    @routes.get("/people/{person_id}")
    def show(visit: SignedInVisit, person_id: UUID) -> Response:
        visit.caller.require_anywhere("people.read")
        with visit.parts.database.read() as session:
            person = describe_person(session, visit.caller, person_id)
            offer = _offer(session, visit.caller, nodes_in_sight(session, visit.caller))
            may_give_pin = may_give(session, visit.caller, person_id)
        answerable = {node.id for node in offer.places}
        return templates.page(
            "people/person.html",
            visit,
            section="people",
            person=person,
            answerable=answerable,
            may_give_pin=may_give_pin,
            may_let_go=all(role["node_id"] in answerable for role in person["roles"]),
            places=offer.places,
            roles=offer.roles,
            teams=offer.teams,
        )


def _add_invitations(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/people/invitations")
    def make(
        visit: SignedInVisit,
        request: Request,
        role: Annotated[str, Form()] = "",
        node: Annotated[str, Form()] = "",
        team: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            place = find_node(session, visit.caller, _uuid(node))
            team = team_below(session, place, team)
            row, secret = invite(session, visit.caller, place.id, role, team=team, now=now)
            shown: dict[str, Any] = {
                "role": row.role,
                "team": row.team,
                "teams": teams_below(session, place),
                "place": dict(place.name),
                "ends_at": row.ends_at,
            }
        link, code = _shown(visit, request, f"/join/{secret}")
        return templates.page(
            "people/invited.html", visit, section="people", link=link, qr=code, **shown
        )

    @routes.post("/people/invitations/{invitation_id}/end")
    def end(visit: SignedInVisit, invitation_id: UUID) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            row, node = find_invitation(session, visit.caller, invitation_id, now=now)
            require_over(visit.caller, node)
            if not revoke(session, row, actor=_actor(visit), now=now):
                raise NotFound(
                    worded(mark("this invitation was used before")),
                    advice=worded(mark("Look for them among people.")),
                )
        return RedirectResponse("/people", status_code=303)


def _add_changes(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/people/{person_id}/roles")
    def give(
        visit: SignedInVisit,
        person_id: UUID,
        role: Annotated[str, Form()] = "",
        node: Annotated[str, Form()] = "",
        team: Annotated[str, Form()] = "",
    ) -> Response:
        with visit.parts.database.write() as session:
            person = find_person(session, visit.caller, person_id)
            place = find_node(session, visit.caller, _uuid(node))
            require_may_give(visit.caller, place, role, team)
            team = team_below(session, place, team)
            now = visit.parts.clock.now()
            actor = _actor(visit)
            add_grant(session, person.id, place.id, role, team=team, actor=actor, now=now)
        return RedirectResponse(f"/people/{person_id}", status_code=303)

    @routes.post("/people/{person_id}/roles/{role_id}/end")
    def take_away(visit: SignedInVisit, person_id: UUID, role_id: UUID) -> Response:
        with visit.parts.database.write() as session:
            find_person(session, visit.caller, person_id)
            grant, node = find_grant(session, person_id, role_id)
            require_over(visit.caller, node)
            if node.kind == "company" and grant.role == "administrator":
                require_another_administrator(session, person_id)
            take_role(session, grant, actor=_actor(visit), now=visit.parts.clock.now())
        return RedirectResponse("/people", status_code=303)

    @routes.post("/people/{person_id}/link")
    def link(visit: SignedInVisit, request: Request, person_id: UUID) -> Response:
        with visit.parts.database.write() as session:
            person = find_person(session, visit.caller, person_id)
            now = visit.parts.clock.now()
            secret = make_link(session, visit.caller, person, now=now)
            name = person.name
        address, code = _shown(visit, request, f"/sign-in/{secret}")
        return templates.page(
            "people/link.html", visit, section="people", person=name, link=address, qr=code
        )

    @routes.post("/people/{person_id}/leave")
    def let_go(
        visit: SignedInVisit, person_id: UUID, sure: Annotated[str, Form()] = ""
    ) -> Response:
        if sure != "yes":
            raise Invalid(
                worded(mark("nobody has left")),
                problems=[worded(mark("Tick the box to say that you are sure."))],
            )
        with visit.parts.database.write() as session:
            person = find_person(session, visit.caller, person_id)
            now = visit.parts.clock.now()
            staff.leave(session, person, caller=visit.caller, now=now)
        return RedirectResponse("/people", status_code=303)
