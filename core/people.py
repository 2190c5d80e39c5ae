"""People, what they may do where, and how they prove who they are."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeVarTuple
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Select, String, UniqueConstraint, select, update
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Invalid, NotAllowed, NotFound, NotSignedIn
from core.ids import new_id
from core.permissions import RIGHTS_OUTSIDE, lacking_anywhere, lacking_for_all, lacking_here
from core.places import Node
from core.rights import Given, rights_of
from rules.wording import worded

Columns = TypeVarTuple("Columns")


class Person(Base):
    """Somebody who signs in: who works here, or lives here (`core.homes`).

    Their name stands in this row only, so that it can be erased.
    """

    __tablename__ = "person"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(120))
    locale: Mapped[str] = mapped_column(String(10), default="en")
    left_at: Mapped[datetime | None] = mapped_column(Instant)


class Grant(Base):
    """A role of a person on a node of the tree, and on all below it.

    team: the team to whose tickets it is limited; empty: to none.
    """

    __tablename__ = "grant"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    node_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    role: Mapped[str] = mapped_column(String(30))
    team: Mapped[str] = mapped_column(String(40), default="", server_default="")

    __table_args__ = (UniqueConstraint("person_id", "node_id", "role", "team"),)


class Credential(Base):
    """A secret that stands for a person, kept as a hash: API token, sign-in link, web session.

    A half one stands between a right password and the code of a second factor.
    scope: the permissions that a token is limited to; empty: all those of its person.
    made_by: who made a link for somebody else; empty: nobody but the product.
    proved: whether a second factor stood behind it when it was made.
    session_id, began_at, renew_at: a web session outlives its secret (see core.sessions).
    A link is used once; a session and a token until they end. Secrets are 256 random bits, so a
    plain SHA-256 is enough: there is nothing to guess.
    """

    __tablename__ = "credential"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(80), default="")
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)
    scope: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    proved: Mapped[bool] = mapped_column(default=False)
    made_by: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    session_id: Mapped[UUID | None] = mapped_column(index=True)
    began_at: Mapped[datetime | None] = mapped_column(Instant)
    renew_at: Mapped[datetime | None] = mapped_column(Instant)


CREDENTIAL_LIFETIME = MappingProxyType(
    {
        "token": timedelta(days=365),
        "link": timedelta(hours=24),
        # Since its secret was last renewed.
        "session": timedelta(hours=12),
        # The password was right, the second factor is still to come.
        "half": timedelta(minutes=10),
    }
)


# A session's secret is renewed once it is so old; the session itself ends at the latest after that.
RENEWED_AFTER = timedelta(hours=1)
LONGEST_SESSION = timedelta(days=7)


def hash_secret(secret: str) -> str:
    """SHA-256 of a secret, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(kind: str) -> str:
    """256 random bits as text; the first letter of the kind tells people what they hold.

    A session's has a head as well, which stays when the rest is renewed.
    """
    head = f"{secrets.token_urlsafe(16)}." if kind == "session" else ""
    return f"wk{kind[0]}_{head}{secrets.token_urlsafe(32)}"


def issue(
    session: Session,
    person_id: UUID,
    kind: str,
    *,
    now: datetime,
    label: str = "",
    lifetime: timedelta | None = None,
    scope: Iterable[str] | None = None,
    proved: bool = False,
    made_by: UUID | None = None,
) -> str:
    """Make a credential and return its secret, which is shown once and stored nowhere.

    proved: a second factor stands behind it. made_by: somebody else who makes it for the person.
    """
    secret, new = new_secret(kind), new_id()
    is_session = kind == "session"
    session.add(
        Credential(
            id=new,
            person_id=person_id,
            kind=kind,
            label=label,
            secret_hash=hash_secret(secret),
            created_at=now,
            ends_at=now + (lifetime or CREDENTIAL_LIFETIME[kind]),
            scope=None if scope is None else sorted(scope),
            proved=proved,
            made_by=made_by,
            session_id=new if is_session else None,
            began_at=now if is_session else None,
            renew_at=now + RENEWED_AFTER if is_session else None,
            used_at=now if is_session else None,
        )
    )
    return secret


def end_credential(session: Session, secret: str, *, now: datetime) -> bool:
    """End a session or token at once; returns whether there was one."""
    result = session.execute(
        update(Credential)
        .where(Credential.secret_hash == hash_secret(secret), Credential.ends_at > now)
        .values(ends_at=now)
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def name_of(text: str) -> str:
    """A person's name, trimmed. Invalid when it is empty or too long."""
    name = " ".join(text.split())
    if not 1 <= len(name) <= 120:
        raise Invalid(worded("a name is missing"), problems=[worded("name: 1 to 120 characters")])
    return name


def rename(
    session: Session,
    person_id: UUID,
    name: str,
    locale: str,
    *,
    now: datetime,
    actor: events.Actor | None = None,
) -> None:
    """Change what a person is called and which language they read.

    actor: who does it; the person themselves unless told otherwise.
    """
    person = session.get_one(Person, person_id)
    person.name, person.locale = name_of(name), locale
    session.flush()
    events.append(
        session,
        "person.update",
        ("person", person_id),
        actor=actor or events.Actor.person(person_id),
        learned_at=now,
        after={"fields": ["name", "locale"]},
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, and on which sites they hold which permission.

    teams: where they hold a permission about tickets for some teams only, and for which.
    limited_to: what the token they came by is limited to; None: nothing but their own rights.
    until: when such a limited token ends.
    proved: whether a second factor stands behind what they came by. must_set_up: whether they may
    do nothing before they have set one up.
    """

    person_id: UUID
    name: str
    locale: str
    sites: Mapping[str, frozenset[UUID]] = field(default_factory=dict)
    company_wide: frozenset[str] = frozenset()
    teams: Mapping[str, Mapping[UUID, frozenset[str]]] = field(default_factory=dict)
    limited_to: frozenset[str] | None = None
    until: datetime | None = None
    proved: bool = False
    must_set_up: bool = False

    def within(self, scope: Iterable[str]) -> "Caller":
        """The same caller, limited to these permissions."""
        kept = frozenset(scope)
        sites = {name: where for name, where in self.sites.items() if name in kept}
        return replace(self, sites=sites, company_wide=self.company_wide & kept, limited_to=kept)

    def require_unlimited(self) -> None:
        """NotAllowed for who comes by a limited token: none gives itself another way in."""
        if self.limited_to is not None:
            raise NotAllowed(
                worded("a limited token changes nothing of its person's account"),
                advice=worded("Sign in, or use a token without limits."),
            )

    def sites_for(self, permission: str) -> frozenset[UUID]:
        """The sites on which the caller holds `permission`."""
        return self.sites.get(permission, frozenset())

    @property
    def is_outside(self) -> bool:
        """Whether they are at home here, or of a hired company, and none of ours."""
        held = {*self.sites, *self.company_wide}
        return bool(held) and held <= RIGHTS_OUTSIDE

    def require(self, permission: str, site_id: UUID) -> None:
        """NotAllowed unless the caller holds `permission` on the site."""
        if site_id not in self.sites_for(permission):
            raise lacking_here(permission)

    def require_over(self, permission: str, node: Node) -> None:
        """NotAllowed unless the caller holds `permission` on a site, or above it company-wide."""
        if node.kind == "site":
            self.require(permission, node.id)
        else:
            self.require_company_wide(permission)

    def holds_anywhere(self, permission: str) -> bool:
        """Whether the caller holds `permission` on some site or on the whole company."""
        return bool(self.sites_for(permission)) or permission in self.company_wide

    def require_anywhere(self, permission: str) -> None:
        """NotAllowed unless the caller holds `permission` on some site or on the whole company."""
        if not self.holds_anywhere(permission):
            raise lacking_anywhere(permission)

    def require_company_wide(self, permission: str) -> None:
        """NotAllowed unless the caller holds `permission` on the whole company."""
        if permission not in self.company_wide:
            raise lacking_for_all(permission)


def find_node(session: Session, caller: Caller, permission: str, node_id: UUID) -> Node:
    """A node with a site on which the caller holds `permission`; NotFound for any other."""
    node = session.get(Node, node_id)
    sites = select(Node.path).where(Node.id.in_(caller.sites_for(permission)))
    if node is None or not any(path.startswith(node.path) for path in session.scalars(sites)):
        raise NotFound(worded("there is no such place"), advice=worded("Look for it in the tree."))
    return node


def nodes_with(session: Session, caller: Caller, permission: str) -> list[Node]:
    """The sites on which the caller holds `permission`, and every node above them, by path."""
    sites = caller.sites_for(permission)
    nodes = session.scalars(select(Node).order_by(Node.path)).all()
    paths = [node.path for node in nodes if node.id in sites]
    return [node for node in nodes if any(path.startswith(node.path) for path in paths)]


def scoped(
    statement: Select[*Columns],
    site_column: InstrumentedAttribute[UUID],
    caller: Caller,
    permission: str,
) -> Select[*Columns]:
    """Restrict a query to the sites where the caller holds `permission`: the one place of scope.

    What is about tickets is restricted by `workflows.tickets.scope`, which knows of teams, too.
    """
    return on_sites(statement, site_column, caller.sites_for(permission))


def on_sites(
    statement: Select[*Columns], site_column: InstrumentedAttribute[UUID], sites: frozenset[UUID]
) -> Select[*Columns]:
    """Restrict a query to sites that somebody holds a permission on (`Caller.sites_for`)."""
    return statement.where(site_column.in_(sites))


def caller_for(session: Session, person: Person) -> Caller:
    """Work out what `person` may do where."""
    return caller_with(session, person, ())


def caller_with(session: Session, person: Person, earlier: Iterable[Given]) -> Caller:
    """What `person` may do where, by the roles that they hold and some that they have held."""
    grants = session.execute(
        select(Grant.role, Node.path, Grant.team)
        .join(Node, Node.id == Grant.node_id)
        .where(Grant.person_id == person.id)
    )
    nodes = session.execute(select(Node.id, Node.kind, Node.path))
    given = [*(Given(*row) for row in grants), *earlier]
    rights = rights_of(given, [(i, k, p) for i, k, p in nodes])
    return Caller(
        person.id, person.name, person.locale, rights.sites, rights.company_wide, rights.teams
    )


def find_credential(
    session: Session, secret: str, kind: str, *, now: datetime
) -> tuple[Credential, Person]:
    """The credential behind a secret, and its person. NotSignedIn when there is none."""
    digest = hash_secret(secret)
    row = session.execute(
        select(Credential, Person)
        .join(Person, Person.id == Credential.person_id)
        .where(Credential.secret_hash == digest, Credential.kind == kind)
    ).first()
    if row is None or not hmac.compare_digest(row[0].secret_hash, digest):
        raise NotSignedIn("these credentials are unknown", advice="Sign in again.")
    credential, person = row
    if credential.ends_at <= now or person.left_at is not None:
        raise NotSignedIn("these credentials have ended", advice="Sign in again.")
    return credential, person


def identify(session: Session, secret: str, kind: str, *, now: datetime) -> Caller:
    """The caller behind an API token or a web session. NotSignedIn when there is none."""
    credential, person = find_credential(session, secret, kind, now=now)
    caller = caller_for(session, person)
    return caller if credential.scope is None else caller.within(credential.scope)


def first_time_zone(session: Session) -> str:
    """The time zone of the first site of the company; UTC without one."""
    statement = select(Node.time_zone).where(Node.kind == "site").order_by(Node.path).limit(1)
    return session.scalar(statement) or "UTC"


def time_zone_at(session: Session, node: Node) -> str:
    """The time zone of a site; of a node above sites that of the first below it."""
    if node.kind == "site":
        return node.time_zone
    below = select(Node.time_zone).where(
        Node.kind == "site", Node.path.startswith(node.path, autoescape=True)
    )
    return session.scalar(below.order_by(Node.path).limit(1)) or first_time_zone(session)


def company_node(session: Session) -> Node | None:
    """The root of the tree; None before the first site was imported."""
    return session.scalars(select(Node).where(Node.kind == "company")).first()


def administrator_of(session: Session) -> Person | None:
    """The administrator of the company, made when there is none; None without a company."""
    company = company_node(session)
    if company is None:
        return None
    standing = session.scalars(
        select(Person)
        .join(Grant, Grant.person_id == Person.id)
        .where(Grant.node_id == company.id, Grant.role == "administrator", Person.left_at.is_(None))
        .order_by(Person.id)
    ).first()
    if standing is not None:
        return standing
    person = Person(id=new_id(), name="Administrator", locale="en")
    session.add(person)
    session.flush()
    session.add(Grant(id=new_id(), person_id=person.id, node_id=company.id, role="administrator"))
    session.flush()
    return person
