"""By which way each device is heard: the source that took its messages, the gateway in between."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ForeignKey, String, or_, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from core import events
from core.db import Base, Instant
from core.device_credentials import DeviceIdentity, identity_of
from core.devices import Device, Source
from core.errors import Conflict
from rules.wording import worded

OWN_DIALECT = "wk"


class DeviceHearing(Base):
    """The way by which a device was heard first, and another one by which it is heard since.

    source: the source's code; empty for topics of ours. through: the code of the gateway that
    passed the message on, where the message names one.
    stray_…: the other way; stray_since: none while all is well.
    """

    __tablename__ = "device_hearing"

    device_id: Mapped[UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("node.id"), index=True)
    source: Mapped[str] = mapped_column(String(60))
    through: Mapped[str | None] = mapped_column(String(120))
    heard_at: Mapped[datetime] = mapped_column(Instant)
    stray_source: Mapped[str | None] = mapped_column(String(60))
    stray_through: Mapped[str | None] = mapped_column(String(120))
    stray_since: Mapped[datetime | None] = mapped_column(Instant)
    stray_last: Mapped[datetime | None] = mapped_column(Instant)


class WayRow(NamedTuple):
    """What is known of the way to a device: the source that it is bound to (its code, empty for
    one of topics of ours), the code of its gateway, (source, through) of the first way and of
    another one, and whether its credential is used twice."""

    device_id: UUID
    source: str | None
    path: str | None
    first: tuple[str, str | None] | None
    stray: tuple[str, str | None] | None
    twice: bool


def known_ways(session: Session) -> Iterator[WayRow]:
    """For every device that is bound to a source or gateway, was heard by one, or is misused."""
    gateway = aliased(Device)
    statement = (
        select(
            Device.id,
            Source.code,
            Source.dialect,
            gateway.code,
            DeviceHearing,
            DeviceIdentity.twice_since,
        )
        .outerjoin(Source, Source.id == Device.source_id)
        .outerjoin(gateway, gateway.id == Device.path_id)
        .outerjoin(DeviceHearing, DeviceHearing.device_id == Device.id)
        .outerjoin(DeviceIdentity, DeviceIdentity.device_id == Device.id)
        .where(
            Device.state == "active",
            or_(
                # Of topics of ours the broker knows who may speak on them.
                Source.dialect != OWN_DIALECT,
                Device.site_id.in_(select(Source.site_id).where(Source.dialect != OWN_DIALECT)),
                DeviceHearing.device_id.is_not(None),
                DeviceIdentity.twice_since.is_not(None),
            ),
        )
    )
    for device_id, source, dialect, path, hearing, twice in session.execute(statement):
        bound = "" if dialect == OWN_DIALECT else source
        first = stray = None
        if hearing is not None:
            first = (hearing.source, hearing.through)
            if hearing.stray_since is not None:
                stray = (hearing.stray_source or "", hearing.stray_through)
        if bound or path or hearing or twice or source:
            yield WayRow(device_id, bound, path, first, stray, twice is not None)


def note_hearing(
    session: Session,
    device_id: UUID,
    first: tuple[str, str | None],
    stray: tuple[str, str | None] | None,
    *,
    at: datetime,
) -> None:
    """Keep by which way a device was heard first, and by which other one, if any, it is heard."""
    row = session.get(DeviceHearing, device_id)
    device = session.get_one(Device, device_id)
    if row is None:
        row = DeviceHearing(device_id=device_id, site_id=device.site_id, heard_at=at)
        row.source, row.through = first
        session.add(row)
    elif row.through is None:
        row.through = first[1]
    if stray is None:
        if row.stray_since is not None:
            _log(session, device, "device_way.return", at, {})
        row.stray_source = row.stray_through = row.stray_since = row.stray_last = None
        return
    if row.stray_since is None:
        row.stray_since = at
        _log(session, device, "device_way.stray", at, {"source": stray[0], "through": stray[1]})
    row.stray_source, row.stray_through = stray
    row.stray_last = at


def _log(
    session: Session, device: Device, kind: str, at: datetime, after: dict[str, str | None]
) -> None:
    events.append(
        session,
        kind,
        ("device_way", device.id),
        actor=events.SYSTEM,
        learned_at=at,
        site_id=device.site_id,
        after=after,
    )


def accept_way(
    session: Session, device: Device, *, actor: events.Actor, now: datetime
) -> DeviceHearing:
    """The other way by which a device is heard is the right one from now on.

    Its alarm ends with the next message. Conflict when there is no other way.
    """
    row = session.get(DeviceHearing, device.id, with_for_update=True)
    if row is None or row.stray_since is None:
        raise Conflict(
            worded("%(code)s is heard by no other way", code=device.code),
            advice=worded("It may have ended by itself."),
        )
    before = {"source": row.source, "through": row.through}
    row.source, row.through = row.stray_source or "", row.stray_through or row.through
    source = session.scalars(
        select(Source).where(Source.site_id == device.site_id, Source.code == row.source)
    ).first()
    if device.source_id is not None:
        device.source_id = source.id if source else None
    gateway = session.scalars(
        select(Device).where(Device.site_id == device.site_id, Device.code == row.through)
    ).first()
    if device.path_id is not None and gateway is not None and gateway.id != device.id:
        device.path_id = gateway.id
    device.version += 1
    session.flush()
    # Its kind makes ingest read devices again.
    events.append(
        session,
        "device.accept_way",
        ("device", device.id),
        actor=actor,
        learned_at=now,
        site_id=device.site_id,
        before=before,
        after={"source": row.source, "through": row.through},
    )
    return row


def note_twice(
    session: Session,
    device_id: UUID,
    connections: list[dict[str, Any]] | None,
    *,
    at: datetime,
) -> None:
    """Keep by whom a device's credential is used at once; None: by one alone again."""
    device = session.get_one(Device, device_id)
    identity = identity_of(session, device)
    if (identity.twice_since is None) != (connections is None):
        kind = "device_identity.single" if connections is None else "device_identity.twice"
        events.append(
            session,
            kind,
            ("device_identity", device_id),
            actor=events.SYSTEM,
            learned_at=at,
            site_id=device.site_id,
            after={"connections": len(connections or ())},
        )
        identity.twice_since = None if connections is None else at
    identity.twice = connections
