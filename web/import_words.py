"""The words for imports: what can be wrong with a file, what it does, and why something stays."""

from collections.abc import Mapping

from web.languages import mark

# The same texts as in workflows.intake.faults; a test compares them.
FAULT: Mapping[str, str] = {
    "empty_file": mark("The file is empty. Choose the file that you filled in."),
    "old_excel": mark(
        "This is an old Excel file (.xls) or one with a password. In Excel choose Save "
        "as, Excel workbook (.xlsx), without a password."
    ),
    "no_table": mark("This is no Excel or CSV file. Save it as .xlsx or as CSV UTF-8."),
    "broken": mark("The file is damaged. Open it in Excel and save it again as .xlsx."),
    "too_large": mark("The file has more than %(limit)s MB. Split it into several."),
    "too_large_inside": mark(
        "Unpacked the file has more than %(limit)s MB. Copy the rows into a fresh template."
    ),
    "too_many_cells": mark("The file has more than %(limit)s cells. Split it into several."),
    "too_many_rows": mark("The file has more than %(limit)s rows. Split it into several."),
    "encoding": mark("The letters can't be read. Save it as CSV UTF-8 or in GBK."),
    "no_sheet": mark(
        "No sheet is one of ours. Use a template, or give the sheet one of these names: %(known)s."
    ),
    "which_sheet": mark(
        "The headings fit more than one kind of sheet. Name the file after one of these: %(known)s."
    ),
    "no_rows": mark("There is no row to read below the headings."),
    "no_headings": mark("No row holds the headings. Copy them from a template."),
    "unknown_heading": mark("There is no column “%(text)s”. Known: %(known)s."),
    "no_heading": mark("This column has values but no heading. Give it one, or empty it."),
    "twice_heading": mark("The column “%(text)s” stands twice. Keep one of them."),
    "missing_column": mark("The column “%(title)s” is missing. Add it, as in the template."),
    "merged": mark("The cells %(range)s are merged. Unmerge them and fill in each."),
    "formula": mark("A formula without a stored result. Write the value itself."),
    "error_value": mark("The formula gives %(text)s. Write the value itself."),
    "date": mark(
        "Excel made a date (%(text)s) of this. Format the cell as Text, then write it again."
    ),
    "digits": mark(
        "Excel rounded this number: it has more than 15 digits. Format the cell as Text, "
        "then write it again."
    ),
    "shortened": mark(
        "“%(text)s” is a number that Excel shortened. Format the cell as Text, then write it again."
    ),
    "zeros": mark(
        "“%(text)s” probably was “%(known)s”: Excel drops leading zeros. Format the cell "
        "as Text, then write it again."
    ),
    "missing": mark("“%(title)s” is empty. Fill it in."),
    "too_long": mark("At most %(limit)s characters; this has %(size)s."),
    "control": mark("The text holds a character that nobody sees. Write it again."),
    "choice": mark("“%(text)s” is none of the choices. Write one of these: %(known)s."),
    "number": mark("“%(text)s” is no number. Write it like 12.5."),
    "duration": mark("“%(text)s” is no length of time. Write it like 10s, 5m or 1h30m."),
    "no_clear": mark("This can't be emptied. Write a value, or leave the cell empty to keep it."),
    "code": mark("“%(text)s” can't be a code: letters, digits, _ . and - only, at most 60."),
    "device_code": mark(
        "“%(text)s” can't be a device's code: no blanks, none of / + #, no $ in front, at most 120."
    ),
    "twice": mark("“%(text)s” stands twice; first in %(first)s. Keep one of the rows."),
    "which_site": mark("Which site? You have several; write one of these: %(known)s."),
    "no_site": mark("There is no site “%(text)s” where you may change this. Known: %(known)s."),
    "no_right": mark(
        "You may change nothing of the sheet “%(title)s”. Leave it out, or ask somebody who may."
    ),
    "no_place": mark("There is no place “%(text)s” where you may give roles. Known: %(known)s."),
    "which_place": mark(
        "More than one place is called “%(text)s”. Write its path, like %(known)s."
    ),
    "unknown": mark(
        "There is no %(kind)s “%(text)s” on this site or in this file. Write the code of "
        "one that stands, or add its row."
    ),
    "unknown_near": mark(
        "There is no %(kind)s “%(text)s” on this site or in this file. Did you mean “%(known)s”?"
    ),
    "circle": mark("It leads round in a circle: %(text)s. Correct one of these rows."),
    "type_points": mark(
        "The type has no point “%(text)s”, which this asset has. Keep the type, or choose "
        "one that has it."
    ),
    "retired": mark("This device is out of service. Put it back into service first."),
    "needs_asset": mark("Name the asset: the device has none."),
    "asset_type": mark("The type of this asset is in no catalogue, so it has no points."),
    "no_point": mark("“%(type)s” has no point “%(text)s”. Known: %(known)s."),
    "fed": mark(
        "Point “%(text)s” of this asset is fed by device “%(known)s”. Retire that device "
        "first, or choose another point."
    ),
    "key_taken": mark("The key “%(text)s” of this device feeds point “%(known)s” already."),
    "event_point": mark(
        "“%(text)s” is an event: it happens and has no value. Empty interval, low and high."
    ),
    "told_point": mark("“%(text)s” is told by Watchkeeper itself. Take the row out."),
    "range": mark("The lowest value must be below the highest."),
    "phone": mark("“%(text)s” is no phone number. Write digits, such as 138 0013 8000."),
    "many_phones": mark("At most %(limit)s numbers for one person. Keep the ones that matter."),
    "day": mark("“%(text)s” is no date. Write it like 2026-11-28."),
    "shift": mark(
        "“%(text)s” is no shift here. Write a shift code (%(known)s), hours such as "
        "08:00-16:00, or off."
    ),
    "no_month": mark("Which month? Write it into this row or above the headings, like 2026-12."),
    "month": mark("“%(text)s” is no month. Write it like 2026-12."),
    "no_such_day": mark("%(month)s has no day %(text)s. Empty the cell."),
    "double": mark("They have another shift at that time, %(known)s. Take one of the two out."),
    "twice_day": mark("Their day stands twice; first in %(first)s. Keep one of the cells."),
    "many_days": mark("At most %(limit)s days at once. Hand in one month at a time."),
    "who": mark("Write the login or the name of somebody."),
    "no_person": mark(
        "Nobody who works tickets on this site is “%(text)s”. Write a login or full name as it "
        "stands under People, or add them to that sheet."
    ),
    "which_person": mark("More than one person is called “%(text)s”. Write their login."),
    "no_team": mark("There is no team “%(text)s” on this site or in this file. Known: %(known)s."),
    "which_team": mark("Which team? Write one of these: %(known)s."),
    "until_first": mark("They would move out before they move in. Correct one of the dates."),
    "which_unit": mark("More than one space is called “%(text)s”. Write its code, like %(known)s."),
    "login": mark("“%(text)s” can't be a login: 2 to 80 characters without a space."),
    "login_taken": mark("This login can't be used. Choose another one."),
    "left": mark("This person has left. Take the row out, or use another login."),
    "other_name": mark(
        "The row %(first)s gives this login another name or language. Write the same in both."
    ),
    "not_yours": mark("You may not change this person: they hold a role where you don't decide."),
    "needs_role": mark("A new person needs a role and where it holds. Fill in both."),
    "half_role": mark("A role needs a place and a place a role. Fill in both, or neither."),
    "every_team": mark("This role counts for every team. Leave the team empty."),
    "no_such_team": mark(
        "There is no such team at this place. Write the code of one of its teams."
    ),
    "not_given": mark("You can't give more rights than you hold there. Choose another role."),
}
IMPORT_STATE: Mapping[str, str] = {
    "previewed": mark("Preview"),
    "applied": mark("Applied"),
    "undone": mark("Undone"),
    "discarded": mark("Discarded"),
}
IMPORT_VIEW: Mapping[str, str] = {
    "refused": mark("To be corrected"),
    "create": mark("New"),
    "update": mark("Changed"),
    "same": mark("Unchanged"),
    "kept": mark("Kept"),
}
IMPORT_KIND: Mapping[str, str] = {
    "person": mark("Person"),
    "grant": mark("Role"),
    "space": mark("Space"),
    "asset": mark("Asset"),
    "device": mark("Device"),
    "point": mark("Point"),
    "resident": mark("Resident"),
    "team": mark("Team"),
    "member": mark("Team member"),
    "duty": mark("Day of a roster"),
}
IMPORT_STAGE: Mapping[str, str] = {
    "reading": mark("Reading the file"),
    "checking": mark("Comparing it with what stands"),
    "writing": mark("Writing"),
}
DEVICE_STATE: Mapping[str, str] = {
    "waiting": mark("Waiting for adoption"),
    "active": mark("In service"),
}
KEPT_REASON: Mapping[str, str] = {
    "readings": mark("It has readings."),
    "adopted": mark("It was taken into service because it spoke, and stays in service."),
    "acted": mark("They have signed in or done something."),
    "changed": mark("Somebody has changed it since."),
    "gone": mark("It, or what it stood in before, is not there any more."),
    "last_administrator": mark("They are the last administrator of the company."),
}
# What may refer to something, by the table it stands in.
KEPT_FOR: Mapping[str, str] = {
    "ticket": mark("A ticket is about it."),
    "alarm": mark("An alarm is about it."),
    "space": mark("A space that stays is in it."),
    "resident": mark("Somebody lives there."),
    "asset": mark("An asset that stays is in it."),
    "device": mark("A device that stays needs it."),
    "point": mark("A point that stays needs it."),
    "team_member": mark("Somebody is in it."),
    "shift": mark("A shift is for it."),
    "grant": mark("A role is limited to it."),
    "checkpoint": mark("Patrols go to it."),
    "home": mark("They have an account."),
}
KEPT_ELSE = mark("Something that was made since refers to it.")
IMPORT_WORDS: Mapping[str, Mapping[str, str]] = {
    "import_state": IMPORT_STATE,
    "import_view": IMPORT_VIEW,
    "import_kind": IMPORT_KIND,
    "device_state": DEVICE_STATE,
}
