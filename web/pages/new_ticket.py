"""Opening a ticket: say where, say what, done; what is open there already is shown first."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.db import Session
from core.errors import Conflict, Invalid, NotFound
from core.events import Actor
from core.households import READ, Contact
from core.ids import new_id
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.households import at_home
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from web.words import TEAM
from workflows.search import FoundHousehold, find_households, search
from workflows.search.index import Place
from workflows.tickets import KINDS, PRIORITIES, Draft
from workflows.tickets.categories import Category, categories_at
from workflows.tickets.photos import MOST_PHOTOS, StoredPhoto, add_photo, store_photo
from workflows.tickets.reading import find_ticket
from workflows.tickets.reporting import report, standing_near
from workflows.tickets.templates import TicketTemplate, find_template, templates_at
from workflows.tickets.voices import StoredVoice, add_voice, store_voice

LONGEST_TITLE = 200
LONGEST_TEXT = 20_000
# What a ticket is called whose opener said it and wrote nothing.
SPOKEN = {"en": "Listen to the voice note", "zh": "详见语音留言"}


@dataclass(frozen=True, slots=True)
class Where:
    """Where it is, as the address of the form says it: one of the three, or nothing yet."""

    asset: str = ""
    space: str = ""
    site: str = ""

    def place(self, visit: Visit) -> Place | None:
        """The place; None while nothing is chosen. NotFound when the caller may not open there."""
        kind, written = next(
            ((kind, text) for kind in ("asset", "space", "site") if (text := getattr(self, kind))),
            ("", ""),
        )
        if not kind:
            return None
        for place in visit.parts.places.places():
            if (place.kind, str(place.id)) == (kind, written) and visit.may(
                "tickets.create", place.site_id
            ):
                return place
        raise NotFound(
            worded(mark("there is no such place for a ticket")),
            advice=worded(mark("Choose it from the search.")),
        )


def chosen(asset: str = "", space: str = "", site: str = "") -> Where:
    """The place behind an address."""
    return Where(asset, space, site)


Chosen = Annotated[Where, Depends(chosen)]


class Fields(BaseModel):
    """What the form says. id: made with the form, so that sending it twice opens one ticket."""

    id: UUID
    title: str = ""
    description: str = ""
    kind: str = "repair"
    category: str = ""
    priority: str = "medium"
    team: str = "maintenance"
    template: str = ""

    def draft(
        self,
        visit: Visit,
        place: Place,
        template: TicketTemplate | None,
        teams: Collection[str],
        *,
        spoken: bool,
    ) -> Draft:
        """The ticket to open. Invalid with every field that is wrong.

        spoken: a voice note comes with it, so that it needs no title.
        """
        title = " ".join(self.title.split())
        if not title and spoken:
            title = SPOKEN["en"]
        problems = (
            [] if 1 <= len(title) <= LONGEST_TITLE else [worded(mark("title: 1 to 200 characters"))]
        )
        if len(self.description) > LONGEST_TEXT:
            problems.append(worded(mark("description: at most 20,000 characters")))
        if self.team not in teams:
            problems.append(worded(mark("team: choose one")))
        if problems:
            raise Invalid(worded(mark("the ticket was not opened")), problems=problems)
        now = visit.parts.clock.now()
        return Draft(
            id=self.id,
            site_id=place.site_id,
            space_id=place.id if place.kind == "space" else None,
            asset_id=place.id if place.kind == "asset" else None,
            kind=self.kind,
            category=self.category,
            priority=self.priority,
            title=_both(title, template, visit),
            description=self.description.strip(),
            team=self.team,
            reporter_id=visit.caller.person_id,
            happened_at=now,
            learned_at=now,
        )


def _both(title: str, template: TicketTemplate | None, visit: Visit) -> dict[str, str]:
    """The title as it was written; in both languages where it is the template's own."""
    if title == SPOKEN["en"]:
        return dict(SPOKEN)
    if template is not None and title == visit.reader.text(template.title):
        return dict(template.title)
    return {"und": title}


def _categories(session: Session, place: Place) -> list[Category]:
    found = categories_at(session, place.site_id).values()
    return [one for one in found if not one.retired]


def _teams(categories: Sequence[Category], template: TicketTemplate | None) -> list[str]:
    """The teams of every house, and those that templates and categories of the place name."""
    named = [one.team for one in categories if one.team]
    return list(dict.fromkeys([*TEAM, *named, *([template.team] if template else [])]))


def _offered(session: Session, place: Place) -> list[TicketTemplate]:
    found = templates_at(session, place.site_id).values()
    return sorted((one for one in found if not one.retired), key=lambda one: one.code)


def _whole_sites(visit: Visit) -> list[Place]:
    return [
        place
        for place in visit.parts.places.places()
        if place.kind == "site" and visit.may("tickets.create", place.site_id)
    ]


def _found(visit: Visit, text: str) -> tuple[list[Place], list[FoundHousehold]]:
    """The places that fit, and the households of somebody who calls: by name or number."""
    index, now = visit.parts.places, visit.parts.clock.now()
    with visit.parts.database.read() as session:
        found = search(session, index, visit.caller, text[:100])
        homes = find_households(session, index, visit.caller, text[:100], now=now)
    places = (*found.assets, *found.places)
    return (
        [place for place in places if visit.may("tickets.create", place.site_id)],
        [home for home in homes if visit.may("tickets.create", home.place.site_id)],
    )


def _living(session: Session, visit: Visit, place: Place) -> list[Contact]:
    """Who lives in a space, for who may see it."""
    if place.kind != "space" or not visit.may(READ, place.site_id):
        return []
    return at_home(session, visit, place.id)[0]


def _context(visit: Visit, place: Place | None, q: str, template: str) -> dict[str, Any]:
    """What the page shows: where it may be, or the form of a place that is chosen."""
    context: dict[str, Any] = {"place": place, "q": q, "found": [], "standing": []}
    context.update(
        homes=[], living=[], templates=[], template=None, categories=[], teams=list(TEAM)
    )
    if place is None:
        context["found"], context["homes"] = _found(visit, q)
        context["sites"] = _whole_sites(visit)
    else:
        with visit.parts.database.read() as session:
            context["living"] = _living(session, visit, place)
            context["templates"] = _offered(session, place)
            context["template"] = (
                find_template(session, place.site_id, template) if template else None
            )
            context["categories"] = _categories(session, place)
            context["teams"] = _teams(context["categories"], context["template"])
            context["standing"] = standing_near(
                session,
                visit.caller,
                site_id=place.site_id,
                space_id=place.id if place.kind == "space" else None,
                asset_id=place.id if place.kind == "asset" else None,
            )
    return context


@dataclass(frozen=True, slots=True)
class Shown:
    """What comes with a new ticket, stored already."""

    photos: Sequence[StoredPhoto]
    voice: StoredVoice | None


def _stored(visit: Visit, photos: Sequence[UploadFile], voice: UploadFile | None) -> Shown:
    """Store the files of a form. Invalid when one is no picture or recording, or too many are."""
    files = visit.parts.files
    pictures = [content for one in photos if (content := one.file.read())]
    if len(pictures) > MOST_PHOTOS:
        raise Invalid(
            worded(mark("the ticket was not opened")),
            problems=[worded(mark("photo: at most %(most)s"), most=MOST_PHOTOS)],
        )
    said = voice.file.read() if voice else b""
    return Shown(
        [store_photo(files, content) for content in pictures],
        store_voice(files, said) if said else None,
    )


def _open(session: Session, visit: Visit, place: Place, form: Fields, shown: Shown) -> int:
    """Open the ticket of a form, with its files; returns its number."""
    person = visit.caller.person_id
    template = find_template(session, place.site_id, form.template) if form.template else None
    teams = _teams(_categories(session, place), template)
    draft = form.draft(visit, place, template, teams, spoken=shown.voice is not None)
    checklist = template.checklist if template else ()
    ticket = report(session, draft, actor=Actor.person(person), checklist=checklist)
    now = draft.learned_at
    for one in shown.photos:
        add_photo(session, ticket, one, author=person, now=now)
    if shown.voice is not None:
        add_voice(session, ticket, shown.voice, author=person, now=now)
    return ticket.number


def router(templates: Templates) -> APIRouter:
    """The routes of opening a ticket."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/new-ticket")
    def show(
        visit: SignedInVisit,
        where: Annotated[Where, Depends(chosen)],
        q: str = "",
        template: str = "",
    ) -> Response:
        visit.caller.require_anywhere("tickets.create")
        place = where.place(visit)
        context = _context(visit, place, q.strip(), template)
        return templates.page(
            "new_ticket.html",
            visit,
            section="tickets",
            ticket_id=new_id(),
            kinds=KINDS,
            priorities=PRIORITIES,
            **context,
        )

    @routes.post("/new-ticket")
    def make(
        visit: SignedInVisit,
        where: Chosen,
        form: Annotated[Fields, Form()],
        photo: Annotated[list[UploadFile] | None, File()] = None,
        voice: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        place = where.place(visit)
        if place is None:
            raise Invalid(
                worded(mark("the ticket was not opened")),
                problems=[worded(mark("place: choose where it is"))],
            )
        shown = _stored(visit, photo or (), voice)
        try:
            with visit.parts.database.write() as session:
                number = _open(session, visit, place, form, shown)
        except Conflict:
            # The same form sent again, by a second tap or after a lost answer.
            with visit.parts.database.read() as session:
                number = find_ticket(session, visit.caller, form.id).number
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    return routes
