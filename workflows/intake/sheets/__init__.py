"""The sheets that can be handed in: their columns, in both languages, with what each is for."""

from collections.abc import Mapping
from types import MappingProxyType

from workflows.intake.sheets.columns import CLEAR, HOW, SKIP, Column, Sheet
from workflows.intake.sheets.devices import DEVICES, POINTS
from workflows.intake.sheets.households import HOUSEHOLDS
from workflows.intake.sheets.people import PEOPLE
from workflows.intake.sheets.places import ASSETS, SPACES

__all__ = ["CLEAR", "HOW", "NUMERIC", "SHEETS", "SKIP", "Column", "Sheet"]

SHEETS: Mapping[str, Sheet] = MappingProxyType(
    {sheet.code: sheet for sheet in (PEOPLE, SPACES, ASSETS, DEVICES, POINTS, HOUSEHOLDS)}
)

# Numbers are numbers here; everywhere else a number in a cell stands for a text.
NUMERIC = frozenset({"low", "high"})
