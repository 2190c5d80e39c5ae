"""Joining: an invitation to one role on one node of the tree, used once, by whoever opens it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, String, func, insert, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events, sessions
from core.accounts import NewPassword, set_password
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotAllowed, NotFound
from core.ids import new_id
from core.makers import maker
from core.people import Caller, Grant, Person, hash_secret, new_secret
from core.permissions import ENTRUSTED, ROLES, ROLES_OF_A_TEAM, STAFF_ROLES
from core.places import Node
from rules.wording import worded

LIFETIME = timedelta(days=7)


class Invitation(Base):
    """A role that waits for its person. The secret of its link is kept as a hash only.

    team: the team to whose tickets the role is limited; empty: to none.
    """

    __tablename__ = "invitation"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    role: Mapped[str] = mapped_column(String(30))
    team: Mapped[str] = mapped_column(String(40), default="", server_default="")
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))


@dataclass(frozen=True, slots=True)
class NewColleague:
    """What somebody who joins says of themselves."""

    name: str
    locale: str
    account: NewPassword


def require_over(caller: Caller, node: Node) -> None:
    """NotAllowed unless the caller answers for people on all of the node."""
    caller.require_over("people.write", node)


def answers_for(caller: Caller, node: Node) -> bool:
    """Whether the caller answers for people on all of the node."""
    if node.kind == "site":
        return node.id in caller.sites_for("people.write")
    return "people.write" in caller.company_wide


def roles_to_give(caller: Caller, node: Node) -> list[str]:
    """The roles that hold nothing on the node which the caller does not hold there themselves.

    But for what is entrusted to somebody else by whoever answers for people.
    """
    if node.kind == "site":
        held = {right for right, sites in caller.sites.items() if node.id in sites}
    else:
        held = set(caller.company_wide)
    return [role for role in STAFF_ROLES if ROLES[role] - ENTRUSTED <= held]


def require_may_give(caller: Caller, node: Node, role: str, team: str = "") -> None:
    """NotAllowed when the caller may not give the role on the node.

    Invalid for an unknown one, and for a role that can't be limited to a team.
    """
    if role not in STAFF_ROLES:
        raise Invalid(
            worded("there is no such role"),
            problems=[worded("role: one of %(known)s", known=", ".join(STAFF_ROLES))],
        )
    if team and role not in ROLES_OF_A_TEAM:
        named = ", ".join(ROLES_OF_A_TEAM)
        raise Invalid(
            worded("this role counts for every team"),
            problems=[worded("team: only with %(named)s", named=named)],
        )
    require_over(caller, node)
    if role not in roles_to_give(caller, node):
        raise NotAllowed(
            worded("you can't give more rights than you hold here"),
            advice=worded("Ask somebody who holds this role."),
        )


def invite(
    session: Session, caller: Caller, node_id: UUID, role: str, *, now: datetime, team: str = ""
) -> tuple[Invitation, str]:
    """Make an invitation; returns it and the secret of its link, which is shown once.

    team: as `core.teams.team_below` gives it.
    """
    node = find_node(session, caller, node_id)
    require_may_give(caller, node, role, team)
    secret = new_secret("invitation")
    row = Invitation(
        id=new_id(),
        node_id=node.id,
        role=role,
        team=team,
        secret_hash=hash_secret(secret),
        made_by=caller.person_id,
        created_at=now,
        ends_at=now + LIFETIME,
    )
    session.add(row)
    session.flush()
    _append(session, "invitation.create", row, events.Actor.person(caller.person_id), now)
    return row, secret


def require_over_person(session: Session, caller: Caller, person: Person) -> None:
    """NotAllowed unless the caller answers for people wherever the person holds a role."""
    held = select(Grant.node_id).where(Grant.person_id == person.id)
    for node in session.scalars(select(Node).where(Node.id.in_(held))):
        require_over(caller, node)


def find_node(session: Session, caller: Caller, node_id: UUID) -> Node:
    """A node on which the caller sees people. NotAllowed for any other, known or not."""
    node = session.get(Node, node_id)
    seen = caller.sites_for("people.read")
    if node is None or not _touches(session, node, seen):
        raise NotAllowed(
            worded("you may not see people here"),
            advice=worded("Ask an administrator of this site for a role that includes it."),
        )
    return node


def _touches(session: Session, node: Node, sites: frozenset[UUID]) -> bool:
    if node.kind == "site":
        return node.id in sites
    paths = session.scalars(select(Node.path).where(Node.id.in_(sites)))
    return any(path.startswith(node.path) for path in paths)


def open_invitation(session: Session, secret: str, *, now: datetime) -> Invitation:
    """The invitation behind a link.

    NotFound when it was used, ended, revoked or never made, or does not stand any more.
    """
    statement = select(Invitation).where(Invitation.secret_hash == hash_secret(secret))
    return _waiting(session, session.scalars(statement).first(), now)


def waiting_invitation(session: Session, invitation_id: UUID, *, now: datetime) -> Invitation:
    """An invitation by its id; NotFound as `open_invitation` does."""
    return _waiting(session, session.get(Invitation, invitation_id), now)


def _waiting(session: Session, row: Invitation | None, now: datetime) -> Invitation:
    ended = row is None or row.used_at is not None or row.ends_at <= now
    if row is None or ended or not stands(session, row):
        raise NotFound(
            worded("this invitation was used before or has ended"),
            advice=worded("Ask whoever invited you for a new one."),
        )
    return row


def stands(session: Session, row: Invitation) -> bool:
    """Whether who made an invitation is still with us, and might make it today."""
    by, node = maker(session, row.made_by), session.get_one(Node, row.node_id)
    return by is not None and answers_for(by, node) and row.role in roles_to_give(by, node)


def take_up(session: Session, row: Invitation, name: str, locale: str, *, now: datetime) -> UUID:
    """Use an invitation up: the person and their role; returns the person, who can't sign in yet.

    Compare-and-swap on the use, so that of two who open one link at once one joins. NotFound for
    the other.
    """
    person = Person(id=new_id(), name=name, locale=locale)
    session.add(person)
    session.flush()
    swap = (
        update(Invitation)
        .where(
            Invitation.id == row.id,
            Invitation.used_at.is_(None),
            # It may have been revoked since the look at it.
            Invitation.ends_at > now,
        )
        .values(used_at=now, person_id=person.id)
        .execution_options(synchronize_session=False)
    )
    result = session.execute(swap)
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        raise NotFound(
            worded("this invitation was used before"), advice=worded("Ask for a new one.")
        )
    actor = events.Actor.person(person.id)
    events.append(session, "person.join", ("person", person.id), actor=actor, learned_at=now)
    add_grant(session, person.id, row.node_id, row.role, team=row.team, actor=actor, now=now)
    return person.id


def join(session: Session, secret: str, colleague: NewColleague, *, now: datetime) -> UUID:
    """Use an invitation up by a login and a password; returns the person.

    Raises NotFound as `open_invitation` does, Conflict when the login is taken.
    """
    row = open_invitation(session, secret, now=now)
    person_id = take_up(session, row, colleague.name, colleague.locale, now=now)
    set_password(session, person_id, colleague.account, now=now)
    return person_id


def add_grant(
    session: Session,
    person_id: UUID,
    node_id: UUID,
    role: str,
    *,
    actor: events.Actor,
    now: datetime,
    team: str = "",
) -> Grant:
    """Give a person a role on a node; giving it again changes nothing.

    team: the team to whose tickets it is limited. Several of them are several roles.
    """
    statement = select(Grant).where(
        Grant.person_id == person_id,
        Grant.node_id == node_id,
        Grant.role == role,
        Grant.team == team,
    )
    standing = session.scalars(statement).first()
    if standing is not None:
        return standing
    grant = Grant(id=new_id(), person_id=person_id, node_id=node_id, role=role, team=team)
    session.add(grant)
    session.flush()
    sessions.renew_soon(session, person_id, now=now)
    _say(session, "person.grant", grant, actor, now)
    return grant


@dataclass(frozen=True, slots=True)
class NewGrant:
    """A role to give, which the person is known not to hold yet."""

    id: UUID
    person_id: UUID
    node_id: UUID
    role: str
    team: str = ""


def add_grants(
    session: Session, given: Sequence[NewGrant], *, actor: events.Actor, now: datetime
) -> None:
    """Give many roles at once; each appends its fact."""
    if not given:
        return
    session.execute(insert(Grant), [asdict(one) for one in given])
    facts = [
        events.fact(
            "person.grant",
            ("person", one.person_id),
            actor=actor,
            learned_at=now,
            after=_facts(one.node_id, one.role, one.team),
        )
        for one in given
    ]
    events.append_all(session, facts)


def require_another_administrator(session: Session, person_id: UUID) -> None:
    """Conflict when nobody else would be left to administer the company.

    Two who take the role from each other at once are judged one after the other.
    """
    company = select(Node.id).where(Node.kind == "company")
    session.execute(company.with_for_update(key_share=True))
    statement = (
        select(func.count(func.distinct(Grant.person_id)))
        .join(Node, Node.id == Grant.node_id)
        .join(Person, Person.id == Grant.person_id)
        .where(Node.kind == "company", Grant.role == "administrator", Person.left_at.is_(None))
    )
    others = session.scalar(statement.where(Grant.person_id != person_id)) or 0
    if others == 0 and session.scalar(statement):
        raise Conflict(
            worded("they are the last administrator of the company"),
            advice=worded("Give somebody else this role first."),
        )


def end_grant(session: Session, grant: Grant, *, actor: events.Actor, now: datetime) -> None:
    """Take a role away."""
    _say(session, "person.revoke", grant, actor, now)
    sessions.renew_soon(session, grant.person_id, now=now)
    session.delete(grant)
    session.flush()


def revoke(session: Session, row: Invitation, *, actor: events.Actor, now: datetime) -> bool:
    """End an invitation that nobody has used yet; whether it still waited.

    Compare-and-swap, as its use is: somebody may have joined since the look at it.
    """
    swap = update(Invitation).where(
        Invitation.id == row.id, Invitation.used_at.is_(None), Invitation.ends_at > now
    )
    result = session.execute(swap.values(ends_at=now).execution_options(synchronize_session=False))
    assert isinstance(result, CursorResult)
    if result.rowcount != 1:
        return False
    session.expire(row)
    _append(session, "invitation.revoke", row, actor, now)
    return True


def _say(session: Session, kind: str, grant: Grant, actor: events.Actor, now: datetime) -> None:
    facts = _facts(grant.node_id, grant.role, grant.team)
    subject = ("person", grant.person_id)
    events.append(session, kind, subject, actor=actor, learned_at=now, after=facts)


def _facts(node_id: UUID, role: str, team: str) -> dict[str, str]:
    facts = {"node": str(node_id), "role": role}
    return {**facts, "team": team} if team else facts


def _append(
    session: Session, kind: str, row: Invitation, actor: events.Actor, now: datetime
) -> None:
    facts = _facts(row.node_id, row.role, row.team)
    subject = ("invitation", row.id)
    events.append(session, kind, subject, actor=actor, learned_at=now, after=facts)
