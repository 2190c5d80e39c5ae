"""Intake: people, places, devices and points handed in as spreadsheets, shown, applied, undone."""

from core.tables import LARGEST_FILE
from workflows.intake.applying import (
    Upload,
    apply_import,
    discard,
    forget_previews,
    hand_in,
    plan_again,
    plan_file,
)
from workflows.intake.keeping import Preview
from workflows.intake.lines import read_file
from workflows.intake.model import IMPORT, Intake
from workflows.intake.planning import make_plan
from workflows.intake.undoing import Kept, spoken_since, undo_import

__all__ = [
    "IMPORT",
    "LARGEST_FILE",
    "Intake",
    "Kept",
    "Preview",
    "Upload",
    "apply_import",
    "discard",
    "forget_previews",
    "hand_in",
    "make_plan",
    "plan_again",
    "plan_file",
    "read_file",
    "spoken_since",
    "undo_import",
]
