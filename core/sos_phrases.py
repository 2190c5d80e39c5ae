"""The word by which somebody shows that they themselves call off their call for help.

Whoever stands over somebody can make them press a button, but does not know whether the word that
they say is the right one. So a wrong word is told to nobody at the phone, and ends nothing.
"""

from datetime import datetime
from uuid import UUID

from pwdlib import PasswordHash
from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.db import Base, Instant
from core.errors import Invalid
from core.slow_hash import FewAtOnce
from rules.wording import worded

SHORTEST, LONGEST = 4, 100
_hasher = PasswordHash((FewAtOnce(),))


class SosPhrase(Base):
    """The Argon2id hash (PHC string, RFC 9106) of the phrase of a person."""

    __tablename__ = "sos_phrase"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    hash: Mapped[str] = mapped_column(String(255))
    set_at: Mapped[datetime] = mapped_column(Instant)


def _plain(phrase: str) -> str:
    return " ".join(phrase.casefold().split())


def hash_phrase(phrase: str) -> str:
    """Check and hash a phrase; takes a tenth of a second, so keep it out of transactions.

    Case and spaces don't count: it is said or typed in a hurry. Invalid when it is too short.
    """
    plain = _plain(phrase)
    if not SHORTEST <= len(plain) <= LONGEST:
        problems = [
            worded("phrase: %(shortest)s to %(most)s characters", shortest=SHORTEST, most=LONGEST)
        ]
        raise Invalid(worded("the phrase was not kept"), problems=problems)
    return _hasher.hash(plain)


def set_phrase(session: Session, person_id: UUID, hashed: str, *, now: datetime) -> None:
    """Keep the hash of somebody's phrase in place of any before."""
    row = session.get(SosPhrase, person_id)
    if row is None:
        session.add(SosPhrase(person_id=person_id, hash=hashed, set_at=now))
    else:
        row.hash, row.set_at = hashed, now
    session.flush()
    events.append(
        session,
        "person.sos_phrase",
        ("person", person_id),
        actor=events.Actor.person(person_id),
        learned_at=now,
    )


def phrase_hash(session: Session, person_id: UUID) -> str | None:
    """The hash of somebody's phrase; None when they have set none."""
    return session.scalar(select(SosPhrase.hash).where(SosPhrase.person_id == person_id))


def proves(phrase: str, hashed: str | None) -> str:
    """What a phrase proves of who says it: `phrase` (the right one), `wrong`, or `none` said.

    Where somebody has set no phrase, whatever they say proves nothing. Takes a tenth of a second.
    """
    plain = _plain(phrase)
    if not plain or hashed is None:
        return "none"
    return "phrase" if len(plain) <= LONGEST and _hasher.verify(plain, hashed) else "wrong"
