"""Importing spreadsheets: templates, handing in, the preview, applying and undoing."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, File, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse

from core.errors import NotAllowed, NotFound, Stale
from core.ids import new_id
from core.paging import Wish
from core.people import first_time_zone
from core.site_file import load_catalog
from rules.wording import worded
from web.import_progress import Watched
from web.import_tables import FAULTS, LINKS, as_xlsx
from web.import_view import fault_text, faults_of, items_of, totals_of
from web.import_words import IMPORT_STAGE
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import intake
from workflows.intake.faults import Unreadable
from workflows.intake.filling import offer_for, sheets_for
from workflows.intake.links import make_links, who_waits
from workflows.intake.reading import (
    PERMISSIONS,
    chosen,
    describe_whole,
    find_import,
    list_imports,
    plan_of,
)
from workflows.intake.sheets import SHEETS
from workflows.intake.template import make_csv, make_workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 100
TOLD = {
    "changed": mark("Something has changed since the preview. This is what would be done now."),
    "applied": mark("Everything is applied."),
    "undone": mark("The import is undone."),
}
VIEWS = ("refused", "kept", "update", "create", "same")
# GBK opens without questions in every Excel in China; UTF-8 everywhere else.
ENCODINGS = {"utf-8": "utf-8-sig", "gbk": "gb18030"}


@dataclass(frozen=True, slots=True)
class _Routes:
    """What every route of imports works with."""

    templates: Templates
    watched: Watched


def router(templates: Templates) -> APIRouter:
    """The routes of imports."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    shared = _Routes(templates, Watched())
    # Before an import's own address, which would take them for an id.
    _add_templates(routes)
    _add_progress(routes, shared)
    _add_handing_in(routes, shared)
    _add_reading(routes, shared)
    _add_tables(routes)
    _add_changes(routes, shared)
    return routes


def _require(visit: Visit) -> None:
    """NotAllowed for whoever may change nothing that a sheet is about."""
    if not any(map(visit.caller.holds_anywhere, PERMISSIONS)):
        raise NotAllowed(
            worded(mark("you may not import anything")),
            advice=worded(mark("Ask an administrator of this site for a role that includes it.")),
        )


def _as_file(content: bytes, name: str, media_type: str = XLSX) -> Response:
    # RFC 6266: a name in any language, and one that every browser understands.
    plain = name.encode("ascii", "ignore").decode() or "file"
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=media_type, headers={"Content-Disposition": disposition})


def _add_templates(routes: APIRouter) -> None:
    @routes.get("/imports/template.xlsx")
    def workbook(visit: SignedInVisit, filled: bool = False) -> Response:
        _require(visit)
        language = visit.reader.language
        with visit.parts.database.read() as session:
            now = visit.parts.clock.now()
            offer = offer_for(session, visit.caller, language, filled=filled, now=now)
        name = visit.reader.translate(FILLED_FILE if filled else TEMPLATE_FILE)
        return _as_file(make_workbook(language, offer), f"{name}.xlsx")

    @routes.get("/imports/template.csv")
    def table(
        visit: SignedInVisit, sheet: str = "", encoding: str = "utf-8", filled: bool = False
    ) -> Response:
        _require(visit)
        language = visit.reader.language
        if sheet not in SHEETS or encoding not in ENCODINGS:
            raise NotFound(
                worded(mark("there is no such template")),
                advice=worded(mark("Choose one on the page of imports.")),
            )
        with visit.parts.database.read() as session:
            now = visit.parts.clock.now()
            offer = offer_for(session, visit.caller, language, filled=filled, now=now, only=sheet)
        rows = offer.rows.get(sheet, ())
        content = make_csv(SHEETS[sheet], language, ENCODINGS[encoding], rows)
        return _as_file(content, f"{SHEETS[sheet].title.get(language)}.csv", "text/csv")


TEMPLATE_FILE = mark("Watchkeeper template")
FILLED_FILE = mark("Watchkeeper data")


def _add_progress(routes: APIRouter, shared: _Routes) -> None:
    @routes.get("/imports/progress")
    def progress(visit: SignedInVisit, watch: str = "") -> Response:
        _require(visit)
        found = shared.watched.of(visit.caller.person_id, watch)
        if found is None:
            return JSONResponse({"text": "", "share": None})
        share = found.done / found.total if found.total else None
        text = visit.reader.translate(IMPORT_STAGE[found.stage])
        return JSONResponse({"text": text, "share": share})


def _start(shared: _Routes, visit: Visit, trouble: str = "") -> Response:
    with visit.parts.database.read() as session:
        listed = list_imports(session, visit.caller, Wish(50)).items
    return shared.templates.page(
        "imports/start.html",
        visit,
        422 if trouble else 200,
        section="imports",
        trouble=trouble,
        imports=listed,
        sheets=[SHEETS[code] for code in sheets_for(visit.caller)],
        watch=str(new_id()),
        largest=intake.LARGEST_FILE,
    )


def _add_handing_in(routes: APIRouter, shared: _Routes) -> None:
    @routes.get("/imports")
    def start(visit: SignedInVisit) -> Response:
        _require(visit)
        return _start(shared, visit)

    @routes.post("/imports")
    def hand_in(
        visit: SignedInVisit,
        file: Annotated[UploadFile | None, File()] = None,
        watch: Annotated[str, Form()] = "",
    ) -> Response:
        _require(visit)
        caller, parts = visit.caller, visit.parts
        name = (file.filename if file else None) or "file"
        upload = intake.Upload(name, file.file.read() if file else b"")
        try:
            with shared.watched.watch(caller.person_id, watch) as told:
                preview = intake.plan_file(parts.database, caller, upload, told)
        except Unreadable as error:
            return _start(shared, visit, fault_text(visit.reader, error.fault))
        with parts.database.write() as session:
            row = intake.hand_in(session, caller, upload, preview, now=parts.clock.now())
            import_id = row.id
        return RedirectResponse(f"/imports/{import_id}", status_code=303)


def _add_reading(routes: APIRouter, shared: _Routes) -> None:
    @routes.get("/imports/{import_id}")
    def show(
        visit: SignedInVisit, import_id: UUID, view: str = "", skip: int = 0, told: str = ""
    ) -> Response:
        _require(visit)
        with visit.parts.database.read() as session:
            whole = describe_whole(session, visit.caller, import_id)
            row = find_import(session, visit.caller, import_id)
            waiting = len(who_waits(session, row))
            catalog = load_catalog(session)
            local = visit.at(first_time_zone(session))
        totals = {**totals_of(whole.plan), "kept": len({one.id for one in whole.kept})}
        if whole.row["state"] != "previewed":
            totals["same"] = sum(each["same"] for each in whole.row["counts"].values())
        views = [each for each in VIEWS if totals[each]]
        shown = view if view in views else (views[0] if views else "")
        faults = whole.plan.faults if shown == "refused" else []
        items = [] if shown in ("", "refused") else chosen(whole.plan, whole.kept, shown)
        start = max(skip, 0)
        more = start + SHOWN
        return shared.templates.page(
            "imports/show.html",
            local,
            section="imports",
            row=whole.row,
            plan=whole.plan,
            counts=whole.row["counts"],
            totals=totals,
            views=views,
            view=shown,
            faults=faults_of(visit.reader, faults[start:more]),
            items=items_of(visit.reader, catalog, items[start:more], whole.kept),
            more=more if more < max(len(faults), len(items)) else 0,
            waiting=waiting,
            told=visit.reader.translate(TOLD[told]) if told in TOLD else "",
            watch=str(new_id()),
        )


def _add_tables(routes: APIRouter) -> None:
    @routes.get("/imports/{import_id}/faults.xlsx")
    def faults(visit: SignedInVisit, import_id: UUID) -> Response:
        _require(visit)
        with visit.parts.database.read() as session:
            plan = plan_of(session, find_import(session, visit.caller, import_id))
        rows = [(one.sheet, one.cell, one.text) for one in faults_of(visit.reader, plan.faults)]
        return _as_file(as_xlsx(visit.reader, FAULTS, rows), "to-correct.xlsx")

    @routes.post("/imports/{import_id}/links")
    def links(visit: SignedInVisit, request: Request, import_id: UUID) -> Response:
        _require(visit)
        parts = visit.parts
        with parts.database.write() as session:
            row = find_import(session, visit.caller, import_id)
            made = make_links(session, visit.caller, row, now=parts.clock.now())
        base = parts.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
        rows = [(one.name, one.login, f"{base}/sign-in/{one.secret}") for one in made]
        return _as_file(as_xlsx(visit.reader, LINKS, rows), "sign-in-links.xlsx")


def _back(import_id: UUID, told: str) -> Response:
    return RedirectResponse(f"/imports/{import_id}?told={told}", status_code=303)


def _add_changes(routes: APIRouter, shared: _Routes) -> None:
    @routes.post("/imports/{import_id}/apply")
    def apply(
        visit: SignedInVisit,
        import_id: UUID,
        version: Annotated[int, Form()] = 0,
        watch: Annotated[str, Form()] = "",
    ) -> Response:
        _require(visit)
        caller, parts = visit.caller, visit.parts
        now = parts.clock.now()
        try:
            with (
                shared.watched.watch(caller.person_id, watch) as told,
                parts.database.write() as session,
            ):
                row = find_import(session, caller, import_id, to_change=True)
                intake.apply_import(
                    session, caller, row, now=now, expected_version=version, told=told
                )
        except Stale:
            with parts.database.write() as session:
                row = find_import(session, caller, import_id, to_change=True)
                intake.plan_again(session, caller, row)
            return _back(import_id, "changed")
        return _back(import_id, "applied")

    @routes.post("/imports/{import_id}/undo")
    def undo(
        visit: SignedInVisit, import_id: UUID, version: Annotated[int, Form()] = 0
    ) -> Response:
        _require(visit)
        caller, parts = visit.caller, visit.parts
        with parts.database.read() as session:
            row = find_import(session, caller, import_id)
            spoken = intake.spoken_since(session, row, parts.telemetry)
        with parts.database.write() as session:
            row = find_import(session, caller, import_id, to_change=True)
            now = parts.clock.now()
            intake.undo_import(
                session, caller, row, spoken=spoken, now=now, expected_version=version
            )
        return _back(import_id, "undone")

    @routes.post("/imports/{import_id}/discard")
    def discard(visit: SignedInVisit, import_id: UUID) -> Response:
        _require(visit)
        with visit.parts.database.write() as session:
            row = find_import(session, visit.caller, import_id, to_change=True)
            intake.discard(session, visit.caller, row, now=visit.parts.clock.now())
        return RedirectResponse("/imports", status_code=303)
