"""Aliyun SMS (Dysmsapi) and voice calls with a key press (Dyvmsapi), both RPC APIs of 2017-05-25.

Signed as Aliyun's RPC style asks: the parameters in order, percent-encoded as RFC 3986 has it,
HMAC-SHA1 with the secret and an ampersand (Aliyun, "Request syntax and signature of RPC APIs").
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from core.channels.asking import Refused, ask, outcome
from core.channels.message import Message, Outcome

VERSION = "2017-05-25"
# The key that accepts, as the recorded menu of the call says it.
ACCEPT_KEY = "1"


@dataclass(frozen=True, slots=True)
class Account:
    """An access key. now: the clock, for the timestamp of each request."""

    key_id: str
    key_secret: str
    now: Callable[[], datetime]


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def signature(parameters: Mapping[str, str], secret: str) -> str:
    """The signature of a POST to the root of an RPC API."""
    query = "&".join(f"{_encoded(key)}={_encoded(parameters[key])}" for key in sorted(parameters))
    signed = f"POST&{_encoded('/')}&{_encoded(query)}"
    digest = hmac.new(f"{secret}&".encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def call(
    account: Account, url: str, action: str, parameters: Mapping[str, str]
) -> Mapping[str, object]:
    """Ask for an action; its answer. Refused when its code is not OK."""
    everything = {
        "Format": "JSON",
        "Version": VERSION,
        "AccessKeyId": account.key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": secrets.token_hex(16),
        "Timestamp": account.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Action": action,
        **parameters,
    }
    signed = {**everything, "Signature": signature(everything, account.key_secret)}
    answer = ask("POST", url.rstrip("/") + "/", data=signed)
    if answer.get("Code") != "OK":
        raise Refused(f"{answer.get('Code')}: {answer.get('Message')}")
    return answer


@dataclass(frozen=True)
class Sms:
    """SMS by an approved template with the variables `what` and `code` (the end of the link)."""

    account: Account
    url: str
    sign_name: str
    template: str
    name: str = "sms"
    address_kind: str = "phone"

    def send(self, address: str, message: Message) -> Outcome:
        """Send one SMS; what templates allow is short, so the link goes as its last part."""
        parameters = {
            "PhoneNumbers": address.removeprefix("+86"),
            "SignName": self.sign_name,
            "TemplateCode": self.template,
            "TemplateParam": json.dumps(
                {"what": message.short, "code": message.link.rsplit("/", 1)[-1]},
                ensure_ascii=False,
            ),
            "OutId": message.reference,
        }

        def attempt() -> Outcome:
            answer = call(self.account, self.url, "SendSms", parameters)
            return Outcome(sent=True, text="OK", reference=str(answer.get("BizId", "")))

        return outcome(attempt)


@dataclass(frozen=True)
class Voice:
    """A call that reads a text and asks for a key; the key comes back in Aliyun's receipt."""

    account: Account
    url: str
    shown_number: str
    start: str
    thanks: str
    name: str = "voice"
    address_kind: str = "phone"

    def send(self, address: str, message: Message) -> Outcome:
        """Begin one call (IvrCall)."""
        parameters = {
            "CalledShowNumber": self.shown_number,
            "CalledNumber": address.removeprefix("+86"),
            "StartCode": self.start,
            "StartTtsParams": json.dumps({"what": message.short}, ensure_ascii=False),
            "MenuKeyMap.1.Key": ACCEPT_KEY,
            "MenuKeyMap.1.Code": self.thanks,
            "PlayTimes": "3",
            "Timeout": "10000",
            "OutId": message.reference,
        }

        def attempt() -> Outcome:
            answer = call(self.account, self.url, "IvrCall", parameters)
            return Outcome(sent=True, text="OK", reference=str(answer.get("CallId", "")))

        return outcome(attempt)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What Aliyun tells of a call. accepted: whether the key was pressed."""

    reference: str
    call_id: str
    accepted: bool
    text: str


def read_receipts(reports: object) -> list[Receipt]:
    """The receipts in a batch that Aliyun posts (VoiceReport); what is none is left out."""
    found = []
    for report in reports if isinstance(reports, list) else []:
        if not isinstance(report, dict):
            continue
        text = f"{report.get('status_code', '')} {report.get('status_msg', '')}".strip()
        found.append(
            Receipt(
                reference=str(report.get("out_id", "")),
                call_id=str(report.get("call_id", "")),
                accepted=str(report.get("dtmf", "")) == ACCEPT_KEY,
                text=text,
            )
        )
    return found
