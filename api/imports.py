"""Imports over HTTP: hand in a spreadsheet, see what it would do, do it, undo it."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import BASE, IfMatch, answer, expected_version, page_answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.import_shapes import (
    ImportPage,
    ImportPlan,
    ImportWhole,
    ItemPage,
    fault_shown,
    item_shown,
    whole_shown,
)
from api.paging import Cursor, Limit, wish
from core.paging import Page
from workflows import intake
from workflows.intake.filling import offer_for
from workflows.intake.reading import (
    PERMISSIONS,
    chosen,
    describe_whole,
    find_import,
    kept_of,
    list_imports,
    plan_of,
)
from workflows.intake.sheets import SHEETS
from workflows.intake.template import make_csv, make_workbook

router = APIRouter(tags=["imports"])
# Each sheet needs its own of these on the sites that its rows are about.
Importer = Annotated[Asked, Depends(Permission("devices.write", or_else=PERMISSIONS))]
SheetCode = Literal[
    "people",
    "spaces",
    "assets",
    "devices",
    "points",
    "households",
    "teams",
    "members",
    "roster",
    "roster_days",
]
Name = Annotated[str, Query(max_length=200, description="The name of the file.")]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_BODY = {"required": True, "content": {XLSX: _BINARY, "text/csv": _BINARY}}


async def _content(asked: Importer, request: Request) -> bytes:
    # A dependency of the permission: a large body is read only of those who may send it.
    del asked
    return await request.body()


Content = Annotated[bytes, Depends(_content)]


def _answer(content: dict[str, Any], status: int = 200) -> Response:
    location = {"Location": f"{BASE}/imports/{content['id']}"} if status == 201 else {}
    return answer(content, status, version=content["version"], headers=location)


@router.post(
    "/import-plans",
    response_model=ImportPlan,
    summary="Plan an import without keeping it",
    openapi_extra={"requestBody": _BODY},
)
def post_import_plan(asked: Importer, content: Content, filename: Name = "file.xlsx") -> Response:
    """A dry run: what the spreadsheet would do now, and every cell that is wrong."""
    upload = intake.Upload(filename, content)
    plan = intake.plan_file(asked.parts.database, asked.caller, upload).plan
    shown = {
        "counts": plan.counts(),
        "refused": plan.refused,
        "faults": [fault_shown(fault) for fault in plan.faults],
        "unread": list(plan.unread),
        "items": [item_shown(item) for item in plan.items],
    }
    return answer(shown)


@router.post(
    "/imports",
    response_model=ImportWhole,
    status_code=201,
    summary="Hand in a spreadsheet",
    openapi_extra={"requestBody": _BODY},
)
def post_import(asked: Importer, content: Content, filename: Name = "file.xlsx") -> Response:
    """The body is the file itself, .xlsx or CSV, of at most 10 MB. Changes nothing yet.

    The same file again takes the place of its preview. What is not applied within a day is
    forgotten.
    """
    upload = intake.Upload(filename, content)
    preview = intake.plan_file(asked.parts.database, asked.caller, upload)
    with asked.parts.database.write() as session:
        row = intake.hand_in(session, asked.caller, upload, preview, now=asked.now)
        shown = whole_shown(describe_whole(session, asked.caller, row.id))
    return _answer(shown, 201)


@router.get("/imports", response_model=ImportPage, summary="List imports, newest first")
def get_imports(asked: Importer, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Those that you handed in; who administers the whole company sees all."""
    with asked.parts.database.read() as session:
        return page_answer(list_imports(session, asked.caller, wish(limit, cursor, UUID)))


@router.get("/imports/{import_id}", response_model=ImportWhole, summary="Read an import")
def get_import(asked: Importer, import_id: UUID) -> Response:
    """With every cell that is wrong, and with what stayed when it was undone."""
    with asked.parts.database.read() as session:
        return _answer(whole_shown(describe_whole(session, asked.caller, import_id)))


@router.get(
    "/imports/{import_id}/items", response_model=ItemPage, summary="List what an import does"
)
def get_import_items(
    asked: Importer,
    import_id: UUID,
    action: Literal["create", "update", "same", "kept"] | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """All, or only new things, changed ones (field by field), those that stand as the file says,
    or what stayed when the import was undone."""
    wished = wish(limit, cursor, int)
    start = max(wished.after[0], 0) if wished.after else 0
    with asked.parts.database.read() as session:
        row = find_import(session, asked.caller, import_id)
        items = chosen(plan_of(session, row), kept_of(row), action)
    shown = [item_shown(item) for item in items[start : start + wished.limit]]
    end = start + wished.limit
    return page_answer(Page(shown, (end,) if end < len(items) else None))


@router.post(
    "/imports/{import_id}/plan",
    response_model=ImportWhole,
    summary="Plan an import again",
    responses=may_answer(409),
)
def plan_import_again(asked: Importer, import_id: UUID) -> Response:
    """Compares the file with what stands now, for when applying it answered 412."""
    with asked.parts.database.write() as session:
        row = find_import(session, asked.caller, import_id, to_change=True)
        intake.plan_again(session, asked.caller, row)
        shown = whole_shown(describe_whole(session, asked.caller, import_id))
    return _answer(shown)


@router.post(
    "/imports/{import_id}/apply",
    response_model=ImportWhole,
    summary="Apply an import",
    responses=may_answer(409, 412, 422, 428),
)
def apply_import(asked: Importer, import_id: UUID, if_match: IfMatch = None) -> Response:
    """Does what the preview shows, all at once. Needs the ETag of the preview as If-Match.

    412 when the preview or what it was compared with has changed since; 422 lists the cells that
    are wrong, and with any nothing is done.
    """
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = find_import(session, asked.caller, import_id, to_change=True)
        intake.apply_import(session, asked.caller, row, now=asked.now, expected_version=version)
        shown = whole_shown(describe_whole(session, asked.caller, import_id))
    return _answer(shown)


@router.post(
    "/imports/{import_id}/undo",
    response_model=ImportWhole,
    summary="Undo an import",
    responses=may_answer(409, 412, 428),
)
def undo_import(asked: Importer, import_id: UUID, if_match: IfMatch = None) -> Response:
    """Takes back all of it except what was used since, which `kept` names. Needs If-Match."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.read() as session:
        row = find_import(session, asked.caller, import_id)
        spoken = intake.spoken_since(session, row, asked.parts.telemetry)
    with asked.parts.database.write() as session:
        row = find_import(session, asked.caller, import_id, to_change=True)
        intake.undo_import(
            session, asked.caller, row, spoken=spoken, now=asked.now, expected_version=version
        )
        shown = whole_shown(describe_whole(session, asked.caller, import_id))
    return _answer(shown)


@router.post(
    "/imports/{import_id}/discard",
    response_model=ImportWhole,
    summary="Discard an import",
    responses=may_answer(409),
)
def discard_import(asked: Importer, import_id: UUID) -> Response:
    """Gives up a file that was not applied; nothing of what it says is kept."""
    with asked.parts.database.write() as session:
        row = find_import(session, asked.caller, import_id, to_change=True)
        intake.discard(session, asked.caller, row, now=asked.now)
        shown = whole_shown(describe_whole(session, asked.caller, import_id))
    return _answer(shown)


@router.get(
    "/import-template",
    summary="Get a template to fill in",
    response_class=Response,
    responses={200: {"content": {XLSX: _BINARY, "text/csv": _BINARY}}},
)
def get_import_template(
    asked: Importer,
    language: Literal["en", "zh"] = "en",
    sheet: Annotated[
        SheetCode | None,
        Query(description="One sheet as CSV; left out: a workbook of all."),
    ] = None,
    filled: Annotated[bool, Query(description="With what stands now.")] = False,
) -> Response:
    """With the sheets that you may hand in. Headings are understood in both languages."""
    with asked.parts.database.read() as session:
        offer = offer_for(session, asked.caller, language, filled=filled, now=asked.now, only=sheet)
    if sheet is None:
        return Response(make_workbook(language, offer), media_type=XLSX)
    content = make_csv(SHEETS[sheet], language, "utf-8-sig", offer.rows.get(sheet, ()))
    return Response(content, media_type="text/csv")
