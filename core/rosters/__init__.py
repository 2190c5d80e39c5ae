"""Rosters: who is on duty when, who stands in, and whom to call when nobody is."""

from core.rosters.absences import absences, end_absence, leave_rosters, set_absence
from core.rosters.answering import bosses, duty_phone, posts, set_duty_phone, who_answers
from core.rosters.duty import on_duty, on_duty_anywhere, shift_began, whose_shifts
from core.rosters.model import (
    KINDS,
    LONGEST_LOOK,
    MOST_WEEKS,
    Absence,
    Answering,
    DutyPhone,
    OnDuty,
    Shift,
    Span,
)
from core.rosters.shifts import add_shifts, covered_teams, gaps, remove_shift, shifts_between

__all__ = [
    "KINDS",
    "LONGEST_LOOK",
    "MOST_WEEKS",
    "Absence",
    "Answering",
    "DutyPhone",
    "OnDuty",
    "Shift",
    "Span",
    "absences",
    "add_shifts",
    "bosses",
    "covered_teams",
    "duty_phone",
    "end_absence",
    "gaps",
    "leave_rosters",
    "on_duty",
    "on_duty_anywhere",
    "posts",
    "remove_shift",
    "set_absence",
    "set_duty_phone",
    "shift_began",
    "shifts_between",
    "who_answers",
    "whose_shifts",
]
