"""What can be wrong with a file, told by cell: where, what, and what to write instead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from core.errors import Invalid
from core.tables.unreadable import TEXTS as OF_FILES
from rules.catalog import Text

# English; the console has each in both languages (web.intake_words).
TEXTS: Mapping[str, str] = MappingProxyType(
    {
        # The file as a whole.
        **OF_FILES,
        "no_sheet": (
            "No sheet is one of ours. Use a template, or give the sheet one of these names: "
            "%(known)s."
        ),
        "which_sheet": (
            "The headings fit more than one kind of sheet. Name the file after one of these: "
            "%(known)s."
        ),
        "no_rows": "There is no row to read below the headings.",
        # Headings.
        "no_headings": "No row holds the headings. Copy them from a template.",
        "unknown_heading": "There is no column “%(text)s”. Known: %(known)s.",
        "no_heading": "This column has values but no heading. Give it one, or empty it.",
        "twice_heading": "The column “%(text)s” stands twice. Keep one of them.",
        "missing_column": "The column “%(title)s” is missing. Add it, as in the template.",
        # Cells.
        "merged": "The cells %(range)s are merged. Unmerge them and fill in each.",
        "formula": "A formula without a stored result. Write the value itself.",
        "error_value": "The formula gives %(text)s. Write the value itself.",
        "date": (
            "Excel made a date (%(text)s) of this. Format the cell as Text, then write it again."
        ),
        "digits": (
            "Excel rounded this number: it has more than 15 digits. Format the cell as Text, then "
            "write it again."
        ),
        "shortened": (
            "“%(text)s” is a number that Excel shortened. Format the cell as Text, then write it "
            "again."
        ),
        "zeros": (
            "“%(text)s” probably was “%(known)s”: Excel drops leading zeros. Format the cell as "
            "Text, then write it again."
        ),
        "missing": "“%(title)s” is empty. Fill it in.",
        "too_long": "At most %(limit)s characters; this has %(size)s.",
        "control": "The text holds a character that nobody sees. Write it again.",
        "choice": "“%(text)s” is none of the choices. Write one of these: %(known)s.",
        "number": "“%(text)s” is no number. Write it like 12.5.",
        "duration": "“%(text)s” is no length of time. Write it like 10s, 5m or 1h30m.",
        "no_clear": "This can't be emptied. Write a value, or leave the cell empty to keep it.",
        # What the row says.
        "code": "“%(text)s” can't be a code: letters, digits, _ . and - only, at most 60.",
        "device_code": (
            "“%(text)s” can't be a device's code: no blanks, none of / + #, no $ in front, at most "
            "120."
        ),
        "twice": "“%(text)s” stands twice; first in %(first)s. Keep one of the rows.",
        "which_site": "Which site? You have several; write one of these: %(known)s.",
        "no_site": "There is no site “%(text)s” where you may change this. Known: %(known)s.",
        "no_right": (
            "You may change nothing of the sheet “%(title)s”. Leave it out, or ask somebody who "
            "may."
        ),
        "no_place": "There is no place “%(text)s” where you may give roles. Known: %(known)s.",
        "which_place": "More than one place is called “%(text)s”. Write its path, like %(known)s.",
        "unknown": (
            "There is no %(kind)s “%(text)s” on this site or in this file. Write the code of one "
            "that stands, or add its row."
        ),
        "unknown_near": (
            "There is no %(kind)s “%(text)s” on this site or in this file. Did you mean "
            "“%(known)s”?"
        ),
        "circle": "It leads round in a circle: %(text)s. Correct one of these rows.",
        "type_points": (
            "The type has no point “%(text)s”, which this asset has. Keep the type, or choose one "
            "that has it."
        ),
        "retired": "This device is out of service. Put it back into service first.",
        "needs_asset": "Name the asset: the device has none.",
        "asset_type": "The type of this asset is in no catalogue, so it has no points.",
        "no_point": "“%(type)s” has no point “%(text)s”. Known: %(known)s.",
        "fed": (
            "Point “%(text)s” of this asset is fed by device “%(known)s”. Retire that device "
            "first, or choose another point."
        ),
        "key_taken": "The key “%(text)s” of this device feeds point “%(known)s” already.",
        "event_point": (
            "“%(text)s” is an event: it happens and has no value. Empty interval, low and high."
        ),
        "told_point": "“%(text)s” is told by Watchkeeper itself. Take the row out.",
        "range": "The lowest value must be below the highest.",
        "phone": "“%(text)s” is no phone number. Write digits, such as 138 0013 8000.",
        "many_phones": "At most %(limit)s numbers for one person. Keep the ones that matter.",
        "day": "“%(text)s” is no date. Write it like 2026-11-28.",
        # Teams and rosters.
        "shift": (
            "“%(text)s” is no shift here. Write a shift code (%(known)s), hours such as "
            "08:00-16:00, or off."
        ),
        "no_month": "Which month? Write it into this row or above the headings, like 2026-12.",
        "month": "“%(text)s” is no month. Write it like 2026-12.",
        "no_such_day": "%(month)s has no day %(text)s. Empty the cell.",
        "double": "They have another shift at that time, %(known)s. Take one of the two out.",
        "twice_day": "Their day stands twice; first in %(first)s. Keep one of the cells.",
        "many_days": "At most %(limit)s days at once. Hand in one month at a time.",
        "who": "Write the login or the name of somebody.",
        "no_person": (
            "Nobody who works tickets on this site is “%(text)s”. Write a login or full name as"
            " it stands under People, or add them to that sheet."
        ),
        "which_person": "More than one person is called “%(text)s”. Write their login.",
        "no_team": "There is no team “%(text)s” on this site or in this file. Known: %(known)s.",
        "which_team": "Which team? Write one of these: %(known)s.",
        "until_first": "They would move out before they move in. Correct one of the dates.",
        "which_unit": "More than one space is called “%(text)s”. Write its code, like %(known)s.",
        "login": "“%(text)s” can't be a login: 2 to 80 characters without a space.",
        "login_taken": "This login can't be used. Choose another one.",
        "left": "This person has left. Take the row out, or use another login.",
        "other_name": (
            "The row %(first)s gives this login another name or language. Write the same in both."
        ),
        "not_yours": "You may not change this person: they hold a role where you don't decide.",
        "needs_role": "A new person needs a role and where it holds. Fill in both.",
        "half_role": "A role needs a place and a place a role. Fill in both, or neither.",
        "every_team": "This role counts for every team. Leave the team empty.",
        "no_such_team": "There is no such team at this place. Write the code of one of its teams.",
        "not_given": "You can't give more rights than you hold there. Choose another role.",
    }
)


Value = str | Text


@dataclass(frozen=True, slots=True)
class Fault:
    """One finding. cell: like B7, "" when it is about the sheet, or the file where sheet is "".

    values: what the text names; a `Text` where it differs by language.
    """

    code: str
    values: Mapping[str, Value] = field(default_factory=dict)
    sheet: str = ""
    cell: str = ""
    row: int = 0
    column: int = 0

    def values_in(self, language: str) -> dict[str, str]:
        """The values in a language."""
        return {
            name: value.get(language) if isinstance(value, Text) else value
            for name, value in self.values.items()
        }

    @property
    def text(self) -> str:
        """What is wrong and what to write, in English."""
        return TEXTS[self.code] % self.values_in("en")

    @property
    def place(self) -> str:
        """Where: `Spaces!B7`."""
        return "!".join(part for part in (self.sheet, self.cell) if part)

    def as_json(self) -> dict[str, Any]:
        """For keeping; `from_json` makes it again."""
        values = {
            name: [value.en, value.zh] if isinstance(value, Text) else value
            for name, value in self.values.items()
        }
        return {
            "code": self.code,
            "values": values,
            "sheet": self.sheet,
            "cell": self.cell,
            "row": self.row,
            "column": self.column,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Fault":
        """A fault that was kept."""
        values = {
            name: value if isinstance(value, str) else Text(*value)
            for name, value in kept["values"].items()
        }
        return cls(**{**kept, "values": values})


def listed(words: Iterable[Text | str], most: int = 12) -> Text:
    """A few words as one text in each language."""
    texts = [word if isinstance(word, Text) else Text(word, word) for word in words]
    shown = texts[:most]
    en = ", ".join(word.get("en") for word in shown)
    zh = "、".join(word.get("zh") for word in shown)
    return Text(f"{en} …", f"{zh}……") if len(texts) > most else Text(en, zh)


class Unreadable(Invalid):
    """The file as a whole can't be read."""

    def __init__(self, code: str, **values: Value) -> None:
        self.fault = Fault(code, values)
        super().__init__("the file was not read", problems=[self.fault.text])
