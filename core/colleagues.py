"""Reading who works where: people by their roles on the sites that a caller sees."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import NotFound
from core.invitations import Invitation
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Grant, Person, nodes_with
from core.permissions import ROLES, STAFF_ROLES
from core.places import Node
from rules.wording import worded

READ = "people.read"


def nodes_in_sight(session: Session, caller: Caller) -> dict[UUID, Node]:
    """The sites on which the caller sees people, and every node above them, by path."""
    return {node.id: node for node in nodes_with(session, caller, READ)}


def list_people(session: Session, caller: Caller, wish: Wish) -> Page[dict[str, Any]]:
    """People who hold a role where the caller sees people, who joined last first. Key: id.

    Roles on nodes that the caller does not see are left out.
    """
    nodes = nodes_in_sight(session, caller)
    holders = select(Grant.person_id).where(Grant.node_id.in_(nodes), Grant.role.in_(STAFF_ROLES))
    statement = rows_of(Person.id, Person.name, Person.locale, Person.left_at).where(
        Person.id.in_(holders)
    )
    page = newest_first(session, statement, (Person.id,), wish)
    roles = _roles(session, [item["id"] for item in page.items], nodes)
    return Page([{**item, "roles": roles[item["id"]]} for item in page.items], page.next)


def _roles(
    session: Session, people: Iterable[UUID], nodes: Mapping[UUID, Node]
) -> Mapping[UUID, list[dict[str, Any]]]:
    found: defaultdict[UUID, list[dict[str, Any]]] = defaultdict(list)
    statement = select(Grant).where(
        Grant.person_id.in_(people), Grant.node_id.in_(nodes), Grant.role.in_(STAFF_ROLES)
    )
    for grant in session.scalars(statement.order_by(Grant.id)):
        node = nodes[grant.node_id]
        found[grant.person_id].append(
            {
                "id": grant.id,
                "role": grant.role,
                "node_id": node.id,
                "node_name": dict(node.name),
                "team": grant.team,
            }
        )
    return found


def find_person(session: Session, caller: Caller, person_id: UUID) -> Person:
    """A person who holds a role where the caller sees people. NotFound for anybody else."""
    nodes = nodes_in_sight(session, caller)
    held = Grant.person_id == person_id, Grant.node_id.in_(nodes), Grant.role.in_(STAFF_ROLES)
    holds = select(Grant.id).where(*held).exists()
    person = session.scalars(select(Person).where(Person.id == person_id, holds)).first()
    if person is None:
        raise NotFound(
            worded("there is no such person"), advice=worded("Look for them in the list of people.")
        )
    return person


def describe_person(session: Session, caller: Caller, person_id: UUID) -> dict[str, Any]:
    """A person as `list_people` has them. NotFound when the caller does not see them."""
    person = find_person(session, caller, person_id)
    roles = _roles(session, [person_id], nodes_in_sight(session, caller))
    return {
        "id": person.id,
        "name": person.name,
        "locale": person.locale,
        "left_at": person.left_at,
        "roles": roles[person_id],
    }


def able_people(
    session: Session, site_id: UUID, permission: str, *, teams: Collection[str] | None = None
) -> list[Person]:
    """Everybody with us who holds a permission on a site, by name.

    teams: a role that is limited to one team counts only for these; None: for any.
    """
    able = [role for role in STAFF_ROLES if permission in ROLES[role]]
    site = session.get_one(Node, site_id)
    above = [site.path[: end + 1] for end, sign in enumerate(site.path) if sign == "/"]
    holders = (
        select(Grant.person_id)
        .join(Node, Node.id == Grant.node_id)
        .where(Grant.role.in_(able), Node.path.in_(above))
    )
    if teams is not None:
        holders = holders.where(Grant.team.in_(("", *teams)))
    statement = select(Person).where(Person.id.in_(holders), Person.left_at.is_(None))
    return list(session.scalars(statement.order_by(Person.name, Person.id)))


def people_in_role(session: Session, site_id: UUID, role: str, *, team: str = "") -> list[UUID]:
    """Everybody with us who holds a role at the site, else at the nearest node above with one.

    Whoever holds it for one team alone is among them only for that `team`.
    """
    site = session.get_one(Node, site_id)
    above = [site.path[: end + 1] for end, sign in enumerate(site.path) if sign == "/"]
    statement = (
        select(Node.path, Person.id)
        .join(Grant, Grant.node_id == Node.id)
        .join(Person, Person.id == Grant.person_id)
        .where(Grant.role == role, Grant.team.in_(("", team)))
        .where(Node.path.in_(above), Person.left_at.is_(None))
        .order_by(Person.id)
    )
    found: defaultdict[str, list[UUID]] = defaultdict(list)
    for path, person_id in session.execute(statement):
        found[path].append(person_id)
    return found[max(found, key=len)] if found else []


def find_grant(session: Session, person_id: UUID, grant_id: UUID) -> tuple[Grant, Node]:
    """A role of a person and the node it is on. NotFound when they hold no such role."""
    row = session.execute(
        select(Grant, Node)
        .join(Node, Node.id == Grant.node_id)
        .where(Grant.id == grant_id, Grant.person_id == person_id, Grant.role.in_(STAFF_ROLES))
    ).first()
    if row is None:
        raise NotFound(worded("they hold no such role"), advice=worded("Look at their roles."))
    return row[0], row[1]


def list_invitations(
    session: Session, caller: Caller, wish: Wish, *, now: datetime
) -> Page[dict[str, Any]]:
    """Invitations that wait to be used, where the caller sees people. Key: id."""
    statement = rows_of(
        Invitation.id,
        Invitation.role,
        Invitation.node_id,
        Invitation.team,
        Invitation.created_at,
        Invitation.ends_at,
    ).where(
        Invitation.node_id.in_(nodes_in_sight(session, caller)),
        Invitation.used_at.is_(None),
        Invitation.ends_at > now,
    )
    return newest_first(session, statement, (Invitation.id,), wish)


def find_invitation(
    session: Session, caller: Caller, invitation_id: UUID, *, now: datetime
) -> tuple[Invitation, Node]:
    """An invitation that waits, and its node. NotFound for any that the caller does not see."""
    nodes = nodes_in_sight(session, caller)
    row = session.get(Invitation, invitation_id)
    if row is None or row.node_id not in nodes or row.used_at is not None or row.ends_at <= now:
        raise NotFound(
            worded("no such invitation waits"), advice=worded("Look for it in the list.")
        )
    return row, nodes[row.node_id]
