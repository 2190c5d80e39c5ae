"""The short clock of fire alarms: seen, looked at on the spot, or a fire."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import answer
from api.bodies import Body
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import TicketWhole
from core.db import Session
from core.people import Caller
from workflows.alarms.fire import call_it_no_fire, send_to_look, take_fire_on
from workflows.tickets import Ticket, fire_watch
from workflows.tickets.fire_watch import ACT, MANAGE, WORK, Look
from workflows.tickets.fires import standing_fires
from workflows.tickets.reading import describe_ticket, find_ticket
from workflows.tickets.scope import require

router = APIRouter(tags=["tickets"])
State = Literal["unseen", "seen", "fire", "answered", "not_fire"]
Why = Literal["pressed", "unseen", "unconfirmed"]
Cause = (
    Literal["cooking", "smoking", "joss_paper", "dust", "steam", "insect", "other"]
    | Literal["test", "sensor_fault"]
)
Watcher = Annotated[Asked, Depends(Permission(ACT))]
Worker = Annotated[Asked, Depends(Permission(WORK))]
Manager = Annotated[Asked, Depends(Permission(MANAGE))]


class StandingFireItem(BaseModel):
    """A fire alarm whose clock runs, or which stands as a fire."""

    id: UUID = Field(description="Of the ticket.")
    number: int
    title: dict[str, str]
    state: State
    why: Why | None = Field(description="Of a fire: what made it one.")
    began_at: datetime
    due_at: datetime | None = Field(description="After this moment it counts as a fire.")
    fire_at: datetime | None
    sent: str | None = Field(description="Who was sent to look.")
    answered: str | None = Field(description="Who took the fire on.")
    site_id: UUID
    site: dict[str, str]
    asset_id: UUID | None
    asset: dict[str, str] | None
    space: dict[str, str] | None


class StandingFires(BaseModel):
    """Fires that nobody took on first, then what is due first; at most 50."""

    items: list[StandingFireItem]


class SendBody(Body):
    """Who is sent to look."""

    sent_id: UUID


class LookBody(Body):
    """What was found on the spot. photo_id: a photo on the ticket, taken since the alarm began."""

    cause: Cause
    photo_id: UUID
    note: Annotated[str, Field(max_length=4000)] = ""

    def look(self) -> Look:
        """What the body says."""
        return Look(self.cause, self.photo_id, self.note)


@router.get("/fire-alarms", response_model=StandingFires)
def get_fire_alarms(asked: Watcher) -> Response:
    """The fire alarms that somebody has to look after, on every site where you act on alarms."""
    names = StandingFireItem.model_fields
    with asked.parts.database.read() as session:
        found = standing_fires(session, asked.caller, ACT)
    return answer({"items": [{name: getattr(one, name) for name in names} for one in found]})


def _step(
    asked: Asked, ticket_id: UUID, right: str, step: Callable[[Session, Caller, Ticket], None]
) -> Response:
    with asked.parts.database.write() as session:
        ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
        require(asked.caller, right, ticket)
        step(session, asked.caller, ticket)
        content = describe_ticket(session, asked.caller, ticket_id)
    return answer(content, version=content["version"])


@router.post(
    "/tickets/{ticket_id}/fire-alarm/see", response_model=TicketWhole, responses=may_answer(409)
)
def see_fire_alarm(ticket_id: UUID, body: SendBody, asked: Watcher) -> Response:
    """Somebody has seen it and sends somebody to look, who gets the ticket. unseen, seen → seen."""
    return _step(
        asked,
        ticket_id,
        ACT,
        lambda session, caller, ticket: send_to_look(
            session, caller, ticket, body.sent_id, now=asked.now
        ),
    )


@router.post(
    "/tickets/{ticket_id}/fire-alarm/clear", response_model=TicketWhole, responses=may_answer(409)
)
def clear_fire_alarm(ticket_id: UUID, body: LookBody, asked: Worker) -> Response:
    """It is no fire: with a photo of your own from the spot, and what it was.

    unseen, seen → not_fire. The ticket is resolved as that; of a faulty detector it goes to
    maintenance.
    """
    return _step(
        asked,
        ticket_id,
        WORK,
        lambda session, caller, ticket: call_it_no_fire(
            session, caller, ticket, body.look(), now=asked.now
        ),
    )


@router.post(
    "/tickets/{ticket_id}/fire-alarm/fire", response_model=TicketWhole, responses=may_answer(409)
)
def press_fire(ticket_id: UUID, asked: Worker) -> Response:
    """It is a fire: all of the chain and the duty phones are told at once. Safe to repeat."""
    return _step(
        asked,
        ticket_id,
        WORK,
        lambda session, caller, ticket: fire_watch.press_fire(
            session, caller, ticket, now=asked.now
        ),
    )


@router.post(
    "/tickets/{ticket_id}/fire-alarm/answer", response_model=TicketWhole, responses=may_answer(409)
)
def answer_fire(ticket_id: UUID, asked: Watcher) -> Response:
    """Take the fire on: it sounds no more. fire → answered."""
    return _step(
        asked,
        ticket_id,
        ACT,
        lambda session, caller, ticket: take_fire_on(session, caller, ticket, now=asked.now),
    )


@router.post(
    "/tickets/{ticket_id}/fire-alarm/stand-down",
    response_model=TicketWhole,
    responses=may_answer(409),
)
def stand_fire_down(ticket_id: UUID, body: LookBody, asked: Manager) -> Response:
    """Call a fire off, with a photo since the alarm and what it was. fire, answered → not_fire."""
    return _step(
        asked,
        ticket_id,
        MANAGE,
        lambda session, caller, ticket: fire_watch.stand_down(
            session, caller, ticket, body.look(), now=asked.now
        ),
    )
