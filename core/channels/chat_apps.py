"""Application messages of WeCom and DingTalk: they reach a named person and carry a button."""

import json
from dataclasses import dataclass

from core.channels.asking import AccessToken, Refused, ask, outcome
from core.channels.message import Message, Outcome
from core.channels.pressing import ACCEPT

# The access token is not valid any more: 40014 invalid, 42001 expired, 88 and 40001 of DingTalk.
STALE_TOKEN = frozenset({40001, 40014, 42001, 88})
# Of the id of a message, the end is random.
_TAIL = 8


def _checked(answer: object) -> dict[str, object]:
    assert isinstance(answer, dict)
    if answer.get("errcode") != 0:
        raise Refused(f"{answer.get('errcode')}: {answer.get('errmsg')}")
    return answer


@dataclass(frozen=True)
class WeCom:
    """A message of a WeCom application (cgi-bin/message/send).

    buttons: whether presses come back to us; else the card only leads to the link.
    """

    url: str
    agent_id: int
    token: AccessToken
    buttons: bool = False
    name: str = "wecom"
    address_kind: str = "wecom"

    def send(self, address: str, message: Message) -> Outcome:
        """Send one card whose button accepts, or leads to where one tap does."""
        card = _with_button(message) if self.buttons else _with_link(message)
        content = {
            "touser": address,
            "agentid": self.agent_id,
            **card,
            # What is repeated on purpose is further apart.
            "enable_duplicate_check": 1,
            "duplicate_check_interval": 60,
        }

        def attempt(*, fresh: bool = False) -> Outcome:
            token = self.token.get(fresh=fresh)
            address_of_api = f"{self.url}/cgi-bin/message/send?access_token={token}"
            answer = ask("POST", address_of_api, json=content)
            if answer.get("errcode") in STALE_TOKEN and not fresh:
                return attempt(fresh=True)
            answer = _checked(answer)
            if answer.get("invaliduser"):
                raise Refused(f"WeCom knows no user {address!r}")
            return Outcome(sent=True, text="ok", reference=str(answer.get("msgid", "")))

        return outcome(attempt)


def _with_link(message: Message) -> dict[str, object]:
    card = {
        "title": message.title[:128],
        "description": message.body[:512],
        "url": message.link,
        "btntxt": message.accept[:4],
    }
    return {"msgtype": "textcard", "textcard": card}


def _with_button(message: Message) -> dict[str, object]:
    card = {
        "card_type": "button_interaction",
        "main_title": {"title": message.title[:36]},
        "sub_title_text": message.body[:160],
        "card_action": {"type": 1, "url": message.link},
        # Never twice the same within an application.
        "task_id": message.attempt,
        "button_list": [{"text": message.accept[:10], "style": 1, "key": ACCEPT}],
    }
    return {"msgtype": "template_card", "template_card": card}


def wecom_token(url: str, corp: str, secret: str) -> tuple[str, int]:
    """A new access token of a WeCom application, and for how many seconds it lasts."""
    answer = _checked(
        ask("GET", f"{url}/cgi-bin/gettoken", params={"corpid": corp, "corpsecret": secret})
    )
    return str(answer["access_token"]), int(str(answer["expires_in"]))


@dataclass(frozen=True)
class DingTalk:
    """A work notification of a DingTalk application as an action card (asyncsend_v2)."""

    url: str
    agent_id: int
    token: AccessToken
    name: str = "dingtalk"
    address_kind: str = "dingtalk"

    def send(self, address: str, message: Message) -> Outcome:
        """Send one card whose button leads to where one tap accepts.

        DingTalk shows a person the same content once a day, and answers as if it had shown it: what
        tells one message from the next stands in its text.
        """
        text = f"### {message.title}\n\n{message.body}"[:950]
        card = {
            "title": message.title[:100],
            "markdown": f"{text}\n\n`{message.attempt[-_TAIL:]}`" if message.attempt else text,
            "single_title": message.accept[:20],
            "single_url": message.link,
        }
        content = {
            "agent_id": self.agent_id,
            "userid_list": address,
            "msg": {"msgtype": "action_card", "action_card": card},
        }

        def attempt(*, fresh: bool = False) -> Outcome:
            token = self.token.get(fresh=fresh)
            path = "topapi/message/corpconversation/asyncsend_v2"
            answer = ask("POST", f"{self.url}/{path}?access_token={token}", json=content)
            if answer.get("errcode") in STALE_TOKEN and not fresh:
                return attempt(fresh=True)
            answer = _checked(answer)
            return Outcome(sent=True, text="ok", reference=json.dumps(answer.get("task_id")))

        return outcome(attempt)


def dingtalk_token(url: str, key: str, secret: str) -> tuple[str, int]:
    """A new access token of a DingTalk application, and for how many seconds it lasts."""
    answer = _checked(ask("GET", f"{url}/gettoken", params={"appkey": key, "appsecret": secret}))
    return str(answer["access_token"]), int(str(answer.get("expires_in", 7200)))
