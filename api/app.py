"""The API's application: every router, with errors, guards and the description of it all."""

from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI

from api import (
    alarm_load,
    alarms,
    assets,
    categories,
    companies,
    device_health,
    device_identities,
    devices,
    errors,
    health,
    home_invitations,
    households,
    http_ingest,
    imports,
    incidents,
    laboratory,
    mappings,
    me,
    onboarding,
    patrol,
    people,
    planned_work,
    points,
    quarantine,
    reference,
    rule_drafts,
    rule_shadows,
    rules,
    search,
    service,
    shift_codes,
    sites,
    source_keys,
    sources,
    sticker_problems,
    stickers,
    teams,
    templates,
    ticket_views,
    tickets,
    tree,
    walk_tests,
    withholdings,
)
from api.answers import BASE
from api.context import Parts
from api.directory import Directory
from api.guards import BodyLimit, Guard
from api.languages import in_english
from api.renewal import Renewal
from core.callers import Callers
from core.pictures import LARGEST_PICTURE
from core.voice import LARGEST_VOICE
from workflows.intake import LARGEST_FILE as LARGEST_SPREADSHEET

BODY_LIMIT = 1024 * 1024
# One line a noun.
ROUTERS: tuple[APIRouter, ...] = (
    # First, because it is asked most and every router before it is asked in vain.
    tickets.router,
    tree.router,
    sites.router,
    assets.router,
    households.router,
    home_invitations.router,
    devices.router,
    device_identities.router,
    device_health.router,
    sources.router,
    source_keys.router,
    mappings.router,
    http_ingest.router,
    points.router,
    alarms.router,
    withholdings.router,
    onboarding.router,
    planned_work.router,
    walk_tests.router,
    incidents.router,
    quarantine.router,
    laboratory.router,
    rules.router,
    rule_drafts.router,
    rule_shadows.router,
    search.router,
    service.router,
    teams.router,
    categories.router,
    companies.router,
    shift_codes.router,
    sticker_problems.router,
    templates.router,
    ticket_views.router,
    stickers.router,
    alarm_load.router,
    me.router,
    patrol.router,
    people.router,
    imports.router,
    reference.router,
)


class Application(FastAPI):
    """FastAPI with our reference in place of its own."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made at its first use."""
        if self.openapi_schema is None:
            self.openapi_schema = reference.describe(self)
        return self.openapi_schema


@cache
def _routes() -> tuple[Directory, Directory]:
    """Every route, which holds nothing of the product that answers.

    Shared by all applications of a process: FastAPI prepares a route at the first request, anew
    for each application that includes it.
    """
    probes = APIRouter(generate_unique_id_function=reference.operation_id)
    probes.include_router(health.router)
    together = APIRouter(generate_unique_id_function=reference.operation_id)
    for router in ROUTERS:
        together.include_router(router, prefix=BASE)
    return Directory(probes.routes), Directory(together.routes, BASE)


def create_app(parts: Parts) -> FastAPI:
    """The API over the parts of a product that runs.

    Readiness shows what `parts.health` knows; whoever composes the parts lets them report there.
    """
    app = Application(
        title="Watchkeeper",
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=reference.operation_id,
    )
    app.state.parts = parts
    app.state.translators = in_english
    # By which whoever adds pages lets them be found as well.
    app.state.directory = Directory
    app.state.callers = Callers(
        parts.database, parts.clock, factor_rule=parts.settings.require_second_factor
    )
    errors.install(app)
    larger = {
        f"{BASE}/site-files": sites.LARGEST_FILE,
        # The form of a page around the photo needs a little room, too.
        rf"({BASE})?/tickets/[^/]+/photos|/tickets/[^/]+/checklist/[^/]+/photo"
        r"|/tickets/[^/]+/fire-alarm/(clear|stand-down)"
        rf"|({BASE})?/walk-tests/[^/]+/sensors/[^/]+/tick": LARGEST_PICTURE + 64 * 1024,
        rf"{BASE}/tickets/[^/]+/voices|/tickets/[^/]+/notes": LARGEST_VOICE + 64 * 1024,
        # What people outside send, and who opens a ticket: photos and words.
        r"/s/[^/]+|/home/report|/(c|jobs)/[^/]+/done|/new-ticket": LARGEST_PICTURE
        + LARGEST_VOICE
        + 64 * 1024,
        r"/control-room/[^/]+/plan": LARGEST_PICTURE + 64 * 1024,
        rf"({BASE})?/imports|{BASE}/import-plans|{BASE}/scans/wand"
        r"|/wand-exports|/devices/expected(/preview)?": LARGEST_SPREADSHEET + 64 * 1024,
    }
    app.add_middleware(BodyLimit, limit=BODY_LIMIT, exceptions=larger)
    app.add_middleware(Renewal)
    # Added last, so it stands outermost and sees every answer.
    app.add_middleware(Guard)
    app.routes.extend(_routes())
    return app
