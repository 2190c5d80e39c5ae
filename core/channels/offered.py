"""The channels that an installation has set up, by how surely they reach a named person."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from core.channels.aliyun import Account, Sms, Voice
from core.channels.asking import AccessToken
from core.channels.chat_apps import DingTalk, WeCom, dingtalk_token, wecom_token
from core.channels.mail import Mail
from core.channels.message import Channel
from core.settings import Settings


def channels_of(settings: Settings, now: Callable[[], datetime]) -> list[Channel]:
    """The channels with everything they need, the surest last: e-mail, chat apps, SMS, voice."""
    found: list[Channel] = []
    if settings.smtp_url and settings.mail_from:
        found.append(Mail(settings.smtp_url, settings.mail_from))
    if settings.dingtalk_key and settings.dingtalk_secret and settings.dingtalk_agent:
        url = settings.dingtalk_url.rstrip("/")
        fetch = partial(dingtalk_token, url, settings.dingtalk_key, settings.dingtalk_secret)
        found.append(DingTalk(url, settings.dingtalk_agent, AccessToken(fetch, now)))
    if settings.wecom_corp and settings.wecom_secret and settings.wecom_agent:
        url = settings.wecom_url.rstrip("/")
        fetch = partial(wecom_token, url, settings.wecom_corp, settings.wecom_secret)
        found.append(WeCom(url, settings.wecom_agent, AccessToken(fetch, now)))
    account = Account(settings.aliyun_key_id, settings.aliyun_key_secret, now)
    if account.key_id and account.key_secret:
        if settings.sms_sign and settings.sms_template:
            url, sign = settings.aliyun_sms_url, settings.sms_sign
            found.append(Sms(account, url, sign, settings.sms_template))
        if settings.voice_number and settings.voice_start and settings.voice_thanks:
            found.append(
                Voice(
                    account,
                    settings.aliyun_voice_url,
                    settings.voice_number,
                    settings.voice_start,
                    settings.voice_thanks,
                )
            )
    return found
