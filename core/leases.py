"""Leases: exactly one worker does a thing, and who lost the lease cannot commit."""

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Integer, String, Table, bindparam, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.db import Base, Database, Instant
from core.errors import Conflict


class Lease(Base):
    """Who holds `name` until when; `epoch` rises whenever it changes hands."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    owner: Mapped[str] = mapped_column(String(80))
    epoch: Mapped[int] = mapped_column(Integer)
    ends_at: Mapped[datetime] = mapped_column(Instant)


# Every transaction of ingest makes it, so it is built once.
_TABLE = cast(Table, Lease.__table__)
_REQUIRE = (
    update(_TABLE)
    .where(
        _TABLE.c.name == bindparam("held_name"),
        _TABLE.c.owner == bindparam("held_owner"),
        _TABLE.c.epoch == bindparam("held_epoch"),
    )
    .values(epoch=bindparam("held_epoch"))
)


class LeaseLost(Conflict):
    """Another worker holds the lease now; the transaction must not commit."""


def claim(
    database: Database, name: str, owner: str, *, now: datetime, lifetime: timedelta
) -> int | None:
    """Take or renew the lease; returns its epoch, or None while another worker holds it."""
    try:
        with database.write() as session:
            return _claim(session, name, owner, now, lifetime)
    except IntegrityError:
        # Two workers inserted the first row at once; the other one has it.
        return None


def _claim(
    session: Session, name: str, owner: str, now: datetime, lifetime: timedelta
) -> int | None:
    renewed = session.execute(
        update(Lease)
        .where(Lease.name == name, Lease.owner == owner)
        .values(ends_at=now + lifetime)
        .returning(Lease.epoch)
    ).scalar_one_or_none()
    if renewed is not None:
        return renewed
    taken = session.execute(
        update(Lease)
        .where(Lease.name == name, Lease.ends_at <= now)
        .values(owner=owner, epoch=Lease.epoch + 1, ends_at=now + lifetime)
        .returning(Lease.epoch)
    ).scalar_one_or_none()
    if taken is not None:
        return taken
    if session.scalar(select(Lease.name).where(Lease.name == name)) is not None:
        return None
    session.execute(insert(Lease).values(name=name, owner=owner, epoch=1, ends_at=now + lifetime))
    return 1


def require(session: Session, name: str, owner: str, epoch: int) -> None:
    """Raise LeaseLost unless `owner` still holds `name` at `epoch`.

    It is an UPDATE, so that on PostgreSQL the row stays locked until our commit and nobody can
    take the lease over in between.
    """
    held = {"held_name": name, "held_owner": owner, "held_epoch": epoch}
    if session.connection().execute(_REQUIRE, held).rowcount != 1:
        raise LeaseLost(f"another worker has taken over {name}")


def release(database: Database, name: str, owner: str, *, now: datetime) -> None:
    """Give the lease back, so that the next worker need not wait for its end."""
    with database.write() as session:
        session.execute(
            update(Lease).where(Lease.name == name, or_(Lease.owner == owner)).values(ends_at=now)
        )
