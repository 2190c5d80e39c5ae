"""What passes from shift to shift at a post: the pass-down log, and the hand-over with a count."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.db import Session
from core.errors import Conflict, Invalid, WatchkeeperError
from core.paging import Wish
from web.page_route import PageRoute
from web.pages.hand_over import dated, names_in, standing_alarms
from web.pages.patrol.chosen import chosen_site, one_id
from web.pages.patrol.route_form import number
from web.post_problems import CANT_HAND_OVER, post_refusal_told
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import dispatch, patrol
from workflows.patrol import posts

# `Master key x 3`, with any of the signs that people write for times.
_LINE = re.compile(r"(.*?)(?:\s*[xX×*＊]\s*(\d{1,4}))?\s*")
_NO_NUMBER = -1
Column = list[str]


class CountForm(BaseModel):
    """The form of a hand-over: a value an item in each column, and what the next must know."""

    item: Column = []
    counted: Column = []
    why: Column = []
    note: str = ""

    def counts(self) -> Mapping[UUID, posts.Count]:
        """What was counted, by item; what is no number is refused by the domain."""
        found = {}
        for item, counted, why in zip(self.item, self.counted, self.why, strict=False):
            item_id = one_id(item, "item", "nothing was handed over")
            many = number(counted)
            if item_id is not None:
                found[item_id] = posts.Count(_NO_NUMBER if many is None else many, why)
        return found

    def typed(self) -> Mapping[str, tuple[str, str]]:
        """What stands in the fields of each item."""
        pairs = zip(self.counted, self.why, strict=False)
        return dict(zip(self.item, pairs, strict=False))


def router(templates: Templates) -> APIRouter:
    """The routes of logs and hand-overs of posts."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_log(routes, templates)
    _add_hand_over(routes, templates)
    _add_items(routes, templates)
    return routes


def _post(
    session: Session, visit: Visit, post_id: UUID, permission: str = patrol.READ
) -> tuple[posts.Post, dict[str, Any]]:
    """A post, and what every page of it shows."""
    row = posts.find_post(session, visit.caller, post_id, permission=permission)
    site = chosen_site(session, visit, patrol.READ, row.site_id).site
    unread = posts.unread_entries(session, post_id, visit.caller.person_id)
    return row, {"post": row, "site": site, "unread_entries": unread, "section": "checkpoints"}


def _log_page(
    templates: Templates,
    visit: Visit,
    post_id: UUID,
    before: UUID | None = None,
    text: str = "",
    error: WatchkeeperError | None = None,
) -> Response:
    with visit.parts.database.read() as session:
        row, shown = _post(session, visit, post_id)
        page = posts.list_log(session, row, Wish(posts.LOG_PAGE, (before,) if before else None))
        shown_ids = [one["id"] for one in page.items]
        new_here = len(posts.unread_among(session, shown_ids, visit.caller.person_id))
    local = visit.at(shown["site"].time_zone)
    return templates.page(
        "patrol/post_log.html",
        local,
        error.status if error else 200,
        entries=page.items,
        more=page.next[0] if page.next else None,
        new_here=new_here,
        text=text,
        may_scan=visit.may(patrol.SCAN, row.site_id),
        problems=post_refusal_told(local.reader, error) if error else [],
        **shown,
    )


def _add_log(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/posts/{post_id}/log")
    def show(visit: SignedInVisit, post_id: UUID, before: UUID | None = None) -> Response:
        return _log_page(templates, visit, post_id, before)

    @routes.post("/posts/{post_id}/log")
    def write(visit: SignedInVisit, post_id: UUID, text: Annotated[str, Form()] = "") -> Response:
        try:
            with visit.parts.database.write() as session:
                row, _ = _post(session, visit, post_id, patrol.SCAN)
                now = visit.parts.clock.now()
                posts.write_entry(session, visit.caller, row, text, now=now)
        except (Invalid, Conflict) as error:
            return _log_page(templates, visit, post_id, None, text, error)
        return RedirectResponse(f"/posts/{post_id}/log", status_code=303)

    @routes.post("/posts/{post_id}/log/read")
    def read(visit: SignedInVisit, post_id: UUID, up_to: Annotated[UUID, Form()]) -> Response:
        with visit.parts.database.write() as session:
            row, _ = _post(session, visit, post_id, patrol.SCAN)
            posts.read_log(session, visit.caller, row, up_to, now=visit.parts.clock.now())
        return RedirectResponse(f"/posts/{post_id}/log", status_code=303)


def _hand_over_page(
    templates: Templates,
    visit: Visit,
    post_id: UUID,
    form: CountForm | None = None,
    error: WatchkeeperError | None = None,
) -> Response:
    with visit.parts.database.read() as session:
        row, shown = _post(session, visit, post_id)
        alarms = standing_alarms(session, visit.caller, row.site_id)
        lists = dispatch.what_to_hand_over(session, row.site_id, row.team, alarms)
        past = dispatch.list_handovers(session, row.site_id, row.team, post_id=post_id)
        names = names_in(session, past)
        items = posts.items_of(session, post_id)
    local = visit.at(shown["site"].time_zone)
    told = post_refusal_told(local.reader, error, conflict=CANT_HAND_OVER) if error else []
    return templates.page(
        "patrol/post_hand_over.html",
        local,
        error.status if error else 200,
        lists=dated(lists),
        items=items,
        typed=(form or CountForm()).typed(),
        note=form.note if form else "",
        past=past,
        names=names,
        waiting=next((one for one in past if one.state != "accepted"), None),
        may_scan=visit.may(patrol.SCAN, row.site_id),
        may_write=visit.may(patrol.WRITE, row.site_id),
        written=_written(items),
        problems=told,
        **shown,
    )


def _add_hand_over(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/posts/{post_id}/hand-over")
    def prepare(visit: SignedInVisit, post_id: UUID) -> Response:
        return _hand_over_page(templates, visit, post_id)

    @routes.post("/posts/{post_id}/hand-over")
    def offer(visit: SignedInVisit, post_id: UUID, form: Annotated[CountForm, Form()]) -> Response:
        now = visit.parts.clock.now()
        try:
            with visit.parts.database.write() as session:
                row, _ = _post(session, visit, post_id, patrol.SCAN)
                found = posts.count_items(session, visit.caller, row, form.counts(), now=now)
                made = dispatch.offer_handover(
                    session,
                    visit.caller,
                    row.site_id,
                    row.team,
                    note=form.note,
                    missing=[],
                    alarms=standing_alarms(session, visit.caller, row.site_id),
                    now=now,
                    place=dispatch.Place(row.id, dict(row.name), found),
                ).id
        except (Invalid, Conflict) as error:
            return _hand_over_page(templates, visit, post_id, form, error)
        return RedirectResponse(f"/hand-over/{made}", status_code=303)


def _written(items: Sequence[posts.PostItem]) -> dict[str, str]:
    """The list of a post as its form has it, a line an item."""
    lines: dict[str, list[str]] = {"key": [], "equipment": []}
    for item in items:
        lines[item.kind].append(f"{item.name} × {item.number}" if item.number > 1 else item.name)
    return {kind: "\n".join(some) for kind, some in lines.items()}


def _items(kind: str, text: str) -> list[posts.Item]:
    found = []
    for line in text.splitlines():
        read = _LINE.fullmatch(line.strip())
        if read and read[1].strip():
            found.append(posts.Item(kind, read[1].strip(), int(read[2] or 1)))
    return found


def _add_items(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/posts/{post_id}/items")
    def keep(
        visit: SignedInVisit,
        post_id: UUID,
        keys: Annotated[str, Form()] = "",
        equipment: Annotated[str, Form()] = "",
    ) -> Response:
        wanted = [*_items("key", keys), *_items("equipment", equipment)]
        try:
            with visit.parts.database.write() as session:
                row, _ = _post(session, visit, post_id, patrol.WRITE)
                posts.set_items(session, visit.caller, row, wanted, now=visit.parts.clock.now())
        except Invalid as error:
            return _hand_over_page(templates, visit, post_id, None, error)
        return RedirectResponse(f"/posts/{post_id}/hand-over", status_code=303)
