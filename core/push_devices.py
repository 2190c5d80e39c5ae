"""Browsers that take pushes for a person: each is one of their contacts, and they remove it."""

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import events
from core.channels.web_push import is_push_service, pack, read_subscription
from core.db import Base, Instant
from core.errors import Invalid, NotFound
from core.ids import new_id
from core.vault import Vault
from rules.wording import worded

MOST = 10


class PushDevice(Base):
    """A browser of a person. Its address and keys stand in this row only, sealed by the vault.

    label: what kind of browser it is, so that its owner knows it again.
    """

    __tablename__ = "push_device"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"), index=True)
    endpoint_hash: Mapped[str] = mapped_column(String(64), unique=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    label: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime] = mapped_column(Instant)


def push_devices_of(session: Session, person_id: UUID) -> list[PushDevice]:
    """The browsers of a person, the oldest first."""
    statement = select(PushDevice).where(PushDevice.person_id == person_id)
    return list(session.scalars(statement.order_by(PushDevice.added_at, PushDevice.id)))


def push_addresses_of(session: Session, person_id: UUID) -> list[str]:
    """The browsers of a person as the channel takes them."""
    return [f"{row.id}:{row.sealed.hex()}" for row in push_devices_of(session, person_id)]


def add_push_device(
    session: Session,
    vault: Vault,
    person_id: UUID,
    given: tuple[str, str, str],
    *,
    label: str,
    services: str,
    now: datetime,
) -> UUID:
    """Push to a browser from now on; returns the device. Invalid with what is wrong.

    given: endpoint, key and secret as the browser says them. A browser pushes for one person:
    whoever said so last. services: the push services that we post to.
    """
    endpoint, key, auth = given
    try:
        to = read_subscription(endpoint, key, auth)
    except ValueError:
        raise Invalid(
            worded("nothing was changed"),
            problems=[worded("device: the keys of this browser can't be read")],
        ) from None
    if not is_push_service(endpoint, services):
        raise Invalid(
            worded("nothing was changed"),
            problems=[worded("device: the push service of this browser is none that we use")],
        )
    marked = hashlib.sha256(endpoint.encode()).hexdigest()
    session.execute(delete(PushDevice).where(PushDevice.endpoint_hash == marked))
    count = select(func.count(PushDevice.id)).where(PushDevice.person_id == person_id)
    if (session.scalar(count) or 0) >= MOST:
        raise Invalid(
            worded("nothing was changed"),
            problems=[worded("device: at most %(most)s; remove one first", most=MOST)],
        )
    device = new_id()
    session.add(
        PushDevice(
            id=device,
            person_id=person_id,
            endpoint_hash=marked,
            sealed=pack(vault, str(device), to),
            label=label[:80],
            added_at=now,
        )
    )
    session.flush()
    _say(session, person_id, events.Actor.person(person_id), now)
    return device


def remove_push_device(
    session: Session, person_id: UUID, device_id: UUID, *, now: datetime
) -> None:
    """Push no more to one's own browser. NotFound when it is not theirs, or removed already."""
    row = session.get(PushDevice, device_id)
    if row is None or row.person_id != person_id:
        raise NotFound(worded("there is no such device"), advice=worded("Load your account again."))
    session.delete(row)
    session.flush()
    _say(session, person_id, events.Actor.person(person_id), now)


def drop_push_device(session: Session, device_id: UUID, *, now: datetime) -> None:
    """Push no more to a browser whose push service says that it is gone. Safe to repeat."""
    row = session.get(PushDevice, device_id)
    if row is not None:
        session.delete(row)
        session.flush()
        _say(session, row.person_id, events.Actor("job", "telling"), now)


def forget_push_devices(session: Session, person_id: UUID) -> None:
    """Take away every browser of somebody who leaves."""
    session.execute(delete(PushDevice).where(PushDevice.person_id == person_id))


def _say(session: Session, person_id: UUID, actor: events.Actor, now: datetime) -> None:
    events.append(
        session,
        "person.contact",
        ("person", person_id),
        actor=actor,
        learned_at=now,
        after={"fields": ["push"]},
    )
