"""Channels to people outside: SMS, voice, WeCom, DingTalk, e-mail, and groups by Apprise."""

from core.channels.message import Channel, Message, Outcome
from core.channels.offered import channels_of

__all__ = ["Channel", "Message", "Outcome", "channels_of"]
