"""PINs: what guards type on phones that are known. Argon2id, and a lock-out that grows."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from uuid import UUID

from pwdlib import PasswordHash
from sqlalchemy import ForeignKey, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Database, Instant
from core.errors import Invalid, NotSignedIn
from core.slow_hash import FewAtOnce
from core.tries import SignInTries, count_try, tries_key
from rules.wording import worded

SHORTEST, LONGEST = 6, 10
_DIGITS = re.compile(rf"[0-9]{{{SHORTEST},{LONGEST}}}")
_DIFFERENT = 3
_FIRST_YEAR, _LAST_YEAR = 1930, 2039
_hasher = PasswordHash((FewAtOnce(),))


class Pin(Base):
    """The Argon2id hash (PHC string, RFC 9106) of a person's PIN.

    given: somebody else has set it and knows it, so it is good for choosing another one only.
    """

    __tablename__ = "pin"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(255))
    given: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(Instant)


@dataclass(frozen=True, slots=True)
class NewPin:
    """The hash of a PIN, ready to be stored."""

    hash: str


def new_pin(digits: str) -> NewPin:
    """Check and hash a PIN; takes a tenth of a second, so keep it out of transactions.

    Raises Invalid when it is no PIN, or among those that are tried first.
    """
    problem = None
    if not _DIGITS.fullmatch(digits):
        problem = worded("pin: %(shortest)s to %(most)s digits", shortest=SHORTEST, most=LONGEST)
    elif _is_guessed(digits):
        problem = worded("pin: this one is guessed at once; take another")
    if problem:
        raise Invalid(worded("this PIN can't be taken"), problems=[problem])
    return NewPin(_hasher.hash(digits))


def _is_guessed(digits: str) -> bool:
    """Whether it has few digits, is a row or the same again, or a day as people write it."""
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(digits)}
    half, odd = divmod(len(digits), 2)
    if len(set(digits)) < _DIFFERENT or len(steps) == 1:
        return True
    return (not odd and digits[:half] == digits[half:]) or _is_day(digits)


def _is_day(digits: str) -> bool:
    years = range(_FIRST_YEAR, _LAST_YEAR + 1)
    if len(digits) == 8:
        written = ((digits[:4], digits[4:6], digits[6:]), (digits[4:], digits[2:4], digits[:2]))
        return any(int(year) in years and _is_date(month, day) for year, month, day in written)
    return len(digits) == 6 and (
        _is_date(digits[2:4], digits[4:]) or _is_date(digits[2:4], digits[:2])
    )


def _is_date(month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def set_pin(
    session: Session, person_id: UUID, pin: NewPin, *, actor: events.Actor, now: datetime
) -> None:
    """Store a PIN in place of any before; set by somebody else it is a given one."""
    given = actor != events.Actor.person(person_id)
    row = session.get(Pin, person_id)
    if row is None:
        session.add(Pin(person_id=person_id, hash=pin.hash, given=given, changed_at=now))
    else:
        row.hash, row.given, row.changed_at = pin.hash, given, now
    session.execute(delete(SignInTries).where(SignInTries.key == _anywhere(person_id)))
    session.flush()
    events.append(
        session,
        "person.pin",
        ("person", person_id),
        actor=actor,
        learned_at=now,
        after={"given": given},
    )


def pin_of(session: Session, person_id: UUID) -> Pin | None:
    """What is kept of somebody's PIN; None when they have none."""
    return session.get(Pin, person_id)


def forget_pin(session: Session, person_id: UUID) -> None:
    """Nobody signs in by this person's PIN any more."""
    session.execute(delete(Pin).where(Pin.person_id == person_id))


@dataclass(frozen=True, slots=True)
class RightPin:
    """A PIN that was typed right. given: somebody else has set it. hash: as it was kept then."""

    given: bool
    hash: str = field(repr=False)


def check_pin(
    database: Database, person_id: UUID | None, digits: str, where: str, *, now: datetime
) -> RightPin:
    """Judge a PIN that was typed; one that is right must still be so when it is used.

    Counts the try before it judges it; see `require_still`.

    person_id: none where nobody is known by the name that was typed; that takes as long and says
    the same. where: on what it was typed, which counts tries by itself. Raises NotSignedIn for a
    wrong one, TooManyTries while the person is locked out there or, by many tries, everywhere.
    """
    named = str(person_id) if person_id else "nobody"
    here = tries_key("pin", f"{where}:{named}")
    with database.write() as session:
        count_try(session, "pin", here, now)
        if person_id is not None:
            count_try(session, "pin_anywhere", _anywhere(person_id), now)
        row = None if person_id is None else session.get(Pin, person_id)
        known, given = (row.hash, row.given) if row is not None else (None, False)
    right = _hasher.verify(digits[: LONGEST + 1], known or _nobodys_hash())
    if not right or known is None:
        raise NotSignedIn("name or PIN are wrong", advice="Try again, digit by digit.")
    with database.write() as session:
        keys = (here, _anywhere(person_id)) if person_id is not None else (here,)
        session.execute(delete(SignInTries).where(SignInTries.key.in_(keys)))
    return RightPin(given, known)


def require_still(session: Session, person_id: UUID, right: RightPin) -> None:
    """NotSignedIn when the PIN was changed or taken away since it was judged.

    To judge one takes a tenth of a second, outside of any transaction.
    """
    row = session.get(Pin, person_id, with_for_update=True)
    if row is None or row.hash != right.hash:
        raise NotSignedIn("name or PIN are wrong", advice="Try again, digit by digit.")


def _anywhere(person_id: UUID) -> str:
    return tries_key("pin_anywhere", str(person_id))


_NOBODY: list[str] = []


def _nobodys_hash() -> str:
    # Made once, with the same cost as any: an unknown name must take as long as a wrong PIN.
    if not _NOBODY:
        _NOBODY.append(_hasher.hash("nobody has this PIN"))
    return _NOBODY[0]


def people_with_pin(session: Session, people: list[UUID]) -> set[UUID]:
    """Which of these people have a PIN."""
    return set(session.scalars(select(Pin.person_id).where(Pin.person_id.in_(people))))
