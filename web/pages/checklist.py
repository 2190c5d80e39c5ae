"""The checklist of a ticket: answer its items, put more on it, take some away."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Response, UploadFile
from fastapi.responses import RedirectResponse
from pydantic import BaseModel

from core.db import Session
from core.errors import Invalid
from core.events import Actor
from rules.wording import worded
from web.languages import mark
from web.page_route import PageRoute
from web.pages.claims import plausible
from web.reader import Reader
from web.visit import SignedInVisit, Visit
from workflows import overview
from workflows.tickets import Ticket
from workflows.tickets.checklist import (
    NewItem,
    add_items,
    answer_item,
    remove_item,
)
from workflows.tickets.photos import add_photo, store_photo
from workflows.tickets.reading import find_ticket
from workflows.tickets.scope import require

RIGHT, REMOVES = "tickets.work", "tickets.manage"
NOT_ADDED = "nothing was put on the checklist"


def checklist_shown(items: list[dict[str, Any]], reader: Reader) -> dict[str, Any]:
    """The items as the page of a ticket shows them, with how many are answered and missing."""
    shown = [
        {
            **item,
            "words": reader.text(item["text"]),
            "range": _range(item),
            "said": _said(item, reader),
            "options": [reader.text(choice) for choice in item["choices"]],
        }
        for item in items
    ]
    return {
        "items": shown,
        "answered": sum(item["answer"] is not None for item in items),
        "missing": sum(item["required"] and item["answer"] is None for item in items),
    }


def _range(item: dict[str, Any]) -> str:
    """The allowed range of a number with its unit, such as "2–6 bar"."""
    low, high, unit = item["low"], item["high"], item["unit"]
    if low is not None and high is not None:
        limits = f"{low}–{high}"
    else:
        limits = f"≥ {low}" if low is not None else f"≤ {high}" if high is not None else ""
    return " ".join(part for part in (limits, unit if limits else "") if part)


def _said(item: dict[str, Any], reader: Reader) -> str:
    """A number or a choice that was answered, as people read it."""
    if item["answer"] is None:
        return ""
    if item["kind"] == "number":
        return f"{item['answer']} {item['unit'] or ''}".strip()
    if item["kind"] == "choice":
        return reader.text(item["choices"][int(item["answer"]) - 1])
    return ""


def _limit(written: str, name: str) -> Decimal | None:
    try:
        return plausible(Decimal(written.strip())) if written.strip() else None
    except InvalidOperation:
        raise Invalid(NOT_ADDED, problems=[worded(mark("%(name)s: a number"), name=name)]) from None


class ItemForm(BaseModel):
    """What the form of an item says. choices: one a line."""

    text: str = ""
    kind: str = "tick"
    required: str = ""
    unit: str = ""
    low: str = ""
    high: str = ""
    choices: str = ""

    def item(self) -> NewItem:
        """The item as somebody wrote it, one choice a line."""
        lines = [line.strip() for line in self.choices.splitlines() if line.strip()]
        return self.named({"und": self.text}, tuple({"und": line} for line in lines))

    def named(self, text: dict[str, str], choices: tuple[dict[str, str], ...]) -> NewItem:
        """The item, with what belongs to its kind. Invalid when a limit is no number."""
        number = self.kind == "number"
        return NewItem(
            text,
            self.kind,
            self.required == "yes",
            self.unit.strip() or None if number else None,
            _limit(self.low, "low") if number else None,
            _limit(self.high, "high") if number else None,
            choices if self.kind == "choice" else (),
        )


def _to_change(session: Session, visit: Visit, number: int, right: str = RIGHT) -> Ticket:
    found = overview.find_ticket_number(session, visit.caller, number)
    require(visit.caller, right, found.thing)
    return find_ticket(session, visit.caller, found.thing.id, to_change=True)


def _back(number: int, item_id: UUID | None = None) -> Response:
    # To the item itself: a phone that works down a list stays where it was.
    place = f"item-{item_id}" if item_id else "checklist"
    return RedirectResponse(f"/tickets/{number}#{place}", status_code=303)


def router() -> APIRouter:
    """The routes of checklists."""
    routes = APIRouter(route_class=PageRoute, include_in_schema=False)

    @routes.post("/tickets/{number}/checklist")
    def add(number: int, visit: SignedInVisit, form: Annotated[ItemForm, Form()]) -> Response:
        with visit.parts.database.write() as session:
            ticket = _to_change(session, visit, number)
            actor, now = Actor.person(visit.caller.person_id), visit.parts.clock.now()
            add_items(session, ticket, [form.item()], actor=actor, now=now)
        return _back(number)

    @routes.post("/tickets/{number}/checklist/{item_id}")
    def check(
        number: int, item_id: UUID, visit: SignedInVisit, value: Annotated[str, Form()] = ""
    ) -> Response:
        with visit.parts.database.write() as session:
            ticket = _to_change(session, visit, number)
            person, now = visit.caller.person_id, visit.parts.clock.now()
            answer_item(session, ticket, item_id, value.strip() or None, person=person, now=now)
        return _back(number, item_id)

    @routes.post("/tickets/{number}/checklist/{item_id}/photo")
    def photograph(
        number: int, item_id: UUID, visit: SignedInVisit, photo: UploadFile | None = None
    ) -> Response:
        caller, parts = visit.caller, visit.parts
        with parts.database.read() as session:
            found = overview.find_ticket_number(session, caller, number)
            require(caller, RIGHT, found.thing)
        content = photo.file.read() if photo else b""
        if not content:
            raise Invalid(
                worded(mark("the item was not answered")),
                problems=[worded(mark("photo: choose a picture"))],
            )
        taken = store_photo(parts.files, content)
        with parts.database.write() as session:
            ticket = _to_change(session, visit, number)
            person, now = caller.person_id, parts.clock.now()
            row = add_photo(session, ticket, taken, author=person, now=now)
            answer_item(session, ticket, item_id, str(row.id), person=person, now=now)
        return _back(number, item_id)

    @routes.post("/tickets/{number}/checklist/{item_id}/remove")
    def remove(number: int, item_id: UUID, visit: SignedInVisit) -> Response:
        with visit.parts.database.write() as session:
            ticket = _to_change(session, visit, number, REMOVES)
            person, now = visit.caller.person_id, visit.parts.clock.now()
            remove_item(session, ticket, item_id, person=person, now=now)
        return _back(number)

    return routes
