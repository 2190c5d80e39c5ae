"""Tasks for guards: an alarm is offered to the nearest who can be spared, until somebody goes."""

from workflows.patrol.tasks.answering import (
    REASONS,
    SEND,
    accept,
    call_off,
    decline,
    find_task,
    finish,
    give_back,
    needed,
    passed_on,
    send,
)
from workflows.patrol.tasks.arriving import arrive, arrive_by_scans
from workflows.patrol.tasks.figures import task_figures
from workflows.patrol.tasks.offering import due_tasks, step
from workflows.patrol.tasks.reading import (
    KEY,
    describe_task,
    list_tasks,
    task_on,
    tasks_now,
    tasks_of,
    who_could_go,
)
from workflows.tickets.guard_tasks import (
    GOING,
    GUARD_OFFER,
    GUARD_TASK,
    OPEN,
    SEEKING,
    GuardOffer,
    GuardTask,
)

__all__ = [
    "GOING",
    "GUARD_OFFER",
    "GUARD_TASK",
    "KEY",
    "OPEN",
    "REASONS",
    "SEEKING",
    "SEND",
    "GuardOffer",
    "GuardTask",
    "accept",
    "arrive",
    "arrive_by_scans",
    "call_off",
    "decline",
    "describe_task",
    "due_tasks",
    "find_task",
    "finish",
    "give_back",
    "list_tasks",
    "needed",
    "passed_on",
    "send",
    "step",
    "task_figures",
    "task_on",
    "tasks_now",
    "tasks_of",
    "who_could_go",
]
