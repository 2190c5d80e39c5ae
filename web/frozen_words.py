"""The words of frozen reports: how days stand, how people are named, what a client reads."""

from collections.abc import Mapping

from web.languages import mark

FROZEN_STATE: Mapping[str, str] = {
    "open": mark("Not closed"),
    "closed": mark("Frozen"),
    "annexed": mark("Annexed"),
}
NAMING: Mapping[str, str] = {
    "names": mark("their names"),
    "initials": mark("their initials"),
    "badges": mark("what is printed on their badge, else initials"),
    "nobody": mark("not at all"),
}
REPORT_PART: Mapping[str, str] = {
    "reports": mark("Reports by guards"),
    "photos": mark("Photos"),
    "marks": mark("Marks on rounds"),
    "alarms": mark("Grave alarms"),
    "tickets": mark("Tickets of those who guard"),
    "calls": mark("Calls for help"),
    "hand_overs": mark("Hand-overs and pass-down logs"),
}
LETTER_STATE: Mapping[str, str] = {
    "waiting": mark("E-mails that wait"),
    "sending": mark("E-mails under way"),
    "sent": mark("E-mails sent"),
    "failed": mark("E-mails that could not be sent"),
    "revoked": mark("E-mails whose link was taken back"),
}
FROZEN_WORDS: Mapping[str, Mapping[str, str]] = {
    "frozen_state": FROZEN_STATE,
    "naming": NAMING,
    "letter_state": LETTER_STATE,
    "report_part": REPORT_PART,
}
FROZEN_EVENTS: Mapping[str, str] = {
    "patrol_report.close": mark("Report closed and frozen"),
    "patrol_report.annex": mark("Annex added to a report"),
    "patrol_report.revoke_links": mark("Links to a report taken back"),
    "report_client.create": mark("Client of reports added"),
    "report_client.change": mark("Client of reports changed"),
    "report_client.end": mark("Client of reports ended"),
    "report_client.resume": mark("Client of reports taken up again"),
    "report_settings.change": mark("How a site reports changed"),
}
