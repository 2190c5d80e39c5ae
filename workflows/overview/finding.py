"""Finding one thing that the caller may see; what they may not see does not exist for them."""

from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.devices import Device
from core.errors import NotFound
from core.people import Caller, Person, scoped
from core.places import Asset, Node, Space
from core.rulebook import RuleVersion
from rules.wording import worded
from workflows.tickets import Ticket
from workflows.tickets.scope import of_tickets

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Located(Generic[Thing]):
    """A thing with the site it belongs to, and the space it is in."""

    thing: Thing
    site: Node
    space: Space | None


def find_ticket_number(session: Session, caller: Caller, number: int) -> Located[Ticket]:
    """A ticket by its human number. NotFound when the caller may not read it."""
    # The number is a 32-bit integer, and no database is asked for a larger one.
    possible = 0 < number < 2**31
    statement = (
        select(Ticket, Node, Space)
        .join(Node, Node.id == Ticket.site_id)
        .outerjoin(Space, Space.id == Ticket.space_id)
        .where(Ticket.number == number)
    )
    row = session.execute(of_tickets(statement, caller)).first() if possible else None
    if row is None:
        raise NotFound(
            worded("there is no ticket %(number)s", number=number),
            advice=worded("Look for it in the list."),
        )
    return Located(row[0], row[1], row[2])


def ticket_numbers(session: Session, caller: Caller, ids: set[UUID]) -> dict[UUID, int]:
    """The human numbers of tickets that the caller may read."""
    statement = select(Ticket.id, Ticket.number).where(Ticket.id.in_(ids))
    rows = session.execute(of_tickets(statement, caller))
    return {ticket_id: number for ticket_id, number in rows}


def find_asset(session: Session, caller: Caller, asset_id: UUID) -> Located[Asset]:
    """An asset by its id. NotFound when the caller may not see it."""
    statement = (
        select(Asset, Node, Space)
        .join(Node, Node.id == Asset.site_id)
        .outerjoin(Space, Space.id == Asset.space_id)
        .where(Asset.id == asset_id)
    )
    row = session.execute(scoped(statement, Asset.site_id, caller, "places.read")).first()
    if row is None:
        raise NotFound(worded("there is no such asset"), advice=worded("Look for it in the tree."))
    return Located(row[0], row[1], row[2])


def find_site(session: Session, caller: Caller, site_id: UUID) -> Node:
    """A site by its id. NotFound when the caller may not see it."""
    statement = select(Node).where(Node.kind == "site", Node.id == site_id)
    site = session.scalars(scoped(statement, Node.id, caller, "places.read")).first()
    if site is None:
        raise NotFound(worded("there is no such site"), advice=worded("Choose it from the list."))
    return site


def find_space(session: Session, caller: Caller, site_id: UUID, code: str) -> Space:
    """A space of a site by its code. NotFound when the caller may not see it."""
    statement = select(Space).where(Space.site_id == site_id, Space.code == code)
    space = session.scalars(scoped(statement, Space.site_id, caller, "places.read")).first()
    if space is None:
        raise NotFound(worded("there is no such space"), advice=worded("Look for it in the tree."))
    return space


def find_device(session: Session, caller: Caller, device_id: UUID) -> Located[Device]:
    """A device by its id. NotFound when the caller may not see it."""
    statement = (
        select(Device, Node).join(Node, Node.id == Device.site_id).where(Device.id == device_id)
    )
    row = session.execute(scoped(statement, Device.site_id, caller, "devices.read")).first()
    if row is None:
        raise NotFound(
            worded("there is no such device"), advice=worded("Look for it on the live page.")
        )
    return Located(row[0], row[1], None)


def person_name(session: Session, person_id: UUID | None) -> str | None:
    """What a person is called; None for nobody, or for somebody whose name was erased."""
    if person_id is None:
        return None
    return session.scalar(select(Person.name).where(Person.id == person_id)) or None


def rule_document(session: Session, rule_id: str | None, version: int | None) -> str | None:
    """The document of the rule version that opened a ticket; None where it has none."""
    statement = select(RuleVersion.document).where(
        RuleVersion.rule_id == rule_id, RuleVersion.version == version
    )
    return session.scalar(statement)
