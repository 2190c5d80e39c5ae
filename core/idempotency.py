"""Creating requests that may be sent twice: the first answer is kept and given again."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String, delete
from sqlalchemy.engine import CursorResult
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant
from core.errors import Conflict
from rules.wording import worded

KEPT_FOR = timedelta(hours=24)


class IdempotentAnswer(Base):
    """What one caller was answered on one route under one key.

    fingerprint: SHA-256 of the request, so that a key used for something else is noticed.
    """

    __tablename__ = "idempotent_answer"

    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), primary_key=True)
    route: Mapped[str] = mapped_column(String(120), primary_key=True)
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    headers: Mapped[dict[str, str]] = mapped_column(JSON)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant, index=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """A request as its sender names it. Without a key nothing is kept and it simply runs."""

    person_id: UUID
    route: str
    key: str | None
    request: bytes
    now: datetime

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the request, in hex."""
        return hashlib.sha256(self.request).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it is sent. replayed: whether it was kept from the first time."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


def recall(session: Session, claim: Claim) -> Answer | None:
    """The kept answer of this request; None the first time, and then `keep` its answer.

    Two at the same moment: the second waits for the first one's transaction. Conflict when the
    key was used for another request. A refused request keeps nothing, so it can be mended.
    """
    if claim.key is None:
        return None
    forget_answers(session, now=claim.now)
    if _is_first(session, claim):
        return None
    row = session.get_one(IdempotentAnswer, (claim.person_id, claim.route, claim.key))
    if row.fingerprint != claim.fingerprint:
        raise Conflict(
            worded("this Idempotency-Key was used for another request"),
            advice=worded("Make a new key for each new request."),
        )
    return Answer(row.status, row.body, row.headers, replayed=True)


def forget_answers(session: Session, *, now: datetime) -> int:
    """Drop answers that were kept long enough, with all that they say; returns how many."""
    old = delete(IdempotentAnswer).where(IdempotentAnswer.created_at < now - KEPT_FOR)
    result = session.execute(old)
    assert isinstance(result, CursorResult)
    return result.rowcount


def _is_first(session: Session, claim: Claim) -> bool:
    row = IdempotentAnswer(
        person_id=claim.person_id,
        route=claim.route,
        key=claim.key,
        fingerprint=claim.fingerprint,
        status=0,
        headers={},
        body=b"",
        created_at=claim.now,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def keep(session: Session, claim: Claim, answer: Answer) -> Answer:
    """Keep the answer under the request's key, in the transaction that did the work."""
    if claim.key is not None:
        row = session.get_one(IdempotentAnswer, (claim.person_id, claim.route, claim.key))
        row.status, row.body, row.headers = answer.status, answer.body, dict(answer.headers)
    return answer


def is_clash(error: BaseException) -> bool:
    """Whether `error` says that two made the same thing at the same moment."""
    return isinstance(error, IntegrityError)


def clash() -> Conflict:
    """What whoever came second is told of `is_clash`, whichever door they came by."""
    return Conflict(
        worded("somebody made the same thing at the same moment"),
        advice=worded("Look at what stands there now, then decide again."),
    )
