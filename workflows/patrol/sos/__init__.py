"""Calls for help from phones, and how they are shown and answered."""

from workflows.patrol.sos.on_phones import from_phone, sender_of, sender_on
from workflows.patrol.sos.positions import Place, look_at_positions, looks_at
from workflows.patrol.sos.raising import (
    Press,
    add_position,
    call_off,
    end_practice,
    forgotten_practices,
    own_call,
    press,
)
from workflows.patrol.sos.showing import (
    KEY,
    describe_call,
    list_calls,
    own_calls,
    show_sender,
    standing_calls,
)
from workflows.tickets.sos import KINDS, OUTCOMES, SOS, STANDING, UNANSWERED, Sos
from workflows.tickets.sos_answering import (
    ANSWER,
    ANSWER_SILENT,
    acknowledge,
    come,
    due_calls,
    end,
    escalate,
    find_sos,
    see,
)

__all__ = [
    "ANSWER",
    "ANSWER_SILENT",
    "KEY",
    "KINDS",
    "OUTCOMES",
    "SOS",
    "STANDING",
    "UNANSWERED",
    "Place",
    "Press",
    "Sos",
    "acknowledge",
    "add_position",
    "call_off",
    "come",
    "describe_call",
    "due_calls",
    "end",
    "end_practice",
    "escalate",
    "find_sos",
    "forgotten_practices",
    "from_phone",
    "list_calls",
    "look_at_positions",
    "looks_at",
    "own_call",
    "own_calls",
    "press",
    "see",
    "sender_of",
    "sender_on",
    "show_sender",
    "standing_calls",
]
