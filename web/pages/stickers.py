"""Stickers: choose a place, print an A4 sheet, take a lost one back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import NotFound
from rules.wording import worded
from web.label_sheets import Label, in_sheets, make_label, paper
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import customers
from workflows.customers import Labelled
from workflows.customers.stickers import READ, WHAT, WRITE
from workflows.search.index import Place

# What stands on every sticker, in both languages.
CALL = {"en": "Fault? Scan here.", "zh": "有问题？扫码报修"}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise NotFound(
            worded(mark("there is no such place")), advice=worded(mark("Choose it from the list."))
        ) from None


def _sites(visit: Visit) -> list[Place]:
    """The sites where the caller sees places, by name."""
    places = visit.parts.places.places()
    return [place for place in places if place.kind == "site" and visit.may(READ, place.id)]


def _spaces(visit: Visit, site_id: UUID) -> list[Place]:
    places = visit.parts.places.places()
    return [place for place in places if place.kind == "space" and place.site_id == site_id]


@dataclass(frozen=True, slots=True)
class Choice:
    """What is to be labelled: on which site, in which space, assets or spaces or all."""

    site: Place
    space_id: UUID | None
    what: str

    def read(self, session: Session) -> list[Labelled]:
        """The chosen places with their stickers."""
        return customers.places_to_label(
            session, self.site.id, space_id=self.space_id, what=self.what
        )

    @property
    def query(self) -> str:
        """The choice as the end of an address."""
        fields = {"site": str(self.site.id), "what": self.what}
        return urlencode({**fields, "space": str(self.space_id or "")})


def _choice(visit: Visit, site: str, space: str, what: str) -> Choice:
    """What somebody chose. NotFound for a site where they see no places."""
    wanted = _uuid(site)
    for place in _sites(visit):
        if place.id == wanted:
            return Choice(place, _uuid(space), what or "all")
    raise NotFound(
        worded(mark("there is no such site")), advice=worded(mark("Choose it from the list."))
    )


def printed(places: Sequence[Labelled], base: str) -> list[Label]:
    """The stickers of these places, ready to be printed. base: what their addresses begin with."""
    return [
        make_label(
            place.name,
            place.within,
            place.sticker.code,
            f"{base}/s/{place.sticker.path}",
            f"{base}/s",
        )
        for place in places
        if place.sticker is not None
    ]


def router(templates: Templates) -> APIRouter:
    """The routes of stickers."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_pages(routes, templates)
    _add_paper(routes)
    _add_changes(routes)
    return routes


def _add_pages(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/stickers")
    def choose(
        visit: SignedInVisit, site: str = "", space: str = "", what: str = "all"
    ) -> Response:
        visit.caller.require_anywhere(READ)
        sites = _sites(visit)
        context: dict[str, Any] = {"sites": sites, "choice": None, "places": [], "spaces": []}
        if site or len(sites) == 1:
            choice = _choice(visit, site or str(sites[0].id), space, what)
            with visit.parts.database.read() as session:
                context |= {"choice": choice, "places": choice.read(session)}
            context["spaces"] = _spaces(visit, choice.site.id)
        return templates.page(
            "stickers/choose.html",
            visit,
            section="stickers",
            whats=WHAT,
            may_print=bool(context["choice"]) and visit.may(WRITE, context["choice"].site.id),
            **context,
        )

    @routes.get("/stickers/sheet")
    def sheet(
        visit: SignedInVisit, request: Request, site: str = "", space: str = "", what: str = "all"
    ) -> Response:
        visit.caller.require_anywhere(READ)
        choice = _choice(visit, site, space, what)
        with visit.parts.database.read() as session:
            places = choice.read(session)
        stickers = printed(places, visit.parts.settings.sticker_base(str(request.base_url)))
        return templates.page(
            "stickers/sheet.html",
            visit,
            section="stickers",
            choice=choice,
            sheets=in_sheets(stickers),
            count=len(stickers),
            both=CALL,
        )


def _add_paper(routes: APIRouter) -> None:
    @routes.get("/stickers/sheet.pdf")
    def sheet_pdf(
        visit: SignedInVisit, request: Request, site: str = "", space: str = "", what: str = "all"
    ) -> Response:
        visit.caller.require_anywhere(READ)
        choice = _choice(visit, site, space, what)
        with visit.parts.database.read() as session:
            places = choice.read(session)
        stickers = printed(places, visit.parts.settings.sticker_base(str(request.base_url)))
        if not stickers:
            raise NotFound(
                worded(mark("there is no sticker here yet")),
                advice=worded(mark("Make them first.")),
            )
        return paper(visit, stickers, CALL, "stickers")


def _add_changes(routes: APIRouter) -> None:
    @routes.post("/stickers")
    def make(
        visit: SignedInVisit,
        site: Annotated[str, Form()] = "",
        space: Annotated[str, Form()] = "",
        what: Annotated[str, Form()] = "all",
    ) -> Response:
        choice = _choice(visit, site, space, what)
        visit.caller.require(WRITE, choice.site.id)
        with visit.parts.database.write() as session:
            customers.make_stickers(
                session,
                choice.read(session),
                choice.site.id,
                person=visit.caller.person_id,
                now=visit.parts.clock.now(),
            )
        return RedirectResponse(f"/stickers/sheet?{choice.query}", status_code=303)

    @routes.post("/stickers/{sticker_id}/revoke")
    def revoke(visit: SignedInVisit, sticker_id: UUID) -> Response:
        with visit.parts.database.write() as session:
            row = customers.find_sticker(session, visit.caller, sticker_id)
            visit.caller.require(WRITE, row.site_id)
            now = visit.parts.clock.now()
            customers.revoke_sticker(session, row, person=visit.caller.person_id, now=now)
            site_id = row.site_id
        return RedirectResponse(f"/stickers?site={site_id}", status_code=303)
