"""Guards' reports over HTTP: listed, read with their photos and voice notes, closed."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import BaseModel, Field

from api.answers import IfMatch, answer, expected_version, page_answer
from api.bodies import Body, Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from core.byte_ranges import in_part
from core.voice import TYPES
from workflows import patrol
from workflows.patrol.reports import reading

router = APIRouter(tags=["guard"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]
Kind = Literal["repair", "hazard", "observation", "incident", "note"]
KEPT = {"Cache-Control": "private, max-age=3600"}
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_MEDIA = {"content": dict.fromkeys(("image/jpeg", *TYPES), _BINARY)}


class ReportFile(BaseModel):
    """A photo or voice note of a report. sha256: hashed on the phone when it was taken."""

    id: UUID
    what: Literal["photo", "voice"]
    state: Literal["waiting", "complete", "wrong", "unusable"]
    sha256: str
    bytes: int
    received: int
    media_type: str | None
    width: int | None
    height: int | None
    seconds: int | None
    taken_at: datetime
    completed_at: datetime | None
    addition_id: UUID | None
    annexed: bool = Field(description="It came after the report was closed.")


class ReportItem(BaseModel):
    """What a guard reported."""

    id: UUID
    site_id: UUID
    kind: Kind
    choice: str
    name: dict[str, str]
    person_id: UUID
    person_name: str
    phone_id: UUID
    seq: int = Field(description="The how-manieth entry of the phone's journal it is.")
    checkpoint_id: UUID | None
    checkpoint_code: str | None
    checkpoint_name: dict[str, str] | None
    round_id: UUID | None
    checks: dict[str, bool]
    text: str
    occurred_at: datetime
    received_at: datetime
    state: Literal["open", "closed"]
    version: int
    ticket_id: UUID | None
    ticket_number: int | None
    closed_at: datetime | None
    closed_by: UUID | None
    closed_by_name: str | None
    closing: str
    files: list[ReportFile]


class ReportPage(BaseModel):
    """A page of reports."""

    items: list[ReportItem]
    next: str | None


class Addition(BaseModel):
    """Something that was added. annexed: the report was closed when it came."""

    id: UUID
    text: str
    occurred_at: datetime
    received_at: datetime
    annexed: bool


class ReportWhole(ReportItem):
    """A report with what was added."""

    additions: list[Addition]


class Closing(Body):
    """With which word a report is closed."""

    closing: Annotated[str, Field(max_length=reading.LONGEST_CLOSING)] = ""


@router.get("/guard-reports", response_model=ReportPage, summary="List guards' reports")
def get_guard_reports(
    asked: Reader,
    site: UUID | None = None,
    person: UUID | None = None,
    kind: Kind | None = None,
    state: Annotated[str | None, Query(max_length=20, description="open or closed.")] = None,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The last first, by the time of the report: your own, and all where you hold `scans.read`."""
    wanted = reading.ReportFilter(site, person, kind, state, since, until)
    with asked.parts.database.read() as session:
        page = reading.list_reports(
            session, asked.caller, wanted, wish(limit, cursor, *reading.KEY)
        )
    return page_answer(page)


@router.get(
    "/guard-reports/{guard_report_id}", response_model=ReportWhole, summary="Read a guard's report"
)
def get_guard_report(asked: Reader, guard_report_id: UUID) -> Response:
    """With what was added, and what came after it was closed."""
    with asked.parts.database.read() as session:
        content = reading.describe_report(session, asked.caller, guard_report_id)
    return answer(content, version=content["version"])


@router.post(
    "/guard-reports/{guard_report_id}/close",
    response_model=ReportWhole,
    summary="Close a guard's report",
    responses=may_answer(409, 412),
)
def post_guard_report_close(
    asked: Writer, guard_report_id: UUID, body: Closing, if_match: IfMatch = None
) -> Response:
    """For good. What comes for it afterwards is annexed and changes nothing of it."""
    expected = expected_version(if_match)
    with asked.parts.database.write() as session:
        reading.close_report(
            session,
            asked.caller,
            guard_report_id,
            body.closing,
            now=asked.now,
            expected_version=expected,
        )
        content = reading.describe_report(session, asked.caller, guard_report_id)
    return answer(content, version=content["version"])


@router.get(
    "/guard-files/{guard_file_id}",
    summary="See a photo or hear a voice note of a report",
    response_class=Response,
    responses={200: _MEDIA, 206: {**_MEDIA, "description": "The part that was asked for."}},
)
def get_guard_report_file(
    asked: Reader,
    guard_file_id: UUID,
    wanted: Annotated[str | None, Header(alias="Range", max_length=200)] = None,
) -> Response:
    """The copy that pages show, without what the phone wrote around it."""
    with asked.parts.database.read() as session:
        row = reading.find_guard_file(session, asked.caller, guard_file_id)
    assert row.copy is not None
    part = in_part(asked.parts.files.get(row.copy), wanted)
    media_type = "image/jpeg" if row.what == "photo" else row.media_type
    return Response(part.body, part.status, {**KEPT, **part.headers}, media_type)
