"""The checklist of a ticket: what has to be looked at, and what was found, item by item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, Numeric, String, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.inherited import tidy
from core.people import Person
from rules.wording import worded
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Ticket, TicketPhoto

ITEM_KINDS = ("tick", "number", "choice", "photo")
MOST_ITEMS = 60
MOST_CHOICES = 12
LONGEST_TEXT = 200
LARGEST_NUMBER = Decimal(1_000_000_000)
DONE = "yes"


class ChecklistItem(Base):
    """One item on the checklist of a ticket, and its answer once there is one.

    text, choices: {"en": …, "zh": …}, or {"und": …} as somebody wrote it. low, high: the allowed
    range of a number. answer: "yes" of a tick, a decimal number, the place of a choice from 1 on,
    the id of a photo of the ticket; the log keeps every answer before it. outside: a number that
    is not within its range.
    """

    __tablename__ = "checklist_item"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    place: Mapped[int] = mapped_column(Integer)
    text: Mapped[dict[str, str]] = mapped_column(JSON)
    kind: Mapped[str] = mapped_column(String(10))
    required: Mapped[bool] = mapped_column(Boolean)
    unit: Mapped[str | None] = mapped_column(String(20))
    low: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    high: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    choices: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    answer: Mapped[str | None] = mapped_column(String(40))
    outside: Mapped[bool] = mapped_column(Boolean, default=False)
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to put on a checklist; see `ChecklistItem`."""

    text: Mapping[str, str]
    kind: str = "tick"
    required: bool = True
    unit: str | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    choices: tuple[Mapping[str, str], ...] = ()


def item_problems(items: Sequence[NewItem]) -> list[str]:
    """What is wrong with items, each problem with the number of its item from 1 on."""
    problems: list[str] = [
        worded("item %(number)s: %(problem)s", number=number, problem=problem)
        for number, item in enumerate(items, 1)
        for problem in _problems(item)
    ]
    if len(items) > MOST_ITEMS:
        problems.append(worded("items: at most %(most)s", most=MOST_ITEMS))
    return problems


def _problems(item: NewItem) -> list[str]:
    problems: list[str] = (
        []
        if item.kind in ITEM_KINDS
        else [worded("kind: one of %(known)s", known=", ".join(ITEM_KINDS))]
    )
    if not _is_name(item.text):
        problems.append(
            worded("text: 1 to %(most)s characters in one language at least", most=LONGEST_TEXT)
        )
    if item.kind == "number":
        problems += _range_problems(item)
    elif item.unit or item.low is not None or item.high is not None:
        problems.append(worded("unit, low, high: only of a number"))
    if item.kind == "choice":
        if not 2 <= len(item.choices) <= MOST_CHOICES or not all(map(_is_name, item.choices)):
            problems.append(worded("choices: 2 to %(most)s, each with words", most=MOST_CHOICES))
    elif item.choices:
        problems.append(worded("choices: only of a choice"))
    return problems


def _range_problems(item: NewItem) -> list[str]:
    problems: list[str] = []
    limits = [one for one in (item.low, item.high) if one is not None]
    if not all(one.is_finite() and abs(one) <= LARGEST_NUMBER for one in limits):
        problems.append(worded("low, high: a number of at most %(most)s", most=LARGEST_NUMBER))
    elif item.low is not None and item.high is not None and item.low > item.high:
        problems.append(worded("low: above high"))
    if len(item.unit or "") > 20:
        problems.append(worded("unit: at most 20 characters"))
    return problems


def _is_name(name: Mapping[str, str]) -> bool:
    words = [text for text in name.values() if text.strip()]
    return bool(words) and all(len(text) <= LONGEST_TEXT for text in words)


def _require_open(ticket: Ticket) -> None:
    if ticket.state in ENDED:
        raise Conflict(
            worded(
                "ticket %(number)s has ended (%(state)s)", number=ticket.number, state=ticket.state
            ),
            advice=worded("Re-open it first, or write on the ticket that goes on."),
        )


def add_items(
    session: Session,
    ticket: Ticket,
    items: Sequence[NewItem],
    *,
    actor: events.Actor,
    now: datetime,
) -> list[ChecklistItem]:
    """Put items at the end of a checklist. Invalid with every problem; Conflict when it is full."""
    _require_open(ticket)
    problems: list[str] = item_problems(items) if items else [worded("items: none is given")]
    if problems:
        raise Invalid(worded("nothing was put on the checklist"), problems=problems)
    of_ticket = ChecklistItem.ticket_id == ticket.id
    last, count = session.execute(
        select(func.max(ChecklistItem.place), func.count()).where(of_ticket)
    ).one()
    if count + len(items) > MOST_ITEMS:
        raise Conflict(
            worded("a checklist holds at most %(most)s items", most=MOST_ITEMS),
            advice=worded("Open another ticket."),
        )
    rows = [
        ChecklistItem(
            id=new_id(),
            site_id=ticket.site_id,
            ticket_id=ticket.id,
            place=place,
            text=tidy(item.text),
            kind=item.kind,
            required=item.required,
            unit=(item.unit or "").strip() or None,
            low=item.low,
            high=item.high,
            choices=[tidy(choice) for choice in item.choices],
        )
        for place, item in enumerate(items, (last or 0) + 1)
    ]
    session.add_all(rows)
    session.flush()
    events.append(
        session,
        "ticket.checklist",
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
        after={"items": [str(row.id) for row in rows]},
    )
    return rows


def reword_item(
    session: Session,
    ticket: Ticket,
    item: ChecklistItem,
    text: Mapping[str, str],
    *,
    actor: events.Actor,
    now: datetime,
    facts: Mapping[str, Any],
) -> None:
    """Say otherwise what an item asks; the same words change nothing.

    facts: what the log keeps of it, which holds no free text. Conflict once it has an answer, which
    is one to what it asked, or once the ticket has ended.
    """
    _require_open(ticket)
    if item.answer is not None:
        raise Conflict(
            worded("the item has an answer, which is evidence"),
            advice=worded("Take the answer back first."),
        )
    text = tidy(text)
    if text == item.text:
        return
    item.text = text
    session.flush()
    after = {"item": str(item.id), **facts}
    _append(session, "ticket.checklist_reworded", ticket, after, actor, now)


def remove_item(
    session: Session, ticket: Ticket, item_id: UUID, *, person: UUID, now: datetime
) -> None:
    """Take an item away that nobody has answered. Conflict once it has an answer."""
    _require_open(ticket)
    item = _item(session, ticket, item_id)
    if item.answer is not None:
        raise Conflict(
            worded("the item has an answer, which is evidence"),
            advice=worded("Take the answer back first."),
        )
    by = events.Actor.person(person)
    _append(session, "ticket.checklist_removed", ticket, {"item": str(item.id)}, by, now)
    session.delete(item)
    session.flush()


def _item(session: Session, ticket: Ticket, item_id: UUID) -> ChecklistItem:
    item = session.get(ChecklistItem, item_id)
    if item is None or item.ticket_id != ticket.id:
        raise NotFound(worded("there is no such item"), advice=worded("Load the ticket again."))
    return item


def answer_item(
    session: Session,
    ticket: Ticket,
    item_id: UUID,
    value: str | None,
    *,
    person: UUID,
    now: datetime,
) -> ChecklistItem:
    """Answer an item, again if need be; None takes the answer back.

    A number outside its range is an answer, and is marked. Invalid when the kind of the item
    can't take the value; Conflict once the ticket has ended. The same answer changes nothing.
    """
    _require_open(ticket)
    item = _item(session, ticket, item_id)
    given = None if value is None else _read(session, item, value.strip())
    if given == item.answer:
        return item
    before = {"answer": item.answer, "outside": item.outside}
    item.answer, item.outside = given, given is not None and _is_outside(item, given)
    item.answered_by = None if given is None else person
    item.answered_at = None if given is None else now
    session.flush()
    facts = {"item": str(item.id), "answer": given, "outside": item.outside}
    by = events.Actor.person(person)
    _append(session, "ticket.check", ticket, facts, by, now, before)
    return item


def _read(session: Session, item: ChecklistItem, value: str) -> str:
    found = None
    if item.kind == "tick" and value == DONE:
        found = DONE
    elif item.kind == "number":
        found = _number(value)
    elif item.kind == "choice" and value in map(str, range(1, len(item.choices) + 1)):
        found = value
    elif item.kind == "photo":
        found = _photo(session, item, value)
    if found is None:
        raise Invalid(
            worded("the item was not answered"),
            problems=[_wanted(item)],
        )
    return found


def _wanted(item: ChecklistItem) -> str:
    match item.kind:
        case "tick":
            return worded("value: %(done)s, or nothing to take it back", done=repr(DONE))
        case "number" if item.unit:
            return worded("value: a number in %(unit)s", unit=item.unit)
        case "number":
            return worded("value: a number")
        case "choice":
            most = len(item.choices)
            return worded("value: the place of a choice, 1 to %(most)s", most=most)
    return worded("value: the id of a photo of this ticket")


def _number(value: str) -> str | None:
    try:
        # People write a comma in either sense; here nobody groups thousands.
        number = Decimal(value.replace("，", ".").replace(",", "."))
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) > LARGEST_NUMBER:
        return None
    return format(round(number, 4).normalize() + 0, "f")


def _photo(session: Session, item: ChecklistItem, value: str) -> str | None:
    try:
        photo = session.get(TicketPhoto, UUID(value))
    except ValueError:
        return None
    return str(photo.id) if photo and photo.ticket_id == item.ticket_id else None


def _is_outside(item: ChecklistItem, given: str) -> bool:
    if item.kind != "number":
        return False
    number = Decimal(given)
    too_low = item.low is not None and number < item.low
    return too_low or (item.high is not None and number > item.high)


def _append(
    session: Session,
    kind: str,
    ticket: Ticket,
    facts: Mapping[str, Any],
    actor: events.Actor,
    now: datetime,
    before: Mapping[str, Any] | None = None,
) -> None:
    events.append(
        session,
        kind,
        ("ticket", ticket.id),
        actor=actor,
        learned_at=now,
        site_id=ticket.site_id,
        before=before,
        after=facts,
    )


def require_answered(session: Session, ticket: Ticket) -> None:
    """Conflict that names every required item without an answer."""
    statement = (
        select(ChecklistItem)
        .where(
            ChecklistItem.ticket_id == ticket.id,
            ChecklistItem.required,
            ChecklistItem.answer.is_(None),
        )
        .order_by(ChecklistItem.place)
    )
    missing = session.scalars(statement).all()
    if missing:
        names = [f"“{next(iter(item.text.values()))}”" for item in missing[:5]]
        rest = len(missing) - 5
        more = worded(" and %(count)s more", count=rest) if rest > 0 else ""
        raise Conflict(
            worded(
                "the checklist of ticket %(number)s is not answered: %(known)s%(more)s",
                number=ticket.number,
                known=", ".join(names),
                more=more,
            ),
            advice=worded("Answer these items first, then mark the ticket as resolved."),
        )


def list_items(session: Session, ticket_id: UUID) -> list[dict[str, Any]]:
    """The checklist of a ticket in its order, with who answered what and when."""
    statement = (
        select(ChecklistItem, Person.name)
        .outerjoin(Person, Person.id == ChecklistItem.answered_by)
        .where(ChecklistItem.ticket_id == ticket_id)
        .order_by(ChecklistItem.place)
    )
    return [
        {
            "id": item.id,
            "text": item.text,
            "kind": item.kind,
            "required": item.required,
            "unit": item.unit,
            "low": _written(item.low),
            "high": _written(item.high),
            "choices": item.choices,
            "answer": item.answer,
            "outside": item.outside,
            "answered_by": item.answered_by,
            "answered_name": name,
            "answered_at": item.answered_at,
        }
        for item, name in session.execute(statement)
    ]


def _written(number: Decimal | None) -> str | None:
    return None if number is None else format(number.normalize() + 0, "f")
