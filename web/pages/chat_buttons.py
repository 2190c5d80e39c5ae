"""Where WeCom and DingTalk post that somebody pressed the button of a message."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from api.context import Parts
from api.deps import parts_of
from core.channels.pressing import DingTalkCallback, WeComCallback
from core.errors import Invalid, NotFound
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.presses import take

# The largest event is below 2 KB.
LARGEST = 64 * 1024


async def _body(request: Request) -> bytes:
    taken = b""
    async for piece in request.stream():
        taken += piece
        if len(taken) > LARGEST:
            raise Invalid(
                worded(mark("this is no event of a chat app")),
                problems=[worded(mark("body: too large"))],
            )
    return taken


RawBody = Annotated[bytes, Depends(_body)]


def _wecom(parts: Parts) -> WeComCallback:
    settings = parts.settings
    if not settings.wecom_token:
        raise NotFound(
            worded(mark("there is no such page")), advice=worded(mark("Start from the live page."))
        )
    return WeComCallback(settings.wecom_corp, settings.wecom_token, settings.wecom_aes_key)


def router() -> APIRouter:
    """The routes of presses; their signatures are what opens them."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.get("/n/wecom")
    def shake_hands(
        request: Request,
        msg_signature: str = "",
        timestamp: str = "",
        nonce: str = "",
        echostr: str = "",
    ) -> Response:
        parts = parts_of(request)
        now = parts.clock.now()
        said = _wecom(parts).open(msg_signature, timestamp, nonce, echostr, now=now)
        return PlainTextResponse(said)

    @routes.post("/n/wecom")
    def wecom(
        request: Request,
        body: RawBody,
        msg_signature: str = "",
        timestamp: str = "",
        nonce: str = "",
    ) -> Response:
        parts = parts_of(request)
        callback, now = _wecom(parts), parts.clock.now()
        text = body.decode("utf-8", "replace")
        pressed = callback.press(msg_signature, timestamp, nonce, text, now=now)
        if pressed is None:
            # Another event of the application, which asks for nothing.
            return Response()
        answer = callback.reply(pressed, take(parts.database, parts.clock, pressed), now=now)
        return Response(answer, media_type="application/xml")

    @routes.post("/n/dingtalk")
    def dingtalk(request: Request, body: RawBody) -> Response:
        parts = parts_of(request)
        if not parts.settings.dingtalk_card_secret:
            raise NotFound(
                worded(mark("there is no such page")),
                advice=worded(mark("Start from the live page.")),
            )
        callback = DingTalkCallback(parts.settings.dingtalk_card_secret)
        signature = request.headers.get("x-ddpaas-signature", "")
        stamp = request.headers.get("x-ddpaas-signature-timestamp", "")
        pressed = callback.press(signature, stamp, body, now=parts.clock.now())
        if pressed is None:
            return JSONResponse({})
        return JSONResponse(callback.reply(take(parts.database, parts.clock, pressed)))

    return routes
