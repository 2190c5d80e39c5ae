"""Exports of patrol wands: handed in, shown line by line, taken in."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, Response, UploadFile

from core.db import Session
from core.errors import Invalid
from core.people import find_node
from core.tables import LARGEST_FILE, UnreadableTable
from rules.wording import worded
from web.import_words import FAULT
from web.languages import mark
from web.page_route import PageRoute, is_fragment
from web.pages.patrol.chosen import Chosen, actor_of, chosen_site, one_id
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import patrol

# How many lines a page shows; every wrong one is among them as far as they fit.
SHOWN = 200


@dataclass(frozen=True, slots=True)
class _Export:
    """What was handed in. seen: what identifies it, and how it is read, to the next request."""

    content: bytes
    name: str
    profile: str

    @property
    def seen(self) -> str:
        whole = hashlib.sha256(self.content)
        whole.update(self.profile.encode())
        return whole.hexdigest()


def router(templates: Templates) -> APIRouter:
    """The routes of exports of wands."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/wand-exports")
    def start(visit: SignedInVisit, site: UUID | None = None) -> Response:
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.WRITE, site)
        return _page(templates, visit, chosen, {})

    @routes.post("/wand-exports")
    def hand_in(
        visit: SignedInVisit,
        request: Request,
        site: Annotated[str, Form()] = "",
        profile: Annotated[str, Form()] = "",
        step: Annotated[str, Form()] = "show",
        seen: Annotated[str, Form()] = "",
        skip_wrong: Annotated[str, Form()] = "",
        file: Annotated[UploadFile | None, File()] = None,
    ) -> Response:
        visit.caller.require_anywhere(patrol.WRITE)
        content = file.file.read() if file else b""
        export = _Export(content, (file.filename if file else None) or "file.xlsx", profile)
        with visit.parts.database.read() as session:
            site_id = one_id(site, "site", "nothing was taken in")
            if site_id is None:
                raise Invalid(
                    worded(mark("nothing was taken in")),
                    problems=[worded(mark("site: choose one"))],
                )
            chosen = chosen_site(session, visit, patrol.WRITE, site_id)
        shown = _judged(visit, chosen, export, step, seen, skip=skip_wrong == "yes")
        if is_fragment(request):
            return templates.page(
                "patrol/wand_lines.html", visit.at(chosen.site.time_zone), **shown
            )
        return _page(templates, visit, chosen, shown)

    return routes


def _judged(
    visit: Visit, chosen: Chosen, export: _Export, step: str, seen: str, *, skip: bool
) -> dict[str, Any]:
    """What the file would do, or did; why it can't be read, where it can't."""
    try:
        if step != "apply":
            with visit.parts.database.read() as session:
                plan = _plan(session, visit, chosen, export)
            return _lines(visit, chosen, export, plan, applied=False)
        if seen != export.seen:
            raise Invalid(
                worded(mark("nothing was taken in")),
                problems=[worded(mark("file: this is not the one that was shown"))],
            )
        with visit.parts.database.write() as session:
            plan = patrol.import_wand(
                session,
                _file(session, visit, chosen, export),
                export.profile,
                vault=visit.parts.vault,
                actor=actor_of(visit),
                now=visit.parts.clock.now(),
                skip_wrong=skip,
            )
        return _lines(visit, chosen, export, plan, applied=True)
    except (UnreadableTable, patrol.UnreadableWand) as error:
        return {"trouble": _trouble(visit.reader, error), "plan": None}


def _file(session: Session, visit: Visit, chosen: Chosen, export: _Export) -> patrol.WandFile:
    node = find_node(session, visit.caller, patrol.WRITE, chosen.site.id)
    return patrol.WandFile(export.content, export.name, node)


def _plan(session: Session, visit: Visit, chosen: Chosen, export: _Export) -> patrol.WandPlan:
    file = _file(session, visit, chosen, export)
    vault, now = visit.parts.vault, visit.parts.clock.now()
    return patrol.plan_wand(session, file, export.profile, vault=vault, now=now)


def _trouble(reader: Reader, error: UnreadableTable | patrol.UnreadableWand) -> str:
    if isinstance(error, UnreadableTable):
        return reader.translate(FAULT[error.code]) % error.values
    return error.text.get(reader.language)


def _lines(
    visit: Visit, chosen: Chosen, export: _Export, plan: patrol.WandPlan, *, applied: bool
) -> dict[str, Any]:
    items = [item for item in plan.items if item.action != "guard"]
    with visit.parts.database.read() as session:
        points, people = _names(session, visit, chosen, plan)
    return {
        "trouble": "",
        "plan": plan,
        "applied": applied,
        "counts": {name: count for name, count in plan.counts.items() if count},
        "nothing_new": not plan.counts["new"] and not plan.counts["refused"],
        "items": items[:SHOWN],
        "rest": max(0, len(items) - SHOWN),
        "problems": plan.problems[:SHOWN],
        "more_problems": max(0, len(plan.problems) - SHOWN),
        "point_names": points,
        "people": people,
        "seen": export.seen,
        "filename": export.name,
    }


def _names(
    session: Session, visit: Visit, chosen: Chosen, plan: patrol.WandPlan
) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """What the checkpoints of a plan are called, and the people whose lines they are."""
    names = {one.id: one for one in visit.parts.places.places() if one.kind == "asset"}
    points = {
        item.checkpoint_id: visit.reader.text(names[item.checkpoint_id].name)
        for item in plan.items
        if item.checkpoint_id in names
    }
    people: dict[UUID, str] = {}
    if visit.may(patrol.PEOPLE, chosen.site.id):
        ids = {item.person_id for item in plan.items if item.person_id is not None}
        people = patrol.names_of(session, ids)
    return {key: name for key, name in points.items() if key is not None}, people


def _page(templates: Templates, visit: Visit, chosen: Chosen, shown: dict[str, Any]) -> Response:
    return templates.page(
        "patrol/wands.html",
        visit.at(chosen.site.time_zone),
        422 if shown.get("trouble") else 200,
        section="checkpoints",
        site=chosen.site,
        sites=chosen.sites,
        profiles=patrol.profiles(),
        largest=LARGEST_FILE,
        **{"plan": None, "trouble": "", **shown},
    )
