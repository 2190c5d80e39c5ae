"""Saved views: lists of tickets under a name, one's own or shared with a place or a team."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Integer, Select, String, and_, delete, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from core.ids import new_id
from core.people import Caller, Person, find_node, nodes_with
from core.places import Node
from core.teams import TeamShown, teams_at, teams_of_person
from rules.wording import Message, worded

READ, SHARE = "tickets.read", "views.share"
# What the address of a list may ask for. The list itself says what comes first.
FIELDS = ("view", "kind", "priority", "site", "q", "category")
LONGEST_NAME, LONGEST_VALUE, MOST_OF_ONE = 60, 100, 50
# So long a deleted view can be had back.
UNDO_FOR = timedelta(minutes=15)


class SavedView(Base):
    """A list under a name.

    node_id: with whose people it is shared; empty: its owner's alone. team: only with those who are
    in this team of that site. position: its place among the views of its owner. deleted_at: it is
    gone for everybody, but can still be had back.
    """

    __tablename__ = "saved_view"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    node_id: Mapped[UUID | None] = mapped_column(ForeignKey("node.id"), index=True)
    team: Mapped[str | None] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    filters: Mapped[dict[str, str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(Instant)
    position: Mapped[int] = mapped_column(Integer, default=0)
    version: Mapped[int] = mapped_column(Integer, default=1)
    deleted_at: Mapped[datetime | None] = mapped_column(Instant)


class DefaultView(Base):
    """The list with which somebody begins."""

    __tablename__ = "default_view"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    view_id: Mapped[UUID] = mapped_column(ForeignKey("saved_view.id"), index=True)


@dataclass(frozen=True, slots=True)
class ListedView:
    """A saved view as its reader finds it. mine: whether they may change and delete it."""

    id: UUID
    name: str
    filters: Mapping[str, str]
    node_id: UUID | None
    team: str | None
    mine: bool
    default: bool
    version: int

    @property
    def shared(self) -> bool:
        """Whether others find it in their lists."""
        return self.node_id is not None


def list_views(session: Session, caller: Caller) -> list[ListedView]:
    """The caller's own views in their order, then those shared with them by name."""
    statement = select(SavedView).where(_seen_by(session, caller))
    begins_with = default_of(session, caller.person_id)
    listed = [_listed(row, caller, begins_with) for row in _in_order(session, statement)]
    return sorted(listed, key=lambda view: not view.mine)


def listed_view(session: Session, caller: Caller, view: SavedView) -> ListedView:
    """One view as `list_views` has it."""
    return _listed(view, caller, default_of(session, caller.person_id))


def _listed(row: SavedView, caller: Caller, begins_with: UUID | None) -> ListedView:
    return ListedView(
        row.id,
        row.name,
        row.filters,
        row.node_id,
        row.team,
        row.owner_id == caller.person_id,
        row.id == begins_with,
        row.version,
    )


def _in_order(session: Session, statement: Select[SavedView]) -> list[SavedView]:
    return list(session.scalars(statement.order_by(SavedView.position, SavedView.name)))


def find_view(session: Session, caller: Caller, view_id: UUID, *, own: bool = False) -> SavedView:
    """A view that the caller finds in their list. NotAllowed to change somebody else's.

    own: to change it; it is locked until commit, so that of two edits one sees the other.
    """
    statement = select(SavedView).where(SavedView.id == view_id, _seen_by(session, caller))
    if own:
        statement = statement.with_for_update()
    view = session.scalars(statement).first()
    if view is None:
        raise _no_such_view()
    if own and view.owner_id != caller.person_id:
        raise NotAllowed(
            worded("this view is somebody else's"), advice=worded("Save the list under a new name.")
        )
    return view


def _no_such_view() -> NotFound:
    return NotFound(
        worded("there is no such view"), advice=worded("Choose one of the list of tickets.")
    )


def places_to_share_with(session: Session, caller: Caller) -> list[Node]:
    """The places whose people the caller may give a view to."""
    company_wide = SHARE in caller.company_wide
    found = nodes_with(session, caller, SHARE)
    return [node for node in found if node.kind == "site" or company_wide]


def teams_to_share_with(session: Session, nodes: Sequence[Node]) -> dict[UUID, list[TeamShown]]:
    """The teams of those of the places that are sites."""
    return {node.id: teams_at(session, node.id) for node in nodes if node.kind == "site"}


def save_view(
    session: Session,
    caller: Caller,
    name: str,
    filters: Mapping[str, str],
    *,
    node_id: UUID | None = None,
    team: str | None = None,
    now: datetime,
) -> SavedView:
    """Keep a list under a name. Invalid for what is no list, Conflict when there are too many.

    node_id: share it with the people of that place. NotFound and NotAllowed for other places.
    team: share it only with those who are in this team of that site.
    """
    caller.require_anywhere(READ)
    _require_share(session, caller, node_id, team)
    _forget_deleted(session, caller, now)
    mine = _own(session, caller)
    if len(mine) >= MOST_OF_ONE:
        raise Conflict(
            worded("you keep %(most)s views already", most=MOST_OF_ONE),
            advice=worded("Delete one of them first."),
        )
    view = SavedView(
        id=new_id(),
        owner_id=caller.person_id,
        node_id=node_id,
        team=team,
        name=_name(name),
        filters=_filters(filters),
        at=now,
        position=max((one.position for one in mine), default=0) + 1,
        version=1,
    )
    session.add(view)
    session.flush()
    _log(session, "view.save", view, caller, now)
    return view


@dataclass(frozen=True, slots=True)
class ViewChange:
    """What becomes of a view; None leaves it as it is.

    share: whether node_id and team say with whom.
    """

    name: str | None = None
    filters: Mapping[str, str] | None = None
    position: int | None = None
    share: bool = False
    node_id: UUID | None = None
    team: str | None = None


def change_view(
    session: Session,
    caller: Caller,
    view: SavedView,
    change: ViewChange,
    *,
    now: datetime,
    expected_version: int | None = None,
) -> None:
    """Change one's own view. Stale when it is not the version that was read.

    Invalid and NotAllowed as for `save_view`.
    """
    if expected_version is not None and expected_version != view.version:
        raise Stale(
            worded(
                "this view was changed since you read it (version %(version)s)",
                version=view.version,
            ),
            advice=worded("Load it again and repeat your change."),
        )
    if change.name is not None:
        view.name = _name(change.name)
    if change.filters is not None:
        view.filters = _filters(change.filters)
    if change.share:
        if (change.node_id, change.team) != (view.node_id, view.team):
            _require_share(session, caller, change.node_id, change.team)
        view.node_id, view.team = change.node_id, change.team
    if change.position is not None:
        _place(session, caller, view, change.position)
    view.version += 1
    session.flush()
    _log(session, "view.change", view, caller, now)


def _place(session: Session, caller: Caller, view: SavedView, position: int) -> None:
    others = [one for one in _own(session, caller) if one.id != view.id]
    others.insert(max(0, position - 1), view)
    for place, one in enumerate(others, 1):
        one.position = place


def place_of(session: Session, caller: Caller, view: SavedView) -> int:
    """Which place a view has among those of its owner, from 1."""
    return [one.id for one in _own(session, caller)].index(view.id) + 1


def delete_view(session: Session, caller: Caller, view: SavedView, *, now: datetime) -> None:
    """Take a view away, also from those who began with it, until `restore_view`."""
    _forget_deleted(session, caller, now)
    view.deleted_at = now
    session.flush()
    _log(session, "view.delete", view, caller, now)


def restore_view(session: Session, caller: Caller, view_id: UUID, *, now: datetime) -> SavedView:
    """Have a view of one's own back that was deleted a moment ago. NotFound when it is too late."""
    view = deleted_view(session, caller, view_id, now=now)
    if view is None:
        raise _no_such_view()
    if len(_own(session, caller)) >= MOST_OF_ONE:
        raise Conflict(
            worded("you keep %(most)s views already", most=MOST_OF_ONE),
            advice=worded("Delete one of them first."),
        )
    view.deleted_at = None
    session.flush()
    _log(session, "view.restore", view, caller, now)
    return view


def deleted_view(
    session: Session, caller: Caller, view_id: UUID, *, now: datetime
) -> SavedView | None:
    """The view that the caller can still have back; None for any other."""
    statement = select(SavedView).where(
        SavedView.id == view_id,
        SavedView.owner_id == caller.person_id,
        SavedView.deleted_at >= now - UNDO_FOR,
    )
    return session.scalars(statement).first()


def _forget_deleted(session: Session, caller: Caller, now: datetime) -> None:
    gone = select(SavedView.id).where(
        SavedView.owner_id == caller.person_id, SavedView.deleted_at < now - UNDO_FOR
    )
    ids = list(session.scalars(gone))
    session.execute(delete(DefaultView).where(DefaultView.view_id.in_(ids)))
    session.execute(delete(SavedView).where(SavedView.id.in_(ids)))


def begin_with(
    session: Session, caller: Caller, view: SavedView, *, begins: bool, now: datetime
) -> None:
    """Make a view the caller's default, or no longer."""
    # Two taps at once are one after the other: there is one such row a person.
    person = select(Person.id).where(Person.id == caller.person_id)
    session.execute(person.with_for_update(key_share=True))
    mine = DefaultView.person_id == caller.person_id
    session.execute(delete(DefaultView).where(mine))
    if begins:
        session.add(DefaultView(person_id=caller.person_id, view_id=view.id))
        session.flush()
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
    teams = [
        and_(SavedView.node_id == site_id, SavedView.team.in_(codes))
        for site_id, codes in teams_of_person(session, caller.person_id).items()
        if site_id in seen
    ]
    everybodys = and_(SavedView.node_id.in_(seen), SavedView.team.is_(None))
    visible = or_(SavedView.owner_id == caller.person_id, everybodys, *teams)
    return and_(SavedView.deleted_at.is_(None), visible)


def _own(session: Session, caller: Caller) -> list[SavedView]:
    statement = select(SavedView).where(
        SavedView.owner_id == caller.person_id, SavedView.deleted_at.is_(None)
    )
    return _in_order(session, statement)


def _require_share(
    session: Session, caller: Caller, node_id: UUID | None, team: str | None
) -> None:
    problem: Message | None = None
    if node_id is not None:
        node = find_node(session, caller, READ, node_id)
        caller.require_over(SHARE, node)
        if team is not None and team not in {one.code for one in _teams_at(session, node)}:
            problem = worded("team: one of that site")
    elif team is not None:
        problem = worded("team: say of which site")
    if problem:
        raise Invalid(worded("the view was not saved"), problems=[problem])


def _teams_at(session: Session, node: Node) -> list[TeamShown]:
    return teams_at(session, node.id) if node.kind == "site" else []


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 0 < len(name) <= LONGEST_NAME:
        problem = worded("name: 1 to %(most)s characters", most=LONGEST_NAME)
        raise Invalid(worded("the view needs a name"), problems=[problem])
    return name


def _filters(given: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in given.items() if value}
    wrong = [
        name for name, value in kept.items() if name not in FIELDS or len(value) > LONGEST_VALUE
    ]
    if wrong:
        raise Invalid(worded("there is no such list"), problems=wrong)
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
        after={"node_id": str(view.node_id) if view.node_id else None, "team": view.team},
    )
