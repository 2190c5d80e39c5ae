"""The control room: what sounds, who silenced it for how long, and whether it is heard."""

from workflows.control_room.sound import (
    LONGEST_MUTE,
    Mute,
    Ring,
    SoundTest,
    breaking,
    level,
    mute,
    mute_of,
    record_test,
    test_of,
    unmute,
)

__all__ = [
    "LONGEST_MUTE",
    "Mute",
    "Ring",
    "SoundTest",
    "breaking",
    "level",
    "mute",
    "mute_of",
    "record_test",
    "test_of",
    "unmute",
]
