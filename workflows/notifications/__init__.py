"""Notifications: facts leave the house at least once, and people are told until they answer."""

from workflows.notifications.merging import left_of, tickets_of
from workflows.notifications.model import (
    ASK_FOR_HANDS,
    FIRES,
    KIND_OF_ONE,
    LIST_OF,
    Attempt,
    Notice,
)
from workflows.notifications.outbox import (
    Delivery,
    OutboxCursor,
    begin_due,
    cursor_of,
    enqueue,
    finish,
    give_up_others,
    is_outward,
    message,
    postpone,
    set_cursor,
)
from workflows.notifications.outside import Outside, begin_outside
from workflows.notifications.pressing import press
from workflows.notifications.taking_up import group_lines, take_up
from workflows.notifications.telling import (
    Told,
    acknowledge,
    ask,
    at_home,
    attempts_on,
    begin,
    finish_attempt,
    give_up_unknown,
    inbox,
    notice_by_code,
    see_at_home,
)

__all__ = [
    "ASK_FOR_HANDS",
    "FIRES",
    "KIND_OF_ONE",
    "LIST_OF",
    "Attempt",
    "Delivery",
    "Notice",
    "OutboxCursor",
    "Outside",
    "Told",
    "acknowledge",
    "ask",
    "at_home",
    "attempts_on",
    "begin",
    "begin_due",
    "begin_outside",
    "cursor_of",
    "enqueue",
    "finish",
    "finish_attempt",
    "give_up_others",
    "give_up_unknown",
    "group_lines",
    "inbox",
    "is_outward",
    "left_of",
    "message",
    "notice_by_code",
    "postpone",
    "press",
    "see_at_home",
    "set_cursor",
    "take_up",
    "tickets_of",
]
