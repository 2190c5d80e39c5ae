"""Sources as people look at them: who speaks there, and what waits since nobody reads it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.codes import topic_matches
from core.devices import Device, Point, Source
from core.http_ingest import SourceKey
from core.people import Caller, scoped
from core.places import Node
from core.quarantine import Quarantined

READ = "devices.read"
# Of so many topics, the last heard of first, it is counted what waits.
_MOST_TOPICS = 2_000


@dataclass(frozen=True, slots=True)
class SourceView:
    """A source. series: of its devices' points. waits: messages in quarantine on its topics, the
    last of which came at `waits_since`. key: by which a platform may push, if one may.
    """

    source: Source
    site: Node
    devices: int
    series: Sequence[int]
    waits: int
    waits_since: datetime | None
    key: SourceKey | None


@dataclass(frozen=True, slots=True)
class _Heap:
    """What waits on a topic."""

    site_id: UUID | None
    topic: str
    count: int
    last_at: datetime


def source_views(
    session: Session, caller: Caller, site_id: UUID | None = None, source_id: UUID | None = None
) -> list[SourceView]:
    """The sources that the caller may read, by site and code."""
    statement = scoped(select(Source), Source.site_id, caller, READ)
    if site_id is not None:
        statement = statement.where(Source.site_id == site_id)
    if source_id is not None:
        statement = statement.where(Source.id == source_id)
    sources = list(session.scalars(statement))
    ids = [source.id for source in sources]
    sites = {
        node.id: node
        for node in session.scalars(
            select(Node).where(Node.id.in_({source.site_id for source in sources}))
        )
    }
    keys = session.scalars(select(SourceKey).where(SourceKey.source_id.in_(ids)))
    by_source = {key.source_id: key for key in keys}
    devices, series = _devices(session, ids), _series(session, ids)
    heaps = _heaps(session, list(sites))
    views = []
    for source in sorted(sources, key=lambda one: (sites[one.site_id].path, one.code)):
        own = [
            heap
            for heap in heaps
            if heap.site_id in (None, source.site_id)
            and topic_matches(source.topic_filter, heap.topic)
        ]
        views.append(
            SourceView(
                source,
                sites[source.site_id],
                devices.get(source.id, 0),
                series.get(source.id, ()),
                sum(heap.count for heap in own),
                max((heap.last_at for heap in own), default=None),
                by_source.get(source.id),
            )
        )
    return views


def _devices(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, int]:
    statement = (
        select(Device.source_id, func.count(Device.id))
        .where(Device.source_id.in_(ids))
        .group_by(Device.source_id)
    )
    return {source_id: count for source_id, count in session.execute(statement) if source_id}


def _series(session: Session, ids: Sequence[UUID]) -> Mapping[UUID, list[int]]:
    statement = (
        select(Device.source_id, Point.series)
        .join(Point, Point.device_id == Device.id)
        .where(Device.source_id.in_(ids))
    )
    found: dict[UUID, list[int]] = {}
    for source_id, number in session.execute(statement):
        if source_id is not None:
            found.setdefault(source_id, []).append(number)
    return found


def _heaps(session: Session, sites: Sequence[UUID]) -> list[_Heap]:
    """What waits as it came; what a device of ours would have said waits for something else."""
    last = func.max(Quarantined.last_at)
    statement = (
        select(Quarantined.site_id, Quarantined.topic, func.sum(Quarantined.count), last)
        .where(
            Quarantined.state == "waiting",
            Quarantined.site_id.in_(sites) | Quarantined.site_id.is_(None),
            ~Quarantined.topic.startswith("wk/v1/", autoescape=True),
        )
        .group_by(Quarantined.site_id, Quarantined.topic)
        .order_by(last.desc())
        .limit(_MOST_TOPICS)
    )
    return [_Heap(*row) for row in session.execute(statement)]
