"""Accounts for people of households: invited by the office, joined by phone number and password."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import case, select
from sqlalchemy.orm import Session

from core import events
from core.accounts import NewPassword, login_by_person, set_password
from core.errors import Conflict, Invalid, NotFound
from core.homes import ROLE, Home, HomeInvitation, end_homes, end_invitations
from core.households import WRITE, Contact, Resident, contacts_of, phone_of, today_at
from core.ids import new_id
from core.invitations import add_grant
from core.local_time import zone
from core.makers import might_still
from core.outsiders import OFFICE
from core.people import Caller, Person, hash_secret, issue, new_secret
from core.places import Node, Space
from core.sign_in_links import opens_only_homes
from core.waiting_invitations import swap_waiting
from rules.wording import worded

LIFETIME = timedelta(days=14)
MOST_AT_ONCE = 300
SWEEP_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Living:
    """A home that somebody has today. since: from which day on what concerns it is theirs."""

    site: Node
    space: Space
    since: date


def homes_of(session: Session, person_id: UUID, *, now: datetime) -> list[Living]:
    """The homes of somebody's account, where they live today; whoever moved out has none."""
    statement = (
        select(Home, Resident, Space, Node)
        .join(Resident, Resident.id == Home.resident_id)
        .join(Space, Space.id == Home.space_id)
        .join(Node, Node.id == Home.site_id)
        .where(Home.person_id == person_id, Home.ended_at.is_(None))
        .order_by(Home.made_at, Home.id)
    )
    found = []
    for home, resident, space, site in session.execute(statement):
        today = today_at(session, site.id, now)
        if _lives_there(resident, today):
            # Where nobody wrote since when, what was before the account is not theirs to see.
            made = home.made_at.astimezone(zone(site.time_zone)).date()
            known = resident.since or made
            found.append(Living(site, space, known))
    return found


def has_home(session: Session, person_id: UUID, space_id: UUID, *, now: datetime) -> bool:
    """Whether somebody's account has this home today."""
    return any(home.space.id == space_id for home in homes_of(session, person_id, now=now))


def _lives_there(resident: Resident, today: date) -> bool:
    moved_in = resident.since is None or resident.since <= today
    return moved_in and (resident.until is None or resident.until > today)


def account_holders(session: Session, residents: Collection[UUID]) -> dict[UUID, UUID]:
    """Who of these people of households signs in, and as which person."""
    statement = select(Home.resident_id, Home.person_id).where(
        Home.resident_id.in_(residents), Home.ended_at.is_(None)
    )
    return dict(session.execute(statement).all())


def invite_residents(
    session: Session, rows: Sequence[Resident], *, by: UUID, now: datetime
) -> list[tuple[Contact, str]]:
    """Invite people of households who have no account; each with the secret, shown this once.

    An invitation that waited for somebody ends with the new one. Whoever does not live there is
    left out. Invalid for too many at once.
    """
    if len(rows) > MOST_AT_ONCE:
        problems = [
            worded(
                "space: at most %(most)s people at once; choose a smaller part", most=MOST_AT_ONCE
            )
        ]
        raise Invalid(worded("nobody was invited"), problems=problems)
    holders = account_holders(session, [row.id for row in rows])
    made = []
    chosen = [row for row in rows if row.id not in holders]
    end_invitations(session, [row.id for row in chosen], now=now)
    for contact in contacts_of(session, chosen):
        if contact.is_former(today_at(session, contact.site_id, now)):
            continue
        secret = new_secret("home")
        session.add(
            HomeInvitation(
                id=new_id(),
                site_id=contact.site_id,
                resident_id=contact.id,
                secret_hash=hash_secret(secret),
                made_by=by,
                created_at=now,
                ends_at=now + LIFETIME,
            )
        )
        _say(session, "resident.invite", contact, events.Actor.person(by), now)
        made.append((contact, secret))
    session.flush()
    return made


def sign_in_link(session: Session, row: Resident, caller: Caller, *, now: datetime) -> str:
    """A one-time sign-in link for somebody of a household who forgot; its secret, shown once.

    Conflict when they have no account, and when the link would open more than homes whose
    households the caller may change: a colleague's account, or a home on another site.
    """
    person_id = account_holders(session, [row.id]).get(row.id)
    if person_id is None:
        raise Conflict(worded("they have no account yet"), advice=worded("Invite them."))
    if not opens_only_homes(session, caller, person_id):
        raise Conflict(
            worded("this account opens more than homes of yours"),
            advice=worded("They sign in as before; an administrator makes them a link."),
        )
    secret = issue(session, person_id, "link", now=now, label=OFFICE, made_by=caller.person_id)
    actor = events.Actor.person(caller.person_id)
    events.append(session, "person.link", ("person", person_id), actor=actor, learned_at=now)
    return secret


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that waits: for whom, and to which home."""

    row: HomeInvitation
    contact: Contact
    site: Node
    space: Space


def open_home_invitation(session: Session, secret: str, *, now: datetime) -> Invited:
    """The invitation behind a link.

    NotFound when it was used, ended, they moved out, or who made it might not any more.
    """
    statement = (
        select(HomeInvitation, Resident)
        .join(Resident, Resident.id == HomeInvitation.resident_id)
        .where(
            HomeInvitation.secret_hash == hash_secret(secret),
            HomeInvitation.used_at.is_(None),
            HomeInvitation.ends_at > now,
        )
    )
    found = session.execute(statement).first()
    contacts = contacts_of(session, [found[1]]) if found else []
    if (
        found is None
        or not contacts
        or not might_still(session, found[0].made_by, WRITE, found[0].site_id)
        or contacts[0].is_former(today_at(session, found[0].site_id, now))
    ):
        raise NotFound(
            worded("this invitation was used before or has ended"),
            advice=worded("Ask the property office for a new one."),
        )
    site = session.get_one(Node, contacts[0].site_id)
    return Invited(found[0], contacts[0], site, session.get_one(Space, contacts[0].space_id))


def require_known(contact: Contact, phone: str) -> str:
    """The number as it is kept. Invalid for one that the office does not have of this person.

    Where the office has none, any will do, and joins nothing that was reported with it before.
    """
    number = phone_of(phone)
    if number is None:
        problems = [worded("phone: digits, such as 138 0013 8000")]
    elif contact.phones and number not in contact.phones:
        problems = [worded("phone: not the number that the property office has of you")]
    else:
        return number
    raise Invalid(worded("you have not joined"), problems=problems)


def join_home(
    session: Session, secret: str, account: NewPassword, locale: str, *, now: datetime
) -> UUID:
    """Use an invitation up by a phone number, which is the login, and a password.

    Returns the new person. Raises NotFound as `open_home_invitation` does, Invalid as
    `require_known` does, and Conflict when the number has an account already.
    """
    invited = open_home_invitation(session, secret, now=now)
    require_known(invited.contact, account.login)
    person = Person(id=new_id(), name=invited.contact.name, locale=locale)
    session.add(person)
    session.flush()
    actor = events.Actor.person(person.id)
    events.append(session, "person.join", ("person", person.id), actor=actor, learned_at=now)
    _take_up(session, invited, person.id, now)
    set_password(session, person.id, account, now=now)
    return person.id


def add_home(session: Session, secret: str, person_id: UUID, *, now: datetime) -> None:
    """Use an invitation up for somebody who has an account. Raises as `join_home` does."""
    invited = open_home_invitation(session, secret, now=now)
    require_known(invited.contact, login_by_person(session, person_id) or "")
    _take_up(session, invited, person_id, now)


def _take_up(session: Session, invited: Invited, person_id: UUID, now: datetime) -> None:
    # Two who take up two invitations of one person at once are judged one after the other.
    session.get(Resident, invited.contact.id, with_for_update=True)
    swapped = swap_waiting(session, HomeInvitation, invited.row.id, "used_at", now=now)
    if not swapped or account_holders(session, [invited.contact.id]):
        raise NotFound(
            worded("this invitation was used before"), advice=worded("Ask for a new one.")
        )
    standing = session.scalars(
        select(Home).where(Home.person_id == person_id, Home.resident_id == invited.contact.id)
    ).first()
    if standing is not None:
        standing.ended_at, standing.made_at = None, now
    else:
        home = Home(
            id=new_id(),
            person_id=person_id,
            resident_id=invited.contact.id,
            site_id=invited.site.id,
            space_id=invited.space.id,
            made_at=now,
        )
        session.add(home)
    session.flush()
    actor = events.Actor.person(person_id)
    add_grant(session, person_id, invited.site.id, ROLE, actor=actor, now=now)
    _say(session, "resident.join", invited.contact, actor, now)


def verified_phones(session: Session, person_id: UUID, *, now: datetime) -> dict[UUID, set[UUID]]:
    """For each site the homes whose household has the person's login among its numbers."""
    login = login_by_person(session, person_id)
    statement = (
        select(Resident)
        .join(Home, Home.resident_id == Resident.id)
        .where(Home.person_id == person_id, Home.ended_at.is_(None))
    )
    found: dict[UUID, set[UUID]] = {}
    for contact in contacts_of(session, list(session.scalars(statement))):
        if login in contact.phones and contact.lives_there(today_at(session, contact.site_id, now)):
            found.setdefault(contact.site_id, set()).add(contact.space_id)
    return found


def end_lapsed(session: Session, *, now: datetime, actor: events.Actor) -> int:
    """End the accounts of whose day of moving out has come; returns how many homes."""
    statement = (
        select(Home.resident_id, Home.site_id, Resident)
        .outerjoin(Resident, Resident.id == Home.resident_id)
        .where(Home.ended_at.is_(None))
        .where((Resident.id.is_(None)) | (Resident.until <= (now + timedelta(days=1)).date()))
        .limit(SWEEP_LIMIT)
    )
    over = [
        resident_id
        for resident_id, site_id, resident in session.execute(statement).all()
        if resident is None
        or (resident.until and resident.until <= today_at(session, site_id, now))
    ]
    return end_homes(session, over, actor=actor, now=now) if over else 0


def first_unit(session: Session) -> Space | None:
    """A unit of the first site, else whatever is in a building there: a home to show."""
    site = select(Node.id).where(Node.kind == "site").order_by(Node.path).limit(1)
    statement = (
        select(Space)
        .where(Space.site_id == site.scalar_subquery(), Space.parent_id.is_not(None))
        .order_by(case((Space.kind == "unit", 0), else_=1), Space.code)
    )
    return session.scalars(statement.limit(1)).first()


def _say(session: Session, kind: str, contact: Contact, actor: events.Actor, now: datetime) -> None:
    subject = ("resident", contact.id)
    events.append(session, kind, subject, actor=actor, learned_at=now, site_id=contact.site_id)
