"""The words of fire alarms and return visits."""

from collections.abc import Mapping

from web.languages import mark

FIRE_STATE: Mapping[str, str] = {
    "unseen": mark("Nobody has seen it yet"),
    "seen": mark("Somebody was sent to look"),
    "fire": mark("FIRE"),
    "answered": mark("FIRE, taken on"),
    "not_fire": mark("No fire"),
}
FIRE_WHY: Mapping[str, str] = {
    "pressed": mark("Reported from the spot"),
    "unseen": mark("Nobody saw the alarm in time"),
    "unconfirmed": mark("Nobody looked on the spot in time"),
}
FIRE_CAUSE: Mapping[str, str] = {
    "cooking": mark("Cooking"),
    "smoking": mark("Smoking"),
    "joss_paper": mark("Joss paper"),
    "dust": mark("Dust"),
    "steam": mark("Steam"),
    "insect": mark("Insect"),
    "other": mark("Something else"),
    "test": mark("Test"),
    "sensor_fault": mark("Sensor fault"),
}
VISIT_WAY: Mapping[str, str] = {
    "phone": mark("By phone"),
    "on_spot": mark("On the spot"),
}
CLOSING_WORDS: Mapping[str, Mapping[str, str]] = {
    "fire_state": FIRE_STATE,
    "fire_why": FIRE_WHY,
    "fire_cause": FIRE_CAUSE,
    "visit_way": VISIT_WAY,
}
CLOSING_EVENTS: Mapping[str, str] = {
    "fire_alarm.see": mark("Fire alarm seen, somebody sent"),
    "fire_alarm.clear": mark("Looked on the spot: no fire"),
    "fire_alarm.fire": mark("FIRE reported"),
    "fire_alarm.lapse": mark("Fire alarm passed on as a fire"),
    "fire_alarm.answer": mark("Fire taken on"),
    "fire_alarm.stand_down": mark("Fire called off"),
    "fire_alarm.again": mark("The fire detector went off again"),
    "ticket.return_visit": mark("Return visit"),
}
CLOSING_NOTICES: Mapping[str, str] = {
    "fire_alarm.fire": mark("FIRE, confirmed on the spot"),
    "fire_alarm.lapse": mark("Fire alarm nobody confirmed: treat it as a fire"),
}
CHECKED_BY: Mapping[str, str] = {
    "return_visit": mark("by a return visit"),
    "resident": mark("by the resident who rated it"),
}
