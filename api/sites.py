"""Site files over HTTP: a whole site imported from one document."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from api.answers import answer
from api.deps import Asked, Permission
from api.errors import may_answer
from core.errors import Invalid
from core.site_file import import_site, load_catalog, read_site_file
from workflows.patrol.rounds import remake_rounds_at

router = APIRouter(tags=["places"])
# A file of 33,000 devices has about 10 MB.
LARGEST_FILE = 32 * 1024 * 1024
Importer = Annotated[Asked, Depends(Permission("places.write", company_wide=True))]
_BODY = {"required": True, "content": {"application/yaml": {"schema": {"type": "string"}}}}


async def _document(asked: Importer, request: Request) -> bytes:
    # A dependency of the permission: a large body is read only of those who may send it.
    del asked
    return await request.body()


Document = Annotated[bytes, Depends(_document)]


class Imported(BaseModel):
    """What an import did, as counts by kind of thing.

    missing: what stands in the database and not in the file; it was kept. retired: devices of the
    file that somebody took out of service; they stay so. sites: their ids by code.
    """

    created: dict[str, int]
    changed: dict[str, int]
    unchanged: dict[str, int]
    missing: list[str]
    retired: list[str]
    sites: dict[str, UUID]


@router.post(
    "/site-files",
    response_model=Imported,
    summary="Import a site file",
    responses=may_answer(422),
    openapi_extra={"requestBody": _BODY},
)
def post_site_file(asked: Importer, document: Document) -> Response:
    """Creates and updates by code, deletes nothing; the same file again changes nothing.

    Where a site gets another time zone, rounds that have not opened yet are made anew by its clock.
    Every problem of the file comes at once, as file:line:column.
    """
    try:
        text = document.decode()
    except UnicodeDecodeError as error:
        raise Invalid("the file is not UTF-8", problems=[str(error)]) from None
    with asked.parts.database.read() as session:
        catalog = load_catalog(session)
    site_file = read_site_file(text, "site.yaml", catalog=catalog)
    with asked.parts.database.write() as session:
        report = import_site(session, site_file, actor=asked.actor, now=asked.now)
        remake_rounds_at(session, report.moved, actor=asked.actor, now=asked.now)
    content = {
        "created": report.created,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "missing": report.missing,
        "retired": report.retired,
        "sites": report.sites,
    }
    return answer(content)
