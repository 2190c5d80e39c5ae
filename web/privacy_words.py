"""The words of privacy: why a track is kept, and what the event log says of it."""

from collections.abc import Mapping

from web.languages import mark

HELD_FOR: Mapping[str, str] = {
    "mark": mark("a mark on a round"),
    "sos": mark("a call for help"),
    "report": mark("a report with a ticket"),
    "ticket": mark("a ticket that names you"),
}
PRIVACY_WORDS: Mapping[str, Mapping[str, str]] = {"held_for": HELD_FOR}
PRIVACY_EVENTS: Mapping[str, str] = {
    "track.look": mark("Somebody looked where a person was"),
    "track.hold": mark("Part of a track kept for a ticket"),
    "track.release": mark("Part of a track kept no longer"),
    "track.forget": mark("Details of where people were dropped"),
}
