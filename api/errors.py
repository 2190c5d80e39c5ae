"""Errors as programs read them: the error tree as problem documents of RFC 9457."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.languages import Translate, all_told, as_written, told, translator
from core.db import is_unavailable
from core.errors import Refused, Unavailable, WatchkeeperError
from core.idempotency import clash, is_clash

MEDIA_TYPE = "application/problem+json"
# Seconds after which it is worth while to try again what may work then.
RETRY_AFTER = 10
_log = structlog.get_logger(__name__)


class Problem(BaseModel):
    """A problem document of RFC 9457. advice says what to do; problems lists every finding."""

    type: str = Field(default="about:blank", description="about:blank: see the status.")
    title: str
    status: int
    detail: str
    advice: str = ""
    problems: list[str] = []


STATUSES: Mapping[int, str] = MappingProxyType(
    {
        400: "What was asked makes no sense as it stands.",
        401: "Nobody is known to be asking.",
        403: "You may not do this here.",
        404: "It does not exist, or you may not know that it does.",
        409: "The present status, or something that stands already, does not allow it.",
        412: "Somebody changed it since you read it.",
        413: "The body is too large.",
        422: "Some fields are wrong; `problems` lists all of them.",
        428: "An edit must name the version it was made from.",
        429: "That was tried too often; `until` says when to try again.",
        503: "A part that is needed is away; try again later.",
    }
)


def may_answer(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How a route documents the errors it may answer."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": STATUSES[status], "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


class NeedsVersion(Refused):
    """An edit must name the version it was made from."""

    status = 428
    title = "Precondition required"


def problem(
    status: int,
    title: str,
    detail: str,
    *,
    advice: str = "",
    problems: Sequence[str] = (),
    members: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """A problem document as an answer. members: its extension members."""
    document = Problem(
        title=title, status=status, detail=detail, advice=advice, problems=list(problems)
    )
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    if status in (429, 503):
        headers["Retry-After"] = str(RETRY_AFTER)
    body = orjson.dumps({**document.model_dump(), **members})
    return Response(body, status, headers, MEDIA_TYPE)


def of_error(error: WatchkeeperError, translate: Translate = as_written) -> Response:
    """The answer that an error of the tree stands for; what is our fault shows no internals."""
    if error.status >= 500 and not isinstance(error, Unavailable):
        return unexpected()
    return problem(
        error.status,
        error.title,
        told(error.detail, translate),
        advice=told(error.advice, translate),
        problems=all_told(getattr(error, "problems", ()), translate),
        members=error.members,
    )


def unexpected() -> Response:
    """The answer to what should not have happened."""
    return problem(
        500,
        WatchkeeperError.title,
        "something went wrong on our side",
        advice="Try again; if it stays, the log of the product says why.",
    )


def database_away() -> Response:
    """The answer while the database does not answer us."""
    return problem(
        503, Unavailable.title, "the database does not answer", advice="Try again in a moment."
    )


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, WatchkeeperError)
    if error.status >= 500 and not isinstance(error, Unavailable):
        _log.error("request failed", exc_info=error)
    return of_error(error, translator(request))


async def _on_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = [f"{_place(item['loc'])}: {item['msg']}" for item in error.errors()]
    return problem(
        422,
        "Invalid input",
        "the request is not usable",
        advice="Correct what `problems` lists.",
        problems=problems,
    )


def _place(location: Sequence[Any]) -> str:
    # "body" and "query" say less than the field; alone they must do.
    named = [str(part) for part in location[1:]] or [str(part) for part in location]
    return ".".join(named)


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != title else title.lower()
    answer = problem(error.status_code, title, detail)
    answer.headers.update(error.headers or {})
    return answer


def install(app: FastAPI) -> None:
    """Let every error of `app` leave as a problem document."""
    app.add_exception_handler(WatchkeeperError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_middleware(LastCatch)


class LastCatch:
    """The edge: what nothing else caught is logged and answered without internals."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer for it if it fails before it has begun to answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if started:
                raise
            await self._answer(error)(scope, receive, send)

    def _answer(self, error: Exception) -> Response:
        if is_unavailable(error):
            _log.warning("the database does not answer", error=type(error).__name__)
            return database_away()
        if is_clash(error):
            _log.info("two made the same thing at once")
            return of_error(clash())
        _log.error("request failed", exc_info=error)
        return unexpected()
