"""Points as the pages show them, and which assets have fallen silent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.devices import Point

# Silence is only claimed after three missed readings; the rules decide when it alarms.
MISSED_READINGS = 3


@dataclass(frozen=True, slots=True)
class PointView:
    """A point with what is needed to show its values. interval: seconds, none when on change."""

    id: UUID
    series: int
    site_id: UUID
    asset_id: UUID
    code: str
    name: Mapping[str, str]
    kind: str
    unit: str | None
    states: Sequence[str] | None
    interval: float | None

    def is_silent(self, received: int | None, now: int) -> bool:
        """Whether it should have spoken; both in µs since the epoch, `received` of its last."""
        if self.interval is None or received is None:
            return False
        return now - received > MISSED_READINGS * self.interval * 1_000_000


def points(session: Session, site_ids: Collection[UUID]) -> list[PointView]:
    """The points of these sites, by asset and code. The caller has judged who may see them."""
    statement = (
        select(
            Point.id,
            Point.series,
            Point.site_id,
            Point.asset_id,
            Point.code,
            Point.name,
            Point.kind,
            Point.unit,
            Point.states,
            Point.expected_interval,
        )
        .where(Point.site_id.in_(site_ids))
        .order_by(Point.asset_id, Point.code)
    )
    return [PointView(*tuple(row)) for row in session.execute(statement)]


def silent_assets(
    points: Iterable[PointView], received: Mapping[int, int], now: int
) -> frozenset[UUID]:
    """Assets with a point that should have spoken. received: µs of receipt by series."""
    return frozenset(
        point.asset_id for point in points if point.is_silent(received.get(point.series), now)
    )
