"""The words of patrols: states and actions of what is scanned, channels, badges, lines of wands."""

from collections.abc import Mapping

from web.languages import mark

CHECKPOINT_ACTION: Mapping[str, str] = {
    "change": mark("Change"),
    "retire": mark("Take out of use"),
    "reactivate": mark("Take into use again"),
}
TOKEN_STATE: Mapping[str, str] = {
    "active": mark("In place"),
    "lost": mark("Lost"),
    "replaced": mark("Replaced"),
}
TOKEN_ACTION: Mapping[str, str] = {
    "lose": mark("Report it as lost"),
    "find": mark("It was found again"),
    "replace": mark("Put another one in its place"),
}
CHECKPOINT_VIEW: Mapping[str, str] = {
    "active": mark("In use"),
    "bare": mark("Nothing to scan there"),
    "quiet": mark("Not scanned for long"),
    "retired": mark("Out of use"),
}
SCAN_CHANNEL: Mapping[str, str] = {
    "online": mark("sent at once"),
    "sync": mark("kept on the phone and sent later"),
    "mqtt": mark("told by a device"),
    "import": mark("from a wand's export"),
}
BADGE_KIND: Mapping[str, str] = {
    "card": mark("Card"),
    "beacon": mark("Beacon"),
}
WAND_ACTION: Mapping[str, str] = {
    "new": mark("New scans"),
    "known": mark("Taken in before"),
    "refused": mark("Will be refused"),
    "guard": mark("Lines that say whose wand it is"),
    "wrong": mark("Lines to be corrected"),
    "without_person": mark("New scans of nobody known"),
}
TAMPER: Mapping[str, str] = {
    "closed": mark("The seal of the tag is whole."),
    "opened_before": mark("The seal of the tag was broken before."),
    "open": mark("The seal of the tag is broken."),
    "not_initialised": mark("The seal of the tag was never set up."),
    "not_supported": mark("The tag has no seal."),
}
PATROL_WORDS: Mapping[str, Mapping[str, str]] = {
    "checkpoint_action": CHECKPOINT_ACTION,
    "checkpoint_view": CHECKPOINT_VIEW,
    "token_state": TOKEN_STATE,
    "token_action": TOKEN_ACTION,
    "scan_channel": SCAN_CHANNEL,
    "badge_kind": BADGE_KIND,
    "wand_action": WAND_ACTION,
    "tamper": TAMPER,
}
