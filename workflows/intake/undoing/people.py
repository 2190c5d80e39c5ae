"""Taking back the people and roles of an import."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.accounts import Password
from core.administration.uses import uses_of
from core.errors import Conflict, NotAllowed
from core.events import Event
from core.hiring import take_back
from core.invitations import answers_for, require_another_administrator
from core.people import Caller, Credential, Grant, Person
from core.places import Node
from core.unfounded import take_role
from rules.wording import worded
from workflows.intake.applying import set_person
from workflows.intake.plan import Item
from workflows.intake.planning.standing import in_parts
from workflows.intake.undoing.state import Undoing

# What somebody has before they ever came: it goes with them.
_BEFORE_COMING = ("grant", "credential", "password", "personal_key")


def require_over_people(session: Session, caller: Caller, items: Iterable[Item]) -> None:
    """NotAllowed unless the caller answers for everybody whom the import was about."""
    people = {
        item.id if item.kind == "person" else item.after.get("person_id")
        for item in items
        if item.kind in ("person", "grant")
    }
    for some in in_parts(sorted(people - {None}, key=str)):
        held = select(Grant.node_id).where(Grant.person_id.in_(some))
        nodes = select(Node).where(Node.id.in_(held))
        if not all(answers_for(caller, node) for node in session.scalars(nodes)):
            raise NotAllowed(
                worded("this import changed people for whom you don't decide"),
                advice=worded("Ask somebody who does."),
            )


def undo_people(undoing: Undoing, items: Sequence[Item]) -> None:
    """Remove people who never came, and take back names and roles of the others."""
    session = undoing.doing.session
    people = [item for item in items if item.kind == "person"]
    grants = [item for item in items if item.kind == "grant"]
    new = {item.id: item for item in people if item.action == "create"}
    gone = _never_came(undoing, new, {grant.id for grant in grants})
    take_back(session, gone, actor=undoing.doing.actor, now=undoing.doing.now)
    undoing.undone += len(gone)
    for item in people:
        if item.action == "update":
            _restore(undoing, item)
    for item in grants:
        if item.after["person_id"] not in new:
            _end_role(undoing, item)


def _never_came(undoing: Undoing, new: dict[UUID, Item], given: Collection[UUID]) -> set[UUID]:
    session = undoing.doing.session
    gone = set[UUID]()
    for some in in_parts(list(new)):
        standing = {p.id: p for p in session.scalars(select(Person).where(Person.id.in_(some)))}
        acted = _acted(session, some)
        other_roles = set(
            session.scalars(
                select(Grant.person_id).where(Grant.person_id.in_(some), Grant.id.not_in(given))
            )
        )
        for person_id in some:
            item, person = new[person_id], standing.get(person_id)
            if person is None:
                undoing.keep(item, "gone")
            elif person_id in acted:
                undoing.keep(item, "acted")
            elif person_id in other_roles or not _is_as_left(person, item):
                undoing.keep(item, "changed")
            else:
                gone.add(person_id)
    for use in uses_of(session, Person, gone, but=_BEFORE_COMING):
        if use.used in gone:
            gone.discard(use.used)
            undoing.keep(new[use.used], "used", use.table)
    return gone


def _acted(session: Session, people: Collection[UUID]) -> set[UUID]:
    """Who did anything, set a password, or has used a link."""
    ids = [str(each) for each in people]
    events = select(Event.actor_id).where(Event.actor_kind == "person", Event.actor_id.in_(ids))
    acted = {UUID(found) for found in session.scalars(events.distinct())}
    came = or_(Credential.kind != "link", Credential.used_at.is_not(None))
    acted |= set(
        session.scalars(select(Credential.person_id).where(Credential.person_id.in_(people), came))
    )
    return acted | set(
        session.scalars(
            select(Password.person_id).where(Password.person_id.in_(people), Password.hash != "")
        )
    )


def _is_as_left(person: Person, item: Item) -> bool:
    wanted = {"name": person.name, "locale": person.locale}
    return person.left_at is None and all(
        wanted[name] == value for name, value in item.after.items() if name in wanted
    )


def _restore(undoing: Undoing, item: Item) -> None:
    session = undoing.doing.session
    person = session.get(Person, item.id)
    if person is None or not item.before:
        # Nobody knows any more what it was: they were erased.
        undoing.keep(item, "gone")
    elif not _is_as_left(person, item):
        undoing.keep(item, "changed")
    else:
        doing = undoing.doing
        set_person(session, item.id, item.before, actor=doing.actor, now=doing.now)
        undoing.undone += 1


def _end_role(undoing: Undoing, item: Item) -> None:
    session = undoing.doing.session
    grant = session.get(Grant, item.id)
    if grant is None:
        undoing.keep(item, "gone")
        return
    node = session.get_one(Node, grant.node_id)
    if node.kind == "company" and grant.role == "administrator":
        try:
            require_another_administrator(session, grant.person_id)
        except Conflict:
            undoing.keep(item, "last_administrator")
            return
    take_role(session, grant, actor=undoing.doing.actor, now=undoing.doing.now)
    undoing.undone += 1
