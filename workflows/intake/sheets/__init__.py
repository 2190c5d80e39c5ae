"""The sheets that can be handed in: their columns, in both languages, with what each is for."""

from collections.abc import Mapping
from types import MappingProxyType

from workflows.intake.sheets.columns import CLEAR, HOW, SKIP, Column, Sheet
from workflows.intake.sheets.devices import DEVICES, POINTS
from workflows.intake.sheets.households import HOUSEHOLDS
from workflows.intake.sheets.people import PEOPLE
from workflows.intake.sheets.places import ASSETS, SPACES
from workflows.intake.sheets.rosters import BY_DAY, DAYS, MONTH
from workflows.intake.sheets.teams import MEMBERS, TEAMS

__all__ = ["CLEAR", "DAYS", "HOW", "NUMERIC", "SHEETS", "SKIP", "Column", "Sheet"]

_WHO_AND_WHAT = (PEOPLE, SPACES, ASSETS, DEVICES, POINTS)
SHEETS: Mapping[str, Sheet] = MappingProxyType(
    {sheet.code: sheet for sheet in (*_WHO_AND_WHAT, HOUSEHOLDS, TEAMS, MEMBERS, MONTH, BY_DAY)}
)

# Numbers are numbers here; everywhere else a number in a cell stands for a text.
NUMERIC = frozenset({"low", "high"})
