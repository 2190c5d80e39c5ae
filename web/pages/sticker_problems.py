"""What stickers offer to report: the lists of places, and where each is kept."""

import re
from collections.abc import Mapping
from itertools import count
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.db import Session
from core.errors import NotFound
from core.people import find_node, nodes_with
from core.places import Node
from core.site_file import load_catalog
from rules.wording import worded
from web.kept import chosen_node, may_change
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from web.words import TEAM
from workflows.customers.problem_lists import (
    ANY_ASSET,
    ANY_SPACE,
    GENERAL,
    MOST_PROBLEMS,
    WRITE,
    ListDraft,
    about_of,
    list_of,
    lists_at,
    save_list,
    space_kinds,
)
from workflows.customers.problems import Problem
from workflows.intake.choices import SPACE_KIND
from workflows.tickets import KINDS, PRIORITIES
from workflows.tickets.categories import categories_at

SPARE = 3
GENERAL_NAME: Mapping[str, str] = {
    ANY_ASSET: mark("Equipment of any type"),
    ANY_SPACE: mark("Spaces of any kind"),
}
Column = list[str]


class ProblemsForm(BaseModel):
    """What the form of a list says; its columns, a line a value."""

    version: int
    about: str = ""
    retired: str = ""
    code: Column = []
    place: Column = []
    name_en: Column = []
    name_zh: Column = []
    kind: Column = []
    priority: Column = []
    team: Column = []
    category: Column = []
    offered: Column = []

    def draft(self) -> ListDraft:
        """The list that the form describes; lines without a name are no problems."""
        columns = (self.code, self.place, self.name_en, self.name_zh, self.kind)
        more = (self.priority, self.team, self.category, self.offered)
        found: list[tuple[tuple[int, int], Problem]] = []
        used = {code for code in self.code if code}
        for number, line in enumerate(zip(*columns, *more, strict=False), 1):
            code, place, en, zh, kind, priority, team, category, offered = line
            if not f"{en}{zh}".strip():
                continue
            named = code or _code_for(en, used)
            used.add(named)
            problem = Problem(
                code=named,
                en=en,
                zh=zh,
                kind=kind,
                priority=priority,
                team=team,
                category=category,
                retired=offered == "no",
            )
            found.append((_rank(place, number), problem))
        found.sort(key=lambda one: one[0])
        return ListDraft(self.about, [one for _, one in found], self.retired == "yes")


def _rank(place: str, number: int) -> tuple[int, int]:
    """Where a line goes: what moves up goes before what stands there, what moves down behind."""
    short = len(place) <= len(str(MOST_PROBLEMS)) + 1
    wanted = int(place) if short and place.isascii() and place.isdecimal() else number
    return wanted, (wanted > number) - (wanted < number)


def _code_for(en: str, used: set[str]) -> str:
    """A code for a new problem that nobody has to think of: words of its name, or a number."""
    words = re.sub(r"[^a-z0-9]+", "_", en.lower()).strip("_")[:30].strip("_") or "problem"
    if words not in used and words != "other":
        return words
    return next(name for n in count(2) if (name := f"{words}_{n}") not in used)


def _names(session: Session, visit: Visit, node: Node) -> dict[str, str]:
    """What a list may be for at a place, with its name; the general ones first."""
    language = visit.reader.language
    types = {
        about_of(ANY_ASSET, code): kind.name.get(language)
        for code, kind in load_catalog(session).items()
    }
    kinds = {
        about_of(ANY_SPACE, word): SPACE_KIND[word].get(language) if word in SPACE_KIND else word
        for word in space_kinds(session, node)
    }
    general = {about: visit.reader.translate(name) for about, name in GENERAL_NAME.items()}
    in_order = dict(sorted(types.items(), key=lambda one: one[1]))
    return {**general, **kinds, **in_order}


def _list_page(visit: Visit, wanted: UUID | None) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        nodes = nodes_with(session, visit.caller, WRITE)
        node = find_node(session, visit.caller, WRITE, chosen_node(nodes, wanted))
        found = lists_at(session, node.id)
        names = _names(session, visit, node)
    own = {about: one for about, one in found.items() if about in names}
    return {
        "nodes": nodes,
        "node": node,
        "kept": {each.id: each.name for each in nodes},
        "found": [one for about in names if (one := own.get(about))],
        "names": names,
        "without": [about for about in names if about not in own],
        "may_change": may_change(visit.caller, node, WRITE),
    }


def _form_page(visit: Visit, node_id: UUID, about: str) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        node = find_node(session, visit.caller, WRITE, node_id)
        names = _names(session, visit, node)
        if about not in names:
            raise NotFound(
                worded(mark("there is no such list")),
                advice=worded(mark("Choose one from the page of lists.")),
            )
        known = lists_at(session, node.id)
        standing = known.get(about)
        shown = standing or list_of(known, about)
        categories = categories_at(session, node.id).values()
    own = standing is not None and standing.node_id == node.id
    return {
        "node": node,
        "about": about,
        "title": names[about],
        "general": about in GENERAL,
        "problems": shown.problems,
        "retired": standing is not None and standing.retired,
        "version": standing.version if standing and own else 0,
        "inherited": standing is not None and not own,
        "borrowed": standing is None,
        "spare": SPARE,
        "empty": Problem(code=""),
        "may_change": may_change(visit.caller, node, WRITE),
        "kinds": KINDS,
        "priorities": PRIORITIES,
        "teams": list(TEAM),
        "categories": list(categories),
    }


def router(templates: Templates) -> APIRouter:
    """The routes of the lists of problems."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/sticker-problems")
    def show(visit: SignedInVisit, node: UUID | None = None) -> Response:
        visit.caller.require_anywhere(WRITE)
        context = _list_page(visit, node)
        return templates.page("sticker_problems/list.html", visit, section="problems", **context)

    @routes.get("/sticker-problems/{node_id}")
    def form(node_id: UUID, visit: SignedInVisit, about: str = ANY_ASSET) -> Response:
        context = _form_page(visit, node_id, about)
        return templates.page("sticker_problems/form.html", visit, section="problems", **context)

    @routes.post("/sticker-problems/{node_id}")
    def save(
        node_id: UUID, visit: SignedInVisit, form: Annotated[ProblemsForm, Form()]
    ) -> Response:
        with visit.parts.database.write() as session:
            node = find_node(session, visit.caller, WRITE, node_id)
            save_list(
                session,
                visit.caller,
                node,
                form.draft(),
                now=visit.parts.clock.now(),
                expected_version=form.version,
            )
        return RedirectResponse(f"/sticker-problems?node={node_id}", status_code=303)

    return routes
