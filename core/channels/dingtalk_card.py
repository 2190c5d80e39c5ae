"""DingTalk's interactive cards (card_1.0): a button whose press comes back to us."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.channels.asking import AccessToken, Refused, ask, outcome
from core.channels.message import Message, Outcome

ROUTE = "watchkeeper"
# What DingTalk answers to a token that does not hold any more.
STALE = "InvalidAuthentication"


def card_token(url: str, key: str, secret: str) -> tuple[str, int]:
    """A new access token of the card API, and for how many seconds it lasts."""
    content = {"appKey": key, "appSecret": secret}
    answer = ask("POST", f"{url}/v1.0/oauth2/accessToken", json=content)
    if "accessToken" not in answer:
        raise Refused(f"{answer.get('code')}: {answer.get('message')}")
    return str(answer["accessToken"]), int(answer.get("expireIn", 7200))


@dataclass
class DingTalkCard:
    """A card of a template of the company, to one person by the application's robot.

    The template shows title and body, a button whose callback has the parameter action=accept, and
    said in its place once there is something to say. callback: where presses are posted, secret:
    what they are signed with; without, presses come by Stream mode.
    """

    url: str
    token: AccessToken
    template: str
    robot: str
    callback: str = ""
    secret: str = ""
    name: str = "dingtalk"
    address_kind: str = "dingtalk"
    _registered: bool = field(default=False, init=False)

    def send(self, address: str, message: Message) -> Outcome:
        """Send one card."""
        shown = {
            "title": message.title[:100],
            "body": message.body[:500],
            "accept": message.accept[:20],
            "link": message.link,
            "said": "",
        }
        content = {
            "cardTemplateId": self.template,
            "outTrackId": message.attempt,
            **self._way_back(),
            "cardData": {"cardParamMap": shown},
            "userIdType": 1,
            "openSpaceId": f"dtv1.card//IM_ROBOT.{address}",
            "imRobotOpenSpaceModel": {"supportForward": False},
            "imRobotOpenDeliverModel": {"spaceType": "IM_ROBOT", "robotCode": self.robot},
        }

        def attempt() -> Outcome:
            self._register()
            answer = self._ask("instances/createAndDeliver", content)
            result = answer.get("result")
            for one in result.get("deliverResults", []) if isinstance(result, dict) else []:
                if not one.get("success"):
                    raise Refused(f"DingTalk did not deliver it: {one.get('errorMsg')}")
            return Outcome(sent=True, text="ok", reference=message.attempt)

        return outcome(attempt)

    def _way_back(self) -> dict[str, str]:
        if self.callback:
            return {"callbackType": "HTTP", "callbackRouteKey": ROUTE}
        return {"callbackType": "STREAM"}

    def _register(self) -> None:
        """Say once where presses are to be posted."""
        if self.callback and not self._registered:
            content = {
                "apiSecret": self.secret,
                "callbackUrl": self.callback,
                "callbackRouteKey": ROUTE,
                "forceUpdate": True,
            }
            self._ask("callbacks/register", content)
            self._registered = True

    def _ask(self, path: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        for fresh in (False, True):
            headers = {"x-acs-dingtalk-access-token": self.token.get(fresh=fresh)}
            answer = ask("POST", f"{self.url}/v1.0/card/{path}", json=content, headers=headers)
            if not (fresh is False and answer.get("code") == STALE):
                break
        if answer.get("success") is not True:
            raise Refused(f"{answer.get('code')}: {answer.get('message')}")
        return answer
