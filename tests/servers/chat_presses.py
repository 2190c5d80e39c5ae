"""The servers of WeCom and DingTalk when somebody presses a button: they sign as published."""

import base64
import hashlib
import hmac
import json
import os
import re
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from tests.servers.providers import CORP

# Of a callback's settings in the console of each.
WECOM_TOKEN = "QDG6eK"
WECOM_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
CARD_SECRET = "a long random text"


def _cipher() -> Cipher[modes.CBC]:
    key = base64.b64decode(WECOM_KEY + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))


def _signed(stamp: str, nonce: str, encrypted: str) -> str:
    text = "".join(sorted([WECOM_TOKEN, stamp, nonce, encrypted]))
    return hashlib.sha1(text.encode()).hexdigest()


def wecom_sealed(text: str, corp: str = CORP) -> str:
    """A text as WeCom encrypts it for a company."""
    content = text.encode()
    padder = PKCS7(256).padder()
    plain = os.urandom(16) + len(content).to_bytes(4, "big") + content + corp.encode()
    padded = padder.update(plain) + padder.finalize()
    encryptor = _cipher().encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def wecom_query(encrypted: str, at: datetime) -> dict[str, str]:
    """The parameters that WeCom puts into the address."""
    stamp, nonce = str(int(at.timestamp())), os.urandom(5).hex()
    return {
        "msg_signature": _signed(stamp, nonce, encrypted),
        "timestamp": stamp,
        "nonce": nonce,
    }


def wecom_event(user: str, task: str, *, key: str = "accept", event: str = "") -> str:
    """The event of a pressed button of a template card, as WeCom's documentation shows it."""
    return (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName>"
        f"<FromUserName><![CDATA[{user}]]></FromUserName>"
        "<CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        f"<Event><![CDATA[{event or 'template_card_event'}]]></Event>"
        f"<EventKey><![CDATA[{key}]]></EventKey><TaskId><![CDATA[{task}]]></TaskId>"
        "<CardType><![CDATA[button_interaction]]></CardType>"
        "<ResponseCode><![CDATA[ResponseCode]]></ResponseCode><AgentID>7</AgentID></xml>"
    )


def wecom_posted(encrypted: str) -> str:
    """The body that WeCom posts."""
    return (
        f"<xml><ToUserName><![CDATA[{CORP}]]></ToUserName><AgentID><![CDATA[7]]></AgentID>"
        f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    )


def wecom_reads(answer: str) -> dict[str, str]:
    """The fields of a passive reply, once WeCom has checked who it is from."""
    outer = dict(re.findall(r"<(\w+)>(?:<!\[CDATA\[)?([^<\]]+)", answer))
    encrypted = outer["Encrypt"]
    assert outer["MsgSignature"] == _signed(outer["TimeStamp"], outer["Nonce"], encrypted)
    decryptor = _cipher().decryptor()
    padded = decryptor.update(base64.b64decode(encrypted)) + decryptor.finalize()
    unpadder = PKCS7(256).unpadder()
    plain = unpadder.update(padded) + unpadder.finalize()
    length = int.from_bytes(plain[16:20], "big")
    assert plain[20 + length :].decode() == CORP
    return dict(re.findall(r"<(\w+)>(?:<!\[CDATA\[)?([^<\]]+)", plain[20 : 20 + length].decode()))


def dingtalk_headers(at: datetime, secret: str = CARD_SECRET) -> dict[str, str]:
    """The headers by which DingTalk shows that it is DingTalk."""
    stamp = str(int(at.timestamp() * 1000))
    digest = hmac.new(secret.encode(), stamp.encode(), hashlib.sha256).digest()
    return {
        "x-ddpaas-signature-timestamp": stamp,
        "x-ddpaas-signature": base64.b64encode(digest).decode(),
    }


def dingtalk_event(user: str, track: str, action: str = "accept") -> dict[str, Any]:
    """The event of a pressed button of a card, as DingTalk's documentation shows it."""
    content = {"cardPrivateData": {"actionIds": ["1"], "params": {"action": action}}}
    return {
        "type": "actionCallback",
        "outTrackId": track,
        "corpId": "ding1",
        "userId": user,
        "content": json.dumps(content),
    }
