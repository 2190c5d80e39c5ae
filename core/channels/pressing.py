"""What comes back when somebody presses the button of a message in WeCom or DingTalk.

WeCom: signature and AES as "Encryption and decryption" of its documentation has it (path 90968),
the event as "Template card events" (90240), the answer as "Passive replies" (90241). DingTalk:
"Event callbacks" of interactive cards, HTTP mode.
"""

import base64
import hashlib
import hmac
import json
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from core.errors import NotAllowed

# What was signed longer ago is not what somebody presses now; clocks may differ a little.
FRESH = timedelta(minutes=5)
ACCEPT = "accept"
_BLOCK = 32
# Both documents are flat, and parsed only as far as that: no parser that resolves entities.
_ENCRYPTED = re.compile(r"<Encrypt>\s*(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)")
_FIELD = re.compile(r"<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))</\1>", re.S)


class NotTheirs(NotAllowed):
    """What came does not come from the chat app, or came too late."""

    def __init__(self) -> None:
        super().__init__(
            "this does not come from the chat app, or too late",
            advice="Compare the settings with those of the app, and the clock of this machine.",
        )


@dataclass(frozen=True, slots=True)
class Press:
    """A button that was pressed. channel: the app; user: who pressed, as the app names them;
    card: what we called the message."""

    channel: str
    user: str
    card: str


def _require_fresh(stamp: str, unit: float, now: datetime) -> None:
    try:
        signed = datetime.fromtimestamp(int(stamp) * unit, UTC)
    except (ValueError, OverflowError, OSError):
        raise NotTheirs from None
    if abs(now - signed) > FRESH:
        raise NotTheirs


@dataclass(frozen=True)
class WeComCallback:
    """The callback of a WeCom application. key: its EncodingAESKey, 43 letters."""

    corp: str
    token: str
    key: str

    def _cipher(self) -> Cipher[CBC]:
        key = base64.b64decode(self.key + "=")
        return Cipher(AES(key), CBC(key[:16]))

    def signature(self, stamp: str, nonce: str, encrypted: str) -> str:
        """What WeCom signs: SHA-1 over the four, in order of their text."""
        text = "".join(sorted((self.token, stamp, nonce, encrypted)))
        return hashlib.sha1(text.encode()).hexdigest()  # noqa: S324 - as published

    def open(self, signature: str, stamp: str, nonce: str, encrypted: str, *, now: datetime) -> str:
        """What WeCom says. NotTheirs when it was not WeCom, or not for this company, or is old."""
        wanted = self.signature(stamp, nonce, encrypted)
        if not hmac.compare_digest(wanted.encode(), signature.encode()):
            raise NotTheirs
        _require_fresh(stamp, 1, now)
        return self.decrypt(encrypted)

    def decrypt(self, encrypted: str) -> str:
        """The text of an encrypted message to this company."""
        try:
            decryptor = self._cipher().decryptor()
            plain = decryptor.update(base64.b64decode(encrypted)) + decryptor.finalize()
            plain = plain[: -plain[-1]]
            length = int.from_bytes(plain[16:20], "big")
            text, receiver = plain[20 : 20 + length].decode(), plain[20 + length :].decode()
        except (ValueError, IndexError):
            raise NotTheirs from None
        if receiver != self.corp:
            raise NotTheirs
        return text

    def encrypt(self, text: str) -> str:
        """A text as WeCom takes it."""
        content = text.encode()
        plain = os.urandom(16) + len(content).to_bytes(4, "big") + content + self.corp.encode()
        missing = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(plain + bytes([missing]) * missing) + encryptor.finalize()
        return base64.b64encode(sealed).decode()

    def press(
        self, signature: str, stamp: str, nonce: str, body: str, *, now: datetime
    ) -> Press | None:
        """The press that was posted; None for another event. NotTheirs as `open`."""
        found = _ENCRYPTED.search(body)
        if found is None:
            raise NotTheirs
        event = _fields(self.open(signature, stamp, nonce, found[1], now=now))
        if event.get("Event") != "template_card_event" or event.get("EventKey") != ACCEPT:
            return None
        return Press("wecom", event.get("FromUserName", ""), event.get("TaskId", ""))

    def reply(self, press: Press, said: str, *, now: datetime) -> str:
        """The answer that puts a text in the button's place, for whoever pressed it."""
        stamp, nonce = str(int(now.timestamp())), os.urandom(8).hex()
        inner = (
            f"<xml><ToUserName><![CDATA[{press.user}]]></ToUserName>"
            f"<FromUserName><![CDATA[{self.corp}]]></FromUserName>"
            f"<CreateTime>{stamp}</CreateTime><MsgType><![CDATA[update_button]]></MsgType>"
            f"<Button><ReplaceName><![CDATA[{said}]]></ReplaceName></Button></xml>"
        )
        encrypted = self.encrypt(inner)
        signature = self.signature(stamp, nonce, encrypted)
        return (
            f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{signature}]]></MsgSignature>"
            f"<TimeStamp>{stamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )


def _fields(text: str) -> dict[str, str]:
    return {name: within or plain for name, within, plain in _FIELD.findall(text)}


def press_in(event: Any) -> Press | None:
    """The press that an event of DingTalk's cards tells; None for another event."""
    try:
        content = json.loads(event["content"])
        action = content["cardPrivateData"]["params"]["action"]
        card, user = str(event["outTrackId"]), str(event["userId"])
        kind = event.get("type")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if kind != "actionCallback" or action != ACCEPT:
        return None
    return Press("dingtalk", user, card)


@dataclass(frozen=True)
class DingTalkCallback:
    """The callback of DingTalk's interactive cards. secret: what we registered it with."""

    secret: str

    def signature(self, stamp: str) -> str:
        """What DingTalk signs: the moment alone, in milliseconds."""
        digest = hmac.new(self.secret.encode(), stamp.encode(), hashlib.sha256).digest()
        return base64.b64encode(digest).decode()

    def press(self, signature: str, stamp: str, body: bytes, *, now: datetime) -> Press | None:
        """The press that was posted; None for another event. NotTheirs when it was not DingTalk.

        The signature covers the moment only, so a card counts once, and only for its own person.
        """
        wanted = self.signature(stamp)
        if not hmac.compare_digest(wanted.encode(), signature.encode()):
            raise NotTheirs
        _require_fresh(stamp, 0.001, now)
        try:
            return press_in(json.loads(body))
        except ValueError:
            return None

    @staticmethod
    def reply(said: str) -> dict[str, Any]:
        """The answer that shows a text on the card in the button's place."""
        return {
            "cardData": {"cardParamMap": {"said": said}},
            "cardUpdateOptions": {"updateCardDataByKey": True},
        }
