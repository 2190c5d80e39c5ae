"""The words of alarms that tell nobody, of planned work and of what comes of both."""

from collections.abc import Mapping

from web.languages import mark

ALARM_STATE: Mapping[str, str] = {
    "normal": mark("Normal"),
    "unacknowledged": mark("Not acknowledged"),
    "acknowledged": mark("Acknowledged"),
    "returned_unacknowledged": mark("Over, not acknowledged"),
    "latched": mark("Over, to be reset"),
    "shelved": mark("Shelved"),
    "suppressed": mark("Suppressed"),
    "out_of_service": mark("Out of service"),
}
WITHHELD_WHY: Mapping[str, str] = {
    "shelved": mark("Shelved"),
    "out_of_service": mark("Out of service"),
    "maintenance": mark("Planned maintenance"),
    "outage": mark("Planned outage"),
    "inhibited": mark("Explained by another alarm"),
    "walk_test": mark("Walk test"),
}
WORK_PHASE: Mapping[str, str] = {
    "current": mark("Going on"),
    "upcoming": mark("Ahead"),
    "over": mark("Over"),
    "finished": mark("Done before its time"),
    "cancelled": mark("Cancelled"),
}
WALK_PHASE: Mapping[str, str] = {
    "running": mark("Running"),
    "over": mark("Over"),
    "signed": mark("Signed"),
}
ALARM_EVENTS: Mapping[str, str] = {
    "alarm.trip": mark("Alarm raised"),
    "alarm.clear": mark("Back to normal"),
    "alarm.acknowledge": mark("Alarm acknowledged"),
    "alarm.realarm": mark("Still stands; told again"),
    "ticket.still": mark("Still not over; told again"),
    "alarm.latch": mark("Stays until somebody resets it"),
    "alarm.reset": mark("Alarm reset"),
    "alarm.shelve": mark("Alarm shelved"),
    "alarm.unshelve": mark("Shelving ended"),
    "alarm.suppress": mark("Alarm suppressed"),
    "alarm.unsuppress": mark("Suppression ended"),
    "alarm.take_out": mark("Alarm out of service"),
    "alarm.return_to_service": mark("Alarm back in service"),
    "alarm.withheld_trip": mark("Tripped, told nobody"),
    "alarm.withheld_clear": mark("Back to normal, told nobody"),
    "withholding.ask": mark("Asked to take an alarm out of service"),
    "withholding.confirm": mark("Out of service confirmed"),
    "withholding.refuse": mark("Out of service refused"),
    "withholding.lapse": mark("Nobody confirmed it in time"),
    "withholding.end": mark("Told again from now on"),
    "planned_work.plan": mark("Work planned"),
    "planned_work.change": mark("Planned work changed"),
    "planned_work.finish": mark("Planned work done"),
    "planned_work.cancel": mark("Planned work cancelled"),
    "walk_test.start": mark("Walk test started"),
    "walk_test.change": mark("End of a walk test moved"),
    "walk_test.answer": mark("A sensor answered in a walk test"),
    "walk_test.tick": mark("A sensor was ticked in a walk test"),
    "walk_test.ask_lives": mark("Asked to silence alarms about lives in a walk test"),
    "walk_test.confirm_lives": mark("Alarms about lives silent in a walk test"),
    "walk_test.refuse_lives": mark("Alarms about lives go on calling in a walk test"),
    "walk_test.finish": mark("Walk test finished"),
    "walk_test.sign": mark("Sheet of a walk test signed"),
}
