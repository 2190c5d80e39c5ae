"""Wrong tries of passwords, codes and PINs: counted before they are judged, and slowed down."""

import hashlib
import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import Integer, String, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Instant
from core.errors import TooManyTries
from rules.wording import worded

# So many wrong tries cost nothing; each one more doubles the wait.
FREE_TRIES = {"account": 5, "address": 50, "pin": 5, "pin_anywhere": 20}
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=15), timedelta(hours=1)
FORGIVEN_AFTER = timedelta(days=1)


class SignInTries(Base):
    """Wrong tries on one account or from one address; which one stands there as a hash only."""

    __tablename__ = "sign_in_tries"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime] = mapped_column(Instant)
    locked_until: Mapped[datetime | None] = mapped_column(Instant)


def tries_key(kind: str, value: str) -> str:
    """The row that counts tries on one thing; what it is stands there as a hash only."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()


def network_of(address: str) -> str:
    """What counts as one address: of IPv6 the network that a customer gets, a /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    if parsed.ipv4_mapped is not None:
        # As a socket that listens for both names everybody who comes by IPv4.
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


def _tries(session: Session, key: str, now: datetime) -> SignInTries:
    """The row of a key, locked until commit; made when there is none."""
    row = session.get(SignInTries, key, with_for_update=True)
    if row is None:
        try:
            with session.begin_nested():
                session.add(SignInTries(key=key, failures=0, last_at=now, locked_until=None))
        except IntegrityError:
            # Somebody who tries at the same moment was quicker; theirs counts both.
            session.expire_all()
        row = session.get_one(SignInTries, key, with_for_update=True)
    return row


def count_try(session: Session, kind: str, key: str, now: datetime) -> None:
    """Count a try before it is judged; TooManyTries while it is locked.

    kind: of FREE_TRIES. key: as `tries_key` gives it.
    """
    row = _tries(session, key, now)
    if row.locked_until is not None and row.locked_until > now:
        raise TooManyTries(
            worded("too many wrong tries"),
            until=row.locked_until,
            advice=worded("Wait, then try again."),
        )
    row.failures = 1 if now - row.last_at > FORGIVEN_AFTER else row.failures + 1
    row.last_at = now
    over = row.failures - FREE_TRIES[kind]
    row.locked_until = (
        now + min(FIRST_WAIT * 2 ** min(over, 12), LONGEST_WAIT) if over >= 0 else None
    )


def forget_tries(session: Session, *, now: datetime) -> int:
    """Drop tries that count no more; returns how many. Somebody who guesses leaves many rows."""
    statement = delete(SignInTries).where(SignInTries.last_at < now - FORGIVEN_AFTER)
    return len(session.execute(statement.returning(SignInTries.key)).all())
