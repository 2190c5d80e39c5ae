"""The mapping editor: written beside a message, tried as it is written, put into force."""

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.db import Session
from core.devices import Source
from core.errors import Invalid
from core.events import Actor
from core.mapping_sketch import sketch
from core.mapping_trial import (
    Trial,
    draft_of_text,
    find_waiting,
    save_mapping,
    still_waiting,
    try_draft,
    waiting_on,
    zone_of,
)
from core.mapping_versions import OPTION, versions_of
from core.mappings import as_yaml
from core.quarantine import Quarantined, bodies_of
from core.register import find
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.sources import SECTION, WRITE, one_view
from web.templating import Templates
from web.visit import SignedInVisit, Visit

SHOWN = 20
LONGEST = 8_000
BYTES_A_LINE = 8
# After this long it is said what waits still, whether or not everything was looked at.
PATIENCE = 15


class EditorForm(BaseModel):
    """What stands in the editor. how: whether the message is text or hexadecimal."""

    text: str = ""
    topic: str = ""
    message: str = ""
    how: str = "text"

    def payload(self) -> bytes | None:
        """The bytes of the message; None where they can't be read."""
        if self.how != "hex":
            # A form sends line ends of its own.
            return self.message.replace("\r\n", "\n").encode("utf-8", "replace")
        try:
            return binascii.unhexlify("".join(self.message.split()))
        except (ValueError, binascii.Error):
            return None


@dataclass(frozen=True, slots=True)
class Sample:
    """A message to try on."""

    topic: str
    message: str
    how: str


@dataclass(frozen=True, slots=True)
class Byte:
    """A byte in the hexadecimal view. of: what stands there; begins: at this byte."""

    text: str
    of: str = ""
    begins: bool = False


def sample_of(topic: str, body: bytes) -> Sample:
    """A message as the editor shows it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if body and (not text or not text.replace("\n", "").replace("\r", "").isprintable()):
        return Sample(topic, body[:LONGEST].hex(" "), "hex")
    return Sample(topic, text[: 4 * LONGEST], "text")


def _sample(session: Session, visit: Visit, source: Source, row_id: UUID | None) -> Sample:
    """The newest message of a row, or of the newest row that waits; else an empty one."""
    row = find_waiting(session, visit.caller, source, row_id) if row_id else None
    rows = [row] if row else waiting_on(session, visit.caller, source)[:1]
    bodies = bodies_of(session, [each.id for each in rows])
    if bodies:
        return sample_of(bodies[-1].topic, bodies[-1].body)
    topic = source.topic_filter.replace("#", "x").replace("+", "x")
    return Sample(topic, "", "text")


def _begin(source: Source, sample: Sample) -> str:
    """What stands in the editor at first."""
    document = source.options.get(OPTION)
    if document is None:
        payload = EditorForm(message=sample.message, how=sample.how).payload()
        document = sketch(sample.topic, payload or b"{}")
    return as_yaml(document)


def _tried(visit: Visit, source_id: UUID, form: EditorForm) -> dict[str, Any]:
    with visit.parts.database.read() as session:
        source = find(session, visit.caller, Source, source_id)
        visit.caller.require(WRITE, source.site_id)
        where = zone_of(session, source)
    return shown_trial(form, try_draft(draft_of_text(form.text), form.topic, _or(form), where))


def _or(form: EditorForm) -> bytes:
    payload = form.payload()
    return b"" if payload is None else payload


def shown_trial(form: EditorForm, trial: Trial) -> dict[str, Any]:
    """What the page shows of a trial."""
    draft = trial.draft
    return {
        "faults": [(fault, draft.line(fault)) for fault in draft.faults],
        "unreadable": form.payload() is None,
        "empty": not form.message.strip(),
        "trial": trial,
        "told": [line for line in trial.trace.lines if line.found or line.problem],
        "missing": [line for line in trial.trace.lines if not line.found and not line.problem],
        "bytes": hex_lines(trial),
    }


def hex_lines(trial: Trial) -> Sequence[tuple[int, Sequence[Byte]]]:
    """The bytes of a message line by line, with what the mapping reads there."""
    data = trial.trace.data
    if data is None:
        return ()
    at: dict[int, tuple[str, bool]] = {}
    for line in trial.trace.lines:
        if line.span is not None:
            for place in range(*line.span):
                at.setdefault(place, (line.key or line.where, place == line.span[0]))
    data = data[:1024]
    cells = [Byte(f"{byte:02X}", *at.get(place, ("", False))) for place, byte in enumerate(data)]
    return [(n, cells[n : n + BYTES_A_LINE]) for n in range(0, len(cells), BYTES_A_LINE)]


def _editor(visit: Visit, source_id: UUID, row: UUID | None) -> dict[str, Any]:
    view = one_view(visit, source_id)
    visit.caller.require(WRITE, view.source.site_id)
    with visit.parts.database.read() as session:
        source = find(session, visit.caller, Source, source_id)
        sample = _sample(session, visit, source, row)
        rows: list[Quarantined] = waiting_on(session, visit.caller, source)[:SHOWN]
        versions = versions_of(session, source_id, SHOWN)
    form = EditorForm(
        text=_begin(source, sample), topic=sample.topic, message=sample.message, how=sample.how
    )
    return {
        "view": view,
        "form": form,
        "rows": rows,
        "row": row,
        "versions": versions,
        "as_yaml": as_yaml,
        "fresh": source.options.get(OPTION) is None,
        **_tried(visit, source_id, form),
    }


def router(templates: Templates) -> APIRouter:
    """The routes of the editor."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/sources/{source_id}/mapping")
    def show(
        source_id: UUID,
        visit: SignedInVisit,
        row: UUID | None = None,
        asked: int | None = None,
        at: datetime | None = None,
    ) -> Response:
        context = _editor(visit, source_id, row)
        local = visit.at(context["view"].site.time_zone)
        progress = _progress(visit, source_id, asked, at) if asked is not None and at else {}
        context = {"asked": None, **context, **progress}
        return templates.page("sources/mapping.html", local, section=SECTION, **context)

    @routes.post("/sources/{source_id}/mapping/try")
    def trial(
        source_id: UUID, visit: SignedInVisit, form: Annotated[EditorForm, Form()]
    ) -> Response:
        context = _tried(visit, source_id, form)
        return templates.page("sources/tried.html", visit, **context)

    @routes.post("/sources/{source_id}/mapping")
    def save(
        source_id: UUID, visit: SignedInVisit, form: Annotated[EditorForm, Form()]
    ) -> Response:
        asked, now = _save(visit, source_id, form)
        moment = now.isoformat().replace("+00:00", "Z")
        address = f"/sources/{source_id}/mapping?asked={asked}&at={moment}"
        return RedirectResponse(address, status_code=303)

    @routes.get("/sources/{source_id}/mapping/replayed")
    def replayed(source_id: UUID, visit: SignedInVisit, asked: int, at: datetime) -> Response:
        context = _progress(visit, source_id, asked, at)
        return templates.page("sources/replayed.html", visit, **context)

    return routes


def _save(visit: Visit, source_id: UUID, form: EditorForm) -> tuple[int, datetime]:
    draft = draft_of_text(form.text)
    now = visit.parts.clock.now()
    with visit.parts.database.write() as session:
        source = find(session, visit.caller, Source, source_id, to_change=True)
        visit.caller.require(WRITE, source.site_id)
        if draft.mapping is None:
            problems = [fault.text for fault in draft.faults]
            raise Invalid(worded(mark("the mapping was not saved")), problems=problems)
        actor = Actor.person(visit.caller.person_id)
        asked = save_mapping(session, visit.caller, source, draft.document, actor=actor, now=now)
    return asked, now


def _progress(visit: Visit, source_id: UUID, asked: int, at: datetime) -> dict[str, Any]:
    """Of what was asked for, what was taken in and what waits still."""
    with visit.parts.database.read() as session:
        source = find(session, visit.caller, Source, source_id)
        still = still_waiting(session, visit.caller, source, until=at)
    left = min(sum(still.values()), asked)
    waited = (visit.parts.clock.now() - at).total_seconds()
    return {
        "source_id": source_id,
        "asked": asked,
        "at": at.isoformat().replace("+00:00", "Z"),
        "taken": asked - left,
        "still": still,
        "goes_on": bool(left) and waited < PATIENCE,
    }
