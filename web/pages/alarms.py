"""What people do with alarms from a page."""

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from web.languages import mark
from web.page_route import PageRoute, is_fragment
from web.templating import Templates
from web.visit import SignedInVisit
from workflows.alarms import acknowledge
from workflows.alarms.reading import find_alarm

ACKNOWLEDGED = mark("Acknowledged: %(alarm)s")


def router(templates: Templates) -> APIRouter:
    """The routes of alarms."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/alarms/{alarm_id}/acknowledge")
    def acknowledge_alarm(alarm_id: UUID, visit: SignedInVisit, request: Request) -> Response:
        with visit.parts.database.write() as session:
            alarm = find_alarm(session, visit.caller, alarm_id, to_change=True)
            visit.caller.require("alarms.act", alarm.site_id)
            acknowledge(session, alarm, person=visit.caller.person_id, now=visit.parts.clock.now())
        if not is_fragment(request):
            return RedirectResponse("/", status_code=303)
        return templates.page(
            "notice.html",
            visit,
            title=visit.reader.translate(ACKNOWLEDGED, alarm=visit.reader.text(alarm.title)),
            detail="",
            advice="",
            problems=(),
            good=True,
        )

    return routes
