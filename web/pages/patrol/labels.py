"""Labels with printed codes for chosen checkpoints, on sheets of A4."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from core.errors import Invalid
from rules.wording import worded
from web.label_sheets import Label, in_sheets, make_label, paper
from web.languages import mark
from web.page_route import PageRoute
from web.pages.patrol.chosen import actor_of, chosen_site, require_seen
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import patrol

MOST_AT_ONCE = patrol.MOST_LABELS


def label_of(visit: Visit, point: Mapping[str, Any], query: str, base: str) -> Label:
    """The label of a checkpoint. query: what its code holds, shown once; base: of its address."""
    places = visit.parts.places.places()
    within = next((one.within[1:] for one in places if one.id == point["id"]), ())
    address = f"{base}/t?{query}"
    return make_label(point["name"], within, point["code"], address, address)


def router(templates: Templates) -> APIRouter:
    """The routes of labels."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_choice(routes, templates)
    _add_sheet(routes, templates)
    return routes


def _add_choice(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/checkpoint-labels")
    def choose(
        visit: SignedInVisit, site: UUID | None = None, q: str = "", after: str | None = None
    ) -> Response:
        now = visit.parts.clock.now()
        with visit.parts.database.read() as session:
            chosen = chosen_site(session, visit, patrol.WRITE, site)
            wanted = patrol.Survey(chosen.site.id, text=q.strip()[:100])
            page = patrol.survey(
                session, visit.caller, wanted, now=now, after=after, limit=MOST_AT_ONCE
            )
            codes = {
                one.row["id"]: patrol.printed_codes(session, one.row["id"]) for one in page.items
            }
        return templates.page(
            "patrol/labels.html",
            visit.at(chosen.site.time_zone),
            section="checkpoints",
            site=chosen.site,
            sites=chosen.sites,
            wanted=wanted,
            found=page.items,
            more=page.next[0] if page.next else None,
            codes={point: len(rows) for point, rows in codes.items()},
            seen={point: rows[0]["id"] if rows else "" for point, rows in codes.items()},
        )


def _add_sheet(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/checkpoint-labels")
    def make(
        visit: SignedInVisit, request: Request, label: Annotated[list[str] | None, Form()] = None
    ) -> Response:
        drawn = _draw_all(visit, label or ())
        _put_all(visit, drawn)
        made = _labels(visit, request, drawn)
        return templates.page(
            "patrol/label_sheet.html",
            visit,
            section="checkpoints",
            sheets=in_sheets(made),
            count=len(made),
            both=patrol.CALL,
        )

    @routes.post("/checkpoint-labels/pdf")
    def make_pdf(
        visit: SignedInVisit, request: Request, label: Annotated[list[str] | None, Form()] = None
    ) -> Response:
        drawn = _draw_all(visit, label or ())
        # Before anything is written: without a paper no code is replaced, and nobody waits for it.
        made = paper(visit, _labels(visit, request, drawn), patrol.CALL, "checkpoint-labels")
        _put_all(visit, drawn)
        return made


def _draw_all(visit: Visit, chosen: Sequence[str]) -> list[tuple[patrol.Drawn, str]]:
    """A code for each that was chosen, with the newest that stood there when that was shown."""
    visit.caller.require_anywhere(patrol.WRITE)
    wanted = [_chosen(text) for text in chosen]
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise Invalid(
            worded(mark("no label was made")),
            problems=[worded(mark("choose one to %(most)s checkpoints"), most=MOST_AT_ONCE)],
        )
    with visit.parts.database.read() as session:
        return [(patrol.draw_code(session, visit.caller, point), seen) for point, seen in wanted]


def _labels(
    visit: Visit, request: Request, drawn: Sequence[tuple[patrol.Drawn, str]]
) -> list[Label]:
    base = visit.parts.settings.sticker_base(str(request.base_url))
    return [label_of(visit, one.checkpoint, one.query, base) for one, _ in drawn]


def _chosen(text: str) -> tuple[UUID, str]:
    """The checkpoint that a box stands for, and the newest code that stood there when it was shown.

    So the page of the sheet, loaded again, does not replace what was printed from it.
    """
    point, _, seen = text.partition(":")
    try:
        return UUID(point), seen
    except ValueError:
        raise Invalid(
            worded(mark("no label was made")),
            problems=[worded(mark("choose checkpoints from the list"))],
        ) from None


def _put_all(visit: Visit, drawn: Sequence[tuple[patrol.Drawn, str]]) -> None:
    now, vault, actor = visit.parts.clock.now(), visit.parts.vault, actor_of(visit)
    with visit.parts.database.write() as session:
        for one, seen in drawn:
            standing = patrol.printed_codes(session, one.checkpoint["id"])
            require_seen(seen, standing[0]["id"] if standing else None)
            patrol.put_code(session, visit.caller, one, vault=vault, actor=actor, now=now)
