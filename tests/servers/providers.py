"""Providers of messages, each as its published API says: Aliyun, WeCom, DingTalk, a mail server."""

import base64
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler

from tests.servers import free_port

KEY_ID, KEY_SECRET = "LTAI-test", "s3cret"
CORP, CORP_SECRET = "ww-corp", "wecom-secret"
APP_KEY, APP_SECRET = "ding-key", "ding-secret"


@dataclass
class Providers:
    """What the providers were asked for, and what they are to refuse."""

    url: str = ""
    sms: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    wecom: list[dict[str, Any]] = field(default_factory=list)
    dingtalk: list[dict[str, Any]] = field(default_factory=list)
    hooks: list[dict[str, Any]] = field(default_factory=list)
    tokens: int = 0
    refuse: str = ""
    stale_once: bool = False

    cards: list[dict[str, Any]] = field(default_factory=list)
    callbacks: list[dict[str, Any]] = field(default_factory=list)
    card_token: str = ""

    def token(self, kind: str) -> str:
        """The token that is valid now."""
        return f"{kind}-{self.tokens}"

    def card_api(
        self, path: str, token: str, content: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """DingTalk's card_1.0 and its tokens; status and answer."""
        if path == "/v1.0/oauth2/accessToken":
            if content != {"appKey": APP_KEY, "appSecret": APP_SECRET}:
                return 400, {"code": "invalidClientIdOrSecret", "message": "no such client"}
            self.tokens += 1
            self.card_token = self.token("card")
            return 200, {"accessToken": self.card_token, "expireIn": 7200}
        if token != self.card_token or self.stale_once:
            self.stale_once = False
            return 400, {"code": "InvalidAuthentication", "message": "token expired"}
        if path == "/v1.0/card/callbacks/register":
            self.callbacks.append(content)
            return 200, {"success": True, "result": {"callbackUrl": content["callbackUrl"]}}
        if self.refuse:
            return 400, {"code": "Forbidden.AccessDenied", "message": "no privilege"}
        track = content["outTrackId"]
        if any(one["outTrackId"] == track for one in self.cards):
            return 400, {"code": "param.outTrackIdDuplicate", "message": "outTrackId"}
        known = not content["openSpaceId"].endswith(".nobody")
        if known:
            self.cards.append(content)
        delivered = {"spaceType": "IM_ROBOT", "success": known, "errorMsg": "" if known else "user"}
        return 200, {
            "success": True,
            "result": {"outTrackId": track, "deliverResults": [delivered]},
        }


def _is_signed(form: dict[str, str]) -> bool:
    """Whether Aliyun would take the signature, worked out from its description."""
    given = form.pop("Signature", "")
    pairs = sorted(form.items())
    query = "&".join(
        f"{quote(key, safe='-_.~')}={quote(value, safe='-_.~')}" for key, value in pairs
    )
    text = f"POST&%2F&{quote(query, safe='-_.~')}"
    wanted = hmac.new(f"{KEY_SECRET}&".encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(wanted).decode() == given


class _Handler(BaseHTTPRequestHandler):
    providers: Providers

    def log_message(self, *args: object) -> None:
        """Say nothing."""

    def _answer(self, content: object, status: int = 200) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Tokens."""
        parts = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        known = {
            "/cgi-bin/gettoken": asked == {"corpid": CORP, "corpsecret": CORP_SECRET},
            "/gettoken": asked == {"appkey": APP_KEY, "appsecret": APP_SECRET},
        }
        if not known.get(parts.path):
            self._answer({"errcode": 40001, "errmsg": "invalid credential"})
            return
        self.providers.tokens += 1
        kind = "wecom" if "cgi-bin" in parts.path else "dingtalk"
        token = self.providers.token(kind)
        self._answer({"errcode": 0, "access_token": token, "expires_in": 7200})

    def do_POST(self) -> None:
        """Messages."""
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        parts = urlsplit(self.path)
        if self.providers.refuse == "garbage":
            self.send_response(502)
            self.end_headers()
            return
        if parts.path == "/":
            form = {k: v[0] for k, v in parse_qs(body.decode(), keep_blank_values=True).items()}
            self._answer(self._aliyun(form))
        elif parts.path == "/hook":
            self.providers.hooks.append(json.loads(body))
            self._answer({})
        elif parts.path.startswith("/v1.0/"):
            held = self.headers.get("x-acs-dingtalk-access-token", "")
            status, answer = self.providers.card_api(parts.path, held, json.loads(body))
            self._answer(answer, status)
        else:
            token = parse_qs(parts.query).get("access_token", [""])[0]
            self._answer(self._app(parts.path, token, json.loads(body)))

    def _aliyun(self, form: dict[str, str]) -> dict[str, str]:
        action = form.get("Action", "")
        if form.get("AccessKeyId") != KEY_ID or not _is_signed(form):
            return {"Code": "SignatureDoesNotMatch", "Message": "signature", "RequestId": "1"}
        if self.providers.refuse:
            return {"Code": self.providers.refuse, "Message": "no", "RequestId": "1"}
        if len(form.get("OutId", "")) > 15:
            return {"Code": "isv.OUT_ID_LENGTH", "Message": "OutId", "RequestId": "1"}
        if action == "SendSms":
            self.providers.sms.append(form)
            return {"Code": "OK", "Message": "OK", "BizId": "9006^0", "RequestId": "1"}
        if action == "IvrCall":
            self.providers.calls.append(form)
            return {"Code": "OK", "Message": "OK", "CallId": "116^1", "RequestId": "1"}
        return {"Code": "InvalidAction.NotFound", "Message": action, "RequestId": "1"}

    def _wrong_card(self, card: dict[str, Any] | None) -> dict[str, Any] | None:
        """What WeCom says of a template card that it does not take; None for a good one."""
        if card is None:
            return None
        task = card.get("task_id", "")
        sent = (one.get("template_card", {}) for one in self.providers.wecom)
        if not re.fullmatch(r"[A-Za-z0-9_@-]{1,128}", task) or task in {
            one.get("task_id") for one in sent
        }:
            return {"errcode": 42014, "errmsg": "task_id is invalid or was used"}
        if card["card_action"].get("type") != 1 or not card["card_action"].get("url"):
            return {"errcode": 42045, "errmsg": "missing or invalid card_action"}
        if not all(one.get("text") and one.get("key") for one in card["button_list"]):
            return {"errcode": 42018, "errmsg": "invalid button_list"}
        return None

    def _app(self, path: str, token: str, content: dict[str, Any]) -> dict[str, Any]:
        kind = "wecom" if path == "/cgi-bin/message/send" else "dingtalk"
        if token != self.providers.token(kind) or self.providers.stale_once:
            self.providers.stale_once = False
            return {"errcode": 42001, "errmsg": "access_token expired"}
        if self.providers.refuse:
            return {"errcode": 60011, "errmsg": "no privilege"}
        if kind == "wecom":
            if content["touser"] == "nobody":
                return {"errcode": 0, "errmsg": "ok", "invaliduser": "nobody", "msgid": "m"}
            if (problem := self._wrong_card(content.get("template_card"))) is not None:
                return problem
            self.providers.wecom.append(content)
            return {"errcode": 0, "errmsg": "ok", "invaliduser": "", "msgid": "m1"}
        # The same content reaches a person once a day; the answer is the same all the same.
        if content not in self.providers.dingtalk:
            self.providers.dingtalk.append(content)
        return {"errcode": 0, "errmsg": "ok", "task_id": 7}


@contextmanager
def serving_providers() -> Iterator[Providers]:
    """The providers on a free port of this machine."""
    providers = Providers()
    handler = type("Handler", (_Handler,), {"providers": providers})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    providers.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield providers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Letters(MessageHandler):
    """Keeps what a mail server was given."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Message] = []

    def handle_message(self, message: Message) -> None:
        """Keep a letter."""
        self.kept.append(message)


@contextmanager
def serving_mail() -> Iterator[tuple[str, Letters]]:
    """A mail server on a free port; its address and what it was given."""
    letters = Letters()
    controller = Controller(letters, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{controller.port}", letters
    finally:
        controller.stop()
