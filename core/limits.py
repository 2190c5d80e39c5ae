"""How often something may be done: counted in a table, so that every process counts together."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, String, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Database, Instant
from core.errors import TooManyTries
from rules.wording import worded

LONGEST_WINDOW = timedelta(days=1)


class RateCount(Base):
    """How often one thing was done since `began_at`; which, stands there as a hash only."""

    __tablename__ = "rate_count"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    began_at: Mapped[datetime] = mapped_column(Instant, index=True)
    count: Mapped[int] = mapped_column(Integer)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many times within a while. of: who or what is counted, such as an address."""

    what: str
    of: tuple[str, ...]
    most: int
    within: timedelta

    @property
    def key(self) -> str:
        """The row that counts it."""
        return hashlib.sha256("\n".join((self.what, *self.of)).encode()).hexdigest()


def take(database: Database, limits: Sequence[Limit], *, now: datetime) -> None:
    """Count one try under every limit. TooManyTries when one is used up; then none is counted."""
    with database.write() as session:
        # Always in the same order, so that two who count the same rows never wait in a circle.
        rows = [(limit, _row(session, limit, now)) for limit in sorted(limits, key=lambda x: x.key)]
        for limit, row in rows:
            if now - row.began_at >= limit.within:
                row.began_at, row.count = now, 0
            if row.count >= limit.most:
                raise TooManyTries(
                    worded("that was tried too often"),
                    until=row.began_at + limit.within,
                    advice=worded("Wait, then try again."),
                )
        for _, row in rows:
            row.count += 1


def _row(session: Session, limit: Limit, now: datetime) -> RateCount:
    """The row of a limit, locked until commit; made when there is none."""
    row = session.get(RateCount, limit.key, with_for_update=True)
    if row is None:
        try:
            with session.begin_nested():
                session.add(RateCount(key=limit.key, began_at=now, count=0))
        except IntegrityError:
            # Somebody who tries at the same moment was quicker; theirs counts both.
            session.expire_all()
        row = session.get_one(RateCount, limit.key, with_for_update=True)
    return row


def forget_counts(session: Session, *, now: datetime) -> int:
    """Drop counts that limit nothing any more; returns how many."""
    statement = delete(RateCount).where(RateCount.began_at < now - LONGEST_WINDOW)
    return len(session.execute(statement.returning(RateCount.key)).all())
