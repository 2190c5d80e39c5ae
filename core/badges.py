"""Badges: the cards and beacons by which people are known to readers and gateways."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, or_, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Conflict, Invalid, NotFound
from core.ids import new_id
from core.paging import Page, Wish, newest_first, rows_of
from core.people import Caller, Person, caller_for, scoped
from core.vault import Vault
from rules.wording import worded

KINDS = ("card", "beacon")
LONGEST_NUMBER, LONGEST_LABEL = 80, 80
_OPEN = text("ends_at IS NULL")


class Badge(Base):
    """What a person carries to be known by. site_id: who issued it; it counts on all their sites.

    derived_id: a keyed hash of its number, which stands nowhere. ends_at: none until it is ended.
    """

    __tablename__ = "badge"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(LONGEST_LABEL), default="")
    derived_id: Mapped[str] = mapped_column(String(64), index=True)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (
        # A number is one person's at a time, whoever issues it at the same moment.
        Index(
            "uq_badge_derived_id",
            "derived_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )


_ROWS = rows_of(
    Badge.id,
    Badge.site_id,
    Badge.person_id,
    Person.name.label("person_name"),
    Badge.kind,
    Badge.label,
    Badge.starts_at,
    Badge.ends_at,
).join(Person, Person.id == Badge.person_id)


@dataclass(frozen=True, slots=True)
class NewBadge:
    """A badge to be issued. number: as its readers tell it. label: what is printed on it."""

    person_id: UUID
    kind: str
    number: str
    label: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None


def number_of(written: str) -> str:
    """A number as it is compared: `04:a2:…` is `04A2…`, and 0012345 is 12345 as wands write it."""
    plain = unicodedata.normalize("NFKC", written).upper()
    kept = "".join(letter for letter in plain if letter.isalnum())
    return (kept.lstrip("0") or "0") if kept.isdecimal() else kept


def derived(vault: Vault, kind: str, number: str) -> str:
    """The keyed hash by which a badge is found."""
    return vault.derived_id(number_of(number), f"badge:{kind}")


def issue_badge(
    session: Session,
    site_id: UUID,
    new: NewBadge,
    *,
    needs: str,
    vault: Vault,
    actor: events.Actor,
    now: datetime,
) -> Badge:
    """Give somebody a badge. needs: the permission that they must hold on the site.

    Raises Invalid with every problem, Conflict when the number is somebody's at that time.
    """
    starts_at = new.starts_at or now
    person = session.get(Person, new.person_id)
    if problems := _problems(session, site_id, person, new, starts_at, needs):
        raise Invalid(worded("the badge was not issued"), problems=problems)
    derived_id = derived(vault, new.kind, new.number)
    _refuse_taken(session, derived_id, starts_at, new.ends_at)
    row = Badge(
        id=new_id(),
        site_id=site_id,
        person_id=new.person_id,
        kind=new.kind,
        label=new.label.strip(),
        derived_id=derived_id,
        starts_at=starts_at,
        ends_at=new.ends_at,
    )
    session.add(row)
    session.flush()
    after = {
        "person": str(row.person_id),
        "kind": row.kind,
        "from": starts_at.isoformat(),
        "until": None if row.ends_at is None else row.ends_at.isoformat(),
    }
    _tell(session, "badge.issue", row, actor, now, after)
    return row


def _problems(
    session: Session,
    site_id: UUID,
    person: Person | None,
    new: NewBadge,
    starts_at: datetime,
    needs: str,
) -> list[str]:
    problems: list[str] = []
    if person is None or not may(session, person, needs, site_id):
        problems.append(worded("person_id: nobody on this site who may do what the badge is for"))
    if new.kind not in KINDS:
        problems.append(worded("kind: one of %(known)s", known=", ".join(KINDS)))
    if not number_of(new.number) or len(new.number) > LONGEST_NUMBER:
        problems.append(worded("number: letters and digits, at most %(most)s", most=LONGEST_NUMBER))
    if len(new.label) > LONGEST_LABEL:
        problems.append(worded("label: at most %(most)s characters", most=LONGEST_LABEL))
    if new.ends_at is not None and new.ends_at <= starts_at:
        problems.append(worded("ends_at: later than its beginning"))
    return problems


def may(session: Session, person: Person, permission: str, site_id: UUID) -> bool:
    """Whether somebody works here still and holds a permission on a site."""
    return person.left_at is None and site_id in caller_for(session, person).sites_for(permission)


def _refuse_taken(
    session: Session, derived_id: str, starts_at: datetime, ends_at: datetime | None
) -> None:
    statement = select(Badge.id).where(
        Badge.derived_id == derived_id, or_(Badge.ends_at.is_(None), Badge.ends_at > starts_at)
    )
    if ends_at is not None:
        statement = statement.where(Badge.starts_at < ends_at)
    if session.scalar(statement.limit(1)) is not None:
        raise Conflict(
            worded("this number is somebody's badge at that time"),
            advice=worded("End that badge first, or read the number again."),
        )


def end_badge(session: Session, row: Badge, *, actor: events.Actor, now: datetime) -> None:
    """Let a badge count no more from now on. Conflict when it has ended before."""
    if row.ends_at is not None and row.ends_at <= now:
        raise Conflict(
            worded("this badge has ended before"), advice=worded("Nothing is left to do.")
        )
    _end(session, row, actor, now)


def end_badges(session: Session, person_id: UUID, *, actor: events.Actor, now: datetime) -> None:
    """End every badge of somebody who leaves."""
    statement = select(Badge).where(
        Badge.person_id == person_id, or_(Badge.ends_at.is_(None), Badge.ends_at > now)
    )
    for row in session.scalars(statement).all():
        _end(session, row, actor, now)


def _end(session: Session, row: Badge, actor: events.Actor, now: datetime) -> None:
    # One that was to begin later never does.
    row.ends_at = max(now, row.starts_at)
    session.flush()
    _tell(session, "badge.end", row, actor, now, {"person": str(row.person_id)})


def _tell(
    session: Session,
    kind: str,
    row: Badge,
    actor: events.Actor,
    now: datetime,
    after: dict[str, Any],
) -> None:
    events.append(
        session,
        kind,
        ("badge", row.id),
        actor=actor,
        learned_at=now,
        site_id=row.site_id,
        after=after,
    )


def badge_at(session: Session, derived_id: str, moment: datetime) -> Badge | None:
    """The badge that a number was at a moment: the one that counted then, else the last one."""
    return badge_among(badges_numbered(session, derived_id), moment)


def badges_numbered(session: Session, derived_id: str) -> Sequence[Badge]:
    """Every badge that a number ever was, the last one first."""
    statement = select(Badge).where(Badge.derived_id == derived_id)
    return session.scalars(statement.order_by(Badge.starts_at.desc())).all()


def badge_among(badges: Sequence[Badge], moment: datetime) -> Badge | None:
    """The one of a number's badges that counted at a moment, else the last one."""
    counting = (row for row in badges if counts(row, moment))
    return next(counting, badges[0] if badges else None)


def counts(row: Badge, moment: datetime) -> bool:
    """Whether a badge counted at a moment."""
    return row.starts_at <= moment and (row.ends_at is None or moment < row.ends_at)


def find_badge(session: Session, caller: Caller, permission: str, badge_id: UUID) -> Badge:
    """A badge of a site where the caller holds `permission`; NotFound otherwise."""
    statement = select(Badge).where(Badge.id == badge_id)
    row = session.scalars(scoped(statement, Badge.site_id, caller, permission)).first()
    if row is None:
        raise NotFound(worded("there is no such badge"), advice=worded("Look for it in the list."))
    return row


def list_badges(
    session: Session,
    caller: Caller,
    permission: str,
    wish: Wish,
    *,
    site_id: UUID | None = None,
    person_id: UUID | None = None,
) -> Page[dict[str, Any]]:
    """Badges of the sites where the caller holds `permission`, the last issued first. Key: id."""
    statement = _ROWS
    if site_id is not None:
        statement = statement.where(Badge.site_id == site_id)
    if person_id is not None:
        statement = statement.where(Badge.person_id == person_id)
    return newest_first(
        session, scoped(statement, Badge.site_id, caller, permission), (Badge.id,), wish
    )


def describe_badge(session: Session, row: Badge) -> dict[str, Any]:
    """A badge as the list shows it."""
    return dict(session.execute(_ROWS.where(Badge.id == row.id)).mappings().one())
