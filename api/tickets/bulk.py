"""One action on many tickets at once, with what became of each, and the way back."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from api.answers import JSON, IdempotencyKey, answer, claim, encoded, kept
from api.bodies import Body, Moment, Prose
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import FalseCause, Priority, Verdict
from core.db import Session
from core.idempotency import Answer, keep, recall
from core.ids import new_id
from workflows.alarms import accept_tickets
from workflows.tickets.bulk import (
    MOST_AT_ONCE,
    Order,
    TicketBatch,
    Wanted,
    find_batch,
    results_of,
)
from workflows.tickets.undoing import undo_many, undo_until

router = APIRouter(tags=["tickets"])
Reader = Annotated[Asked, Depends(Permission("tickets.read"))]
Worker = Annotated[Asked, Depends(Permission("tickets.work"))]
BulkAction = Literal[
    "accept",
    "assign",
    "hold",
    "resume",
    "resolve",
    "verify",
    "close",
    "reopen",
    "cancel",
    "merge",
    "priority",
    "note",
]


class WantedTicket(Body):
    """A ticket to change. version: as you read it; without it, as it is."""

    id: UUID
    version: int | None = None

    def wanted(self) -> Wanted:
        """As the workflow takes it."""
        return Wanted(self.id, self.version)


class BulkBody(Body):
    """One action for many tickets; what it needs is what the single action needs."""

    action: BulkAction
    tickets: Annotated[list[WantedTicket], Field(min_length=1, max_length=MOST_AT_ONCE)]
    note: Prose = Field(
        default="",
        description="The reason for hold, reopen, cancel and merge, or the note itself.",
    )
    assignee_id: UUID | None = None
    team: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    priority: Priority | None = None
    verdict: Verdict | None = None
    cause: FalseCause | None = None
    until: Moment | None = Field(default=None, description="hold: when it ends by itself.")
    into_id: UUID | None = Field(default=None, description="merge: the one of them that stays.")
    public: bool = Field(default=False, description="Residents who reported it read the note, too.")

    def order(self) -> Order:
        """As the workflow takes it."""
        return Order(
            new_id(),
            self.action,
            [one.wanted() for one in self.tickets],
            self.note,
            self.assignee_id,
            self.team,
            self.priority,
            self.verdict,
            self.cause,
            self.until,
            public=self.public,
            into_id=self.into_id,
        )


class BulkResult(BaseModel):
    """What became of one ticket."""

    ticket_id: UUID
    number: int | None = Field(description="null for one that you may not see.")
    done: bool
    reason: Literal["", "not_found", "not_allowed", "changed", "state", "other"]
    detail: str = Field(description="Why nothing was done, in words.")
    version: int | None = Field(description="The ticket's version afterwards.")


class Batch(BaseModel):
    """What was done to many tickets at once. Each ticket's event holds its id as `batch`."""

    id: UUID
    action: str
    at: datetime
    done: int
    refused: int
    undo_until: datetime | None = Field(description="null: there is no way back.")
    undoes_id: UUID | None
    into_id: UUID | None = Field(description="merge: the ticket that stayed.")
    results: list[BulkResult]


def _shown(asked: Asked, session: Session, batch: TicketBatch) -> dict[str, Any]:
    results = results_of(batch)
    details = asked.told(result.detail for result in results)
    done = sum(result.done for result in results)
    return {
        "id": batch.id,
        "action": batch.action,
        "at": batch.at,
        "done": done,
        "refused": len(results) - done,
        "undo_until": undo_until(session, batch),
        "undoes_id": batch.undoes_id,
        "into_id": batch.into_id,
        "results": [
            {**{name: getattr(result, name) for name in BulkResult.model_fields}, "detail": detail}
            for result, detail in zip(results, details, strict=True)
        ],
    }


@router.post(
    "/tickets/bulk",
    response_model=Batch,
    summary="Change many tickets at once",
    responses=may_answer(409),
)
def post_tickets_bulk(
    asked: Worker, body: BulkBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Each ticket is judged by your right on its site and by its own status.

    It is done wholly or refused, and `results` says which and why. At most 200 at once. Accepting,
    assigning, holding and changing the priority can be undone for 15 minutes.
    """
    request = claim(asked, "POST /tickets/bulk", idempotency_key, body)
    with asked.parts.database.write() as session:
        made = recall(session, request)
        if made is None:
            batch = accept_tickets(session, asked.caller, body.order(), now=asked.now)
            content = _shown(asked, session, batch)
            made = keep(session, request, Answer(200, encoded(content), {}))
    return kept(made)


@router.get("/ticket-batches/{batch_id}", response_model=Batch, summary="Read what was done")
def get_ticket_batch(asked: Reader, batch_id: UUID) -> Response:
    """One of your own batches; they are kept for a week."""
    with asked.parts.database.read() as session:
        content = _shown(asked, session, find_batch(session, asked.caller, batch_id))
    return Response(encoded(content), 200, {}, JSON)


@router.post(
    "/ticket-batches/{batch_id}/undo",
    response_model=Batch,
    summary="Undo a batch",
    responses=may_answer(409),
)
def undo_ticket_batch(asked: Worker, batch_id: UUID) -> Response:
    """Puts back who had the tickets, their priority, or ends their hold.

    One that was changed since is refused.

    Undone twice it answers as the first time. A conflict for what has no way back, or after
    15 minutes.
    """
    with asked.parts.database.write() as session:
        undo = undo_many(session, asked.caller, batch_id, now=asked.now)
        content = _shown(asked, session, undo)
    return answer(content)
