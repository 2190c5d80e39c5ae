"""What people do in a control room: accept what sounds, test the sound, mute it for minutes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from core.errors import Invalid
from rules.wording import worded
from web.languages import mark
from web.page_route import is_fragment
from web.pages.control_room.room import ACT
from web.templating import Templates
from web.visit import SignedInVisit, Visit
from workflows import control_room, overview
from workflows.alarms import accept_alarm, accept_ticket
from workflows.alarms.reading import find_alarm
from workflows.tickets import Step
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require

CAME = {
    "accepted": mark("Accepted; the ticket is yours: %(alarm)s"),
    "seen": mark("Acknowledged: %(alarm)s"),
}
HEARD = {
    "yes": mark("On record: you heard the sound."),
    "no": mark("On record: you did not hear the sound."),
}
NOT_HEARD = mark(
    "Check the loudspeaker, its plug and the volume of the computer, then test again. Until you "
    "hear it, watch the screen."
)


def add_to(routes: APIRouter, templates: Templates) -> None:
    """Add the routes."""
    _add_accepting(routes, templates)
    _add_sound(routes, templates)


def _done(request: Request, panel: str, notice: Response | None = None) -> Response:
    """What came of it, nothing where a part of the page shows it, which is fetched at once."""
    if not is_fragment(request):
        return RedirectResponse("/control-room", status_code=303)
    answer = notice or HTMLResponse("")
    answer.headers["HX-Trigger"] = f"wk:{panel}"
    return answer


def _notice(templates: Templates, visit: Visit, text: str, advice: str = "") -> Response:
    return templates.page(
        "notice.html", visit, title=text, detail="", advice=advice, problems=(), good=not advice
    )


def _add_accepting(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/control-room/alarms/{alarm_id}/accept")
    def accept_sounding(alarm_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        with visit.parts.database.write() as session:
            alarm = find_alarm(session, visit.caller, alarm_id)
            came = accept_alarm(session, visit.caller, alarm, now=visit.parts.clock.now())
            title = visit.reader.text(alarm.title)
        text = visit.reader.translate(CAME[came], alarm=title)
        return _done(request, "alarms", _notice(templates, visit, text))

    @routes.post("/control-room/tickets/{number}/accept")
    def accept_call(number: int, visit: SignedInVisit, request: Request) -> Response:
        with visit.parts.database.write() as session:
            found = overview.find_ticket_number(session, visit.caller, number)
            require(visit.caller, "tickets.work", found.thing)
            ticket = find_ticket(session, visit.caller, found.thing.id, to_change=True)
            accept_ticket(
                session,
                ticket,
                Step("accept"),
                person=visit.caller.person_id,
                now=visit.parts.clock.now(),
            )
            title = visit.reader.text(ticket.title)
        text = visit.reader.translate(CAME["accepted"], alarm=title)
        return _done(request, "alarms", _notice(templates, visit, text))


def _add_sound(routes: APIRouter, templates: Templates) -> None:
    @routes.post("/control-room/{site_id}/mute")
    def mute(
        site_id: UUID, visit: SignedInVisit, request: Request, minutes: Annotated[str, Form()] = ""
    ) -> Response:
        visit.caller.require(ACT, site_id)
        if not minutes.isascii() or not minutes.isdecimal() or len(minutes) > 3:
            raise Invalid(
                worded(mark("the sound stays on")), problems=[worded(mark("minutes: 1 to 10"))]
            )
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            control_room.mute(session, visit.caller, site_id, int(minutes), now=now)
        return _done(request, "sound")

    @routes.post("/control-room/{site_id}/unmute")
    def unmute(site_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        with visit.parts.database.write() as session:
            control_room.unmute(session, visit.caller, site_id, now=visit.parts.clock.now())
        return _done(request, "sound")

    @routes.post("/control-room/{site_id}/sound-test")
    def record_test(
        site_id: UUID, visit: SignedInVisit, request: Request, heard: Annotated[str, Form()] = ""
    ) -> Response:
        visit.caller.require(ACT, site_id)
        if heard not in HEARD:
            raise Invalid(
                worded(mark("nothing was recorded")), problems=[worded(mark("heard: yes or no"))]
            )
        now = visit.parts.clock.now()
        with visit.parts.database.write() as session:
            control_room.record_test(session, visit.caller, site_id, heard=heard == "yes", now=now)
        advice = visit.reader.translate(NOT_HEARD) if heard == "no" else ""
        text = visit.reader.translate(HEARD[heard])
        return _done(request, "sound", _notice(templates, visit, text, advice))
