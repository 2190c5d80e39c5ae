"""A rule in the shadow beside the one in force: which alarms both had, and which only one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from core.clock import MICROS, to_micros
from core.inventory import node_paths
from core.people import Caller, scoped
from core.places import Asset, Node
from core.rulebook import active_versions, places_kept_below
from core.rulebook_shadows import RuleShadow
from workflows.alarms.model import Alarm, Episode
from workflows.alarms.reading import READ
from workflows.alarms.shadowing import ShadowEpisode

# Two that don't overlap are still of one event when they begin so close together.
NEAR = 10 * 60 * MICROS
DAY = 24 * 3600 * MICROS
MOST = 1000


@dataclass(frozen=True, slots=True)
class Span:
    """One episode on one asset, µs since the epoch; cleared: None while it stands."""

    asset_id: UUID
    tripped: int
    cleared: int | None

    def is_of(self, other: "Span") -> bool:
        """Whether both are of one event."""
        if abs(self.tripped - other.tripped) <= NEAR:
            return True
        return _before(self.tripped, other.cleared) and _before(other.tripped, self.cleared)


def _before(moment: int, end: int | None) -> bool:
    return end is None or moment < end


@dataclass(frozen=True, slots=True)
class Pair:
    """One event: what the shadow had of it and what the rule in force had; either may be None."""

    shadow: Span | None
    active: Span | None

    @property
    def asset_id(self) -> UUID:
        """The asset of the event."""
        span = self.shadow or self.active
        assert span is not None
        return span.asset_id

    @property
    def at(self) -> int:
        """When it began, whoever saw it first; µs."""
        return min(span.tripped for span in (self.shadow, self.active) if span)

    @property
    def later(self) -> float | None:
        """By how many seconds the shadow tripped later (less than 0: sooner); None: not both."""
        if self.shadow is None or self.active is None:
            return None
        return (self.shadow.tripped - self.active.tripped) / MICROS


def paired(shadow: Sequence[Span], active: Sequence[Span]) -> list[Pair]:
    """Each episode in one pair, asset by asset and in order of time; the newest first."""
    by_asset: dict[UUID, tuple[list[Span], list[Span]]] = defaultdict(lambda: ([], []))
    for side, spans in enumerate((shadow, active)):
        for span in spans:
            by_asset[span.asset_id][side].append(span)
    pairs = [pair for sides in by_asset.values() for pair in _paired_on_asset(*sides)]
    return sorted(pairs, key=lambda pair: (-pair.at, str(pair.asset_id)))


def _paired_on_asset(shadow: list[Span], active: list[Span]) -> list[Pair]:
    rest = sorted(active, key=lambda span: span.tripped)
    pairs = []
    for span in sorted(shadow, key=lambda span: span.tripped):
        same = next((other for other in rest if span.is_of(other)), None)
        if same is not None:
            rest.remove(same)
        pairs.append(Pair(span, same))
    return [*pairs, *(Pair(None, span) for span in rest)]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of a trial so far. per_day: alarms a day of the shadow and of the rule in force."""

    began: int
    until: int
    pairs: Sequence[Pair]
    assets: Mapping[UUID, Mapping[str, str]]
    per_day: tuple[float, float]

    @property
    def both(self) -> int:
        """How many events both had."""
        return sum(1 for pair in self.pairs if pair.shadow and pair.active)

    @property
    def only_shadow(self) -> int:
        """How many only the shadow had."""
        return sum(1 for pair in self.pairs if pair.active is None)

    @property
    def only_active(self) -> int:
        """How many only the rule in force had."""
        return sum(1 for pair in self.pairs if pair.shadow is None)


def compare_shadow(
    session: Session, caller: Caller, shadow: RuleShadow, *, now: datetime
) -> Comparison:
    """Compare since it began, where the caller may see alarms; the newest episodes if very many."""
    began, until = to_micros(shadow.began_at), to_micros(shadow.ended_at or now)
    tried, real = _in_shadow(session, caller, shadow), _in_force(session, caller, shadow, until)
    pairs = paired(tried, real)
    ids = {pair.asset_id for pair in pairs}
    names = session.execute(select(Asset.id, Asset.name).where(Asset.id.in_(ids)))
    days = max(until - began, 1) / DAY
    since = [sum(1 for span in spans if span.tripped >= began) for spans in (tried, real)]
    return Comparison(
        began,
        until,
        pairs,
        {asset_id: name for asset_id, name in names},
        (since[0] / days, since[1] / days),
    )


def _in_shadow(session: Session, caller: Caller, shadow: RuleShadow) -> list[Span]:
    statement = (
        select(ShadowEpisode.asset_id, ShadowEpisode.tripped_micros, ShadowEpisode.cleared_micros)
        .where(ShadowEpisode.shadow_id == shadow.id)
        .order_by(ShadowEpisode.tripped_micros.desc())
        .limit(MOST)
    )
    rows = session.execute(scoped(statement, ShadowEpisode.site_id, caller, READ))
    return [Span(*row) for row in rows]


def _in_force(session: Session, caller: Caller, shadow: RuleShadow, until: int) -> list[Span]:
    """What the rule in force had below the place meanwhile, with what stood when it began.

    Not where a version of its own is kept nearer: there the draft would not hold either.
    """
    began = to_micros(shadow.began_at)
    paths = node_paths(session)
    path = paths.get(shadow.node_id, "?")
    nearer = places_kept_below(active_versions(session), paths, shadow.rule_id, path)
    statement = (
        select(Alarm.asset_id, Episode.tripped_micros, Episode.cleared_micros)
        .join(Alarm, Alarm.id == Episode.alarm_id)
        .join(Node, Node.id == Episode.site_id)
        .where(
            Alarm.rule_id == shadow.rule_id,
            Node.path.startswith(path, autoescape=True),
            *(~Node.path.startswith(each, autoescape=True) for each in nearer),
            Episode.tripped_micros <= until,
            or_(Episode.cleared_micros.is_(None), Episode.cleared_micros >= began),
        )
        .order_by(Episode.tripped_micros.desc())
        .limit(MOST)
    )
    rows = session.execute(scoped(statement, Episode.site_id, caller, READ))
    return [Span(*row) for row in rows]
