"""The words of privacy: why a track is kept, and what the event log says of it."""

from collections.abc import Mapping

from web.languages import mark

HELD_FOR: Mapping[str, str] = {
    "mark": mark("a mark on a round"),
    "sos": mark("a call for help"),
    "report": mark("a report with a ticket"),
    "ticket": mark("a ticket that names you"),
}
LOOKED_AT: Mapping[str, str] = {
    "scans": mark("Scans"),
    "rounds": mark("Rounds"),
    "duties": mark("Times at posts"),
    "marks": mark("Marks on rounds"),
    "mark": mark("A mark with its evidence"),
    "positions": mark("Positions of a call for help"),
}
LOOKED_WHY: Mapping[str, str] = {
    "incident": mark("an incident is looked into"),
    "complaint": mark("somebody complained"),
    "mark": mark("a mark on a round"),
    "absence": mark("nobody knows where they are"),
    "pay": mark("pay and attendance"),
    "quality": mark("quality of rounds"),
    "request": mark("they asked for it"),
}
CONSENT_STATE: Mapping[str, str] = {
    "position": mark("with positions"),
    "badge": mark("with a badge"),
}
POINT_REASON: Mapping[str, str] = {
    "without_positions": mark("no other way to scan it for whoever goes this round"),
}
PRIVACY_WORDS: Mapping[str, Mapping[str, str]] = {
    "held_for": HELD_FOR,
    "looked_at": LOOKED_AT,
    "looked_why": LOOKED_WHY,
    "agreed_to": CONSENT_STATE,
    "point_reason": POINT_REASON,
}
PRIVACY_EVENTS: Mapping[str, str] = {
    "consent.give": mark("Agreed to be located for one purpose"),
    "consent.withdraw": mark("Agrees no more to be located for one purpose"),
    "track.look": mark("Somebody looked where a person was"),
    "track.hold": mark("Part of a track kept for a ticket"),
    "track.release": mark("Part of a track kept no longer"),
    "track.forget": mark("Details of where people were dropped"),
}
