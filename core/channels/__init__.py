"""Channels to people outside: SMS, voice, WeCom, DingTalk, e-mail, and groups by Apprise."""

from core.channels.message import Channel, Message, Outcome
from core.channels.offered import channels_of, outside_channel, tells_outside

__all__ = ["Channel", "Message", "Outcome", "channels_of", "outside_channel", "tells_outside"]
