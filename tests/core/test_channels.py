"""Channels: each against a local server that follows its published API, and when that fails."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core.channels import Channel, Message, channels_of
from core.channels.aliyun import read_receipts
from core.channels.asking import AccessToken
from core.channels.groups import Groups
from core.settings import Settings, load
from tests.fixtures import NOON
from tests.servers import free_port
from tests.servers.providers import (
    APP_KEY,
    APP_SECRET,
    CORP,
    CORP_SECRET,
    KEY_ID,
    KEY_SECRET,
    Letters,
    Providers,
    serving_mail,
    serving_providers,
)

MESSAGE = Message(
    title="新工单: #7 水浸 B1",
    body="水泵房\n优先级：紧急",
    link="https://wk.example/n/abc",
    short="水浸 水泵房",
    accept="接单",
    reference="abc",
)
ADDRESSES = {
    "phone": "+8613800138000",
    "wecom": "li.ming",
    "dingtalk": "manager01",
    "email": "li@example.com",
}


def settings(providers: Providers, mail: str, **changes: Any) -> Settings:
    """Everything set up."""
    values: dict[str, Any] = {
        "data_dir": Path("var"),
        "smtp_url": mail,
        "mail_from": "watch@example.com",
        "wecom_corp": CORP,
        "wecom_secret": CORP_SECRET,
        "wecom_agent": 1000002,
        "wecom_url": providers.url,
        "dingtalk_key": APP_KEY,
        "dingtalk_secret": APP_SECRET,
        "dingtalk_agent": 42,
        "dingtalk_url": providers.url,
        "aliyun_key_id": KEY_ID,
        "aliyun_key_secret": KEY_SECRET,
        "aliyun_sms_url": providers.url,
        "aliyun_voice_url": providers.url,
        "sms_sign": "安居物业",
        "sms_template": "SMS_1",
        "voice_number": "057112345678",
        "voice_start": "TTS_1",
        "voice_thanks": "TTS_2",
    }
    return Settings(**{**values, **changes})


@pytest.fixture
def providers() -> Iterator[Providers]:
    """The providers of this machine."""
    with serving_providers() as found:
        yield found


@pytest.fixture
def mail() -> Iterator[tuple[str, Letters]]:
    """A mail server of this machine."""
    with serving_mail() as found:
        yield found


@pytest.fixture
def channels(providers: Providers, mail: tuple[str, Letters]) -> dict[str, Channel]:
    """Every channel, by its name."""
    found = channels_of(settings(providers, mail[0]), lambda: NOON)
    return {channel.name: channel for channel in found}


def test_an_installation_offers_only_what_is_set_up_whole(
    providers: Providers, mail: tuple[str, Letters]
) -> None:
    everything = channels_of(settings(providers, mail[0]), lambda: NOON)
    assert [one.name for one in everything] == ["email", "dingtalk", "wecom", "sms", "voice"]
    nothing = load(data_dir=Path("var"))
    less = settings(providers, "", wecom_secret="", sms_template="", voice_thanks="")
    assert [one.name for one in channels_of(less, lambda: NOON)] == ["dingtalk"]
    assert channels_of(nothing, lambda: NOON) == []


def test_every_channel_reaches_its_person(
    channels: dict[str, Channel], providers: Providers, mail: tuple[str, Letters]
) -> None:
    for channel in channels.values():
        outcome = channel.send(ADDRESSES[channel.address_kind], MESSAGE)
        assert (channel.name, outcome.sent, outcome.text) == (channel.name, True, outcome.text)
        assert outcome.reference
    [sms], [call] = providers.sms, providers.calls
    assert (sms["PhoneNumbers"], sms["OutId"]) == ("13800138000", "abc")
    assert json.loads(sms["TemplateParam"]) == {"what": "水浸 水泵房", "code": "abc"}
    assert (call["CalledNumber"], call["MenuKeyMap.1.Key"]) == ("13800138000", "1")
    [card], [action] = providers.wecom, providers.dingtalk
    assert card["touser"] == "li.ming"
    assert (card["textcard"]["url"], card["textcard"]["btntxt"]) == (MESSAGE.link, "接单")
    assert action["userid_list"] == "manager01"
    assert action["msg"]["action_card"]["single_url"] == MESSAGE.link
    [letter] = mail[1].kept
    assert letter["To"] == "li@example.com"
    # A title of two lines still leaves.
    assert channels["email"].send("li@example.com", replace(MESSAGE, title="Hot\nBcc: x@y")).sent
    assert mail[1].kept[-1]["Subject"] == "Hot Bcc: x@y"
    text = letter.get_payload(decode=True)
    assert isinstance(text, bytes)
    assert MESSAGE.link in text.decode()


def test_the_sender_of_mail_may_have_a_name(
    providers: Providers, mail: tuple[str, Letters]
) -> None:
    named = settings(providers, mail[0], mail_from="安居 <watch@example.com>")
    [channel] = [one for one in channels_of(named, lambda: NOON) if one.name == "email"]
    outcome = channel.send("li@example.com", MESSAGE)
    [letter] = mail[1].kept
    assert outcome.sent
    assert outcome.reference == letter["Message-ID"]
    assert outcome.reference.endswith("@example.com>")


def test_a_token_is_asked_for_once_and_again_when_it_is_refused(
    channels: dict[str, Channel], providers: Providers
) -> None:
    wecom = channels["wecom"]
    for _ in range(3):
        assert wecom.send("li.ming", MESSAGE).sent
    assert providers.tokens == 1
    providers.stale_once = True
    assert wecom.send("li.ming", MESSAGE).sent
    assert providers.tokens == 2


def test_a_token_is_renewed_before_it_ends() -> None:
    now, made = [NOON], []

    def fetch() -> tuple[str, int]:
        made.append(1)
        return f"token-{len(made)}", 7200

    token = AccessToken(fetch, lambda: now[0])
    assert token.get() == token.get() == "token-1"
    now[0] = NOON + timedelta(seconds=7139)
    assert token.get() == "token-1"
    now[0] = NOON + timedelta(seconds=7140)
    assert token.get() == "token-2"


@pytest.mark.parametrize("name", ["sms", "voice", "wecom", "dingtalk"])
@pytest.mark.parametrize("why", ["isv.BUSINESS_LIMIT_CONTROL", "garbage"])
def test_a_refusal_is_an_outcome(
    channels: dict[str, Channel], providers: Providers, name: str, why: str
) -> None:
    channel = channels[name]
    # The tokens are there before the provider begins to refuse.
    assert channel.send(ADDRESSES[channel.address_kind], MESSAGE).sent
    providers.refuse = why
    outcome = channel.send(ADDRESSES[channel.address_kind], MESSAGE)
    assert not outcome.sent
    assert outcome.text


def test_a_user_whom_wecom_does_not_know_is_not_taken_for_told(
    channels: dict[str, Channel],
) -> None:
    outcome = channels["wecom"].send("nobody", MESSAGE)
    assert (outcome.sent, "nobody" in outcome.text) == (False, True)


def test_wrong_secrets_are_refused(providers: Providers, mail: tuple[str, Letters]) -> None:
    wrong = settings(
        providers, mail[0], wecom_secret="x", dingtalk_secret="x", aliyun_key_secret="x"
    )
    for channel in channels_of(wrong, lambda: NOON)[1:]:
        assert not channel.send(ADDRESSES[channel.address_kind], MESSAGE).sent


def test_a_provider_that_is_away_is_an_outcome(
    providers: Providers, mail: tuple[str, Letters]
) -> None:
    gone = f"127.0.0.1:{free_port()}"
    urls = {
        name: f"http://{gone}"
        for name in ("wecom_url", "dingtalk_url", "aliyun_sms_url", "aliyun_voice_url")
    }
    away = settings(providers, f"smtp://{gone}", **urls)
    for channel in channels_of(away, lambda: NOON):
        outcome = channel.send(ADDRESSES[channel.address_kind], MESSAGE)
        assert (channel.name, outcome.sent) == (channel.name, False)
        assert outcome.text
    del mail


def test_receipts_of_calls_tell_who_pressed_the_key() -> None:
    reports = [
        {"out_id": "abc", "call_id": "1", "dtmf": "1", "status_code": "300000"},
        {"out_id": "def", "call_id": "2", "status_code": "200010", "status_msg": "busy"},
        "nonsense",
    ]
    found = read_receipts(reports)
    assert [(one.reference, one.accepted) for one in found] == [("abc", True), ("def", False)]
    things: list[object] = [None, {}, "x", 7]
    for nonsense in things:
        assert read_receipts(nonsense) == []


def test_groups_are_told_by_apprise(providers: Providers) -> None:
    address = providers.url.replace("http://", "json://") + "/hook"
    assert Groups([address]).tell("2 new", "#1 x").sent
    assert providers.hooks[0]["title"] == "2 new"
    unknown = Groups(["nonsense://x:s3cret@y"]).tell("a", "b")
    assert (unknown.sent, "s3cret" in unknown.text) == (False, False)
    gone = Groups([f"json://127.0.0.1:{free_port()}/"]).tell("a", "b")
    assert not gone.sent
