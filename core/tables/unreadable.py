"""Files that are no table, and what whoever handed one in can do about it."""

from collections.abc import Mapping
from types import MappingProxyType

from core.errors import Invalid

# English; the console has each in both languages (web.import_words).
TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "empty_file": "The file is empty. Choose the file that you filled in.",
        "old_excel": (
            "This is an old Excel file (.xls) or one with a password. In Excel choose Save as, "
            "Excel workbook (.xlsx), without a password."
        ),
        "no_table": "This is no Excel or CSV file. Save it as .xlsx or as CSV UTF-8.",
        "broken": "The file is damaged. Open it in Excel and save it again as .xlsx.",
        "too_large": "The file has more than %(limit)s MB. Split it into several.",
        "too_large_inside": (
            "Unpacked the file has more than %(limit)s MB. Copy the rows into a fresh template."
        ),
        "too_many_cells": "The file has more than %(limit)s cells. Split it into several.",
        "too_many_rows": "The file has more than %(limit)s rows. Split it into several.",
        "encoding": "The letters can't be read. Save it as CSV UTF-8 or in GBK.",
    }
)


class UnreadableTable(Invalid):
    """The file as a whole can't be read. code: one of TEXTS; values: what its text names."""

    def __init__(self, code: str, **values: str) -> None:
        self.code = code
        self.values = values
        super().__init__("the file was not read", problems=[TEXTS[code] % values])
