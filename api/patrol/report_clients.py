"""Clients of sites over HTTP: for whom reports have editions; and how a site reports."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import (
    IdempotencyKey,
    IfMatch,
    answer,
    claim,
    created,
    expected_version,
    kept,
)
from api.deps import Asked, Permission
from api.errors import may_answer
from api.patrol.frozen_shapes import (
    ClientItem,
    ClientList,
    ClientToKeep,
    ClientToMake,
    ReportingItem,
    ReportingToKeep,
)
from core.db import Session
from core.errors import NotFound
from core.idempotency import keep, recall
from core.places import Node
from rules.wording import worded
from workflows import patrol
from workflows.patrol.frozen import audience
from workflows.patrol.frozen.model import ReportClient

router = APIRouter(tags=["patrol reports"])
Reader = Annotated[Asked, Depends(Permission(patrol.PEOPLE))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]


@router.get("/report-clients", response_model=ClientList, summary="List clients")
def get_report_clients(asked: Reader, site: UUID | None = None) -> Response:
    """For whom the reports of a site, or of all your sites, have editions."""
    with asked.parts.database.read() as session:
        rows = audience.clients_at(session, asked.caller, site)
        return answer({"items": [_told(row) for row in rows]})


@router.post(
    "/report-clients",
    response_model=ClientItem,
    status_code=201,
    summary="Keep a client",
)
def post_report_client(
    asked: Writer, body: ClientToMake, idempotency_key: IdempotencyKey = None
) -> Response:
    """Every report that is closed from now on has an edition for it."""
    request = claim(asked, "POST /report-clients", idempotency_key, body)
    with asked.parts.database.write() as session:
        asked.caller.require(patrol.WRITE, body.site_id)
        made = recall(session, request)
        if made is None:
            row = audience.create_client(
                session, asked.caller, body.site_id, body.draft(), now=asked.now
            )
            location = f"report-clients/{row.id}"
            made = keep(session, request, created(_told(row), location, version=row.version))
    return kept(made)


@router.get(
    "/report-clients/{report_client_id}", response_model=ClientItem, summary="Read a client"
)
def get_report_client(asked: Reader, report_client_id: UUID) -> Response:
    """As the list shows it."""
    with asked.parts.database.read() as session:
        row = audience.find_client(session, asked.caller, report_client_id)
        return answer(_told(row), version=row.version)


@router.put(
    "/report-clients/{report_client_id}",
    response_model=ClientItem,
    summary="Change a client",
    responses=may_answer(409, 412, 428),
)
def put_report_client(
    asked: Writer, report_client_id: UUID, body: ClientToKeep, if_match: IfMatch = None
) -> Response:
    """From the next report on. Needs the ETag of what you read as If-Match."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        row = audience.find_client(session, asked.caller, report_client_id)
        audience.change_client(
            session, asked.caller, row, body.draft(), now=asked.now, expected_version=version
        )
        return answer(_told(row), version=row.version)


@router.post(
    "/report-clients/{report_client_id}/end",
    response_model=ClientItem,
    summary="End a client",
    responses=may_answer(409, 412),
)
def post_report_client_end(
    asked: Writer, report_client_id: UUID, if_match: IfMatch = None
) -> Response:
    """Later reports have no edition for it; those that it has stay, but its links to them end."""
    return _moved(asked, report_client_id, "end", if_match)


@router.post(
    "/report-clients/{report_client_id}/resume",
    response_model=ClientItem,
    summary="Take a client up again",
    responses=may_answer(409, 412),
)
def post_report_client_resume(
    asked: Writer, report_client_id: UUID, if_match: IfMatch = None
) -> Response:
    """From the next report on."""
    return _moved(asked, report_client_id, "resume", if_match)


def _moved(asked: Asked, client_id: UUID, action: str, if_match: str | None) -> Response:
    version = expected_version(if_match)
    with asked.parts.database.write() as session:
        row = audience.find_client(session, asked.caller, client_id)
        audience.move_client(
            session, asked.caller, row, action, now=asked.now, expected_version=version
        )
        return answer(_told(row), version=row.version)


def _told(row: ReportClient) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ClientItem.model_fields}


@router.get(
    "/sites/{site_id}/report-settings",
    response_model=ReportingItem,
    summary="How a site reports",
)
def get_report_settings(asked: Reader, site_id: UUID) -> Response:
    """When its days close by themselves, and how people are named in the edition of the house."""
    with asked.parts.database.read() as session:
        site = _site(session, asked, site_id)
        found = audience.reporting_at(session, site.id)
        return answer({"site_id": site.id, **asdict(found)}, version=found.version)


@router.put(
    "/sites/{site_id}/report-settings",
    response_model=ReportingItem,
    summary="Change how a site reports",
    responses=may_answer(412, 428),
)
def put_report_settings(
    asked: Writer, site_id: UUID, body: ReportingToKeep, if_match: IfMatch = None
) -> Response:
    """From the next day on. Needs the ETag of what you read as If-Match."""
    version = expected_version(if_match, required=True)
    with asked.parts.database.write() as session:
        site = _site(session, asked, site_id)
        found = audience.set_reporting(
            session,
            asked.caller,
            site,
            body.wanted(),
            now=asked.now,
            expected_version=version,
        )
        return answer({"site_id": site.id, **asdict(found)}, version=found.version)


def _site(session: Session, asked: Asked, site_id: UUID) -> Node:
    site = session.get(Node, site_id)
    if site is None or site_id not in asked.caller.sites_for(patrol.PEOPLE):
        raise NotFound(worded("there is no such site"), advice=worded("Look for it in the tree."))
    return site
