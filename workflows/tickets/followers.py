"""People outside who follow a ticket by SMS: a resident who reported it, a contractor's contact."""

import json
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, or_, select, update
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from core.db import Base, Instant
from core.errors import NotFound
from core.home_accounts import has_home
from core.homes import stands
from core.ids import new_id
from core.people import hash_secret
from core.vault import Vault
from rules.wording import worded
from workflows.tickets.model import Ticket

RESIDENT, CONTRACTOR, AT_HOME = "resident", "contractor", "at_home"
# A mobile number of mainland China: nothing else takes an SMS by the templates of the provider,
# and numbers abroad are what somebody would write who earns by the messages they get.
_MOBILE = re.compile(r"(?:(?:\+|00)?86)?(1[3-9][0-9]{9})")
# No letters or digits that look alike; 16 of 31 are 79 bits. A template's variable takes 35.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
CODE_OUTSIDE = 16


class Follower(Base):
    """Somebody outside who is sent the link that they were given, at each step.

    of_id: the resident's report or the contractor's link. What an SMS carries is a short code; its
    hash finds this row, and the vault has sealed it together with the link's own secret. So nobody
    who reads the database holds a link. phone and sealed are erased when the link ends.
    person_id, home_id: who is told in their account instead, and the home by which they have it.
    """

    __tablename__ = "follower"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"))
    ticket_id: Mapped[UUID] = mapped_column(ForeignKey("ticket.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    of_id: Mapped[UUID] = mapped_column()
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("person.id"))
    home_id: Mapped[UUID | None] = mapped_column(ForeignKey("space.id"))
    phone: Mapped[str | None] = mapped_column(String(20), index=True)
    language: Mapped[str] = mapped_column(String(2))
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant, index=True)

    __table_args__ = (UniqueConstraint("of_id", "kind"),)


def mobile_of(phone: str) -> str | None:
    """The number to which an SMS can go, in its eleven digits; None when it is no mobile number."""
    found = _MOBILE.fullmatch(re.sub(r"[ -]", "", phone))
    return found[1] if found else None


def _about(follower_id: UUID) -> str:
    return f"link of follower {follower_id}"


def follow(
    session: Session,
    vault: Vault,
    ticket: Ticket,
    kind: str,
    of_id: UUID,
    *,
    phone: str,
    secret: str,
    language: str,
    ends_at: datetime,
    now: datetime,
) -> bool:
    """Tell somebody by SMS from now on; False when their number takes none. Safe to repeat."""
    number = mobile_of(phone)
    if number is None:
        return False
    standing = select(Follower.id).where(Follower.of_id == of_id, Follower.kind == kind)
    if session.scalar(standing) is None:
        code = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_OUTSIDE))
        row = Follower(
            id=new_id(),
            site_id=ticket.site_id,
            ticket_id=ticket.id,
            kind=kind,
            of_id=of_id,
            phone=number,
            language=language,
            code_hash=hash_secret(code),
            created_at=now,
            ends_at=ends_at,
        )
        sealed = json.dumps({"code": code, "secret": secret})
        row.sealed = vault.seal(sealed, _about(row.id))
        session.add(row)
        session.flush()
    return True


def follow_by_account(
    session: Session,
    ticket: Ticket,
    of_id: UUID,
    person_id: UUID,
    home_id: UUID,
    *,
    ends_at: datetime,
    now: datetime,
) -> None:
    """Tell somebody in their account from now on, while they have the home. Safe to repeat."""
    standing = select(Follower.id).where(Follower.of_id == of_id, Follower.kind == AT_HOME)
    if session.scalar(standing) is None:
        row = Follower(
            id=new_id(),
            site_id=ticket.site_id,
            ticket_id=ticket.id,
            kind=AT_HOME,
            of_id=of_id,
            language="",
            # Nothing is sent that could carry it.
            code_hash=hash_secret(secrets.token_urlsafe(32)),
            person_id=person_id,
            home_id=home_id,
            created_at=now,
            ends_at=ends_at,
        )
        session.add(row)
        session.flush()


def at_home_of(session: Session, tickets: Sequence[UUID], *, now: datetime) -> list[Follower]:
    """Who follows one of these tickets in an account."""
    statement = select(Follower).where(
        Follower.ticket_id.in_(tickets), Follower.kind == AT_HOME, Follower.ends_at > now
    )
    return list(session.scalars(statement.order_by(Follower.created_at, Follower.id)))


def code_of(vault: Vault, follower: Follower) -> str:
    """The end of the link that an SMS carries. Raises WrongKey."""
    assert follower.sealed is not None
    return str(json.loads(vault.unseal(follower.sealed, _about(follower.id)))["code"])


def secret_behind(session: Session, vault: Vault, code: str, *, now: datetime) -> tuple[str, str]:
    """Whose link an SMS led to (resident or contractor), and its secret. NotFound when it ended."""
    statement = select(Follower).where(Follower.code_hash == hash_secret(code))
    row = session.scalars(statement).first()
    if row is None or row.sealed is None or row.ends_at <= now:
        raise NotFound(worded("this link has ended"), advice=worded("Call the property office."))
    return row.kind, str(json.loads(vault.unseal(row.sealed, _about(row.id)))["secret"])


def followers_of(session: Session, tickets: Sequence[UUID], *, now: datetime) -> list[Follower]:
    """The residents who follow one of these tickets."""
    statement = (
        select(Follower)
        .where(
            Follower.ticket_id.in_(tickets),
            Follower.kind == RESIDENT,
            Follower.phone.is_not(None),
            Follower.ends_at > now,
        )
        .order_by(Follower.created_at, Follower.id)
    )
    return list(session.scalars(statement))


def follower_by(session: Session, of_id: UUID, *, now: datetime) -> Follower | None:
    """Who follows by this report or link, while they can be told."""
    statement = select(Follower).where(Follower.of_id == of_id, Follower.kind != AT_HOME)
    row = session.scalars(statement).first()
    return row if row is not None and row.phone is not None and row.ends_at > now else None


def lost_home(session: Session, of_id: UUID, *, now: datetime) -> bool:
    """Whether this report is in an account that has lost its home."""
    by_account = select(Follower).where(Follower.of_id == of_id, Follower.kind == AT_HOME)
    account = session.scalars(by_account).first()
    if account is None or account.person_id is None or account.home_id is None:
        return False
    return not has_home(session, account.person_id, account.home_id, now=now)


def end_following(session: Session, of_id: UUID, *, now: datetime) -> None:
    """Tell nobody any more by this report or link, and forget the number."""
    session.execute(
        update(Follower)
        .where(Follower.of_id == of_id)
        .values(phone=None, sealed=None, ends_at=now)
        .execution_options(synchronize_session=False)
    )


def forget_followers(session: Session, *, now: datetime) -> int:
    """Erase the numbers and links of everybody whose link has ended; returns how many.

    That of a report in an account ends with its home.
    """
    account = aliased(Follower)
    lost = (
        select(account.id)
        .where(
            account.of_id == Follower.of_id,
            account.kind == AT_HOME,
            ~stands(account.person_id, account.home_id),
        )
        .exists()
    )
    statement = (
        update(Follower)
        .where(or_(Follower.ends_at <= now, lost), Follower.sealed.is_not(None))
        .values(phone=None, sealed=None)
        .returning(Follower.id)
        .execution_options(synchronize_session=False)
    )
    return len(session.execute(statement).all())
