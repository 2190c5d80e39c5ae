"""The words of marks on rounds: what each asks, how it stands, and how a clock told on itself."""

from collections.abc import Mapping

from web.languages import mark

MARK_KIND: Mapping[str, str] = {
    "speed": mark("Too fast from point to point"),
    "burst": mark("Many points at once"),
    "dwell": mark("No time to stop anywhere"),
    "harvest": mark("Tapped earlier than told"),
    "replay": mark("The same tap twice"),
    "shared_phone": mark("One phone as two people"),
    "two_phones": mark("Two phones of one person"),
    "clock": mark("Clock of the phone was set"),
    "photo": mark("Photo of an earlier report"),
}
MARK_ASKS: Mapping[str, str] = {
    "speed": mark("Between these scans lies less time than anybody needs for the way."),
    "burst": mark("These checkpoints were scanned one right after the other, as if side by side."),
    "dwell": mark("The whole round took so little time that nobody can have stopped on it."),
    "harvest": mark(
        "The tag counts its taps. These are told to be later than a tap that came after them had "
        "already arrived."
    ),
    "replay": mark("The very same taps were told for another time as well."),
    "shared_phone": mark("This person's phone was used by somebody else before and after."),
    "two_phones": mark("The scans come now from one phone of this person, now from another."),
    "clock": mark("The clock of the phone was not what it was before, or came back to it."),
    "photo": mark("A photo in a report of this round is, bit by bit, one of an earlier report."),
}
# What may be behind it without anybody's fault: who decides reads it first.
MARK_HONEST: Mapping[str, str] = {
    "speed": mark("It may be honest: a lift, a shortcut, a lift given by somebody."),
    "burst": mark("It may be honest: tags that hung together while walls were painted."),
    "dwell": mark("It may be honest: a vehicle, a round called off halfway."),
    "harvest": mark("It may be honest: a clock that was wrong by more than an hour."),
    "replay": mark("It may be honest: a browser that sent its last page again."),
    "shared_phone": mark("It may be honest: a battery was dead and somebody helped out."),
    "two_phones": mark("It may be honest: a battery was dead and was charged again."),
    "clock": mark("It may be honest: a battery was dead and the phone lost its time."),
    "photo": mark("It may be honest: the same damage, reported once more on purpose."),
}
MARK_STATE: Mapping[str, str] = {
    "open": mark("Not answered yet"),
    "answered": mark("Answered"),
    "upheld": mark("Upheld"),
    "dismissed": mark("Dismissed"),
}
MARK_CLOCK: Mapping[str, str] = {
    "online": mark("Sent as it was made, under a clock that was different before."),
    "after": mark("Told to be earlier than something that came before it on the same phone."),
    "ahead": mark("Told to be later than it arrived."),
    "steady": mark("Less time by the clock than by the phone's steady clock."),
}
MARK_WORDS: Mapping[str, Mapping[str, str]] = {
    "mark_kind": MARK_KIND,
    "mark_asks": MARK_ASKS,
    "mark_honest": MARK_HONEST,
    "mark_state": MARK_STATE,
    "mark_clock": MARK_CLOCK,
}
