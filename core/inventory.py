"""What is where, read at once and in plain rows: for ingest, which loads all of it."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.devices import Device, Point, PresentValue, Source
from core.events import Event
from core.places import Asset, Node
from core.quarantine import Quarantined


class SiteRow(NamedTuple):
    """A site. path: its place in the tree of nodes."""

    id: UUID
    code: str
    path: str
    time_zone: str


class SourceRow(NamedTuple):
    """An enabled source."""

    site_id: UUID
    id: UUID
    code: str
    topic_filter: str
    dialect: str
    options: dict[str, Any]


class DeviceRow(NamedTuple):
    """A device that is not retired."""

    id: UUID
    site_id: UUID
    code: str
    asset_id: UUID | None
    path_id: UUID | None
    state: str
    clock_trusted: bool


class PointRow(NamedTuple):
    """A point, as in core.devices.Point."""

    id: UUID
    series: int
    asset_id: UUID
    device_id: UUID
    code: str
    key: str
    unit: str | None
    low: float | None
    high: float | None
    kind: str
    states: list[str] | None
    expected_interval: float | None
    scale: float | None
    shift: float | None


class AssetRow(NamedTuple):
    """An asset."""

    id: UUID
    site_id: UUID
    space_id: UUID | None
    type: str


def sites(session: Session) -> list[SiteRow]:
    """Every site."""
    statement = select(Node.id, Node.code, Node.path, Node.time_zone).where(Node.kind == "site")
    return [SiteRow._make(row) for row in session.execute(statement)]


def node_paths(session: Session) -> dict[UUID, str]:
    """The path of every node of the tree."""
    return dict(session.execute(select(Node.id, Node.path)).all())


def sources(session: Session) -> list[SourceRow]:
    """Every enabled source, in order of site and code."""
    statement = (
        select(
            Source.site_id,
            Source.id,
            Source.code,
            Source.topic_filter,
            Source.dialect,
            Source.options,
        )
        .where(Source.enabled)
        .order_by(Source.site_id, Source.code)
    )
    return [SourceRow._make(row) for row in session.execute(statement)]


def devices(session: Session) -> list[DeviceRow]:
    """Every device that is not retired."""
    statement = select(
        Device.id,
        Device.site_id,
        Device.code,
        Device.asset_id,
        Device.path_id,
        Device.state,
        Device.clock_trusted,
    ).where(Device.state != "retired")
    return [DeviceRow._make(row) for row in session.execute(statement)]


def points(session: Session) -> Iterator[PointRow]:
    """Every point, in order of series number; streamed, since there may be very many."""
    statement = select(
        Point.id,
        Point.series,
        Point.asset_id,
        Point.device_id,
        Point.code,
        Point.key,
        Point.unit,
        Point.low,
        Point.high,
        Point.kind,
        Point.states,
        Point.expected_interval,
        Point.scale,
        Point.shift,
    ).order_by(Point.series)
    for row in session.execute(statement.execution_options(yield_per=5_000)):
        yield PointRow._make(row)


def assets(session: Session) -> Iterator[AssetRow]:
    """Every asset, streamed."""
    statement = select(Asset.id, Asset.site_id, Asset.space_id, Asset.type)
    for row in session.execute(statement.execution_options(yield_per=5_000)):
        yield AssetRow._make(row)


def present_values(session: Session) -> dict[int, tuple[float, int]]:
    """What retained messages told last, by series: the value, and when we learned it in µs."""
    statement = select(PresentValue.series, PresentValue.value, PresentValue.at_micros)
    return {series: (value, at) for series, value, at in session.execute(statement)}


def replays_asked(session: Session) -> list[UUID]:
    """Rows that still wait although somebody asked to take them in again, in order of asking.

    What was asked while ingest was away is found so; what failed once may pass by now.
    """
    asked = session.scalars(
        select(Event.subject_id).where(Event.kind == "quarantine.replay").order_by(Event.seq)
    )
    rows = [UUID(subject) for subject in dict.fromkeys(asked)]
    # Quarantine has a size and the log has none: what was ever asked may be more than one
    # statement can name.
    still = set(session.scalars(select(Quarantined.id).where(Quarantined.state == "waiting")))
    return [row for row in rows if row in still]


def quarantined_of_adopted(session: Session) -> list[tuple[UUID, UUID]]:
    """What devices said while they waited that have been adopted since, oldest first.

    Each as (row, device).
    """
    statement = (
        select(Quarantined.id, Device.id)
        .join(
            Device,
            (Device.site_id == Quarantined.site_id) & (Device.code == Quarantined.device_code),
        )
        .where(
            Quarantined.reason == "unknown_device",
            Quarantined.state == "waiting",
            Device.state == "active",
        )
        .order_by(Quarantined.first_at)
    )
    return [(row_id, device_id) for row_id, device_id in session.execute(statement)]
