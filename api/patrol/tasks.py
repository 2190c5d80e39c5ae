"""Tasks for guards over HTTP: shown, answered, and given to somebody."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Response

from api.answers import answer, fingerprint, page_answer
from api.deps import Asked, Permission
from api.errors import may_answer
from api.paging import Cursor, Limit, wish
from api.patrol.phone_deps import AskedByPhone, ByPhone
from api.patrol.task_shapes import (
    PhoneTasks,
    TaskAnswer,
    TaskCalledOff,
    TaskFigures,
    TaskPage,
    TaskPassed,
    TaskSent,
    TaskWhole,
    WhoCouldGo,
)
from core.db import Session
from core.errors import Conflict
from core.people import Caller, Person, caller_for
from rules.wording import worded
from workflows import patrol
from workflows.patrol import tasks
from workflows.patrol.phones.plan import phone_tasks

router = APIRouter(tags=["guard tasks"])
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
Looker = Annotated[Asked, Depends(Permission("tickets.read", or_else=[patrol.SCAN]))]
Goer = Annotated[Asked, Depends(Permission(patrol.SCAN))]
Sender = Annotated[Asked, Depends(Permission(tasks.SEND))]


@router.get("/guard-tasks", response_model=TaskPage, summary="List tasks for guards")
def get_guard_tasks(
    asked: Reader,
    site: UUID | None = None,
    open_only: bool = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Those whose ticket you see, the last first."""
    with asked.parts.database.read() as session:
        wanted = wish(limit, cursor, *tasks.KEY)
        page = tasks.list_tasks(session, asked.caller, wanted, site_id=site, open_only=open_only)
    return page_answer(page)


@router.get("/guard-task-figures", response_model=TaskFigures, summary="See how soon guards come")
def get_guard_task_figures(
    asked: Reader, site: UUID | None = None, days: Annotated[int, Query(ge=1, le=366)] = 30
) -> Response:
    """Of the tasks whose ticket you see, begun within so many days up to now."""
    since = asked.now - timedelta(days=days)
    with asked.parts.database.read() as session:
        found = tasks.task_figures(
            session, asked.caller, since=since, until=asked.now, site_id=site
        )
    return answer(found)


@router.get("/guard-tasks/{task_id}", response_model=TaskWhole, summary="Read a task for a guard")
def get_guard_task(task_id: UUID, asked: Looker) -> Response:
    """With everybody who was asked. Its id is that of its ticket."""
    with asked.parts.database.read() as session:
        content = tasks.describe_task(session, asked.caller, task_id)
    return answer(content, version=content["version"])


@router.get("/guard-tasks/{task_id}/people", response_model=WhoCouldGo, summary="See who could go")
def get_guard_task_people(task_id: UUID, asked: Sender) -> Response:
    """Everybody on duty, the nearest first, and why somebody can't be sent."""
    with asked.parts.database.read() as session:
        found = tasks.who_could_go(session, asked.caller, task_id, now=asked.now)
    return answer({"items": found})


def _step(
    asked: Asked, task_id: UUID, step: Callable[[Session], tasks.GuardTask], *, goes: bool = False
) -> Response:
    with asked.parts.database.write() as session:
        row = step(session)
        if not goes or row.person_id == asked.person:
            content = tasks.describe_task(session, asked.caller, task_id)
            return answer(content, version=content["version"])
    # That it was passed on is kept, and whoever asked is told.
    raise tasks.needed()


@router.post(
    "/guard-tasks/{task_id}/accept",
    response_model=TaskWhole,
    summary="Go there",
    responses=may_answer(409),
)
def post_guard_task_accept(task_id: UUID, asked: Goer) -> Response:
    """offered → accepted, by whoever it is offered to. Again changes nothing.

    409 once it was passed on, and where your post needs you by now.
    """
    return _step(
        asked,
        task_id,
        lambda session: tasks.accept(session, asked.caller, task_id, now=asked.now),
        goes=True,
    )


@router.post("/guard-tasks/{task_id}/pass", response_model=TaskWhole, summary="Pass a task on")
def post_guard_task_pass(task_id: UUID, asked: Goer, body: TaskPassed) -> Response:
    """The next is asked at once. Where it was passed on already nothing changes."""
    return _step(
        asked,
        task_id,
        lambda session: tasks.decline(session, asked.caller, task_id, body.reason, now=asked.now),
    )


@router.post(
    "/guard-tasks/{task_id}/arrive",
    response_model=TaskWhole,
    summary="Say that you are there",
    responses=may_answer(409),
)
def post_guard_task_arrive(task_id: UUID, asked: Goer) -> Response:
    """Proves nothing; the scan of the checkpoint does, and needs no further word."""
    return _step(
        asked,
        task_id,
        lambda session: tasks.arrive(session, asked.caller, task_id, now=asked.now),
    )


@router.post(
    "/guard-tasks/{task_id}/finish",
    response_model=TaskWhole,
    summary="Say that it is done",
    responses=may_answer(409),
)
def post_guard_task_finish(task_id: UUID, asked: Goer) -> Response:
    """You are free again, and your round goes on. The ticket is not resolved by it."""
    return _step(
        asked,
        task_id,
        lambda session: tasks.finish(session, asked.caller, task_id, now=asked.now),
    )


@router.post(
    "/guard-tasks/{task_id}/send",
    response_model=TaskWhole,
    summary="Send somebody, or go oneself",
    responses=may_answer(409),
)
def post_guard_task_send(task_id: UUID, asked: Sender, body: TaskSent) -> Response:
    """In place of whoever has it. 409 for who is needed at their post or goes elsewhere."""
    return _step(
        asked,
        task_id,
        lambda session: tasks.send(session, asked.caller, task_id, body.person_id, now=asked.now),
    )


@router.post(
    "/guard-tasks/{task_id}/call-off",
    response_model=TaskWhole,
    summary="Say that nobody has to go",
    responses=may_answer(409),
)
def post_guard_task_call_off(task_id: UUID, asked: Sender, body: TaskCalledOff) -> Response:
    """With a reason. Whoever went is free again."""
    return _step(
        asked,
        task_id,
        lambda session: tasks.call_off(session, asked.caller, task_id, body.reason, now=asked.now),
    )


@router.get(
    "/guard/tasks",
    response_model=PhoneTasks,
    summary="Ask for what a phone is to go to",
    responses={304: {"description": "Nothing of it has changed."}},
)
def get_phone_tasks(
    asked: ByPhone,
    if_none_match: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """The `tasks` of the plan alone: small enough to be asked for every few seconds."""
    with asked.parts.database.read() as session:
        found = phone_tasks(session, asked.phone(session))
    tag = {"ETag": fingerprint({"tasks": found})}
    if if_none_match is not None and if_none_match.strip() == tag["ETag"]:
        return Response(status_code=304, headers=tag)
    return answer({"server_time": asked.now, "items": found}, headers=tag)


@router.post(
    "/guard/tasks/{task_id}",
    response_model=PhoneTasks,
    summary="Answer a task on a phone",
    responses=may_answer(409),
)
def post_phone_task(task_id: UUID, asked: ByPhone, body: TaskAnswer) -> Response:
    """By whoever is signed in on it. What it answers are the tasks that are left."""
    with asked.parts.database.write() as session:
        caller = _signed_in(session, asked)
        if body.answer == "accept":
            row = tasks.accept(session, caller, task_id, now=asked.now)
            refused = row.person_id != caller.person_id
        else:
            give = tasks.decline if body.answer == "pass" else tasks.give_back
            give(session, caller, task_id, body.reason, now=asked.now)
            refused = False
        found = phone_tasks(session, asked.phone(session))
    if refused:
        raise tasks.needed()
    return answer({"server_time": asked.now, "items": found})


def _signed_in(session: Session, asked: AskedByPhone) -> Caller:
    phone = asked.phone(session)
    person = session.get(Person, phone.signed_in_id) if phone.signed_in_id else None
    if person is None or person.left_at is not None:
        raise Conflict(
            worded("nobody is signed in on this phone"), advice=worded("Sign in, then answer.")
        )
    return caller_for(session, person)
