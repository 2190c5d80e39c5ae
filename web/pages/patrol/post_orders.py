"""Post orders: the version in force, older ones, the draft of the next, and who has read them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.errors import Conflict, Invalid, Stale, WatchkeeperError
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.patrol.chosen import chosen_site
from web.post_problems import READ_NEWER, post_refusal_told
from web.templating import Templates
from web.versions import version_read
from web.visit import SignedInVisit, Visit
from workflows import patrol
from workflows.patrol import posts

PUBLISH = "publish"
Row = Mapping[str, Any]


class DraftForm(BaseModel):
    """The form of a draft. do: save, or publish what is saved with it. version: of the draft."""

    version: str = ""
    do: str = "save"
    en: str = ""
    zh: str = ""


def router(templates: Templates) -> APIRouter:
    """The routes of post orders."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_page(routes, templates)
    _add_writing(routes, templates)
    return routes


def _shown(versions: Sequence[Row], number: int | None) -> Row | None:
    """The version that is asked for, else the one in force, else the newest."""
    out = [one for one in versions if one["state"] != "draft"]
    wanted = [one for one in out if one["number"] == number]
    in_force = [one for one in out if one["state"] == "published"]
    return next(iter([*wanted, *in_force, *out]), None)


def _page(
    templates: Templates,
    visit: Visit,
    post_id: UUID,
    number: int | None = None,
    form: DraftForm | None = None,
    error: WatchkeeperError | None = None,
) -> Response:
    now = visit.parts.clock.now()
    with visit.parts.database.read() as session:
        row = posts.find_post(session, visit.caller, post_id, permission=patrol.READ)
        post = posts.describe_post(session, visit.caller, post_id, now=now)
        site = chosen_site(session, visit, patrol.READ, row.site_id).site
        may_write = visit.may(patrol.WRITE, site.id)
        versions = posts.list_orders(session, row, drafts=may_write)
        sees = visit.may(patrol.PEOPLE, site.id)
        readers = posts.readers(session, row, now=now) if sees else []
        unread = posts.unread_by(session, post_id, visit.caller.person_id)
        entries = posts.unread_entries(session, post_id, visit.caller.person_id)
    local = visit.at(site.time_zone)
    draft = next((one for one in versions if one["state"] == "draft"), None)
    shown = _shown(versions, number)
    typed = form or _form_of(draft or shown, draft)
    if isinstance(error, Stale | Conflict):
        # What is sent next begins from what stands now; whoever sends it was told.
        typed = typed.model_copy(update={"version": str(draft["version"]) if draft else ""})
    return templates.page(
        "patrol/post_orders.html",
        local,
        error.status if error else 200,
        section="checkpoints",
        site=site,
        post=post,
        versions=versions,
        shown=shown,
        draft=draft,
        form=typed,
        readers=readers,
        sees_readers=sees,
        unread=unread,
        unread_entries=entries,
        may_write=may_write,
        may_read=visit.may(patrol.SCAN, site.id),
        problems=post_refusal_told(local.reader, error, conflict=READ_NEWER) if error else [],
    )


def _form_of(text: Row | None, draft: Row | None) -> DraftForm:
    body = text["body"] if text else {}
    version = str(draft["version"]) if draft else ""
    return DraftForm(version=version, en=body.get("en", ""), zh=body.get("zh", ""))


def _to(post_id: UUID) -> Response:
    return RedirectResponse(f"/posts/{post_id}/orders", status_code=303)


def _add_page(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/posts/{post_id}/orders")
    def show(visit: SignedInVisit, post_id: UUID, number: int | None = None) -> Response:
        return _page(templates, visit, post_id, number)

    @routes.post("/post-orders/{orders_id}/acknowledge")
    def acknowledge(
        visit: SignedInVisit, orders_id: UUID, digest: Annotated[str, Form()] = ""
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.read() as session:
            post_id = posts.post_of_orders(session, visit.caller, orders_id)
        try:
            with visit.parts.database.write() as session:
                posts.acknowledge(session, visit.caller, orders_id, digest, now=now)
        except Conflict as error:
            return _page(templates, visit, post_id, None, None, error)
        return _to(post_id)


def _add_writing(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/posts/{post_id}/orders/draft")
    def write(visit: SignedInVisit, post_id: UUID, form: Annotated[DraftForm, Form()]) -> Response:
        now = visit.parts.clock.now()
        try:
            with visit.parts.database.write() as session:
                post = posts.find_post(session, visit.caller, post_id, permission=patrol.WRITE)
                standing = posts.draft_of(session, post_id)
                if standing is not None and not form.version:
                    raise Stale(
                        worded(mark("somebody has begun a draft since you opened this page"))
                    )
                seen = version_read(form.version) if form.version else None
                body = {"en": form.en, "zh": form.zh}
                posts.write_draft(session, visit.caller, post, body, now=now, expected_version=seen)
                if form.do == PUBLISH:
                    posts.publish(session, visit.caller, post, now=now)
        except (Invalid, Conflict, Stale) as error:
            return _page(templates, visit, post_id, None, form, error)
        return _to(post_id)
