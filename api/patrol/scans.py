"""Scans over HTTP: listed, presented by phones, imported from wands."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from api.answers import answer, page_answer
from api.bodies import Moment
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.scan_shapes import (
    ProfileList,
    ScanItem,
    ScanPage,
    ShownByPhone,
    WandShown,
    wand_shown,
)
from api.patrol.searched import Why, note_search
from core.db import Session
from core.errors import NotFound
from core.people import find_node
from core.places import Node
from rules.wording import worded
from workflows import patrol

router = APIRouter(tags=["patrol"])
Reader = Annotated[Asked, Depends(Permission(patrol.READ))]
Guard = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Writer = Annotated[Asked, Depends(Permission(patrol.WRITE))]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE = {"required": True, "content": {XLSX: _BINARY, "text/csv": _BINARY}}


@router.get("/scans", response_model=ScanPage, summary="List scans")
def get_scans(
    asked: Reader,
    site: UUID | None = None,
    checkpoint: UUID | None = None,
    person: UUID | None = None,
    why: Why = None,
    verdict: Annotated[
        str, Query(max_length=20, description="accepted, refused, one reason, or all.")
    ] = patrol.ACCEPTED,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The last first, by the scanner's clock.

    Whose they are, and what was refused, you see of your own scans and where you hold
    `scans.read`.
    """
    note_search(asked, "scans", person, why, site=site, since=since, until=until)
    wanted = patrol.ScanFilter(site, checkpoint, person, verdict, since, until)
    with asked.parts.database.read() as session:
        page = patrol.list_scans(session, asked.caller, wanted, wish(limit, cursor, *patrol.KEY))
    return page_answer(page)


@router.get("/scans/{scan_id}", response_model=ScanItem, summary="Read a scan")
def get_scan(asked: Reader, scan_id: UUID) -> Response:
    """As the list shows it."""
    with asked.parts.database.read() as session:
        return answer(patrol.describe_scan(session, asked.caller, scan_id))


@router.post(
    "/scans", response_model=ScanItem, summary="Present a scan", responses=may_answer(404, 409)
)
def post_scan(asked: Guard, body: ShownByPhone) -> Response:
    """What your own phone read. `verdict` says whether it counts; a refused one is kept as well.

    A position without your consent (`no_consent`) or outside of your duty (`off_duty`) is kept
    nowhere: neither that it was sent nor where that was.

    Send it again with the same id as often as you like. Readers, gateways and wands don't speak
    here: what they say would prove nothing coming from a phone.
    """
    if body.site_id is not None:
        asked.caller.require(patrol.SCAN, body.site_id)
    with asked.parts.database.write() as session:
        presented = body.presented(asked.person)
        row = patrol.present(session, presented, vault=asked.parts.vault, now=asked.now)
        if row.site_id not in asked.caller.sites_for(patrol.SCAN):
            # Raised within the transaction, which takes back what it used up.
            raise NotFound(
                worded("nobody knows where this is"),
                advice=worded("Choose the site, then scan again."),
            )
        if not patrol.is_kept(row):
            return answer(patrol.describe_unkept(row))
        return answer(patrol.describe_scan(session, asked.caller, row.id))


@router.get("/wand-profiles", response_model=ProfileList, summary="List exports that can be read")
def get_wand_profiles(asked: Reader) -> Response:
    """Each with the headings that it knows."""
    del asked
    items = [
        {
            "code": code,
            "name": dict(profile.name),
            "headings": {name: list(words) for name, words in profile.headings.items()},
            "zone": profile.zone,
        }
        for code, profile in patrol.profiles().items()
    ]
    return answer({"items": items})


async def _content(asked: Writer, request: Request) -> bytes:
    # A dependency of the permission: a large body is read only of those who may send it.
    del asked
    return await request.body()


@router.post(
    "/scans/wand",
    response_model=WandShown,
    summary="Import what a patrol wand exported",
    openapi_extra={"requestBody": _FILE},
    responses=may_answer(404),
)
def post_scans_wand(
    asked: Writer,
    content: Annotated[bytes, Depends(_content)],
    site: UUID,
    profile: Annotated[str, Query(max_length=40, description="See GET /wand-profiles.")],
    filename: Annotated[str, Query(max_length=200)] = "file.xlsx",
    apply: Annotated[bool, Query(description="Otherwise only shows what it would do.")] = False,
    skip_wrong: Annotated[bool, Query(description="Leave wrong lines out.")] = False,
) -> Response:
    """The body is the file itself, .xlsx or CSV, of at most 20,000 lines. Shows every wrong line.

    Applying refuses a file with wrong lines (422), unless `skip_wrong`. The same file again changes
    nothing.
    """
    asked.caller.require(patrol.WRITE, site)
    vault, now = asked.parts.vault, asked.now
    if not apply:
        with asked.parts.database.read() as session:
            file = patrol.WandFile(content, filename, _site(session, asked, site))
            plan = patrol.plan_wand(session, file, profile, vault=vault, now=now)
            return answer(wand_shown(plan, applied=False))
    with asked.parts.database.write() as session:
        file = patrol.WandFile(content, filename, _site(session, asked, site))
        plan = patrol.import_wand(
            session,
            file,
            profile,
            vault=vault,
            actor=asked.actor,
            now=now,
            skip_wrong=skip_wrong,
        )
        return answer(wand_shown(plan, applied=True))


def _site(session: Session, asked: Asked, site_id: UUID) -> Node:
    return find_node(session, asked.caller, patrol.WRITE, site_id)
