"""What people were told: their inbox, the link that accepts by one tap, receipts of calls."""

import hmac
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Form, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse

from api.context import Parts
from api.deps import parts_of
from core.channels.aliyun import read_receipts
from core.colleagues import able_people
from core.contacts import CONTACT_KINDS, contacts_of, quiet_hours_of, set_reaching
from core.db import Session
from core.errors import Conflict, NotAllowed, NotFound
from core.limits import Limit
from core.people import Person, caller_for
from rules.wording import worded
from web.accepting import accept_all
from web.guests import limit
from web.languages import mark
from web.page_route import PageRoute
from web.reader import Reader
from web.templating import Templates
from web.visit import SignedInVisit, Visit, guest_reader
from workflows import notifications, tickets
from workflows.alarms import accept_ticket
from workflows.alarms.fire import answer_in_name
from workflows.notifications import (
    ASK_FOR_HANDS,
    FIRES,
    KIND_OF_ONE,
    LIST_OF,
    OF_DEADLINES,
    Notice,
)
from workflows.tickets import Ticket, fire_watch
from workflows.tickets.followers import CODE_OUTSIDE, RESIDENT, secret_behind
from workflows.tickets.scope import holds

WORK = "tickets.work"
# Each sends an SMS to the number that somebody wrote; providers refuse many of them as well.
TESTED = 6


def wants_hands(session: Session, notice: Notice) -> bool:
    """Whether a notice is answered by taking its ticket.

    A ticket is one notice, which says the latest. So one that says that a deadline comes near, or
    was missed, asks for that as well while nobody has accepted, of those who may.
    """
    if notice.kind in ASK_FOR_HANDS:
        return True
    if notice.kind not in OF_DEADLINES or notice.ticket_id is None or notice.person_id is None:
        return False
    ticket = session.get_one(Ticket, notice.ticket_id)
    return ticket.responded_at is None and _may_take(session, ticket, notice.person_id)


def _may_take(session: Session, ticket: Ticket, person: UUID) -> bool:
    somebody = session.get_one(Person, person)
    works = somebody.left_at is None and holds(caller_for(session, somebody), WORK, ticket)
    return works and ticket.state in tickets.TICKET.moves["accept"]


def respond(
    session: Session, notice: Notice, *, by: str, now: datetime, offered: bool = False
) -> str:
    """Answer a notice for its person; returns what came of it: accepted, all, some, taken or seen.

    What asks for hands is accepted in their name, as their own button would do it. offered: that
    button said so, whatever the notice is about.
    """
    came = "seen"
    if notice.kind == "tickets.assign":
        came = accept_all(session, notice, now=now)
    elif notice.kind in ASK_FOR_HANDS or (offered and wants_hands(session, notice)):
        came = _accept(session, notice, now)
    notifications.acknowledge(session, notice, by=by, now=now)
    return came


def _accept(session: Session, notice: Notice, now: datetime) -> str:
    ticket = None
    if notice.ticket_id:
        ticket = session.get(Ticket, notice.ticket_id, with_for_update=True)
    if ticket is None or notice.person_id is None:
        return "seen"
    person = notice.person_id
    if notice.kind in FIRES:
        return _take_fire_on(session, ticket, person, now)
    # What was opened again or handed on waits for somebody, although it was accepted once.
    handed_on = notice.kind == "colleagues.assign" and ticket.assignee_id is None
    if ticket.responded_at is not None and ticket.state != "open" and not handed_on:
        return "accepted" if ticket.assignee_id == person else "taken"
    if not _may_take(session, ticket, person):
        return "seen"
    try:
        accept_ticket(session, ticket, tickets.Step("accept"), person=person, now=now)
    except Conflict:
        # For want of a certificate, for example; they have read it all the same.
        return "seen"
    return "accepted"


def _take_fire_on(session: Session, ticket: Ticket, person: UUID, now: datetime) -> str:
    able = {one.id for one in able_people(session, ticket.site_id, fire_watch.ACT)}
    if person not in able:
        return "seen"
    try:
        answer_in_name(session, ticket, person=person, now=now)
    except Conflict:
        # Somebody else was quicker, or it was called off meanwhile.
        return "taken"
    return "accepted"


def how_many(session: Session, notice: Notice) -> int | None:
    """Of how many tickets a notice tells that still ask for something; None where it is one."""
    if notice.kind not in KIND_OF_ONE:
        return None
    if notice.urgency == "info":
        return int(notice.facts["count"])
    return len(notifications.left_of(session, notice))


def router(templates: Templates) -> APIRouter:
    """The routes of notices."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_answer(routes)
    _add_links(routes, templates)
    _add_reaching(routes)
    return routes


def _add_answer(routes: APIRouter) -> None:
    @routes.post("/account/inbox/{notice_id}/answer")
    def answer(
        notice_id: UUID, visit: SignedInVisit, take: Annotated[str, Form(max_length=1)] = ""
    ) -> Response:
        with visit.parts.database.write() as session:
            notice = session.get(Notice, notice_id, with_for_update=True)
            if notice is None or notice.person_id != visit.caller.person_id:
                raise NotFound(
                    worded(mark("this is not in your inbox")),
                    advice=worded(mark("Load your inbox again.")),
                )
            now = visit.parts.clock.now()
            came = respond(session, notice, by="page", now=now, offered=bool(take))
            number = notice.facts.get("number")
            there = {"accepted": f"/tickets/{number}"} if number else {}
            there |= dict.fromkeys(("all", "some"), LIST_OF.get(notice.kind, ""))
        return RedirectResponse(there.get(came, "/account/inbox"), status_code=303)


def _public(
    templates: Templates,
    session: Session,
    reader: Reader,
    notice: Notice,
    came: str,
) -> HTMLResponse:
    """The page of a link: what it is about and one button; nothing about people."""
    many = how_many(session, notice)
    return HTMLResponse(
        templates.render(
            "notices/link.html",
            reader,
            kind=notice.kind,
            facts=notice.facts,
            code=notice.code,
            came=came,
            asks=wants_hands(session, notice),
            many=many,
            list=LIST_OF.get(notice.kind),
            waits=notice.state in ("waiting", "spent") and many != 0,
        )
    )


def _own_link(parts: Parts, code: str) -> Response:
    """To the page of somebody outside, whose link an SMS can't hold as it is."""
    with parts.database.read() as session:
        kind, secret = secret_behind(session, parts.vault, code, now=parts.clock.now())
    return RedirectResponse(f"/{'p' if kind == RESIDENT else 'c'}/{secret}", status_code=303)


def _add_links(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/n/{code}")
    def show(code: str, request: Request) -> Response:
        # Chat apps open links before people do: looking changes nothing.
        parts = parts_of(request)
        if len(code) == CODE_OUTSIDE:
            return _own_link(parts, code)
        with parts.database.read() as session:
            notice = notifications.notice_by_code(session, code)
            return _public(templates, session, guest_reader(request), notice, "")

    @routes.post("/n/{code}")
    def accept(
        code: str, request: Request, take: Annotated[str, Form(max_length=1)] = ""
    ) -> Response:
        parts = parts_of(request)
        with parts.database.write() as session:
            notice = notifications.notice_by_code(session, code)
            came = respond(session, notice, by="link", now=parts.clock.now(), offered=bool(take))
            return _public(templates, session, guest_reader(request), notice, came)

    @routes.post("/n/voice/{secret}")
    def receipts(secret: str, request: Request, reports: Annotated[Any, Body()]) -> Response:
        parts = parts_of(request)
        wanted = parts.settings.voice_hook_secret
        if not wanted or not hmac.compare_digest(secret.encode(), wanted.encode()):
            raise NotFound(
                worded(mark("there is no such page")),
                advice=worded(mark("Start from the live page.")),
            )
        _take_receipts(parts, reports)
        return JSONResponse({"code": 0, "msg": "OK"})


def _take_receipts(parts: Parts, reports: object) -> None:
    now = parts.clock.now()
    with parts.database.write() as session:
        for receipt in read_receipts(reports):
            if receipt.accepted:
                try:
                    notice = notifications.notice_by_code(session, receipt.reference)
                except NotFound:
                    continue
                respond(session, notice, by="call", now=now)


def _add_reaching(routes: APIRouter) -> None:
    @routes.post("/account/reaching")
    def change(
        visit: SignedInVisit,
        phone: Annotated[str, Form()] = "",
        email: Annotated[str, Form()] = "",
        wecom: Annotated[str, Form()] = "",
        dingtalk: Annotated[str, Form()] = "",
        quiet_from: Annotated[str, Form()] = "",
        quiet_to: Annotated[str, Form()] = "",
    ) -> Response:
        given = dict(zip(CONTACT_KINDS, (phone, email, wecom, dingtalk), strict=True))
        quiet = (quiet_from, quiet_to) if quiet_from or quiet_to else None
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            set_reaching(session, visit.caller.person_id, given, quiet, now=now)
        return RedirectResponse("/account?done=reaching", status_code=303)

    @routes.post("/account/reaching/test")
    def test(visit: SignedInVisit, request: Request) -> Response:
        # Whoever begins a shift, works here.
        if visit.caller.is_outside:
            raise NotAllowed(
                worded(mark("only who works here is tested")),
                advice=worded(mark("You are told all the same.")),
            )
        limit(request, Limit("test", (str(visit.caller.person_id),), TESTED, timedelta(hours=1)))
        with visit.parts.database.write() as session:
            notifications.ask(session, visit.caller.person_id, now=visit.parts.clock.now())
        return RedirectResponse("/account/inbox", status_code=303)


def reaching(visit: Visit) -> dict[str, Any]:
    """How the reader is reached, for their account's page."""
    with visit.parts.database.read() as session:
        quiet = quiet_hours_of(session, visit.caller.person_id)
        contacts = contacts_of(session, visit.caller.person_id)
    return {"contacts": contacts, "quiet": (quiet.starts, quiet.ends) if quiet else ("", "")}


def told(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    """Who was told of a ticket, on which channel, and how that ended, for its page."""
    return [
        {
            "name": one.name or "",
            "outside": one.outside,
            "kind": one.notice.kind,
            "channel": one.attempt.channel,
            "state": one.attempt.state,
            "at": one.attempt.begun_at,
            "result": one.attempt.result,
        }
        for one in notifications.attempts_on(session, ticket_id)
    ]
