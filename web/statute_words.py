"""The words of statutes: how they bind, how they were read, and in which hours they count."""

from collections.abc import Mapping

from web.languages import mark

STATUTE_FORCE: Mapping[str, str] = {
    "law": mark("Law"),
    "rule": mark("Ministerial order"),
    "standard": mark("National standard, recommended"),
}
STATUTE_SEEN: Mapping[str, str] = {
    "full": mark("read in full"),
    "reprint": mark("read in a reprint of others"),
}
STATUTE_HOURS: Mapping[str, str] = {
    "open": mark("Opening hours"),
    "night": mark("Hours of the night"),
}
STATUTE_WORDS: Mapping[str, Mapping[str, str]] = {
    "statute_force": STATUTE_FORCE,
    "statute_seen": STATUTE_SEEN,
    "statute_hours": STATUTE_HOURS,
}
