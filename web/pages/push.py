"""Pushes to one's own browsers: "tell me on this device", and what takes it back."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from core.channels.web_push import Vapid
from core.errors import NotFound
from core.push_devices import add_push_device, push_devices_of, remove_push_device
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute, is_secure
from web.visit import SignedInVisit, Visit

# Which device this browser is, so that signing out ends its pushes.
DEVICE_COOKIE = "wk_device"
A_YEAR = 365 * 24 * 3600
# As a person knows it: the browser by the most telling word of what it says, and where it runs.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"))
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")


def label_of(agent: str) -> str:
    """What kind of browser speaks, such as Chrome · Android."""
    browser = next((name for word, name in BROWSERS if word in agent), "")
    browser = browser or ("Safari" if "Safari/" in agent else "Browser")
    system = next((one for one in SYSTEMS if one in agent), "")
    return f"{browser} · {system}" if system else browser


def router() -> APIRouter:
    """The routes of pushes."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/account/push")
    def add(
        visit: SignedInVisit,
        request: Request,
        endpoint: Annotated[str, Form()] = "",
        p256dh: Annotated[str, Form()] = "",
        auth: Annotated[str, Form()] = "",
    ) -> Response:
        parts = visit.parts
        if not parts.settings.push_contact:
            raise NotFound(worded(mark("this installation sends no pushes")))
        with parts.database.write() as session:
            device = add_push_device(
                session,
                parts.vault,
                visit.caller.person_id,
                (endpoint, p256dh, auth),
                label=label_of(request.headers.get("user-agent", "")),
                services=parts.settings.push_services,
                now=parts.clock.now(),
            )
        answer = RedirectResponse("/account?done=push", status_code=303)
        answer.set_cookie(
            DEVICE_COOKIE,
            str(device),
            max_age=A_YEAR,
            httponly=True,
            samesite="lax",
            secure=is_secure(request),
        )
        return answer

    @routes.post("/account/push/{device_id}/remove")
    def remove(device_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            remove_push_device(session, visit.caller.person_id, device_id, now=now)
        return RedirectResponse("/account?done=push_removed", status_code=303)

    return routes


def pushing(visit: Visit, request: Request) -> dict[str, Any] | None:
    """What the account's page says of pushes; None where the installation sends none."""
    parts = visit.parts
    if not parts.settings.push_contact:
        return None
    with parts.database.read() as session:
        devices = push_devices_of(session, visit.caller.person_id)
    return {
        "key": Vapid(parts.vault, parts.settings.push_contact).public,
        "devices": devices,
        "here": request.cookies.get(DEVICE_COOKIE, ""),
    }


def forget_this_device(visit: Visit, request: Request, answer: Response) -> None:
    """Whoever signs out of a browser gets no pushes there any more."""
    try:
        device = UUID(request.cookies.get(DEVICE_COOKIE, ""))
    except ValueError:
        return
    answer.delete_cookie(DEVICE_COOKIE)
    try:
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            remove_push_device(session, visit.caller.person_id, device, now=now)
    except NotFound:
        # Removed from elsewhere, or another person's by now.
        return
