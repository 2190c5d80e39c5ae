"""Saved views: lists of tickets under a name, one's own or shared with the people of a place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, String, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.people import Caller, find_node, nodes_with
from core.places import Node

READ, SHARE = "tickets.read", "views.share"
# What the address of a list may ask for. The list itself says what comes first.
FIELDS = ("view", "kind", "priority", "site", "q")
LONGEST_NAME, LONGEST_VALUE, MOST_OF_ONE = 60, 100, 50


class SavedView(Base):
    """A list under a name. node_id: with whose people it is shared; empty: its owner's alone."""

    __tablename__ = "saved_view"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), index=True)
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    filters: Mapped[dict[str, str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(Instant)


class DefaultView(Base):
    """The list with which somebody begins."""

    __tablename__ = "default_view"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    view_id: Mapped[UUID] = mapped_column(ForeignKey("saved_view.id"), index=True)


@dataclass(frozen=True, slots=True)
class ListedView:
    """A saved view as its reader finds it. mine: whether they may rename and delete it."""

    id: UUID
    name: str
    filters: Mapping[str, str]
    shared: bool
    mine: bool
    default: bool


def list_views(session: Session, caller: Caller) -> list[ListedView]:
    """The caller's own views and those shared with them, by name."""
    statement = select(SavedView).where(_seen_by(session, caller)).order_by(SavedView.name)
    begins_with = default_of(session, caller.person_id)
    return [
        ListedView(
            row.id,
            row.name,
            row.filters,
            row.node_id is not None,
            row.owner_id == caller.person_id,
            row.id == begins_with,
        )
        for row in session.scalars(statement)
    ]


def find_view(session: Session, caller: Caller, view_id: UUID, *, own: bool = False) -> SavedView:
    """A view that the caller finds in their list. NotAllowed to change somebody else's."""
    statement = select(SavedView).where(SavedView.id == view_id, _seen_by(session, caller))
    view = session.scalars(statement).first()
    if view is None:
        raise NotFound("there is no such view", advice="Choose one of the list of tickets.")
    if own and view.owner_id != caller.person_id:
        raise NotAllowed("this view is somebody else's", advice="Save the list under a new name.")
    return view


def places_to_share_with(session: Session, caller: Caller) -> list[Node]:
    """The places whose people the caller may give a view to."""
    company_wide = SHARE in caller.company_wide
    found = nodes_with(session, caller, SHARE)
    return [node for node in found if node.kind == "site" or company_wide]


def save_view(
    session: Session,
    caller: Caller,
    name: str,
    filters: Mapping[str, str],
    *,
    node_id: UUID | None = None,
    now: datetime,
) -> SavedView:
    """Keep a list under a name. Invalid for what is no list, Conflict when there are too many.

    node_id: share it with the people of that place. NotFound and NotAllowed for other places.
    """
    caller.require_anywhere(READ)
    if node_id is not None:
        caller.require_over(SHARE, find_node(session, caller, READ, node_id))
    mine = select(func.count()).where(SavedView.owner_id == caller.person_id)
    if (session.scalar(mine) or 0) >= MOST_OF_ONE:
        raise Conflict(f"you keep {MOST_OF_ONE} views already", advice="Delete one of them first.")
    view = SavedView(
        id=new_id(),
        owner_id=caller.person_id,
        node_id=node_id,
        name=_name(name),
        filters=_filters(filters),
        at=now,
    )
    session.add(view)
    session.flush()
    _log(session, "view.save", view, caller, now)
    return view


def rename_view(
    session: Session, caller: Caller, view: SavedView, name: str, *, now: datetime
) -> None:
    """Give a view another name."""
    view.name = _name(name)
    _log(session, "view.rename", view, caller, now)


def delete_view(session: Session, caller: Caller, view: SavedView, *, now: datetime) -> None:
    """Take a view away, also from those who began with it."""
    session.execute(delete(DefaultView).where(DefaultView.view_id == view.id))
    session.delete(view)
    _log(session, "view.delete", view, caller, now)


def begin_with(
    session: Session, caller: Caller, view: SavedView, *, begins: bool, now: datetime
) -> None:
    """Make a view the caller's default, or no longer."""
    session.execute(delete(DefaultView).where(DefaultView.person_id == caller.person_id))
    if begins:
        session.add(DefaultView(person_id=caller.person_id, view_id=view.id))
    _log(session, "view.begin" if begins else "view.leave", view, caller, now)


def default_filters(session: Session, caller: Caller) -> Mapping[str, str] | None:
    """What the caller's default view asks for; None without one, or when they lost sight of it."""
    mine = select(DefaultView.view_id).where(DefaultView.person_id == caller.person_id)
    statement = select(SavedView.filters).where(SavedView.id.in_(mine), _seen_by(session, caller))
    return session.scalars(statement).first()


def default_of(session: Session, person_id: UUID) -> UUID | None:
    """Which view somebody begins with."""
    return session.scalar(select(DefaultView.view_id).where(DefaultView.person_id == person_id))


def _seen_by(session: Session, caller: Caller) -> Any:
    seen: Sequence[UUID] = [node.id for node in nodes_with(session, caller, READ)]
    return or_(SavedView.owner_id == caller.person_id, SavedView.node_id.in_(seen))


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= LONGEST_NAME:
        problem = f"name: 1 to {LONGEST_NAME} characters"
        raise Invalid("the view needs a name", problems=[problem])
    return name


def _filters(given: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if value}
    wrong = [
        name for name, value in kept.items() if name not in FIELDS or len(value) > LONGEST_VALUE
    ]
    if wrong:
        raise Invalid("there is no such list", problems=wrong)
    return kept


def _log(session: Session, kind: str, view: SavedView, caller: Caller, now: datetime) -> None:
    node = session.get(Node, view.node_id) if view.node_id else None
    events.append(
        session,
        kind,
        ("view", view.id),
        actor=events.Actor.person(caller.person_id),
        learned_at=now,
        site_id=node.id if node and node.kind == "site" else None,
        after={"node_id": str(view.node_id) if view.node_id else None},
    )
