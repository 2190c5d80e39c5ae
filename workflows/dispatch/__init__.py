"""Dispatch: a ticket finds its person, a gap in the roster is seen the day before, shifts meet."""

from workflows.dispatch.assigning import assign_waiting
from workflows.dispatch.gaps import RosterGap, open_gaps, watch_rosters
from workflows.dispatch.handover import (
    HANDOVER,
    Handover,
    Place,
    StandingAlarm,
    TeamItem,
    accept_handover,
    find_handover,
    handovers_waiting,
    list_handovers,
    offer_handover,
    pass_up,
    require_to_hand_over,
    set_items,
    waiting_at,
    what_to_hand_over,
)

__all__ = [
    "HANDOVER",
    "Handover",
    "Place",
    "RosterGap",
    "StandingAlarm",
    "TeamItem",
    "accept_handover",
    "assign_waiting",
    "find_handover",
    "handovers_waiting",
    "list_handovers",
    "offer_handover",
    "open_gaps",
    "pass_up",
    "require_to_hand_over",
    "set_items",
    "waiting_at",
    "watch_rosters",
    "what_to_hand_over",
]
