"""The status table of a ticket."""

from core.lifecycle import Lifecycle

_WORKING = ("open", "assigned", "in_progress", "on_hold")

TICKET = Lifecycle(
    "ticket",
    {
        "assign": dict.fromkeys(_WORKING, "assigned"),
        "accept": {"open": "assigned", "assigned": "assigned"},
        "start": {"open": "in_progress", "assigned": "in_progress"},
        "hold": {"assigned": "on_hold", "in_progress": "on_hold"},
        "resume": {"on_hold": "in_progress"},
        "resolve": {"assigned": "resolved", "in_progress": "resolved"},
        "verify": {"resolved": "verified"},
        "close": {"verified": "closed"},
        "reopen": {"resolved": "open", "verified": "open", "closed": "open"},
        "cancel": dict.fromkeys(_WORKING, "cancelled"),
        "merge": dict.fromkeys(_WORKING, "merged"),
    },
)

# How what was done a moment ago is taken back: no button and no route of its own.
UNDOING = Lifecycle(
    "ticket",
    {
        "unassign": {"assigned": "open"},
        # Whoever had accepted it does not do it: it waits for hands again.
        "release": {"assigned": "open"},
        "give_back": {"assigned": "in_progress"},
        # The hold began before anybody had started.
        "unhold": {"on_hold": "assigned"},
    },
)

# Somebody has it to work on.
IN_HAND = ("assigned", "in_progress", "on_hold")
# A ticket in one of these holds no fault any more.
ENDED = ("closed", "cancelled", "merged")
# Somebody still has to do something about it, so its clocks run.
RUNNING = ("open", "assigned", "in_progress")
