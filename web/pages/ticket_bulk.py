"""Doing one thing to the tickets that were chosen in the list, and what came of it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import JSONResponse, RedirectResponse

from core.colleagues import able_people
from core.db import Session
from core.errors import Invalid, NotAllowed
from core.ids import new_id
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.reader import Reader
from web.templating import Templates
from web.ticket_choice import Choice, Chosen, FormChoice
from web.ticket_table import LARGEST_TABLE, spreadsheet
from web.visit import SignedInVisit, Visit
from web.words import TEAM
from workflows import overview
from workflows.alarms import accept_tickets
from workflows.tickets import FALSE_CAUSES, VERDICTS
from workflows.tickets.bulk import (
    MOST_AT_ONCE,
    RIGHT_OF,
    Order,
    Result,
    Wanted,
    find_batch,
    results_of,
)
from workflows.tickets.categories import category_names
from workflows.tickets.reading import TicketFilter
from workflows.tickets.scope import READ
from workflows.tickets.undoing import undo_many, undo_until

Text = Annotated[str, Form()]
# In the order in which the list offers them.
OFFERED = (
    *("accept", "assign", "priority", "note", "hold", "resume", "resolve", "verify", "close"),
    *("reopen", "merge", "cancel"),
)
MORE_ACTIONS: Mapping[str, str] = {
    "priority": mark("Change the priority"),
    "note": mark("Write a note"),
    "merge": mark("Merge into one of them"),
    "undo": mark("Undo"),
}
REASONS: Mapping[str, str] = {
    "not_found": mark("It is not there, or not yours to see."),
    "not_allowed": mark("You may not do this at its site."),
    "changed": mark("Somebody or something changed it meanwhile."),
    "state": mark("Its state does not allow this: %(state)s."),
}
# What the workflow says of a ticket, by a piece of its words.
DETAILS: Mapping[str, str] = {
    "does not verify": mark("Who did the work does not verify it, and no sensor has recovered."),
    "checklist of ticket": mark("Its checklist is not answered yet."),
    "can't work tickets here": mark("They can't work tickets at its site."),
    "needs a certificate": mark("They lack a certificate for this work, or it has expired."),
    "takes somebody who answers": mark("So long a hold takes somebody who answers for it."),
    "a hold ends in the future": mark("At its site that time has passed."),
    "has this priority already": mark("It has this priority already."),
    "keeps its priority": mark("The work is done, so its priority stays."),
    "priority of a fire": mark("The priority of a fire alarm stays as it is."),
    "look on the spot first": mark("Somebody has to look at this fire alarm on the spot first."),
    "a fire is resolved as real": mark("A fire is resolved as real, or stood down first."),
    "was sent to look": mark("Somebody was sent to look because of it. Assign it to another."),
    "on hold before": mark("It was on hold before. Put it on hold again."),
    "accepted it already": mark("You have accepted it already."),
    "another one of the same site": mark("It is at another site than the one that stays."),
    "has ended": mark("The ticket into which it should go has ended."),
    "is no fire alarm": mark("A fire alarm goes only into another fire alarm."),
    "has a newer ticket": mark("The same fault has a newer ticket by now."),
    "works here no more": mark("Whoever had it works here no more."),
}


def may_do(visit: Visit) -> list[str]:
    """What the reader may do to many tickets, at some site."""
    return [action for action in OFFERED if visit.caller.holds_anywhere(RIGHT_OF[action])]


def action_word(reader: Reader, action: str) -> str:
    """What an action is called."""
    known = MORE_ACTIONS.get(action)
    return reader.translate(known) if known else reader.word("ticket_action", action)


# The same where it is about the reader, who takes tickets for themselves.
OF_ONESELF: Mapping[str, str] = {
    "needs a certificate": mark("You lack a certificate for this work, or it has expired."),
}


def reason_told(reader: Reader, result: Result, action: str = "") -> str:
    """Why nothing was done to a ticket, in the reader's language."""
    known = REASONS.get(result.reason)
    if known:
        state = reader.word("ticket_state", result.state)
        return reader.translate(known, state=state) if result.state else reader.translate(known)
    texts = {**DETAILS, **OF_ONESELF} if action == "accept" else DETAILS
    told = next((text for piece, text in texts.items() if piece in result.detail), None)
    return reader.translate(told) if told else reader.told(result.detail)


@dataclass(frozen=True, slots=True)
class BulkForm:
    """What the form of the list carries. ticket: id and version of each that was chosen."""

    ticket: Annotated[Sequence[str], Form()] = ()
    batch: Text = ""
    action: Text = ""
    note: Text = ""
    team: Text = ""
    assignee: Text = ""
    to_priority: Text = ""
    verdict: Text = ""
    until: Text = ""
    into: Text = ""

    def wanted(self) -> list[Wanted]:
        """The tickets that were chosen one by one."""
        return [_wanted(text) for text in self.ticket]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what was asked for."""
        said = repr([getattr(self, name) for name in self.__slots__])
        return hashlib.sha256(said.encode()).hexdigest()

    def order(self) -> Order:
        """As the workflow takes it. Invalid for what no form of ours sends."""
        tickets = self.wanted()
        if not tickets:
            raise _wrong("ticket: choose some")
        what, _, cause = self.verdict.partition(":")
        return Order(
            _uuid(self.batch, "batch"),
            self.action,
            tickets,
            self.note,
            _uuid(self.assignee, "person") if self.assignee else None,
            self.team or None,
            self.to_priority or None,
            what or None,
            cause or None,
            until_local=_local(self.until),
            fingerprint=self.fingerprint,
            into_id=_uuid(self.into, "into") if self.into else None,
        )


def _wrong(problem: str) -> Invalid:
    return Invalid(worded(mark("nothing was changed")), problems=[problem])


def _uuid(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _wrong(f"{name}: missing") from None


def _local(written: str) -> datetime | None:
    try:
        return datetime.fromisoformat(written).replace(tzinfo=None) if written else None
    except ValueError:
        raise _wrong("until: a date and a time") from None


def _wanted(text: str) -> Wanted:
    ticket, _, version = text.partition(":")
    if version and not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise _wrong("ticket: choose it in the list")
    return Wanted(_uuid(ticket, "ticket"), int(version) if version else None)


def _by_id(
    session: Session, visit: Visit, ids: Iterable[UUID]
) -> Mapping[UUID, overview.ListedTicket]:
    wanted = TicketFilter(ids=tuple(ids))
    found = overview.browse_tickets(session, visit.caller, wanted, limit=LARGEST_TABLE)
    return {ticket.id: ticket for ticket in found.items}


def router(templates: Templates) -> APIRouter:
    """The routes of what is done to many tickets."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)
    _add_doing(routes)
    _add_results(routes, templates)
    _add_choosing(routes)
    return routes


def _add_doing(routes: APIRouter) -> None:
    @routes.post("/tickets/bulk")
    def do(
        visit: SignedInVisit, choice: FormChoice, form: Annotated[BulkForm, Depends()]
    ) -> Response:
        if not may_do(visit):
            raise NotAllowed(worded(mark("you may change no tickets")))
        with visit.parts.database.write() as session:
            now = visit.parts.clock.now()
            batch = accept_tickets(session, visit.caller, form.order(), now=now)
        return RedirectResponse(f"/tickets/bulk/{batch.id}?{choice.address()}", 303)

    @routes.post("/tickets/bulk/{batch_id}/undo")
    def undo(
        batch_id: UUID, visit: SignedInVisit, choice: FormChoice, ticket: Text = ""
    ) -> Response:
        with visit.parts.database.write() as session:
            undone = undo_many(session, visit.caller, batch_id, now=visit.parts.clock.now())
            results = results_of(undone)
        if ticket and all(result.done for result in results):
            # It was done on the page of one ticket.
            return RedirectResponse(f"/tickets/{results[0].number}", 303)
        return RedirectResponse(f"/tickets/bulk/{undone.id}?{choice.address()}", 303)

    @routes.post("/tickets/chosen.xlsx")
    def table(visit: SignedInVisit, form: Annotated[BulkForm, Depends()]) -> Response:
        visit.caller.require_anywhere(READ)
        ids = [one.id for one in form.wanted()]
        with visit.parts.database.read() as session:
            found = _by_id(session, visit, ids)
            categories = category_names(session, {one.site_id for one in found.values()})
        if not found:
            raise _wrong("ticket: choose some")
        # In the order in which they stood in the list.
        chosen = [found[one] for one in ids if one in found]
        return spreadsheet(visit.reader, chosen, categories)


def _add_results(routes: APIRouter, templates: Templates) -> None:
    @routes.get("/tickets/bulk/{batch_id}")
    def show(batch_id: UUID, visit: SignedInVisit, choice: Chosen) -> Response:
        choice.filter(visit)
        with visit.parts.database.read() as session:
            batch = find_batch(session, visit.caller, batch_id)
            results = results_of(batch)
            ids = [result.ticket_id for result in results]
            titles = _by_id(session, visit, [*ids, batch.into_id] if batch.into_id else ids)
            until = undo_until(session, batch)
        left = [result for result in results if not result.done]
        return templates.page(
            "tickets/batch.html",
            visit,
            section="tickets",
            batch=batch,
            what=action_word(visit.reader, batch.action),
            done=[result for result in results if result.done],
            refused=[(result, reason_told(visit.reader, result, batch.action)) for result in left],
            titles=titles,
            stays=titles.get(batch.into_id) if batch.into_id else None,
            until=until if until and until > visit.reader.now else None,
            choice=choice,
        )


def _add_choosing(routes: APIRouter) -> None:
    @routes.get("/tickets/bulk-choices")
    def choices(visit: SignedInVisit, choice: Chosen) -> Response:
        """Who may be handed tickets, how many the list holds, and the first of them.

        Who chooses all of the list chooses these: what comes into it later was not seen.
        """
        visit.caller.require_anywhere(READ)
        wanted = choice.filter(visit)
        with visit.parts.database.read() as session:
            total = overview.count_tickets(session, visit.caller, wanted)
            first = overview.browse_tickets(
                session,
                visit.caller,
                wanted,
                by_deadline=choice.by_deadline,
                limit=MOST_AT_ONCE,
            )
            people = _people(session, visit, choice)
        tickets = [f"{ticket.id}:{ticket.version}" for ticket in first.items]
        return JSONResponse(
            {"people": people, "total": total, "most": MOST_AT_ONCE, "tickets": tickets}
        )


def _people(session: Session, visit: Visit, choice: Choice) -> list[tuple[str, str]]:
    """Everybody to whom the reader may hand a ticket of the list."""
    sites = visit.caller.sites_for(RIGHT_OF["assign"])
    if choice.site:
        sites = sites & {UUID(choice.site)}
    found: dict[str, str] = {}
    for site in sites:
        found |= {str(one.id): one.name for one in able_people(session, site, "tickets.work")}
    return sorted(found.items(), key=lambda one: (one[1], one[0]))


def bulk_shown(visit: Visit, sites: Sequence[overview.NodeView]) -> dict[str, Any]:
    """What the list needs to offer it. sites: those of which it shows tickets."""
    reader = visit.reader.at(sites[0].time_zone or "UTC") if sites else visit.reader
    tomorrow = reader.now.astimezone(reader.zone) + timedelta(days=1)
    return {
        "actions": [(action, action_word(visit.reader, action)) for action in may_do(visit)],
        "batch": new_id(),
        "teams": list(TEAM),
        # Each ticket takes it by the clocks of its own site.
        "tomorrow": tomorrow.strftime("%Y-%m-%dT09:00"),
        "verdicts": [verdict for verdict in VERDICTS if verdict != "false"],
        "false_causes": FALSE_CAUSES,
    }
