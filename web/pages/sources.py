"""Sources: who speaks on which topics, in which dialect, and which platforms may push."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.administration import NewSource, create_source, delete_source, update_source
from core.clock import from_micros
from core.devices import Source
from core.dialects import DIALECTS
from core.errors import NotFound
from core.events import Actor
from core.http_ingest import PROFILES, NewKey, remove_key, set_key
from core.mapping_versions import OPTION
from core.people import nodes_with
from core.register import find
from core.source_overview import SourceView, source_views
from core.telemetry.store import TelemetryError
from core.topic_sharing import require_topics
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.source_words import HOST_OPTIONS
from web.templating import Templates
from web.visit import SignedInVisit, Visit, own_address

READ, WRITE = "devices.read", "devices.write"
SECTION = "sources"
# How an address over HTTP begins, as core.http_ingest makes it.
PUSHED = "http"
# Where the API takes what is pushed.
PUSH_TO = "/api/v1/ingest"


class SourceForm(BaseModel):
    """What the form of a source says."""

    site: UUID | None = None
    code: str = ""
    topic_filter: str = ""
    dialect: str = "wk"
    zone: str = ""
    enabled: str = ""
    pushed: str = ""
    host: str = ""
    birth_topic: str = ""
    # Which of these two the form asks for, of a source that stands.
    asked: Literal["", "host", "birth_topic"] = ""


class KeyForm(BaseModel):
    """What the form of a key says."""

    profile: str
    secret: str = ""
    cipher_key: str = ""
    leaked: str = ""


def _options(form: SourceForm, standing: dict[str, Any], dialect: str) -> dict[str, Any]:
    """The options that the form knows, beside those that it does not show."""
    said = {"zone": form.zone, "host": form.host, "birth_topic": form.birth_topic}
    kept = {key: value for key, value in standing.items() if key not in ("zone", form.asked)}
    if dialect != form.dialect:
        # What another dialect meant by an option means nothing here; a mapping is kept for later.
        kept = {key: value for key, value in kept.items() if key in DIALECTS.get(form.dialect, {})}
    known = DIALECTS.get(form.dialect, {})
    # A new source is asked for what only some dialects have.
    given = {key: text.strip() for key, text in said.items() if key == "zone" or key in known}
    return {**kept, **{key: text for key, text in given.items() if text}}


def _last(visit: Visit, views: list[SourceView]) -> dict[UUID, datetime]:
    """When each source's devices were last heard, as far as their readings tell."""
    wanted = [number for view in views for number in view.series]
    if not wanted:
        return {}
    try:
        newest = visit.parts.telemetry.last(wanted)
    except TelemetryError:
        return {}
    found = {}
    for view in views:
        moments = [newest[number].at for number in view.series if number in newest]
        if moments:
            found[view.source.id] = from_micros(max(moments))
    return found


def _list_page(visit: Visit, site: UUID | None) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        nodes = [node for node in nodes_with(session, visit.caller, READ) if node.kind == "site"]
        views = source_views(session, visit.caller, site)
    return {
        "nodes": nodes,
        "chosen": site,
        "views": views,
        "last": _last(visit, views),
        "may_add": visit.caller.holds_anywhere(WRITE),
    }


def one_view(visit: Visit, source_id: UUID) -> SourceView:
    """A source that the caller may read. NotFound otherwise."""
    with visit.parts.database.read() as session:
        views = source_views(session, visit.caller, source_id=source_id)
    if not views:
        raise NotFound(
            worded(mark("there is no such source")),
            advice=worded(mark("Look for it in the list of sources.")),
        )
    return views[0]


def _one_page(visit: Visit, request: Request, source_id: UUID) -> dict[str, Any]:
    view = one_view(visit, source_id)
    return {
        "view": view,
        "last": _last(visit, [view]).get(source_id),
        "dialects": list(DIALECTS),
        "asked": HOST_OPTIONS.get(view.source.dialect),
        "profiles": PROFILES,
        "may_change": visit.may(WRITE, view.source.site_id),
        "mapped": view.source.options.get(OPTION) is not None,
        "address": f"{own_address(request)}{PUSH_TO}/{source_id}",
        "secret": None,
    }


def router(templates: Templates) -> APIRouter:
    """The routes of sources."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/sources")
    def show(visit: SignedInVisit, site: UUID | None = None) -> Response:
        visit.caller.require_anywhere(READ)
        return templates.page(
            "sources/list.html", visit, section=SECTION, **_list_page(visit, site)
        )

    @routes.get("/sources/new")
    def new(visit: SignedInVisit, site: UUID | None = None) -> Response:
        visit.caller.require_anywhere(WRITE)
        with visit.parts.database.read() as session:
            nodes = nodes_with(session, visit.caller, WRITE)
        sites = [node for node in nodes if node.kind == "site"]
        context: dict[str, Any] = {
            "nodes": sites,
            "chosen": site,
            "dialects": list(DIALECTS),
            "asked": HOST_OPTIONS.values(),
        }
        return templates.page("sources/new.html", visit, section=SECTION, **context)

    @routes.post("/sources")
    def create(visit: SignedInVisit, form: Annotated[SourceForm, Form()]) -> Response:
        made = _create(visit, form)
        return RedirectResponse(f"/sources/{made}", status_code=303)

    @routes.get("/sources/{source_id}")
    def one(source_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        context = _one_page(visit, request, source_id)
        local = visit.at(context["view"].site.time_zone)
        return templates.page("sources/one.html", local, section=SECTION, **context)

    @routes.post("/sources/{source_id}")
    def change(
        source_id: UUID, visit: SignedInVisit, form: Annotated[SourceForm, Form()]
    ) -> Response:
        _change(visit, source_id, form)
        return RedirectResponse(f"/sources/{source_id}", status_code=303)

    _add_keys(routes, templates)
    return routes


def _create(visit: Visit, form: SourceForm) -> UUID:
    if form.site is None:
        raise NotFound(
            worded(mark("there is no such site")), advice=worded(mark("Choose one from the list."))
        )
    visit.caller.require(WRITE, form.site)
    with visit.parts.database.write() as session:
        topic = form.topic_filter.strip()
        if form.pushed == "yes":
            nodes = nodes_with(session, visit.caller, WRITE)
            code = next(node.code for node in nodes if node.id == form.site)
            topic = f"{PUSHED}/{code}/{form.code.strip()}/#"
        require_topics(session, visit.caller, form.site, [topic])
        options = _options(form, {}, form.dialect)
        source = create_source(
            session,
            form.site,
            NewSource(form.code.strip(), topic, form.dialect, options),
            actor=Actor.person(visit.caller.person_id),
            now=visit.parts.clock.now(),
        )
        made: UUID = source.id
    return made


def _change(visit: Visit, source_id: UUID, form: SourceForm) -> None:
    with visit.parts.database.write() as session:
        source = find(session, visit.caller, Source, source_id, to_change=True)
        visit.caller.require(WRITE, source.site_id)
        topic = form.topic_filter.strip()
        standing = [source.topic_filter]
        require_topics(session, visit.caller, source.site_id, [topic], standing=standing)
        changes = {
            "topic_filter": topic,
            "dialect": form.dialect,
            "options": _options(form, source.options, source.dialect),
            "enabled": form.enabled == "yes",
        }
        actor = Actor.person(visit.caller.person_id)
        update_source(session, source, changes, actor=actor, now=visit.parts.clock.now())


def _add_keys(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/sources/{source_id}/key")
    def put_key(
        source_id: UUID,
        visit: SignedInVisit,
        request: Request,
        form: Annotated[KeyForm, Form()],
    ) -> Response:
        secret, cipher_key = (text.strip() or None for text in (form.secret, form.cipher_key))
        new = NewKey(form.profile, secret, cipher_key, leaked=form.leaked == "yes")
        with visit.parts.database.write() as session:
            source = find(session, visit.caller, Source, source_id, to_change=True)
            visit.caller.require(WRITE, source.site_id)
            actor = Actor.person(visit.caller.person_id)
            now = visit.parts.clock.now()
            done = set_key(session, visit.parts.vault, source, new, actor=actor, now=now)
        context = {**_one_page(visit, request, source_id), "secret": done.secret}
        local = visit.at(context["view"].site.time_zone)
        return templates.page("sources/one.html", local, section=SECTION, **context)

    @routes.post("/sources/{source_id}/key/remove")
    def drop_key(source_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            source = find(session, visit.caller, Source, source_id, to_change=True)
            visit.caller.require(WRITE, source.site_id)
            actor = Actor.person(visit.caller.person_id)
            remove_key(session, source, actor=actor, now=visit.parts.clock.now())
        return RedirectResponse(f"/sources/{source_id}", status_code=303)

    @routes.post("/sources/{source_id}/delete")
    def drop(source_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            source = find(session, visit.caller, Source, source_id, to_change=True)
            visit.caller.require(WRITE, source.site_id)
            actor = Actor.person(visit.caller.person_id)
            delete_source(session, source, actor=actor, now=visit.parts.clock.now())
        return RedirectResponse("/sources", status_code=303)
