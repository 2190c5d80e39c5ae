"""Tickets: one fault is one ticket, worked to a verified end."""

from workflows.tickets.clocks import next_moment
from workflows.tickets.lifecycle import ENDED, IN_HAND, RUNNING, TICKET
from workflows.tickets.model import (
    FALSE_CAUSES,
    KINDS,
    PRIORITIES,
    VERDICTS,
    Fault,
    Ticket,
    TicketEvidence,
    TicketNote,
)
from workflows.tickets.opening import (
    Draft,
    FaultKey,
    Outcome,
    add_evidence,
    count_repeats,
    current_ticket,
    open_for_fault,
    open_ticket,
    open_unseen,
    tell_still,
    with_merged,
)
from workflows.tickets.passing import due_tickets, mark_moments, note_if_over, recompute_open
from workflows.tickets.reading import LoudTicket, unanswered_critical
from workflows.tickets.working import Step, act, add_note, edit, hand_to

__all__ = [
    "ENDED",
    "FALSE_CAUSES",
    "IN_HAND",
    "KINDS",
    "PRIORITIES",
    "RUNNING",
    "TICKET",
    "VERDICTS",
    "Draft",
    "Fault",
    "FaultKey",
    "LoudTicket",
    "Outcome",
    "Step",
    "Ticket",
    "TicketEvidence",
    "TicketNote",
    "act",
    "add_evidence",
    "add_note",
    "count_repeats",
    "current_ticket",
    "due_tickets",
    "edit",
    "hand_to",
    "mark_moments",
    "next_moment",
    "note_if_over",
    "open_for_fault",
    "open_ticket",
    "open_unseen",
    "recompute_open",
    "tell_still",
    "unanswered_critical",
    "with_merged",
]
