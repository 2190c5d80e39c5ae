"""One route for each action of the ticket's lifecycle table; its text comes from the table."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from api.answers import IfMatch, answer, expected_version
from api.deps import Asked, Permission
from api.errors import may_answer
from api.tickets.shapes import ActionBody, TicketWhole
from workflows.alarms import accept_ticket
from workflows.tickets import TICKET
from workflows.tickets.reading import describe_ticket, find_ticket, lock_to_merge
from workflows.tickets.rights import LONG_HOLD, RIGHT_OF_ACTION
from workflows.tickets.scope import holds, require
from workflows.tickets.working import NEEDS_REASON

router = APIRouter(tags=["tickets"])
_NO_DETAILS = ActionBody()


def _text(action: str) -> str:
    moves = "; ".join(f"{source} → {target}" for source, target in TICKET.moves[action].items())
    reason = " Needs a reason as `note`." if action in NEEDS_REASON else ""
    return f"{moves}.{reason} From any other status it is a conflict."


def _handler(action: str) -> Callable[..., Any]:
    permission = RIGHT_OF_ACTION[action]

    def act(
        ticket_id: UUID,
        body: ActionBody = _NO_DETAILS,
        if_match: IfMatch = None,
        asked: Asked = Depends(Permission(permission)),
    ) -> Response:
        version = expected_version(if_match)
        with asked.parts.database.write() as session:
            if action == "merge" and body.into_id is not None:
                lock_to_merge(session, asked.caller, ticket_id, body.into_id)
            ticket = find_ticket(session, asked.caller, ticket_id, to_change=True)
            require(asked.caller, permission, ticket)
            accept_ticket(
                session,
                ticket,
                body.step(action, long=holds(asked.caller, LONG_HOLD, ticket)),
                person=asked.person,
                now=asked.now,
                expected_version=version,
            )
            content = describe_ticket(session, asked.caller, ticket_id)
        return answer(content, version=content["version"])

    return act


for _action in TICKET.moves:
    router.add_api_route(
        f"/tickets/{{ticket_id}}/actions/{_action}",
        _handler(_action),
        methods=["POST"],
        response_model=TicketWhole,
        name=f"{_action}_ticket",
        summary=f"{_action.capitalize()} a ticket",
        description=_text(_action),
        responses=may_answer(409, 412),
    )
