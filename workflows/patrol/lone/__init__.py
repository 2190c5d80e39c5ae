"""Lone workers: who has to check in, and what becomes of a check-in that does not come."""

from workflows.patrol.lone.checking_in import (
    check_in,
    living_watches,
    note_life,
    own_watch,
    watch_of,
)
from workflows.patrol.lone.model import (
    PLAN,
    SIGNS,
    WATCH,
    DeadZone,
    LonePlan,
    LoneWatch,
)
from workflows.patrol.lone.plans import (
    LoneDraft,
    change_lone_plan,
    create_lone_plan,
    describe_lone_plan,
    find_lone_plan,
    flag_dead_zone,
    list_dead_zones,
    list_lone_plans,
    move_lone_plan,
)
from workflows.patrol.lone.signal import has_no_signal
from workflows.patrol.lone.watching import (
    begin_watches,
    look_after,
    plans_in_use,
    watches_to_look_at,
)

__all__ = [
    "PLAN",
    "SIGNS",
    "WATCH",
    "DeadZone",
    "LoneDraft",
    "LonePlan",
    "LoneWatch",
    "begin_watches",
    "change_lone_plan",
    "check_in",
    "create_lone_plan",
    "describe_lone_plan",
    "find_lone_plan",
    "flag_dead_zone",
    "has_no_signal",
    "list_dead_zones",
    "list_lone_plans",
    "living_watches",
    "look_after",
    "move_lone_plan",
    "note_life",
    "own_watch",
    "plans_in_use",
    "watch_of",
    "watches_to_look_at",
]
