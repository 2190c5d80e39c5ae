"""Battery rounds: one ticket for a building and a month, with what to take along.

Batteries that were installed together die together. Who changes one at a time goes to the same
building every week; who goes once a month, before they are empty, needs one bag of cells.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, Float, ForeignKey, Select, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base
from core.devices import Device
from core.ids import new_id
from core.local_time import zone
from core.places import Asset, Node, Space
from workflows.maintenance.judging import BatteryState
from workflows.tickets import Draft, Ticket, open_ticket
from workflows.tickets.checklist import (
    DONE,
    MOST_ITEMS,
    ChecklistItem,
    NewItem,
    add_items,
    reword_item,
)
from workflows.tickets.lifecycle import ENDED
from workflows.tickets.model import Fault

# The first item says what to take along.
_MOST_CELLS = MOST_ITEMS - 1
_UNKNOWN = {"en": "battery of unknown type", "zh": "型号未知的电池"}


class BatteryRound(Base):
    """A month's round through a building; space_id: none for what stands in no building.

    part: from 1 on; a further one where a checklist was full.
    """

    __tablename__ = "battery_round"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    space_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    month: Mapped[date] = mapped_column(Date)
    part: Mapped[int] = mapped_column(default=1)
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), unique=True)

    __table_args__ = (UniqueConstraint("site_id", "space_id", "month", "part"),)


class RoundCell(Base):
    """A device whose battery is changed on a round. item_id: its line on the checklist."""

    __tablename__ = "battery_round_cell"

    round_id: Mapped[UUID] = mapped_column(ForeignKey("battery_round.id"), primary_key=True)
    device_id: Mapped[UUID] = mapped_column(
        ForeignKey("device.id", ondelete="CASCADE"), primary_key=True
    )
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    item_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("checklist_item.id", ondelete="SET NULL"), index=True
    )
    percent: Mapped[float | None] = mapped_column(Float)


@dataclass(frozen=True, slots=True)
class Due:
    """A device whose battery is to be changed, and where it is."""

    device_id: UUID
    code: str
    name: Mapping[str, str]
    space: Mapping[str, str]
    cell: str | None
    cells: int
    percent: float | None


@dataclass(frozen=True, slots=True)
class BuildingDue:
    """What is to be changed in one building this month."""

    site_id: UUID
    space_id: UUID | None
    month: date
    devices: tuple[Due, ...]


def buildings_due(session: Session, *, now: datetime) -> list[BuildingDue]:
    """Buildings with batteries that will not last until the end of next month, and on no round.

    Those with a ticket of their own already, as smoke detectors have, are left to that.
    """
    found: list[BuildingDue] = []
    for site in session.scalars(select(Node).where(Node.kind == "site").order_by(Node.path)):
        month = now.astimezone(zone(site.time_zone)).date().replace(day=1)
        found += _of_site(session, site.id, month)
    return found


def _of_site(session: Session, site_id: UUID, month: date) -> list[BuildingDue]:
    rows = session.execute(
        select(BatteryState, Device, Asset)
        .join(Device, Device.id == BatteryState.device_id)
        .outerjoin(Asset, Asset.id == Device.asset_id)
        .where(
            BatteryState.site_id == site_id,
            Device.state == "active",
            or_(BatteryState.low, BatteryState.empty_on < months_on(month, 2)),
            Device.id.not_in(_on_a_round(month)),
            ~_changed_since().exists(),
            or_(Device.asset_id.is_(None), Device.asset_id.not_in(_told_already())),
        )
        .order_by(Device.code)
    ).all()
    if not rows:
        return []
    spaces = {
        space.id: space for space in session.scalars(select(Space).where(Space.site_id == site_id))
    }
    by_building: dict[UUID | None, list[Due]] = {}
    for state, device, asset in rows:
        space = spaces.get(asset.space_id) if asset and asset.space_id else None
        by_building.setdefault(_building(space, spaces), []).append(
            Due(
                device.id,
                device.code,
                (asset.name if asset else device.name) or {},
                space.name if space else {},
                state.cell,
                state.cells,
                state.percent,
            )
        )
    return [BuildingDue(site_id, space, month, tuple(due)) for space, due in by_building.items()]


def months_on(month: date, number: int) -> date:
    """The first day of the month so many months later."""
    years, place = divmod(month.month - 1 + number, 12)
    return date(month.year + years, place + 1, 1)


def _on_a_round(month: date) -> Select[UUID]:
    """Devices on a round that is still to be gone, or was begun this month."""
    return (
        select(RoundCell.device_id)
        .join(BatteryRound, BatteryRound.id == RoundCell.round_id)
        .join(Ticket, Ticket.id == BatteryRound.ticket_id)
        .where(or_(Ticket.state.not_in(ENDED), BatteryRound.month == month))
    )


def _changed_since() -> Select[UUID]:
    """Lines of rounds that were answered with yes after the battery was judged: a round of last
    month that was gone in this one took care of it, whatever stands in the judgement."""
    return (
        select(RoundCell.device_id)
        .join(ChecklistItem, ChecklistItem.id == RoundCell.item_id)
        .where(
            RoundCell.device_id == BatteryState.device_id,
            ChecklistItem.answer == DONE,
            ChecklistItem.answered_at >= BatteryState.judged_at,
        )
        .correlate(BatteryState)
    )


def _told_already() -> Select[UUID]:
    """Assets with an open ticket for their battery."""
    return select(Fault.asset_id).where(Fault.holds, Fault.rule_id.like("%-battery-%"))


def _building(space: Space | None, spaces: Mapping[UUID, Space]) -> UUID | None:
    """The building that a space is in, or else the outermost space around it."""
    outermost = None
    seen: set[UUID] = set()
    while space is not None and space.id not in seen:
        seen.add(space.id)
        outermost = space.id
        if space.kind == "building":
            break
        space = spaces.get(space.parent_id) if space.parent_id else None
    return outermost


def put_on_round(
    session: Session, due: BuildingDue, *, actor: events.Actor, now: datetime
) -> list[UUID]:
    """Open the round of a building and month, or add to the open one; returns its tickets.

    Where a checklist is full, or was closed, a further part of the round begins.
    """
    tickets = []
    left = list(due.devices)
    while left:
        round_, room = _open_round(session, due)
        some, left = left[:room], left[room:]
        if round_ is None:
            round_ = _begin(session, due, some, actor=actor, now=now)
        _add(session, round_, some, actor=actor, now=now)
        tickets.append(round_.ticket_id)
    return tickets


def _open_round(session: Session, due: BuildingDue) -> tuple[BatteryRound | None, int]:
    """The part of the round that takes more, and how many more."""
    rounds = _rounds(session, due)
    for round_ in rounds:
        ticket = session.get_one(Ticket, round_.ticket_id)
        taken = len(_items(session, ticket.id))
        if ticket.state not in ENDED and taken < MOST_ITEMS:
            return round_, MOST_ITEMS - taken
    return None, _MOST_CELLS


def _rounds(session: Session, due: BuildingDue) -> Sequence[BatteryRound]:
    space = BatteryRound.space_id
    wanted = select(BatteryRound).where(
        BatteryRound.site_id == due.site_id,
        BatteryRound.month == due.month,
        space.is_(None) if due.space_id is None else space == due.space_id,
    )
    return session.scalars(wanted.order_by(BatteryRound.part)).all()


def _items(session: Session, ticket_id: UUID) -> Sequence[UUID]:
    return session.scalars(
        select(ChecklistItem.id).where(ChecklistItem.ticket_id == ticket_id)
    ).all()


def _begin(
    session: Session,
    due: BuildingDue,
    some: Sequence[Due],
    *,
    actor: events.Actor,
    now: datetime,
) -> BatteryRound:
    space = session.get(Space, due.space_id) if due.space_id else None
    name = (space.name if space else session.get_one(Node, due.site_id).name) or {}
    part = len(_rounds(session, due)) + 1
    more = {"en": f" ({part})", "zh": f"（{part}）"} if part > 1 else {"en": "", "zh": ""}
    draft = Draft(
        site_id=due.site_id,
        space_id=due.space_id,
        kind="repair",
        category="sensors",
        priority="low",
        team="maintenance",
        title={
            "en": f"Battery round: {_in(name, 'en')}, {due.month:%Y-%m}{more['en']}",
            "zh": f"更换电池：{_in(name, 'zh')}，{due.month:%Y年}{due.month.month}月{more['zh']}",
        },
        happened_at=now,
        learned_at=now,
    )
    ticket = open_ticket(session, draft, actor=actor)
    round_ = BatteryRound(
        id=new_id(),
        site_id=due.site_id,
        space_id=due.space_id,
        month=due.month,
        part=part,
        ticket_id=ticket.id,
    )
    session.add(round_)
    session.flush()
    return round_


def _add(
    session: Session,
    round_: BatteryRound,
    some: Sequence[Due],
    *,
    actor: events.Actor,
    now: datetime,
) -> None:
    ticket = session.get_one(Ticket, round_.ticket_id)
    first = not _items(session, ticket.id)
    items = [NewItem(_line(one)) for one in some]
    if first:
        items.insert(0, NewItem(pick_list((one.cell, one.cells) for one in some)))
    rows = add_items(session, ticket, items, actor=actor, now=now)
    for one, row in zip(some, rows[1:] if first else rows, strict=True):
        session.add(
            RoundCell(
                round_id=round_.id,
                device_id=one.device_id,
                site_id=round_.site_id,
                item_id=row.id,
                percent=one.percent,
            )
        )
    session.flush()
    if not first:
        _take_more_along(session, round_, ticket, actor=actor, now=now)


def _take_more_along(
    session: Session, round_: BatteryRound, ticket: Ticket, *, actor: events.Actor, now: datetime
) -> None:
    """What is to be taken along, now that there is more; nothing where somebody took it already."""
    wanted = select(ChecklistItem).where(ChecklistItem.ticket_id == ticket.id)
    first = session.scalars(wanted.order_by(ChecklistItem.place).limit(1)).one()
    if first.answer is None:
        cells = session.execute(
            select(BatteryState.cell, BatteryState.cells)
            .join(RoundCell, RoundCell.device_id == BatteryState.device_id)
            .where(RoundCell.round_id == round_.id)
        )
        some = [(cell, count) for cell, count in cells]
        facts = {"cells": {cell or "unknown": count for cell, count in _summed(some).items()}}
        reword_item(session, ticket, first, pick_list(some), actor=actor, now=now, facts=facts)


def _summed(some: Iterable[tuple[str | None, int]]) -> Counter[str | None]:
    cells = Counter[str | None]()
    for cell, count in some:
        cells[cell] += count
    return cells


def pick_list(some: Iterable[tuple[str | None, int]]) -> dict[str, str]:
    """What to take along: how many cells of which type."""
    cells = _summed(some)
    known = sorted((cell, count) for cell, count in cells.items() if cell)
    parts = {language: [f"{count} × {cell}" for cell, count in known] for language in ("en", "zh")}
    if unknown := cells[None]:
        for language, told in parts.items():
            told.append(f"{unknown} × {_UNKNOWN[language]}")
    return {
        "en": f"Take along: {', '.join(parts['en'])}"[:200],
        "zh": f"携带：{'、'.join(parts['zh'])}"[:200],
    }


def _line(one: Due) -> dict[str, str]:
    def told(language: str, separator: str) -> str:
        where = _in(one.space, language)
        what = _in(one.name, language) or one.code
        cell = f"{one.cells} × {one.cell or _UNKNOWN[language]}"
        left = f", {one.percent:.0f} %" if one.percent is not None else ""
        left = left.replace(", ", separator)
        place = f"{where}{separator}" if where else ""
        return f"{place}{what} ({one.code}): {cell}{left}"[:200]

    return {"en": told("en", ", "), "zh": told("zh", "，")}


def _in(name: Mapping[str, str], language: str) -> str:
    """A name in a language, or as it is."""
    return name.get(language) or next((text for text in name.values() if text), "")


def changed_on(session: Session, device_id: UUID) -> date | None:
    """When somebody said last, on a round, that this battery was changed."""
    answered = session.scalar(
        select(ChecklistItem.answered_at)
        .join(RoundCell, RoundCell.item_id == ChecklistItem.id)
        .where(RoundCell.device_id == device_id, ChecklistItem.answer == DONE)
        .order_by(ChecklistItem.answered_at.desc())
        .limit(1)
    )
    return answered.date() if answered else None
