"""The words of tasks for guards."""

from collections.abc import Mapping

from web.languages import mark

TASK_STATE: Mapping[str, str] = {
    "seeking": mark("Looking for a guard"),
    "offered": mark("A guard is asked"),
    "passed_up": mark("Nobody can be sent"),
    "accepted": mark("A guard is on the way"),
    "arrived": mark("A guard is there"),
    "over": mark("Nobody has to go any more"),
}
OFFER_STATE: Mapping[str, str] = {
    "offered": mark("Is asked"),
    "accepted": mark("Goes"),
    "passed": mark("Passed it on"),
    "lapsed": mark("Did not answer"),
    "withdrawn": mark("Taken back"),
    "done": mark("Was there for it"),
}
TASK_WHY: Mapping[str, str] = {
    "finished": mark("The guard is done there."),
    "ended": mark("The ticket is done with."),
    "cleared": mark("The alarm cleared before anybody went."),
    "no_guards": mark("This site has no guards on duty and no posts."),
    "called_off": mark("Called off:"),
}
TASK_REASON: Mapping[str, str] = {
    "busy": mark("Busy with something else"),
    "too_far": mark("Too far away"),
    "post": mark("Can't leave the post"),
    "unwell": mark("Not well"),
    "other": mark("Another reason"),
    "needed": mark("Needed at the post by then"),
    "sent": mark("Somebody else was sent"),
}
NEAR_HOW: Mapping[str, str] = {
    "scan": mark("scanned last"),
    "post": mark("at the post"),
    "unknown": mark("place not known"),
}
NEAR_BY: Mapping[str, str] = {
    "way": mark("as rounds have shown"),
    "plan": mark("by the floor plan"),
    "position": mark("by positions"),
    "tree": mark("by the tree of spaces"),
    "unknown": mark("way not known"),
}
PROOF_NEAR: Mapping[str, str] = {
    "same_space": mark("in the same space"),
    "around": mark("in a space around it"),
    "beside": mark("in a space beside it"),
}
WHY_NOT: Mapping[str, str] = {
    "away": mark("on the way to something else"),
    "needed": mark("needed at the post"),
    "asked": mark("was asked already"),
    "calls": mark("calls for help"),
}
TASK_WORDS: Mapping[str, Mapping[str, str]] = {
    "task_state": TASK_STATE,
    "offer_state": OFFER_STATE,
    "task_why": TASK_WHY,
    "task_reason": TASK_REASON,
    "near_how": NEAR_HOW,
    "near_by": NEAR_BY,
    "proof_near": PROOF_NEAR,
    "why_not": WHY_NOT,
}
TASK_EVENTS: Mapping[str, str] = {
    "guard_task.offer": mark("Guard asked to go"),
    "guard_task.pass_on": mark("Passed on to the next guard"),
    "guard_task.pass_up": mark("Supervisor told that nobody can go"),
    "guard_task.send": mark("Guard sent by a supervisor"),
    "guard_task.accept": mark("Guard goes"),
    "guard_task.give_back": mark("Guard can't go on"),
    "guard_task.late": mark("Guard not there in time"),
    "guard_task.arrive": mark("Guard arrived"),
    "guard_task.annex": mark("Arrival told after it was over"),
    "guard_task.finish": mark("Guard done there"),
    "guard_task.call_off": mark("Guard not needed any more"),
    "guard_task.again": mark("Guard asked for anew"),
    "guard_offer.accept": mark("Offer taken"),
    "guard_offer.pass": mark("Offer passed on"),
    "guard_offer.lapse": mark("Offer not answered"),
    "guard_offer.withdraw": mark("Offer taken back"),
    "guard_offer.finish": mark("Offer done with"),
    "round.pause": mark("Round waits: its guard was called away"),
    "round.resume": mark("Round goes on"),
}
