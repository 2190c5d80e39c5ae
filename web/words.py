"""The words for what the product stores as codes: statuses, actions, kinds, parts, events."""

from collections.abc import Mapping

from web.alarm_words import ALARM_STATE, WALK_PHASE, WITHHELD_WHY, WORK_PHASE
from web.closing_words import CHECKED_BY, CLOSING_NOTICES, CLOSING_WORDS
from web.event_words import EVENT
from web.frozen_words import FROZEN_WORDS
from web.import_words import IMPORT_WORDS
from web.incident_words import INCIDENT_WORDS
from web.languages import mark
from web.mark_words import MARK_WORDS
from web.patrol_words import PATROL_WORDS
from web.phone_words import PHONE_WORDS
from web.post_words import POST_WORDS
from web.privacy_words import PRIVACY_WORDS
from web.round_words import ROUND_WORDS
from web.rule_words import RULE_WORDS
from web.sos_words import SOS_WORDS
from web.source_words import SOURCE_WORDS
from web.statute_words import STATUTE_WORDS
from web.task_words import TASK_WORDS

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
# What a note came with, beside these.
NOTE_WITH: Mapping[str, str] = {**TICKET_ACTION, "report": mark("Report from the spot")}
TICKET_KIND: Mapping[str, str] = {
    "repair": mark("Repair"),
    "hazard": mark("Hazard"),
    "complaint": mark("Complaint"),
    "inquiry": mark("Inquiry"),
    "inspection_finding": mark("Inspection finding"),
    "incident": mark("Incident"),
}
TRANSITION: Mapping[str, str] = {
    "pending": mark("Delay begun"),
    "counted": mark("Counted"),
    "abandoned": mark("Did not last"),
    "tripped": mark("Tripped"),
    "clearing": mark("Clearing begun"),
    "resumed": mark("Recovery did not last"),
    "cleared": mark("Cleared"),
    "failed": mark("Could not be judged"),
    "recovered": mark("Can be judged again"),
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
    **CHECKED_BY,
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
    "data_protection": mark("Data protection"),
    "administrator": mark("Administrator"),
    "resident": mark("Resident"),
    "contractor": mark("Contractor"),
}
PERMISSION: Mapping[str, str] = {
    "places.read": mark("see sites, spaces and assets"),
    "places.write": mark("change sites, spaces and assets"),
    "devices.read": mark("see devices and sources"),
    "devices.write": mark("adopt and change devices and sources"),
    "telemetry.read": mark("see readings"),
    "alarms.read": mark("see alarms"),
    "alarms.act": mark("acknowledge and reset alarms"),
    "alarms.shelve": mark("shelve alarms"),
    "alarms.service": mark("take alarms out of service, and confirm it where lives depend on them"),
    "work.plan": mark("plan maintenance and outages"),
    "rules.read": mark("see rules"),
    "rules.edit": mark("write drafts of rules and try them in the shadow"),
    "rules.approve": mark("review rules, put them into force, roll them back and retire them"),
    "tickets.read": mark("see tickets"),
    "tickets.create": mark("open new tickets"),
    "tickets.work": mark("accept tickets and work them"),
    "tickets.dispatch": mark("hand tickets to teams and people"),
    "jobs.own": mark("see and do the jobs given to one's company"),
    "reports.own": mark("report faults at home and see how far they are"),
    "tickets.manage": mark("verify, close, re-open, cancel and merge tickets"),
    "service.write": mark(
        "change calendars, promised times, teams, categories, templates and lists of problems"
    ),
    "stickers.write": mark("print and revoke stickers"),
    "patrol.read": mark("see checkpoints, when they were scanned, and how rounds go"),
    "patrol.scan": mark("scan checkpoints, stand at posts and go rounds"),
    "scans.read": mark("see who scanned checkpoints and who was at posts"),
    "patrol.write": mark(
        "set up checkpoints, posts, routes, plans of rounds and badges, and excuse points"
    ),
    "tracks.audit": mark("see who looked at whose track, when and why"),
    "views.share": mark("share lists of tickets with colleagues"),
    "rosters.write": mark("make rosters, record absences and certificates"),
    "evidence.read": mark("see photos and voice notes as they were taken, with all they carry"),
    "households.read": mark("see who lives where, with phone numbers masked"),
    "households.phones": mark("see phone numbers of residents, and find them by these"),
    "households.write": mark("change who lives where"),
    "people.read": mark("see colleagues"),
    "people.write": mark("invite people, change their rights, let them leave"),
    "quarantine.read": mark("see what ingest could not use"),
    "quarantine.write": mark("replay and discard what ingest could not use"),
    "system.read": mark("see the health of the product"),
}
LIVING_AS: Mapping[str, str] = {
    "owner": mark("Owner"),
    "tenant": mark("Tenant"),
    "family": mark("Family"),
    "other": mark("Other"),
}
ACTOR: Mapping[str, str] = {
    "person": mark("A former colleague"),
    "rule": mark("Rule"),
    "job": mark("Schedule"),
    "device": mark("Device"),
    "system": mark("Watchkeeper"),
    "contractor": mark("A contractor"),
    "resident": mark("A resident"),
}
PART: Mapping[str, str] = {
    "broker": mark("Message broker"),
    "broker queue": mark("Messages that wait in the broker"),
    "ingest": mark("Reading of messages"),
    "ingest keeper": mark("Upkeep of message reading"),
    "ingest timers": mark("Delays of rules"),
    "ingest charts": mark("History that rules look at"),
    "ingest registry": mark("Places, devices and rules as they are read by"),
    "ingest told facts": mark("Facts that rules are told"),
    "ingest watch": mark("Watch over message reading"),
    "http ingest": mark("Messages pushed over HTTP"),
    "hosts": mark("Presence as a host"),
    "device accounts": mark("Accounts of devices"),
    "rules": mark("Rules"),
    "baselines": mark("What is usual for points"),
    "telemetry": mark("Store of readings"),
    "telemetry spool": mark("Readings that wait on the disk"),
    "refused readings": mark("Readings that the store refused"),
    "database": mark("Database"),
    "clock": mark("Clock of the machine"),
    "jobs": mark("Scheduled jobs"),
    "dingtalk_stream": mark("Buttons in DingTalk"),
    "live": mark("Live page"),
}
POINT_KIND: Mapping[str, str] = {
    "number": mark("Number"),
    "boolean": mark("Yes or no"),
    "state": mark("State"),
    "event": mark("Event"),
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
    "ticket.still": mark("Still not over"),
    "ticket.incident": mark("Several alarms with one cause"),
    "ticket.assign": mark("A ticket for you"),
    "ticket.warn": mark("Deadline comes near"),
    "ticket.overdue": mark("Deadline missed"),
    "ticket.escalate": mark("Passed up to you"),
    "ticket.accept": mark("Your report was accepted"),
    "ticket.start": mark("Somebody is at work on your report"),
    "ticket.resolve": mark("Your report is done"),
    "ticket.close": mark("Your report is closed"),
    "ticket.urge": mark("A resident asks how far it is"),
    "ticket.contractor": mark("No contractor comes"),
    "ticket.mention": mark("You are named in a note"),
    "colleagues.assign": mark("A ticket for your team"),
    "tickets.assign": mark("Several tickets for you"),
    "tickets.to_team": mark("Several tickets for your team"),
    "ticket.release": mark("A ticket waits for somebody again"),
    "tickets.release": mark("Several tickets wait for somebody again"),
    "tickets.reopen": mark("Several tickets opened again"),
    "tickets.accept": mark("Several of your reports were accepted"),
    "tickets.resolve": mark("Several of your reports are done"),
    "tickets.close": mark("Several of your reports are closed"),
    "roster.gap": mark("Nobody on duty ahead"),
    "handover.pass_up": mark("A hand-over waits for you"),
    "patrol_mark.make": mark("A question about your round"),
    "patrol_report.annex": mark("A report that you read has an annex"),
    "statute.break": mark("Plans do not keep their statute"),
    "round.late": mark("A round has not begun"),
    "round.late_passed_up": mark("A round has still not begun"),
    "round.miss": mark("Checkpoints were missed"),
    "round.miss_passed_up": mark("Checkpoints are still missed"),
    "post.short": mark("Too few are at a post"),
    "post.unread_orders": mark("Somebody is at a post without its orders read"),
    "resident.accept": mark("Your report was accepted"),
    "resident.come": mark("Somebody is on the way"),
    "resident.start": mark("Somebody is at work on it"),
    "resident.resolve": mark("Your report is done"),
    "resident.close": mark("Your report is closed"),
    "resident.reopen": mark("Your report is open again"),
    "contractor.offer": mark("A job for you"),
    "test": mark("Test: can we reach you?"),
    **CLOSING_NOTICES,
}
CHANNEL: Mapping[str, str] = {
    "sms": mark("SMS"),
    "voice": mark("Phone call"),
    "wecom": mark("WeCom"),
    "dingtalk": mark("DingTalk"),
    "email": mark("E-mail"),
    "push": mark("Push to a browser"),
}
ATTEMPT: Mapping[str, str] = {
    "sending": mark("being sent"),
    "sent": mark("sent"),
    "failed": mark("failed"),
    "unknown": mark("outcome unknown, repeated"),
}
WORK_KIND: Mapping[str, str] = {
    "labour": mark("Labour"),
    "part": mark("Part"),
}
# What a contractor says they used.
CLAIM_KIND: Mapping[str, str] = {**WORK_KIND, "cost": mark("Other cost")}
CLAIM_STATE: Mapping[str, str] = {
    "claimed": mark("Claimed, not decided"),
    "accepted": mark("Claim accepted"),
    "struck": mark("Claim struck"),
}
CLAIM_ACTION: Mapping[str, str] = {
    "accept": mark("Accept the claim"),
    "strike": mark("Strike it"),
}
# What this ticket is to another.
RELATION: Mapping[str, str] = {
    "related_to": mark("Related to"),
    "caused_by": mark("Caused by"),
    "cause_of": mark("Cause of"),
    "follow_up_of": mark("Follow-up of"),
    "followed_up_by": mark("Followed up by"),
    "child_of": mark("Part of"),
    "parent_of": mark("Consists of"),
}
ITEM_KIND: Mapping[str, str] = {
    "tick": mark("Tick"),
    "number": mark("Number"),
    "choice": mark("Choice of words"),
    "photo": mark("Photo"),
}
FINDING: Mapping[str, str] = {
    "faults": mark("Fault"),
    "causes": mark("Cause"),
    "remedies": mark("Remedy"),
}
# Why the clocks of a ticket were computed again.
WHY_CLOCKS: Mapping[str, str] = {
    "calendar": mark("the calendar was changed"),
    "terms": mark("the promised times were changed"),
    "edit": mark("the ticket was edited"),
    "resume": mark("the hold has ended"),
    "reopen": mark("the ticket was opened again"),
    "over": mark("it was over before we learned of it"),
    "fire": mark("it counts as a fire"),
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
CONTRACTOR_STATE: Mapping[str, str] = {
    "waiting": mark("Waits for its turn"),
    "offered": mark("Asked"),
    "accepted": mark("On the way"),
    "arrived": mark("On the spot"),
    "done": mark("Finished"),
    "declined": mark("Declined"),
    "revoked": mark("Taken back"),
    "expired": mark("Ended"),
    "passed_on": mark("Did not answer"),
    # Not of one link: what becomes of the ticket when nobody outside is left.
    "back": mark("Back to the team"),
}
ARRIVED_BY: Mapping[str, str] = {
    "sticker": mark("scanned the sticker"),
    "code": mark("typed the code of the sticker"),
    "tap": mark("there is no sticker there"),
}
# A ticket's status as somebody reads it who reported it and knows nothing of our work.
RESIDENT_STATE: Mapping[str, str] = {
    "open": mark("We have your report"),
    "assigned": mark("Somebody has been asked to come"),
    "in_progress": mark("The work is under way"),
    "on_hold": mark("The work has to wait"),
    "resolved": mark("The work is finished"),
    "verified": mark("Finished and checked"),
    "closed": mark("Finished and checked"),
    "cancelled": mark("This will not be worked on"),
    "merged": mark("This is worked on with another report"),
}
RESIDENT_STEP: Mapping[str, str] = {
    "ticket.open": mark("Reported"),
    "ticket.assign": mark("Handed out"),
    "ticket.accept": mark("Somebody is coming"),
    "ticket.start": mark("Work began"),
    "ticket.hold": mark("Has to wait"),
    "ticket.resume": mark("Work goes on"),
    "ticket.resolve": mark("Finished"),
    "ticket.close": mark("Checked"),
    "ticket.reopen": mark("Taken up again"),
    "ticket.cancel": mark("Not worked on"),
}
STICKER_WHAT: Mapping[str, str] = {
    "assets": mark("Equipment"),
    "spaces": mark("Places"),
    "all": mark("Equipment and places"),
}
MARK: Mapping[str, str] = {
    "trip": mark("Alarm"),
    "recovery": mark("Recovered"),
}

WORDS: Mapping[str, Mapping[str, str]] = {
    "severity": SEVERITY,
    "ticket_state": TICKET_STATE,
    "ticket_action": NOTE_WITH,
    "ticket_kind": TICKET_KIND,
    "alarm_state": ALARM_STATE,
    "withheld_why": WITHHELD_WHY,
    "work_phase": WORK_PHASE,
    "walk_phase": WALK_PHASE,
    "actor": ACTOR,
    "role": ROLE,
    "permission": PERMISSION,
    "transition": TRANSITION,
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
    "work_kind": WORK_KIND,
    "claim_kind": CLAIM_KIND,
    "claim_state": CLAIM_STATE,
    "claim_action": CLAIM_ACTION,
    "finding": FINDING,
    "notice": NOTICE,
    "channel": CHANNEL,
    "attempt": ATTEMPT,
    "team_mode": TEAM_MODE,
    "certificate": CERTIFICATE,
    "item": ITEM,
    "handover": HANDOVER,
    "why_clocks": WHY_CLOCKS,
    "mark": MARK,
    "contractor_state": CONTRACTOR_STATE,
    "relation": RELATION,
    "item_kind": ITEM_KIND,
    "arrived_by": ARRIVED_BY,
    "resident_state": RESIDENT_STATE,
    "resident_step": RESIDENT_STEP,
    "sticker_what": STICKER_WHAT,
    "living_as": LIVING_AS,
    **IMPORT_WORDS,
    **CLOSING_WORDS,
    **INCIDENT_WORDS,
    **PATROL_WORDS,
    **ROUND_WORDS,
    **POST_WORDS,
    **STATUTE_WORDS,
    **PHONE_WORDS,
    **MARK_WORDS,
    **FROZEN_WORDS,
    **RULE_WORDS,
    **SOS_WORDS,
    **PRIVACY_WORDS,
    **TASK_WORDS,
    **SOURCE_WORDS,
}
