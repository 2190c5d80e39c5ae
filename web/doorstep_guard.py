"""Nobody works by a clock that can't be right, and a new installation leads to its first page."""

from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.doorstep import Doorstep

# What answers all the same: the page that sets the clock, what it is drawn with, and health.
_ALWAYS = ("/clock", "/static/", "/healthz", "/readyz", "/metrics")
_BEGINNING = ("/", "/sign-in")


class DoorstepGuard:
    """Stands before the whole application."""

    def __init__(self, app: ASGIApp, doorstep: Doorstep) -> None:
        self._app = app
        self._doorstep = doorstep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or say what has to be settled first."""
        answer = self._instead(scope["path"]) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _instead(self, path: str) -> ASGIApp | None:
        if self._doorstep.state.doubt is not None and not path.startswith(_ALWAYS):
            return self._away() if path.startswith("/api/") else _to("/clock")
        if self._doorstep.state.is_new and path in _BEGINNING:
            return _to("/first-boot")
        return None

    def _away(self) -> ASGIApp:
        document = {
            "title": "Unavailable",
            "status": 503,
            "detail": f"the clock of this machine can't be right: {self._doorstep.state.doubt}",
            "advice": "Open /clock with a browser and set it.",
        }
        return JSONResponse(document, 503, media_type="application/problem+json")


def _to(path: str) -> ASGIApp:
    return RedirectResponse(path, status_code=303, headers={"Cache-Control": "no-store"})
