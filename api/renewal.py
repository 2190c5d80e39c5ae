"""Renews the secret of a browser's session with the answer to any of its requests."""

from typing import cast

import structlog
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.deps import set_session_cookie
from core.callers import Callers
from core.db import is_unavailable

_log = structlog.get_logger(__name__)


class Renewal:
    """Adds a new cookie to an answer where the session behind the request is due for one.

    Asked when the answer begins, not the request: what it changed may be what makes it due.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def renewing(message: Message) -> None:
            if message["type"] == "http.response.start" and "session" in state:
                fresh = await _renewed(scope, state["session"])
                if fresh is not None:
                    _add_cookie(scope, message, fresh)
            await send(message)

        await self._app(scope, receive, renewing)


async def _renewed(scope: Scope, secret: str) -> str | None:
    callers = cast(Callers, scope["app"].state.callers)
    if callers.is_fresh(secret):
        return None
    try:
        return await run_in_threadpool(callers.renewed, secret)
    except Exception as error:
        if not is_unavailable(error):
            raise
        # The old secret still holds; the next answer renews it.
        _log.warning("a session was not renewed", error=type(error).__name__)
        return None


def _add_cookie(scope: Scope, message: Message, secret: str) -> None:
    carrier = Response()
    set_session_cookie(carrier, secret, secure=scope["scheme"] == "https")
    MutableHeaders(scope=message).append("set-cookie", carrier.headers["set-cookie"])
