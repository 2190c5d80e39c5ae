"""Batteries by when they will be empty, and the tickets on which they are changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Date, case, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from core.devices import Device
from core.paging import Page, Wish, rows_of
from core.people import Caller, scoped
from core.places import Asset, Space
from workflows.maintenance.battery_rounds import BatteryRound, RoundCell, months_on
from workflows.maintenance.judging import BatteryState
from workflows.tickets import Ticket
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Fault

Which = Literal["low", "due"]
_NEVER = date(9999, 12, 31)
# Those that are low are changed next, whatever their trend; of the others the soonest.
_RANK = case((BatteryState.low, 0), else_=1)
_EMPTY = func.coalesce(BatteryState.empty_on, literal(_NEVER, Date), type_=Date)
_LISTED = rows_of(
    BatteryState.device_id,
    BatteryState.site_id,
    Device.code,
    Device.name,
    Device.asset_id,
    Asset.name.label("asset_name"),
    Space.name.label("space_name"),
    BatteryState.percent,
    BatteryState.low,
    BatteryState.since,
    BatteryState.per_day,
    BatteryState.empty_on,
    BatteryState.cell,
    BatteryState.cells,
    BatteryState.changed_on,
    BatteryState.judged_at,
)


@dataclass(frozen=True, slots=True)
class BatteryFilter:
    """Which are wanted. low: below the level at which they are changed whatever their trend;
    due: those that the round of `month` takes. month: its first day."""

    month: date
    site_id: UUID | None = None
    which: Which | None = None


def is_due(month: date) -> ColumnElement[bool]:
    """Whether a battery will not last until the end of the month after that one."""
    return or_(BatteryState.low, BatteryState.empty_on < months_on(month, 2))


def list_batteries(
    session: Session, caller: Caller, wanted: BatteryFilter, wish: Wish
) -> Page[dict[str, Any]]:
    """Batteries of devices at work that the caller may read, those that are changed next first.

    Key: (0 for low, the day when it is empty, device).
    """
    keys = (_RANK, _EMPTY, BatteryState.device_id)
    statement = scoped(_LISTED, BatteryState.site_id, caller, "devices.read")
    statement = (
        statement.join(Device, Device.id == BatteryState.device_id)
        .outerjoin(Asset, Asset.id == Device.asset_id)
        .outerjoin(Space, Space.id == Asset.space_id)
        .where(Device.state == "active")
    )
    if wanted.site_id is not None:
        statement = statement.where(BatteryState.site_id == wanted.site_id)
    if wanted.which == "low":
        statement = statement.where(BatteryState.low)
    elif wanted.which == "due":
        statement = statement.where(is_due(wanted.month))
    if wish.after is not None:
        statement = statement.where(tuple_(*keys) > wish.after)
    rows = session.execute(statement.order_by(*keys).limit(wish.limit + 1)).mappings().all()
    shown = [dict(row) for row in rows[: wish.limit]]
    tickets = tickets_of(session, [row["device_id"] for row in shown])
    none = {"ticket_id": None, "ticket_number": None}
    items = [{**row, **tickets.get(row["device_id"], none)} for row in shown]
    return Page(items, _key(shown[-1]) if len(rows) > wish.limit else None)


def _key(row: Mapping[str, Any]) -> tuple[int, date, UUID]:
    return (0 if row["low"] else 1, row["empty_on"] or _NEVER, row["device_id"])


def place_of(session: Session, device_id: UUID) -> tuple[int, date, UUID] | None:
    """Where the battery of a device stands in that list; None where none was judged."""
    state = session.get(BatteryState, device_id)
    if state is None:
        return None
    return _key({"low": state.low, "empty_on": state.empty_on, "device_id": device_id})


def tickets_of(session: Session, devices: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The open ticket on which each battery is changed: a round, or one of its own."""
    rounds = (
        select(RoundCell.device_id, Ticket.id, Ticket.number)
        .join(BatteryRound, BatteryRound.id == RoundCell.round_id)
        .join(Ticket, Ticket.id == BatteryRound.ticket_id)
        .where(RoundCell.device_id.in_(devices), Ticket.state.not_in(ENDED))
    )
    own = (
        select(Device.id, Ticket.id, Ticket.number)
        .join(Fault, Fault.asset_id == Device.asset_id)
        .join(Ticket, Ticket.id == Fault.ticket_id)
        .where(Device.id.in_(devices), Fault.holds, Fault.rule_id.like("%-battery-%"))
    )
    rows = [*session.execute(rounds), *session.execute(own)] if devices else []
    return {
        device_id: {"ticket_id": ticket_id, "ticket_number": number}
        for device_id, ticket_id, number in rows
    }


def cells_due(session: Session, caller: Caller, wanted: BatteryFilter) -> dict[str | None, int]:
    """What this month's rounds take along: how many cells of each type; None is of no known one."""
    number = func.sum(BatteryState.cells)
    statement = scoped(
        rows_of(BatteryState.cell, number), BatteryState.site_id, caller, "devices.read"
    )
    statement = (
        statement.join(Device, Device.id == BatteryState.device_id)
        .where(Device.state == "active", is_due(wanted.month))
        .group_by(BatteryState.cell)
        .order_by(number.desc(), BatteryState.cell)
    )
    if wanted.site_id is not None:
        statement = statement.where(BatteryState.site_id == wanted.site_id)
    return {cell: int(total) for cell, total in session.execute(statement)}


def open_rounds(session: Session, site_id: UUID) -> Sequence[Ticket]:
    """The rounds of a site that are still to be gone; the caller has judged who may see them."""
    statement = (
        select(Ticket)
        .join(BatteryRound, BatteryRound.ticket_id == Ticket.id)
        .where(BatteryRound.site_id == site_id, Ticket.state.not_in(ENDED))
        .order_by(BatteryRound.month, Ticket.number)
    )
    return session.scalars(statement).all()
