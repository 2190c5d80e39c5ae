"""What is done about a task on the page of its ticket: go, pass it on, send somebody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import RedirectResponse

from core.db import Session
from core.errors import Invalid, NotFound
from core.people import Caller
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.templating import Templates
from web.visit import SignedInVisit
from workflows import overview
from workflows.patrol import tasks


@dataclass(frozen=True, slots=True)
class TaskForm:
    """What the forms of a task carry. person: who is sent."""

    reason: Annotated[str, Form()] = ""
    person: Annotated[str, Form()] = ""


Step = Callable[[Session, Caller, UUID, TaskForm, datetime], tasks.GuardTask]


def _accept(
    session: Session, caller: Caller, task_id: UUID, form: TaskForm, now: datetime
) -> tasks.GuardTask:
    return tasks.accept(session, caller, task_id, now=now)


def _pass(
    session: Session, caller: Caller, task_id: UUID, form: TaskForm, now: datetime
) -> tasks.GuardTask:
    return tasks.decline(session, caller, task_id, form.reason, now=now)


def _give_back(
    session: Session, caller: Caller, task_id: UUID, form: TaskForm, now: datetime
) -> tasks.GuardTask:
    return tasks.give_back(session, caller, task_id, form.reason, now=now)


def _arrive(
    session: Session, caller: Caller, task_id: UUID, form: TaskForm, now: datetime
) -> tasks.GuardTask:
    return tasks.arrive(session, caller, task_id, now=now)


def _finish(
    session: Session, caller: Caller, task_id: UUID, form: TaskForm, now: datetime
) -> tasks.GuardTask:
    return tasks.finish(session, caller, task_id, now=now)


def _send(
    session: Session, caller: Caller, task_id: UUID, form: TaskForm, now: datetime
) -> tasks.GuardTask:
    try:
        person = UUID(form.person)
    except ValueError:
        raise Invalid(
            worded(mark("nobody was sent")), problems=[worded(mark("person: choose somebody"))]
        ) from None
    return tasks.send(session, caller, task_id, person, now=now)


def _call_off(
    session: Session, caller: Caller, task_id: UUID, form: TaskForm, now: datetime
) -> tasks.GuardTask:
    return tasks.call_off(session, caller, task_id, form.reason, now=now)


STEPS: Mapping[str, Step] = {
    "accept": _accept,
    "pass": _pass,
    "give-back": _give_back,
    "arrive": _arrive,
    "finish": _finish,
    "send": _send,
    "call-off": _call_off,
}


def router(templates: Templates) -> APIRouter:
    """The routes of tasks for guards; they are shown on pages of tickets."""
    del templates
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/tickets/{number}/task/{step}")
    def take(
        number: int, step: str, visit: SignedInVisit, form: Annotated[TaskForm, Depends()]
    ) -> Response:
        if step not in STEPS:
            raise NotFound(
                worded(mark("there is no such step")),
                advice=worded(mark("Look at the page of the ticket.")),
            )
        caller = visit.caller
        with visit.parts.database.write() as session:
            found = overview.find_ticket_number(session, caller, number)
            row = STEPS[step](session, caller, found.thing.id, form, visit.parts.clock.now())
        if step == "accept" and row.person_id != caller.person_id:
            # That it was passed on is kept, and whoever asked is told.
            raise tasks.needed()
        return RedirectResponse(f"/tickets/{number}", status_code=303)

    return routes
