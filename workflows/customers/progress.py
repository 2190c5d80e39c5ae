"""What a resident sees of their report: steps in plain words, and what was written for them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.events import Event
from core.places import Asset, Node, Space
from workflows.customers.reports import (
    SETTLED,
    URGE_EVERY,
    ResidentReport,
    is_about,
    may_refuse,
    may_urge,
    ticket_of,
)
from workflows.tickets import ENDED, Ticket
from workflows.tickets.model import TicketNote

# The steps that a resident is told of; who took them is nobody's business.
TOLD = ("open", "assign", "accept", "start", "hold", "resume", "resolve", "close", "reopen")
KINDS = tuple(f"ticket.{action}" for action in (*TOLD, "cancel"))


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything that the page of a progress link shows. place: the asset's or space's name.

    title: None where somebody else wrote it in their own words. notes: what was written for
    residents. urge_at: when they may ask again; None when there is nothing to wait for. confirmed:
    they said that it is solved since it was done last.
    """

    report: ResidentReport
    number: int
    state: str
    title: dict[str, str] | None
    kind: str
    site: Node
    place: dict[str, str] | None
    steps: list[tuple[str, datetime]]
    notes: list[dict[str, Any]]
    hold_until: datetime | None
    urge_at: datetime | None
    may_urge: bool
    may_refuse: bool
    settled: bool
    confirmed: bool
    merged: bool


def read_progress(session: Session, row: ResidentReport, *, now: datetime) -> Progress:
    """How far a report has come, without anything about people."""
    ticket = ticket_of(session, row)
    waits = ticket.state not in (*ENDED, *SETTLED)
    return Progress(
        report=row,
        number=ticket.number,
        state=ticket.state,
        title=public_title(ticket, own=not row.joined and ticket.id == row.ticket_id),
        kind=ticket.kind,
        site=session.get_one(Node, ticket.site_id),
        place=_place(session, ticket),
        steps=_steps(session, ticket),
        notes=_notes(session, ticket),
        hold_until=ticket.hold_until,
        urge_at=(row.urged_at or row.created_at) + URGE_EVERY if waits else None,
        may_urge=may_urge(row, ticket, now),
        may_refuse=may_refuse(row, ticket, now),
        settled=ticket.state in SETTLED,
        confirmed=is_about(row.confirmed_at, ticket),
        merged=ticket.id != row.ticket_id,
    )


def public_title(ticket: Ticket, *, own: bool = False) -> dict[str, str] | None:
    """A title that anybody may read; None where somebody else wrote it in their own words."""
    return dict(ticket.title) if own or "und" not in ticket.title else None


def _place(session: Session, ticket: Ticket) -> dict[str, str] | None:
    if ticket.asset_id is not None:
        return dict(session.get_one(Asset, ticket.asset_id).name)
    if ticket.space_id is not None:
        return dict(session.get_one(Space, ticket.space_id).name)
    return None


def _steps(session: Session, ticket: Ticket) -> list[tuple[str, datetime]]:
    """The steps of the ticket's life, oldest first; two of a kind in a row are one."""
    statement = (
        select(Event.kind, Event.happened_at)
        .where(
            Event.subject_kind == "ticket",
            Event.subject_id == str(ticket.id),
            Event.kind.in_(KINDS),
        )
        .order_by(Event.seq)
    )
    steps: list[tuple[str, datetime]] = []
    for kind, at in session.execute(statement):
        if not steps or steps[-1][0] != kind:
            steps.append((kind, at))
    return steps


def _notes(session: Session, ticket: Ticket) -> list[dict[str, Any]]:
    statement = (
        select(TicketNote.at, TicketNote.action, TicketNote.body)
        .where(TicketNote.ticket_id == ticket.id, TicketNote.public)
        .order_by(TicketNote.at, TicketNote.id)
    )
    return [dict(row) for row in session.execute(statement).mappings()]
