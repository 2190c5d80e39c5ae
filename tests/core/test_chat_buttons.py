"""Messages with a button that comes back: as WeCom and DingTalk take them, and what they sign."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core.channels import Channel, channels_of
from core.channels.message import Message
from core.channels.pressing import NotTheirs, WeComCallback
from core.errors import Invalid
from core.settings import load
from tests.fixtures import NOON
from tests.servers.chat_presses import CARD_SECRET, WECOM_KEY, WECOM_TOKEN
from tests.servers.providers import (
    APP_KEY,
    APP_SECRET,
    CORP,
    CORP_SECRET,
    Providers,
    serving_providers,
)

MESSAGE = Message(
    title="新工单: #7 水浸 B1",
    body="水泵房\n优先级：紧急",
    link="https://wk.example/n/abc",
    short="水浸 水泵房",
    accept="接单",
    reference="abc",
    attempt="0198f2c0a1b27c3d8e4f5a6b7c8d9e0f",
)
WECOM = {"wecom_corp": CORP, "wecom_secret": CORP_SECRET, "wecom_agent": 7}
WECOM_BUTTON = {**WECOM, "wecom_token": WECOM_TOKEN, "wecom_aes_key": WECOM_KEY}
DINGTALK = {
    "public_url": "https://wk.example/",
    "dingtalk_key": APP_KEY,
    "dingtalk_secret": APP_SECRET,
    "dingtalk_card_template": "t1.schema",
    "dingtalk_card_secret": CARD_SECRET,
    "dingtalk_robot": "robot1",
}
# Nobody reaches this site, so it needs no address and no secret to be reached with.
STREAM = {
    **{key: DINGTALK[key] for key in DINGTALK if key not in ("public_url", "dingtalk_card_secret")},
    "dingtalk_presses": "stream",
}
# The example of WeCom's own documentation of its encryption.
EXAMPLE = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj9"
    "11L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DO"
    "dnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03"
    "v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpN"
    "elZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q"
    "=="
)
EXAMPLE_AT = datetime.fromtimestamp(1409659813, UTC)


@pytest.fixture
def providers() -> Iterator[Providers]:
    """The providers of this machine."""
    with serving_providers() as found:
        yield found


def channel(providers: Providers, **values: Any) -> Channel:
    """The one channel that these settings make."""
    [found] = channels_of(
        load(
            data_dir=Path("var"),
            wecom_url=providers.url,
            dingtalk_url=providers.url,
            dingtalk_api_url=providers.url,
            **values,
        ),
        lambda: NOON,
    )
    return found


def test_the_signature_and_the_text_are_those_of_wecoms_own_example() -> None:
    callback = WeComCallback("wx5823bf96d3bd56c7", WECOM_TOKEN, WECOM_KEY)
    signature = "477715d11cdb4164915debcba66cb864d751f3e6"
    text = callback.open(signature, "1409659813", "1372623149", EXAMPLE, now=EXAMPLE_AT)
    assert "<FromUserName><![CDATA[mycreate]]></FromUserName>" in text
    other = replace(callback, corp="ww-other")
    with pytest.raises(NotTheirs):
        other.open(signature, "1409659813", "1372623149", EXAMPLE, now=EXAMPLE_AT)
    assert callback.decrypt(callback.encrypt("接单")) == "接单"


@pytest.mark.parametrize("sealed", ["", "AAAA", "not base64!", "A" * 64])
def test_what_can_not_be_decrypted_is_not_theirs(sealed: str) -> None:
    with pytest.raises(NotTheirs):
        WeComCallback(CORP, WECOM_TOKEN, WECOM_KEY).decrypt(sealed)


def test_with_a_callback_wecom_gets_a_button_else_a_link(providers: Providers) -> None:
    assert channel(providers, **WECOM).send("an", MESSAGE).sent
    assert providers.wecom[0]["msgtype"] == "textcard"
    with_button = channel(providers, **WECOM_BUTTON)
    outcome = with_button.send("an", MESSAGE)
    assert (outcome.sent, outcome.reference) == (True, "m1")
    card = providers.wecom[1]["template_card"]
    assert (card["card_type"], card["task_id"]) == ("button_interaction", MESSAGE.attempt)
    assert card["button_list"] == [{"text": "接单", "style": 1, "key": "accept"}]
    assert card["card_action"] == {"type": 1, "url": MESSAGE.link}
    # A card's id is used once; each attempt has its own.
    assert "task_id" in with_button.send("an", MESSAGE).text
    assert "knows no user" in with_button.send("nobody", replace(MESSAGE, attempt="1")).text


def test_dingtalk_is_told_once_where_presses_go_and_gets_cards(providers: Providers) -> None:
    cards = channel(providers, **DINGTALK)
    for number in range(2):
        outcome = cards.send("manager01", replace(MESSAGE, attempt=f"a{number}"))
        assert (outcome.sent, outcome.reference) == (True, f"a{number}")
    assert providers.callbacks == [
        {
            "apiSecret": CARD_SECRET,
            "callbackUrl": "https://wk.example/n/dingtalk",
            "callbackRouteKey": "watchkeeper",
            "forceUpdate": True,
        }
    ]
    card = providers.cards[0]
    assert card["openSpaceId"] == "dtv1.card//IM_ROBOT.manager01"
    assert (card["callbackType"], card["callbackRouteKey"]) == ("HTTP", "watchkeeper")
    assert card["imRobotOpenDeliverModel"] == {"spaceType": "IM_ROBOT", "robotCode": "robot1"}
    assert card["cardTemplateId"] == "t1.schema"
    assert card["cardData"]["cardParamMap"]["title"] == MESSAGE.title
    assert providers.tokens == 1


def test_with_stream_mode_cards_name_it_and_no_address_is_registered(providers: Providers) -> None:
    cards = channel(providers, **STREAM)
    assert cards.send("manager01", replace(MESSAGE, attempt="a0")).sent
    assert providers.callbacks == []
    assert providers.cards[0]["callbackType"] == "STREAM"
    assert "callbackRouteKey" not in providers.cards[0]


def test_what_dingtalk_refuses_is_an_outcome(providers: Providers) -> None:
    cards = channel(providers, **DINGTALK)
    providers.stale_once = True
    assert cards.send("manager01", MESSAGE).sent
    assert providers.tokens == 2
    assert "outTrackIdDuplicate" in cards.send("manager01", MESSAGE).text
    assert "did not deliver" in cards.send("nobody", replace(MESSAGE, attempt="a2")).text
    providers.refuse = "no"
    assert "AccessDenied" in cards.send("manager01", replace(MESSAGE, attempt="a3")).text
    stranger = channel(providers, **{**DINGTALK, "dingtalk_secret": "wrong"})
    assert "invalidClientIdOrSecret" in stranger.send("manager01", MESSAGE).text
    providers.refuse = "garbage"
    assert not cards.send("manager01", replace(MESSAGE, attempt="a4")).sent


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"wecom_token": "x"}, "together"),
        ({"wecom_aes_key": WECOM_KEY}, "together"),
        ({"wecom_token": "x", "wecom_aes_key": "short"}, "pattern"),
        ({**DINGTALK, "public_url": ""}, "needs public_url"),
        ({**DINGTALK, "dingtalk_robot": ""}, "needs dingtalk_robot"),
        ({**DINGTALK, "dingtalk_card_secret": ""}, "needs dingtalk_card_secret"),
        ({**STREAM, "dingtalk_robot": ""}, "needs dingtalk_robot"),
        ({**STREAM, "dingtalk_presses": "pigeon"}, "stream"),
    ],
)
def test_a_callback_is_set_up_whole(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(Invalid) as refusal:
        load(**values)
    assert problem in " ".join(refusal.value.problems)
