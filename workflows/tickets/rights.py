"""Who may take which action on a ticket."""

from collections.abc import Mapping
from types import MappingProxyType

from core.people import Caller
from workflows.tickets.lifecycle import TICKET
from workflows.tickets.scope import Placed, holds

# Who does the work moves it along; who answers for it hands it out, checks it and ends it.
RIGHT_OF_ACTION: Mapping[str, str] = MappingProxyType(
    {
        "assign": "tickets.dispatch",
        "accept": "tickets.work",
        "start": "tickets.work",
        "hold": "tickets.work",
        "resume": "tickets.work",
        "resolve": "tickets.work",
        "verify": "tickets.manage",
        "close": "tickets.manage",
        "reopen": "tickets.manage",
        "cancel": "tickets.manage",
        "merge": "tickets.manage",
    }
)

# To hold a ticket for longer than the terms allow.
LONG_HOLD = "tickets.manage"


def actions_for(state: str, ticket: Placed, caller: Caller) -> list[str]:
    """The actions that the table allows from `state` and that the caller may take on the ticket."""
    return [
        action for action in TICKET.actions(state) if holds(caller, RIGHT_OF_ACTION[action], ticket)
    ]
