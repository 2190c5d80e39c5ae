"""A task for a guard as its ticket's page and the control room show it."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from core.db import Session
from web.visit import Visit
from workflows.patrol import tasks

# What the buttons of whoever passes it on say, in their order.
PASSED_FOR = ("busy", "too_far", "post", "unwell", "other")


def task_shown(session: Session, visit: Visit, ticket_id: UUID) -> dict[str, Any]:
    """The task of a ticket, what its reader may do about it, and whom they could send."""
    task = tasks.task_on(session, visit.caller, ticket_id)
    if task is None:
        return {"task": None}
    mine = task["person_id"] == visit.caller.person_id
    may_send = task["may_send"] and task["state"] in tasks.GUARD_TASK.moves["send"]
    could = []
    if may_send:
        found = tasks.who_could_go(session, visit.caller, ticket_id, now=visit.reader.now)
        could = [{**one, "may_go": one["why_not"] in (None, "asked")} for one in found]
    return {
        "task": task,
        "task_mine": mine and task["state"] in (*tasks.GOING, "offered"),
        "task_reasons": PASSED_FOR,
        "could_go": could,
        "may_go_too": may_send and not mine,
        "may_call_off": task["may_send"] and task["state"] in tasks.OPEN,
        "task_times": times_of(task),
    }


def times_of(task: Mapping[str, Any]) -> list[tuple[str, float]]:
    """How long each step took, in seconds: accept, arrive; what has not been is left out."""
    steps = (
        ("accept", task["began_at"], task["accepted_at"]),
        ("arrive", task["accepted_at"], task["arrived_at"]),
    )
    return [
        (name, max(0.0, (end - start).total_seconds()))
        for name, start, end in steps
        if start is not None and end is not None
    ]


def tasks_shown(session: Session, visit: Visit, site_ids: Collection[UUID]) -> list[dict[str, Any]]:
    """The tasks under way on some sites, those that nobody goes to first."""
    found = tasks.tasks_now(session, visit.caller, site_ids)
    order = ("passed_up", "seeking", "offered", "accepted", "arrived")
    return sorted(found, key=lambda one: (order.index(one["state"]), one["began_at"]))
