"""The channels that an installation has set up."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from core.channels.aliyun import Account, Sms, Voice
from core.channels.asking import AccessToken
from core.channels.chat_apps import DingTalk, WeCom, dingtalk_token, wecom_token
from core.channels.dingtalk_card import DingTalkCard, card_token
from core.channels.mail import Mail
from core.channels.message import Channel
from core.channels.web_push import Vapid, WebPush
from core.settings import Settings
from core.vault import Vault


def channels_of(settings: Settings, now: Callable[[], datetime]) -> list[Channel]:
    """The channels with everything they need: e-mail, chat apps, push, SMS, then voice."""
    found: list[Channel] = []
    if settings.smtp_url and settings.mail_from:
        found.append(Mail(settings.smtp_url, settings.mail_from))
    if settings.dingtalk_card_template:
        found.append(_dingtalk_card(settings, now))
    elif settings.dingtalk_key and settings.dingtalk_secret and settings.dingtalk_agent:
        url = settings.dingtalk_url.rstrip("/")
        fetch = partial(dingtalk_token, url, settings.dingtalk_key, settings.dingtalk_secret)
        found.append(DingTalk(url, settings.dingtalk_agent, AccessToken(fetch, now)))
    if settings.wecom_corp and settings.wecom_secret and settings.wecom_agent:
        url = settings.wecom_url.rstrip("/")
        fetch = partial(wecom_token, url, settings.wecom_corp, settings.wecom_secret)
        buttons = bool(settings.wecom_token)
        found.append(WeCom(url, settings.wecom_agent, AccessToken(fetch, now), buttons))
    if settings.push_contact:
        vapid = Vapid(Vault(settings), settings.push_contact)
        found.append(WebPush(vapid, settings.push_services, now))
    sms = _sms(settings, now, settings.sms_template)
    found += [sms] if sms is not None else []
    account = Account(settings.aliyun_key_id, settings.aliyun_key_secret, now)
    speaks = settings.voice_number and settings.voice_start and settings.voice_thanks
    if account.key_id and account.key_secret and speaks:
        url, number = settings.aliyun_voice_url, settings.voice_number
        found.append(Voice(account, url, number, settings.voice_start, settings.voice_thanks))
    return found


def _dingtalk_card(settings: Settings, now: Callable[[], datetime]) -> DingTalkCard:
    url = settings.dingtalk_api_url.rstrip("/")
    fetch = partial(card_token, url, settings.dingtalk_key, settings.dingtalk_secret)
    posted = settings.dingtalk_presses == "http"
    return DingTalkCard(
        url,
        AccessToken(fetch, now),
        template=settings.dingtalk_card_template,
        robot=settings.dingtalk_robot,
        callback=f"{settings.public_url.rstrip('/')}/n/dingtalk" if posted else "",
        secret=settings.dingtalk_card_secret if posted else "",
    )


def outside_channel(settings: Settings, now: Callable[[], datetime]) -> Channel | None:
    """The way to residents and contractors: SMS by their template; None when it is not set up."""
    if settings.sms_outside == "nobody":
        return None
    return _sms(settings, now, settings.sms_outside_template or settings.sms_template)


def tells_outside(settings: Settings) -> frozenset[str]:
    """Who outside is told by SMS: resident, contractor, both or none."""
    if outside_channel(settings, _never) is None:
        return frozenset()
    everyone = frozenset({"resident", "contractor"})
    return everyone if settings.sms_outside == "everyone" else frozenset({"contractor"})


def _never() -> datetime:
    raise AssertionError("nothing is sent only to see whether it could be")


def _sms(settings: Settings, now: Callable[[], datetime], template: str) -> Sms | None:
    account = Account(settings.aliyun_key_id, settings.aliyun_key_secret, now)
    if not (account.key_id and account.key_secret and settings.sms_sign and template):
        return None
    return Sms(account, settings.aliyun_sms_url, settings.sms_sign, template)
