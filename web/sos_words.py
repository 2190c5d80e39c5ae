"""The words of calls for help and of lone workers."""

from collections.abc import Mapping

from web.languages import mark

SOS_STATE: Mapping[str, str] = {
    "received": mark("Nobody has answered"),
    "seen": mark("Seen, not answered"),
    "acknowledged": mark("Answered"),
    "coming": mark("On the way"),
    "over": mark("Over"),
}
SOS_KIND: Mapping[str, str] = {
    "open": mark("SOS"),
    "silent": mark("Silent SOS"),
}
SOS_ORIGIN: Mapping[str, str] = {
    "phone": mark("From a phone"),
    "button": mark("From a button"),
    "lone_worker": mark("Check-in missed"),
    "ticket": mark("Written down by a colleague"),
}
SOS_OUTCOME: Mapping[str, str] = {
    "real": mark("Somebody needed help"),
    "false": mark("By mistake"),
    "test": mark("A test"),
}
CANCEL_PROOF: Mapping[str, str] = {
    "phrase": mark("Called off with the right phrase"),
    "wrong": mark("Called off with a WRONG phrase: they may be forced to"),
    "none": mark("Called off without a phrase"),
}
LONE_STATE: Mapping[str, str] = {
    "well": mark("Well"),
    "due": mark("Reminded"),
    "out_of_signal": mark("Out of signal"),
    "missed": mark("Missed"),
    "over": mark("Over"),
}
HEARD_BY: Mapping[str, str] = {
    "start": mark("shift began"),
    "scan": mark("scan"),
    "journal": mark("entry on the phone"),
    "check_in": mark("check-in"),
    "contact": mark("phone heard of"),
    "answered": mark("seen by a colleague"),
}
SOS_WORDS: Mapping[str, Mapping[str, str]] = {
    "sos_state": SOS_STATE,
    "sos_kind": SOS_KIND,
    "sos_origin": SOS_ORIGIN,
    "sos_outcome": SOS_OUTCOME,
    "cancel_proof": CANCEL_PROOF,
    "lone_state": LONE_STATE,
    "heard_by": HEARD_BY,
}
SOS_EVENTS: Mapping[str, str] = {
    "sos.raise": mark("Call for help"),
    "sos.practise": mark("Call for help practised"),
    "sos.see": mark("Call for help seen"),
    "sos.acknowledge": mark("Call for help answered"),
    "sos.come": mark("Somebody is on the way to a call for help"),
    "sos.press": mark("Help called for once more"),
    "sos.cancel": mark("Call for help called off by its sender"),
    "sos.escalate": mark("Call for help passed up the chain"),
    "sos.end": mark("Call for help ended"),
    "sos.again": mark("Help called for anew"),
    "sos.look": mark("Somebody looked where a sender was"),
    "lone_worker.begin": mark("Has to check in from now on"),
    "lone_worker.check_in": mark("Heard of again"),
    "lone_worker.remind": mark("Asked to say that they are well"),
    "lone_worker.wait": mark("Not heard of where there is no signal"),
    "lone_worker.miss": mark("Check-in missed"),
    "lone_worker.end": mark("Need not check in any more"),
    "lone_plan.create": mark("Plan of check-ins made"),
    "lone_plan.change": mark("Plan of check-ins changed"),
    "lone_plan.retire": mark("Plan of check-ins ended"),
    "lone_plan.reactivate": mark("Plan of check-ins taken up again"),
    "lone_plan.dead_zone": mark("Place flagged as without signal"),
    "lone_plan.signal": mark("Place has signal after all"),
    "person.sos_phrase": mark("Phrase to call off with set"),
}
