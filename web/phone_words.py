"""The words of guards' phones, of their journals, and of what guards report."""

from collections.abc import Mapping

from web.languages import mark

PHONE_EVENTS: Mapping[str, str] = {
    "phone.place": mark("Place made for a phone"),
    "phone.enrol": mark("Phone set up"),
    "phone.sign_in": mark("Signed in on a phone"),
    "phone.sign_out": mark("Signed out of a phone"),
    "phone.user": mark("Phone told who was signed in"),
    "phone.fork": mark("Two continue the journal of one phone"),
    "phone.orphaned": mark("Phone handed in what it kept from before"),
    "phone.lose": mark("Phone lost"),
    "phone.find": mark("Phone found again"),
    "phone.retire": mark("Phone taken out of use"),
    "person.pin": mark("PIN set"),
    "guard_report.record": mark("Guard's report"),
    "guard_report.add": mark("Guard's report added to"),
    "guard_report.close": mark("Guard's report closed"),
    "guard_file.complete": mark("Photo or voice note of a guard arrived"),
    "guard_file.set_aside": mark("File of a guard that can't be shown"),
    "guard_file.refuse": mark("File of a guard that was not what it should be"),
    "guard_file.retry": mark("File of a guard sent anew"),
}

PHONE_KIND: Mapping[str, str] = {
    "post": mark("Phone of a post"),
    "personal": mark("Personal phone"),
}
PHONE_STATE: Mapping[str, str] = {
    "active": mark("In use"),
    "lost": mark("Lost"),
    "retired": mark("Out of use"),
}
REPORT_KIND: Mapping[str, str] = {
    "repair": mark("Repair"),
    "hazard": mark("Hazard"),
    "observation": mark("Observation"),
    "incident": mark("Incident"),
    "note": mark("Why a point was not scanned"),
}
REPORT_STATE: Mapping[str, str] = {
    "open": mark("Not closed yet"),
    "closed": mark("Report closed"),
}
FILE_STATE: Mapping[str, str] = {
    "waiting": mark("still on the phone"),
    "wrong": mark("sent anew"),
    "unusable": mark("can't be shown"),
    "complete": mark("arrived"),
}
ENTRY_KIND: Mapping[str, str] = {
    "": mark("Can't be read"),
    "sign_in": mark("Sign-in"),
    "sign_out": mark("Sign-out"),
    "round_start": mark("Round begun"),
    "scan": mark("Scan"),
    "file": mark("Photo or voice note"),
    "report": mark("Report"),
    "report_more": mark("Addition to a report"),
    "note": mark("Why a point was not scanned"),
    "practice": mark("Practice"),
    "battery": mark("Battery low"),
    "gap": mark("Interruption"),
    "orphaned": mark("From an earlier set-up"),
}
PHONE_WORDS: Mapping[str, Mapping[str, str]] = {
    "phone_kind": PHONE_KIND,
    "phone_state": PHONE_STATE,
    "report_kind": REPORT_KIND,
    "report_state": REPORT_STATE,
    "file_state": FILE_STATE,
    "entry_kind": ENTRY_KIND,
}
