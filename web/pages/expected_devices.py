"""Devices that are to come: announced by labels or a sheet, looked at first, and dropped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, TypeAdapter, ValidationError

from core.db import Session
from core.errors import Invalid
from core.expected_devices import (
    MOST_AT_ONCE,
    Announced,
    announced_keys,
    drop_expected,
    expect,
    faults_of,
    key_of,
)
from core.places import Space
from core.profiles.own import load_profiles
from rules.wording import Message, worded
from web.device_sheets import Line, lines_of_labels, lines_of_sheet
from web.languages import mark
from web.page_route import PageRoute
from web.pages.planned_work import chosen_site, sites_with
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows.alarms.planning import choices_at

WRITE = "devices.write"
SECTION = "devices"


class Given(BaseModel):
    """An announcement that was looked at, as the preview sends it back."""

    code: str
    name: dict[str, str]
    space_id: UUID | None
    profile: str | None


_GIVEN = TypeAdapter(list[Given])


@dataclass(frozen=True, slots=True)
class Row:
    """A device as the preview shows it. again: it is announced already, and told anew."""

    line: Line
    key: str
    name: str
    place: str
    profile: str
    again: bool
    faults: Sequence[Message]


@dataclass(frozen=True, slots=True)
class ListForm:
    """What the form of announcements says. content: of the sheet, "" without one."""

    site: UUID
    lines: str
    space: str
    profile: str
    content: bytes
    filename: str

    def read(self, session: Session) -> list[Line]:
        """Its lines: labels first, then the sheet."""
        kind, place = self.profile or None, space_of(self.space)
        found = lines_of_labels(self.lines, space_id=place, profile=kind)
        if self.content:
            found += lines_of_sheet(
                self.content,
                self.filename,
                spaces=_by_name(choices_at(session, self.site)[1]),
                profiles=load_profiles(session),
                space_id=place,
                profile=kind,
            )
        return found


def space_of(text: str) -> UUID | None:
    """The place that a form names; None for none. Invalid for what is no place."""
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Invalid(
            worded(mark("nothing was changed")), problems=[worded(mark("space: choose one"))]
        ) from None


def _by_name(spaces: list[Space]) -> Mapping[str, UUID]:
    names = {name.casefold(): one.id for one in spaces for name in one.name.values() if name}
    return names | {one.code.casefold(): one.id for one in spaces}


def _filled(
    site: Annotated[UUID, Form()],
    lines: Annotated[str, Form()] = "",
    space: Annotated[str, Form()] = "",
    profile: Annotated[str, Form()] = "",
    sheet: Annotated[UploadFile | None, File()] = None,
) -> ListForm:
    content = sheet.file.read() if sheet else b""
    name = (sheet.filename if sheet else None) or "devices.csv"
    return ListForm(site, lines, space, profile, content, name)


Filled = Annotated[ListForm, Depends(_filled)]


def router(templates: Templates) -> APIRouter:
    """The routes of devices that are to come."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/devices/expected/preview")
    def preview(visit: SignedInVisit, form: Filled) -> Response:
        visit.caller.require(WRITE, form.site)
        local, context = _preview(visit, form)
        return templates.page("devices/announce.html", local, section=SECTION, **context)

    @routes.post("/devices/expected")
    def announce(
        visit: SignedInVisit, form: Filled, given: Annotated[str, Form()] = ""
    ) -> Response:
        visit.caller.require(WRITE, form.site)
        with visit.parts.database.write() as session:
            read = form.read(session)
            _require_sound(read)
            found = [one.announced for one in read] + _given(given)
            expect(session, visit.caller, form.site, found, now=visit.parts.clock.now())
        return RedirectResponse(f"/devices/waiting?site={form.site}#expected", status_code=303)

    @routes.post("/devices/expected/{expected_id}/drop")
    def drop(expected_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            row = drop_expected(session, visit.caller, expected_id, now=now)
            site_id = row.site_id
        return RedirectResponse(f"/devices/waiting?site={site_id}#expected", status_code=303)

    return routes


def _require_sound(lines: Sequence[Line]) -> None:
    """Invalid where a cell names nothing that we know: with every one, by its line."""
    problems = [
        worded(mark("line %(number)s: %(problem)s"), number=one.number, problem=fault)
        for one in lines
        for fault in one.faults
    ]
    if problems:
        raise Invalid(worded(mark("no device was announced")), problems=problems)


def _given(text: str) -> list[Announced]:
    if not text:
        return []
    try:
        read = _GIVEN.validate_json(text)
    except ValidationError:
        problem = worded(mark("the list came back in pieces: hand it in again"))
        raise Invalid(worded(mark("no device was announced")), problems=[problem]) from None
    return [Announced(one.code, one.name, one.space_id, one.profile) for one in read]


def _preview(visit: Visit, form: ListForm) -> tuple[Visit, dict[str, Any]]:
    """What would be announced, line by line, and what keeps it from being."""
    with visit.parts.database.read() as session:
        site = chosen_site(sites_with(session, visit, WRITE), form.site)
        local = visit.at(site.time_zone)
        lines = form.read(session)
        rows = _rows(session, local, form.site, lines)
    wrong = [row for row in rows if row.faults]
    given = [
        Given(code=one.code, name=dict(one.name), space_id=one.space_id, profile=one.profile)
        for one in (line.announced for line in lines)
    ]
    return local, {
        "site": site,
        "rows": [row for row in rows if not row.faults],
        "wrong": wrong,
        "again": sum(row.again for row in rows if not row.faults),
        "most": MOST_AT_ONCE,
        "sound": not wrong and 1 <= len(rows) <= MOST_AT_ONCE,
        "total": len(rows),
        "given": _GIVEN.dump_json(given).decode() if not wrong else "",
    }


def _rows(session: Session, visit: Visit, site_id: UUID, lines: Sequence[Line]) -> list[Row]:
    reader, profiles = visit.reader, load_profiles(session)
    places = {one.id: reader.text(one.name) or one.code for one in choices_at(session, site_id)[1]}
    standing = announced_keys(session, site_id)
    faults: dict[int, list[Message]] = {
        number: list(line.faults) for number, line in enumerate(lines)
    }
    for fault in faults_of(session, site_id, [line.announced for line in lines]):
        text = fault.text
        if fault.same_as is not None:
            text = worded(
                mark("the same device as line %(number)s"), number=lines[fault.same_as].number
            )
        faults[fault.number].append(text)
    rows = []
    for number, line in enumerate(lines):
        one = line.announced
        key = key_of(one.code)
        known = profiles.get(one.profile or "")
        rows.append(
            Row(
                line,
                key,
                reader.text(one.name),
                places.get(one.space_id, "") if one.space_id else "",
                known.name.get(reader.language) if known else "",
                key in standing,
                faults[number],
            )
        )
    return rows
