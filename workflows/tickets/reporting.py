"""Tickets that people open by hand."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events
from core.errors import Conflict, Invalid
from core.people import Caller
from core.places import Asset, Node, Space
from rules.wording import worded
from workflows.tickets.categories import category_problems
from workflows.tickets.checklist import NewItem, add_items
from workflows.tickets.fire_alarms import CATEGORY
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import KINDS, PRIORITIES, Ticket
from workflows.tickets.opening import Draft, open_ticket
from workflows.tickets.scope import of_tickets
from workflows.tickets.sos import CATEGORIES as CALLS
from workflows.tickets.sos import SILENT_CATEGORY, Call


def report(
    session: Session,
    draft: Draft,
    *,
    actor: events.Actor,
    checklist: Sequence[NewItem] = (),
) -> Ticket:
    """Open a ticket that somebody wrote; what is promised of it comes from the terms of its site.

    checklist: the items that it begins with.

    Invalid with every wrong field; Conflict when a ticket with the given id exists already.
    """
    if draft.category == CATEGORY:
        # Whoever says that it is a fire alarm says that lives are at stake.
        draft = replace(draft, life_safety=True)
    if draft.category in CALLS:
        # And whoever writes down that somebody calls for help, that it can't wait for anything.
        calls = "silent" if draft.category == SILENT_CATEGORY else "open"
        call = Call(kind=calls, origin="ticket")
        draft = replace(draft, life_safety=True, priority="critical", call=call)
    problems: list[str] = [*_bad_words(draft), *_bad_places(session, draft)]
    if not problems and draft.reporter_id is not None:
        # Residents choose a problem, not a category; what stickers say can't be retired.
        problems += category_problems(session, draft.site_id, draft.kind, draft.category)
    if problems:
        raise Invalid(worded("the ticket was not opened"), problems=problems)
    taken = Conflict(
        worded("a ticket with this id exists already"),
        advice=worded("Read it under its id, or make a new id for a new ticket."),
    )
    if draft.id is not None and session.get(Ticket, draft.id) is not None:
        raise taken
    try:
        with session.begin_nested():
            ticket = open_ticket(session, draft, actor=actor)
            if checklist:
                add_items(session, ticket, checklist, actor=actor, now=draft.learned_at)
    except IntegrityError:
        raise taken from None
    return ticket


def _bad_words(draft: Draft) -> list[str]:
    problems: list[str] = []
    if draft.kind not in KINDS:
        problems.append(worded("kind: one of %(known)s", known=", ".join(KINDS)))
    if draft.priority not in PRIORITIES:
        problems.append(worded("priority: one of %(known)s", known=", ".join(PRIORITIES)))
    if not any(text.strip() for text in draft.title.values()):
        problems.append(worded("title: empty"))
    return problems


def _bad_places(session: Session, draft: Draft) -> list[str]:
    problems: list[str] = []
    site = select(Node.id).where(Node.id == draft.site_id, Node.kind == "site")
    if session.scalar(site) is None:
        problems.append(worded("site_id: there is no such site"))
    if draft.asset_id is not None:
        asset = session.get(Asset, draft.asset_id)
        if asset is None or asset.site_id != draft.site_id:
            problems.append(worded("asset_id: there is no such asset on this site"))
    if draft.space_id is not None:
        space = session.get(Space, draft.space_id)
        if space is None or space.site_id != draft.site_id:
            problems.append(worded("space_id: there is no such space on this site"))
    return problems


def standing_near(
    session: Session,
    caller: Caller,
    *,
    site_id: UUID,
    space_id: UUID | None = None,
    asset_id: UUID | None = None,
    limit: int = 5,
) -> Sequence[Ticket]:
    """Open tickets that may be about the same, where the caller reads tickets; see `near`."""
    statement = near(site_id, space_id, asset_id)
    statement = of_tickets(statement, caller)
    return session.scalars(statement.order_by(Ticket.number.desc()).limit(limit)).all()


def near(site_id: UUID, space_id: UUID | None, asset_id: UUID | None) -> Select[Ticket]:
    """Tickets that have not ended, of the asset, else of the space and what is in it.

    Of a whole site: those on nothing in particular.
    """
    statement = select(Ticket).where(Ticket.site_id == site_id, Ticket.state.not_in(ENDED))
    if asset_id is not None:
        statement = statement.where(Ticket.asset_id == asset_id)
    elif space_id is not None:
        within = select(Asset.id).where(Asset.space_id == space_id)
        statement = statement.where(or_(Ticket.space_id == space_id, Ticket.asset_id.in_(within)))
    else:
        statement = statement.where(Ticket.space_id.is_(None), Ticket.asset_id.is_(None))
    return statement
