"""Frozen reports over HTTP: days and incidents are closed, read, annexed and checked."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response

from api.answers import IdempotencyKey, answer, claim, created, kept, page_answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.frozen_shapes import (
    Checked,
    DaysOfReports,
    DayToClose,
    Form,
    FrozenPage,
    FrozenWhole,
    IncidentToReport,
    Language,
    LinksRevoked,
    Preview,
)
from core.db import Session
from core.errors import NotFound
from core.idempotency import Claim, keep, recall
from core.local_time import thinkable, zone
from core.paging import Page
from core.places import Node
from rules.wording import worded
from workflows import patrol
from workflows.patrol.frozen import annexing, closing, reading, revoking
from workflows.patrol.frozen.model import FORMS

router = APIRouter(tags=["patrol reports"])
Reader = Annotated[Asked, Depends(Permission(patrol.PEOPLE))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]
Anybody = Annotated[Asked, Depends(Permission(patrol.READ))]
MOST_DAYS = 100
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILES = {"content": dict.fromkeys(FORMS.values(), _BINARY)}


def desk_of(asked: Asked) -> closing.Desk:
    """Where reports are made. What is printed on them leads to the address that was set."""
    parts = asked.parts
    return closing.Desk(parts.database, parts.files, parts.settings.public_url.rstrip("/"))


@router.get("/patrol-reports", response_model=FrozenPage, summary="List frozen reports")
def get_patrol_reports(
    asked: Reader,
    site: UUID | None = None,
    kind: Annotated[str | None, Query(max_length=10, description="daily or incident.")] = None,
    state: Annotated[str | None, Query(max_length=10, description="closed or annexed.")] = None,
    number: Annotated[str | None, Query(max_length=80, description="A part of it.")] = None,
    from_day: Annotated[date | None, Query(alias="from")] = None,
    until_day: Annotated[date | None, Query(alias="until")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The last closed first, of every site where you hold `scans.read`; annexes are within."""
    wanted = reading.ReportFilter(site, kind, from_day, until_day, number, state)
    with asked.parts.database.read() as session:
        page = reading.list_frozen(session, asked.caller, wanted, wish(limit, cursor, *reading.KEY))
    return page_answer(Page([_dated(row) for row in page.items], page.next))


@router.get(
    "/sites/{site_id}/patrol-report-days",
    response_model=DaysOfReports,
    summary="Which days are open, closed or annexed",
    responses=may_answer(404),
)
def get_patrol_report_days(
    asked: Reader,
    site_id: UUID,
    until_day: Annotated[date | None, Query(alias="until")] = None,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = 30,
) -> Response:
    """Up to a day of the site's clock, by default yesterday, the last first."""
    with asked.parts.database.read() as session:
        site = _site(session, asked, site_id)
        last = _yesterday(site, asked) if until_day is None else thinkable(until_day)
        found = reading.days_of(session, asked.caller, site, last, days)
    names = ("day", "state", "id", "annexes", "number", "closed_at")
    items = [_dated({name: row.get(name) for name in names}) for row in found]
    return answer({"items": items})


def _dated(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row with its day as JSON has it."""
    day = row["day"]
    return {**row, "day": None if day is None else day.isoformat()}


def _site(session: Session, asked: Asked, site_id: UUID) -> Node:
    site = session.get(Node, site_id)
    if site is None or site_id not in asked.caller.sites_for(patrol.PEOPLE):
        raise NotFound(worded("there is no such site"), advice=worded("Look for it in the tree."))
    return site


@router.get(
    "/sites/{site_id}/patrol-report-preview",
    response_model=Preview,
    summary="What a daily report would say",
    responses=may_answer(404),
)
def get_patrol_report_preview(asked: Reader, site_id: UUID, day: date | None = None) -> Response:
    """As the house would read it if it were closed now; of today as far as it has come.

    Of yesterday, by the site's clock, unless another day is asked for.
    """
    with asked.parts.database.read() as session:
        site = _site(session, asked, site_id)
        wanted = _yesterday(site, asked) if day is None else thinkable(day)
        content = reading.preview_day(session, asked.caller, site, wanted, now=asked.now)
    return answer({"content": content})


def _yesterday(site: Node, asked: Asked) -> date:
    return asked.now.astimezone(zone(site.time_zone)).date() - timedelta(days=1)


@router.post(
    "/patrol-reports/days",
    response_model=FrozenWhole,
    status_code=201,
    summary="Close a day",
    responses=may_answer(404, 409, 503),
)
def post_patrol_report_day(
    asked: Writer, body: DayToClose, idempotency_key: IdempotencyKey = None
) -> Response:
    """For good, with an edition for the house and one for each client. It may take some seconds.

    A day that is not over can't be closed. What is learned later is told in annexes.
    """
    request = claim(asked, "POST /patrol-reports/days", idempotency_key, body)
    day = thinkable(body.day)
    return _made(
        asked,
        request,
        lambda: closing.close_day(desk_of(asked), asked.caller, body.site_id, day, now=asked.now),
    )


@router.post(
    "/patrol-reports/incidents",
    response_model=FrozenWhole,
    status_code=201,
    summary="Freeze the report of an incident",
    responses=may_answer(404, 409, 503),
)
def post_patrol_report_incident(
    asked: Writer, body: IncidentToReport, idempotency_key: IdempotencyKey = None
) -> Response:
    """Of a ticket, or of a guard's report that opened none: what happened when, and to whom."""
    request = claim(asked, "POST /patrol-reports/incidents", idempotency_key, body)
    subject = (body.subject_kind, body.subject_id)
    return _made(
        asked,
        request,
        lambda: closing.close_incident(
            desk_of(asked), asked.caller, subject, clients=body.clients, now=asked.now
        ),
    )


def _made(asked: Asked, request: Claim, make: Callable[[], UUID]) -> Response:
    """Nobody waits to write while a report is typeset; the answer is kept once it stands."""
    database = asked.parts.database
    with database.write() as session:
        before = recall(session, request)
    if before is not None:
        return kept(before)
    made = make()
    with database.write() as session:
        content = _whole(session, asked, made)
        answered = keep(session, request, created(content, f"patrol-reports/{made}"))
    return kept(answered)


def _whole(session: Session, asked: Asked, report_id: UUID) -> dict[str, Any]:
    content = reading.describe_frozen(session, asked.caller, report_id)
    return {**_dated(content), "annexes": [_dated(one) for one in content["annexes"]]}


@router.get(
    "/patrol-reports/{patrol_report_id}",
    response_model=FrozenWhole,
    summary="Read a frozen report",
)
def get_patrol_report(asked: Reader, patrol_report_id: UUID) -> Response:
    """With the content of every edition, and its annexes. You are told of those that follow."""
    with asked.parts.database.write() as session:
        reading.note_read(session, asked.caller, patrol_report_id, now=asked.now)
        return answer(_whole(session, asked, patrol_report_id))


@router.post(
    "/patrol-reports/{patrol_report_id}/annex",
    response_model=FrozenWhole,
    summary="Add what was learned since a report was closed",
    responses=may_answer(409, 503),
)
def post_patrol_report_annex(asked: Writer, patrol_report_id: UUID) -> Response:
    """Of days that happens by itself for four weeks. Refused where nothing has changed."""
    annexing.annex_by_hand(desk_of(asked), asked.caller, patrol_report_id, now=asked.now)
    with asked.parts.database.read() as session:
        return answer(_whole(session, asked, patrol_report_id))


@router.post(
    "/patrol-reports/{patrol_report_id}/clients/{report_client_id}/revoke-links",
    response_model=LinksRevoked,
    summary="Take back the links by which a client reads a report",
)
def post_patrol_report_revoke_links(
    asked: Writer, patrol_report_id: UUID, report_client_id: UUID
) -> Response:
    """To the report and its annexes, at once and for good. Annexes that follow are sent as before;
    doing it again revokes nothing."""
    with asked.parts.database.write() as session:
        revoked = revoking.revoke_links(
            session, asked.caller, patrol_report_id, report_client_id, now=asked.now
        )
    return answer({"revoked": revoked})


@router.get(
    "/patrol-report-editions/{edition_id}/file",
    summary="Take along a file of a report",
    response_class=Response,
    responses={200: _FILES, **may_answer(503)},
)
def get_patrol_report_file(
    asked: Reader, edition_id: UUID, form: Form = "pdf", language: Language = "en"
) -> Response:
    """The same bytes however often. You are told of annexes that follow."""
    with asked.parts.database.write() as session:
        file = reading.find_file(session, asked.caller, edition_id, form, language)
        reading.note_read_edition(session, asked.caller, edition_id, now=asked.now)
    return file_answer(asked.parts.files.get(file.key), file)


def file_answer(content: bytes, file: reading.FrozenFile) -> Response:
    """A file to keep."""
    headers = {
        "Content-Disposition": f'attachment; filename="{file.name}"',
        "Cache-Control": "private, max-age=86400",
        "ETag": f'"{file.key}"',
    }
    return Response(content, media_type=file.media_type, headers=headers)


@router.get(
    "/patrol-report-check",
    response_model=Checked,
    summary="Whether a report is genuine",
)
def get_patrol_report_check(
    asked: Anybody, digest: Annotated[str, Query(max_length=120)] = ""
) -> Response:
    """By the SHA-256 of its content, as it stands on every page, or of one of its files."""
    with asked.parts.database.read() as session:
        found = reading.check_digest(session, digest) if digest else None
    if found is None:
        return answer(Checked(genuine=False).model_dump(mode="json"))
    return answer({"genuine": True, **_dated(asdict(found))})
