"""The words for what the product stores as codes: statuses, actions, kinds, parts, events."""

from collections.abc import Mapping

from web.languages import mark

SEVERITY: Mapping[str, str] = {
    "ok": mark("OK"),
    "low": mark("Low"),
    "medium": mark("Medium"),
    "high": mark("High"),
    "critical": mark("Critical"),
}
TICKET_STATE: Mapping[str, str] = {
    "open": mark("Open"),
    "assigned": mark("Assigned"),
    "in_progress": mark("In progress"),
    "on_hold": mark("On hold"),
    "resolved": mark("Resolved"),
    "verified": mark("Verified"),
    "closed": mark("Closed"),
    "cancelled": mark("Cancelled"),
    "merged": mark("Merged"),
}
TICKET_ACTION: Mapping[str, str] = {
    "assign": mark("Assign"),
    "accept": mark("Accept"),
    "start": mark("Start work"),
    "hold": mark("Put on hold"),
    "resume": mark("Resume work"),
    "resolve": mark("Mark as resolved"),
    "verify": mark("Verify"),
    "close": mark("Close"),
    "reopen": mark("Reopen"),
    "cancel": mark("Cancel the ticket"),
    "merge": mark("Merge into another"),
}
TICKET_KIND: Mapping[str, str] = {
    "repair": mark("Repair"),
    "hazard": mark("Hazard"),
    "complaint": mark("Complaint"),
    "inquiry": mark("Inquiry"),
    "inspection_finding": mark("Inspection finding"),
    "incident": mark("Incident"),
}
VERDICT: Mapping[str, str] = {
    "real": mark("Real"),
    "false": mark("False alarm"),
    "test": mark("Test"),
    "sensor_fault": mark("Sensor fault"),
    "nuisance": mark("Nuisance"),
}
FALSE_CAUSE: Mapping[str, str] = {
    "cooking": mark("Cooking"),
    "smoking": mark("Smoking"),
    "joss_paper": mark("Joss paper"),
    "dust": mark("Dust"),
    "steam": mark("Steam"),
    "insect": mark("Insect"),
    "other": mark("Something else"),
}
VERIFIED_BY: Mapping[str, str] = {
    "sensor": mark("by the sensor, which has recovered"),
    "person": mark("by somebody who did not do the work"),
}
ALARM_STATE: Mapping[str, str] = {
    "normal": mark("Normal"),
    "unacknowledged": mark("Not acknowledged"),
    "acknowledged": mark("Acknowledged"),
    "returned_unacknowledged": mark("Over, not acknowledged"),
}
ROLE: Mapping[str, str] = {
    "guard": mark("Guard"),
    "technician": mark("Technician"),
    "service_desk": mark("Service desk"),
    "accountant": mark("Accountant"),
    "safety_officer": mark("Safety officer"),
    "supervisor": mark("Supervisor"),
    "manager": mark("Manager"),
    "auditor": mark("Auditor"),
    "administrator": mark("Administrator"),
}
PERMISSION: Mapping[str, str] = {
    "places.read": mark("see sites, spaces and assets"),
    "places.write": mark("change sites, spaces and assets"),
    "devices.read": mark("see devices and sources"),
    "devices.write": mark("adopt and change devices and sources"),
    "telemetry.read": mark("see readings"),
    "alarms.read": mark("see alarms"),
    "alarms.act": mark("acknowledge alarms"),
    "rules.read": mark("see rules"),
    "tickets.read": mark("see tickets"),
    "tickets.create": mark("open tickets"),
    "tickets.work": mark("accept tickets and work them"),
    "tickets.dispatch": mark("hand tickets to teams and people"),
    "tickets.manage": mark("verify, close, re-open, cancel and merge tickets"),
    "service.write": mark("change calendars, promised times and teams"),
    "rosters.write": mark("make rosters, record absences and certificates"),
    "evidence.read": mark("see photos as they were taken, with all they carry"),
    "people.read": mark("see colleagues"),
    "people.write": mark("invite people, change their rights, let them leave"),
    "quarantine.read": mark("see what ingest could not use"),
    "quarantine.write": mark("replay and discard what ingest could not use"),
    "system.read": mark("see the health of the product"),
}
ACTOR: Mapping[str, str] = {
    "person": mark("A former colleague"),
    "rule": mark("Rule"),
    "job": mark("Schedule"),
    "device": mark("Device"),
    "system": mark("Watchkeeper"),
}
EVENT: Mapping[str, str] = {
    "alarm.trip": mark("Alarm raised"),
    "alarm.clear": mark("Back to normal"),
    "alarm.acknowledge": mark("Alarm acknowledged"),
    "ticket.open": mark("Ticket opened"),
    "ticket.assign": mark("Ticket assigned"),
    "ticket.accept": mark("Ticket accepted"),
    "ticket.start": mark("Work started"),
    "ticket.hold": mark("Put on hold"),
    "ticket.resume": mark("Work resumed"),
    "ticket.resolve": mark("Marked as resolved"),
    "ticket.verify": mark("Verified"),
    "ticket.close": mark("Ticket closed"),
    "ticket.reopen": mark("Ticket reopened"),
    "ticket.cancel": mark("Ticket cancelled"),
    "ticket.merge": mark("Merged into another ticket"),
    "ticket.repeat": mark("It happened again"),
    "ticket.announce": mark("It happened again; announced anew"),
    "ticket.recovered": mark("The reading recovered"),
    "ticket.overdue": mark("Deadline missed"),
    "ticket.warn": mark("Deadline comes near"),
    "ticket.escalate": mark("Passed up the chain"),
    "ticket.clocks": mark("Deadlines computed again"),
    "ticket.over": mark("Over before we learned of it"),
    "team.change": mark("Team set up"),
    "team.items": mark("List of keys and equipment changed"),
    "roster.add": mark("Shifts added"),
    "roster.remove": mark("Shift removed"),
    "roster.gap": mark("Nobody on duty ahead"),
    "roster.mended": mark("Somebody is on duty again"),
    "roster.duty_phone": mark("Duty phone changed"),
    "person.absence": mark("Absence recorded"),
    "person.certificate": mark("Certificate recorded"),
    "handover.offer": mark("Shift handed over"),
    "handover.accept": mark("Hand-over accepted"),
    "handover.pass_up": mark("Hand-over passed to the supervisor"),
    "announce.alarm": mark("Announced on site"),
    "announce.clear": mark("Announcement ended on site"),
    "announce.test": mark("Sirens and displays tested"),
    "notice.acknowledge": mark("Answered"),
    "notice.settle": mark("Nobody more is told"),
    "notice.spend": mark("Told as often as planned"),
    "person.contact": mark("Addresses changed"),
    "person.reached": mark("Answered the test of their shift"),
    "calendar.add": mark("Calendar added"),
    "calendar.change": mark("Calendar changed"),
    "terms.change": mark("Promised times changed"),
    "ticket.note": mark("Note written"),
    "ticket.edit": mark("Ticket edited"),
    "ticket.photo": mark("Photo added"),
    "invitation.create": mark("Somebody was invited"),
    "invitation.revoke": mark("An invitation was revoked"),
    "person.join": mark("Somebody joined"),
    "person.grant": mark("A role was given"),
    "person.revoke": mark("A role was taken away"),
    "person.password": mark("A password was set"),
    "person.second_factor_on": mark("A second factor was turned on"),
    "person.second_factor_off": mark("A second factor was turned off"),
    "person.recovery_code": mark("A recovery code was used"),
    "person.link": mark("A sign-in link was made for somebody"),
    "credential.create": mark("An API token was made"),
    "credential.end": mark("An API token was ended"),
    "person.update": mark("Somebody changed their name or language"),
    "person.leave": mark("Somebody left"),
    "site.import": mark("Site file imported"),
    "node.create": mark("Site added"),
    "node.update": mark("Site changed"),
    "space.update": mark("Space changed"),
    "device.appear": mark("A new sensor speaks"),
    "device.adopt": mark("Sensor adopted"),
    "device.create": mark("Device added"),
    "device.update": mark("Device changed"),
    "device.retire": mark("Device retired"),
    "device.reactivate": mark("Device back in service"),
    "device.distrust": mark("The clock of a device is not believed any more"),
    "device.trust": mark("The clock of a device is believed again"),
    "asset.create": mark("Asset added"),
    "asset.update": mark("Asset changed"),
    "point.create": mark("Point added"),
    "point.update": mark("Point changed"),
    "source.create": mark("Source added"),
    "source.update": mark("Source changed"),
    "source.delete": mark("Source removed"),
    "rule.publish": mark("Rule put into force"),
    "rule.retire": mark("Rule taken out of force"),
    "quarantine.replay": mark("Quarantined messages replayed"),
    "quarantine.discard": mark("Quarantined messages discarded"),
    "quarantine.prune": mark("Old quarantined messages dropped"),
    "ingest.gap": mark("Messages were not read for a while"),
    "ingest.silent": mark("Reading of messages has stopped"),
    "ingest.back": mark("Messages are read again"),
}
PART: Mapping[str, str] = {
    "broker": mark("Message broker"),
    "ingest": mark("Reading of messages"),
    "telemetry": mark("Store of readings"),
    "database": mark("Database"),
    "jobs": mark("Scheduled jobs"),
    "live": mark("Live page"),
}
POINT_KIND: Mapping[str, str] = {
    "number": mark("Number"),
    "boolean": mark("Yes or no"),
    "state": mark("State"),
}
TEAM: Mapping[str, str] = {
    "maintenance": mark("Maintenance"),
    "security": mark("Security"),
    "service": mark("Service desk"),
}
CLOCK: Mapping[str, str] = {
    "response": mark("Response"),
    "resolution": mark("Resolution"),
}
SHIFT: Mapping[str, str] = {
    "duty": mark("On duty"),
    "on_call": mark("On call"),
}
TEAM_MODE: Mapping[str, str] = {
    "grab": mark("whoever accepts it"),
    "round_robin": mark("those on duty, in turn"),
    "load": mark("whoever on duty has least to do"),
}
CERTIFICATE: Mapping[str, str] = {
    "electrician": mark("Electrician"),
    "lift_mechanic": mark("Lift mechanic"),
    "fire_facility": mark("Fire facility operator"),
    "welder": mark("Welder"),
    "work_at_height": mark("Work at height"),
}
ITEM: Mapping[str, str] = {
    "key": mark("Key"),
    "equipment": mark("Equipment item"),
}
HANDOVER: Mapping[str, str] = {
    "offered": mark("Waits to be accepted"),
    "passed_up": mark("Passed to the supervisor"),
    "accepted": mark("Accepted"),
}
# What a notice is about, as workflows/notifications/texts.py says it outside.
NOTICE: Mapping[str, str] = {
    "ticket.open": mark("New ticket"),
    "ticket.reopen": mark("Ticket opened again"),
    "ticket.announce": mark("It happened again"),
    "ticket.assign": mark("A ticket for you"),
    "ticket.warn": mark("Deadline comes near"),
    "ticket.overdue": mark("Deadline missed"),
    "ticket.escalate": mark("Passed up to you"),
    "ticket.accept": mark("Your report was accepted"),
    "ticket.start": mark("Somebody is at work on your report"),
    "ticket.resolve": mark("Your report is done"),
    "ticket.close": mark("Your report is closed"),
    "roster.gap": mark("Nobody on duty ahead"),
    "handover.pass_up": mark("A hand-over waits for you"),
    "test": mark("Test: can we reach you?"),
}
CHANNEL: Mapping[str, str] = {
    "sms": mark("SMS"),
    "voice": mark("Phone call"),
    "wecom": mark("WeCom"),
    "dingtalk": mark("DingTalk"),
    "email": mark("E-mail"),
}
ATTEMPT: Mapping[str, str] = {
    "sending": mark("being sent"),
    "sent": mark("sent"),
    "failed": mark("failed"),
    "unknown": mark("outcome unknown, repeated"),
}
# Why the clocks of a ticket were computed again.
WHY_CLOCKS: Mapping[str, str] = {
    "calendar": mark("the calendar was changed"),
    "terms": mark("the promised times were changed"),
    "edit": mark("the ticket was edited"),
    "resume": mark("the hold has ended"),
    "reopen": mark("the ticket was opened again"),
    "over": mark("it was over before we learned of it"),
}
# What a day of a calendar is.
DAY: Mapping[str, str] = {
    "open": mark("working day"),
    "weekend": mark("day off"),
    "holiday": mark("public holiday"),
    "made-up": mark("worked to make up for a holiday"),
    "own-open": mark("other hours, set here"),
    "own-closed": mark("closed, set here"),
}
MARK: Mapping[str, str] = {
    "trip": mark("Alarm"),
    "recovery": mark("Recovered"),
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "severity": SEVERITY,
    "ticket_state": TICKET_STATE,
    "ticket_action": TICKET_ACTION,
    "ticket_kind": TICKET_KIND,
    "alarm_state": ALARM_STATE,
    "actor": ACTOR,
    "role": ROLE,
    "permission": PERMISSION,
    "verdict": VERDICT,
    "false_cause": FALSE_CAUSE,
    "verified_by": VERIFIED_BY,
    "event": EVENT,
    "part": PART,
    "point_kind": POINT_KIND,
    "team": TEAM,
    "clock": CLOCK,
    "day": DAY,
    "shift": SHIFT,
    "notice": NOTICE,
    "channel": CHANNEL,
    "attempt": ATTEMPT,
    "team_mode": TEAM_MODE,
    "certificate": CERTIFICATE,
    "item": ITEM,
    "handover": HANDOVER,
    "why_clocks": WHY_CLOCKS,
    "mark": MARK,
}
