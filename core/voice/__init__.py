"""Voice notes that people hand in: told from other files, measured, and freed of what they carry.

The copy is the very same sound: what a phone wrote around it (place, title, device, times) is
blanked where it stands, so that nothing is encoded anew and no codec is needed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import Invalid
from core.voice.mp4 import read_mp4
from core.voice.sound import Sound, Unfit
from core.voice.webm import read_webm
from rules.wording import Message, worded

LARGEST_VOICE = 5 * 1024 * 1024
LONGEST = 120
# A recorder that stops by its own clock is seldom exact.
_TOLERATED = 5
VOICE_ADVICE = worded("Record it with the button, or send a recording of the phone as M4A.")
WEBM, MP4 = "audio/webm", "audio/mp4"
TYPES = (WEBM, MP4)
_FIELDS: Mapping[str, Message] = {"voice": worded("voice")}


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice note: its media type, how long it is, and its copy without what it carried.

    seconds: rounded up, at least 1.
    """

    media_type: str
    seconds: int
    copy: bytes


def read_voice(content: bytes, *, field: str = "voice") -> Voice:
    """What a file says, judged by its bytes. Invalid when it is no recording, or too long."""
    try:
        return _read(content)
    except Unfit as unfit:
        raise Invalid(
            worded("this recording was not taken"),
            problems=[
                worded(
                    "%(place)s: %(problem)s", place=_FIELDS.get(field, field), problem=unfit.message
                )
            ],
            advice=VOICE_ADVICE,
        ) from unfit.__cause__


def _read(content: bytes) -> Voice:
    if len(content) > LARGEST_VOICE:
        raise Unfit(worded("at most %(most)s MB", most=LARGEST_VOICE // 1024 // 1024))
    media_type, sound = _sound(content)
    if sound.seconds > LONGEST + _TOLERATED:
        raise Unfit(worded("at most %(most)s minutes", most=LONGEST // 60))
    if sound.seconds <= 0:
        raise Unfit(worded("there is no sound in it"))
    return Voice(media_type, max(1, -int(-sound.seconds // 1)), sound.copy)


def _sound(content: bytes) -> tuple[str, Sound]:
    if content.startswith(b"\x1aE\xdf\xa3"):
        return WEBM, read_webm(content)
    if content[4:8] == b"ftyp":
        return MP4, read_mp4(content)
    raise Unfit(worded("a WebM or M4A recording"))
