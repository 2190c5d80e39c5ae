"""Figures of rounds over days: what was gone and in time, and where nobody was when."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import datetime, timedelta
from operator import add
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from core.clock import MICROS, from_micros, to_micros
from core.days import Days, SiteSpan, days_asked, span_of, today_of
from core.errors import NotFound
from core.local_time import zone
from core.people import Caller
from core.places import Asset, Node
from rules.wording import worded
from workflows.patrol.checkpoints import READ
from workflows.patrol.model import ACCEPTED, Scan
from workflows.patrol.rounds.model import OPEN, Round, RoundPoint, Route, RoutePoint

HOURS = 24


@dataclass(frozen=True, slots=True)
class RoundSums:
    """What is counted of rounds whose time is over, and of their points.

    unsettled: rounds that are over and wait for phones. begun, in_time: rounds that were begun, and
    of these within their tolerance. scanned: points scanned before the round was closed; inside: of
    these within their windows. annexed: of the missed ones those that were scanned after all, as a
    phone told once the round was closed. unknown: points of unsettled rounds without a scan.
    """

    complete: int = 0
    incomplete: int = 0
    missed_whole: int = 0
    cancelled: int = 0
    unsettled: int = 0
    begun: int = 0
    in_time: int = 0
    scanned: int = 0
    inside: int = 0
    missed: int = 0
    annexed: int = 0
    unknown: int = 0
    excused: int = 0

    def __add__(self, other: "RoundSums") -> "RoundSums":
        return RoundSums(*map(add, astuple(self), astuple(other)))

    @property
    def closed(self) -> int:
        """Rounds that are closed: complete, incomplete, or missed as a whole."""
        return self.complete + self.incomplete + self.missed_whole

    @property
    def completion(self) -> float | None:
        """The share of complete rounds among those closed, 0 to 1; None without any."""
        return _share(self.complete, self.closed)

    @property
    def coverage(self) -> float | None:
        """The share of scanned points among those scanned or missed, excused ones aside."""
        return _share(self.scanned, self.scanned + self.missed)

    @property
    def punctuality(self) -> float | None:
        """The share of scanned points whose scan lay within the window."""
        return _share(self.inside, self.scanned)

    @property
    def begun_in_time(self) -> float | None:
        """The share of rounds begun within their tolerance among those that are closed or wait."""
        return _share(self.in_time, self.closed + self.unsettled)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


@dataclass(frozen=True, slots=True)
class Visits:
    """When somebody was at a checkpoint, in a round or not, whoever it was.

    by_hour: for each hour of the site's clock on how many of the days a scan was accepted there.
    longest_gap_s: the longest time without one, from the first scan known of it (or the first day)
    to now or the end of the last day; None where there was none at all.
    """

    checkpoint_id: UUID
    code: str
    name: Mapping[str, str]
    count: int
    by_hour: tuple[int, ...]
    last_at: datetime | None
    longest_gap_s: int | None


@dataclass(frozen=True, slots=True)
class RouteLine:
    """A route with what is counted of its rounds."""

    route_id: UUID
    code: str
    name: Mapping[str, str]
    sums: RoundSums


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """The figures of a site, by its own clock. by_day: as many as there are days."""

    site: Node
    span: SiteSpan
    sums: RoundSums
    routes: Sequence[RouteLine]
    by_day: Sequence[RoundSums]
    checkpoints: Sequence[Visits]


@dataclass(frozen=True, slots=True)
class PatrolFigures:
    """The figures of one site or of several. now: of when they are.

    before: the sums of as many days before, to see which way it goes.
    """

    now: datetime
    days: Days
    sums: RoundSums
    before: RoundSums
    by_day: Sequence[RoundSums]
    sites: Sequence[SiteFigures]


def patrol_figures(
    session: Session,
    caller: Caller,
    *,
    site_id: UUID | None,
    now: datetime,
    days: Days | None = None,
) -> PatrolFigures:
    """Measure the rounds that were planned for some days, each by the clock of its site.

    days: by default the last 30 whole ones and today so far. Of every site where the caller may
    read rounds, or of one (NotFound where they may not). Checkpoints are told of one site alone.
    Rounds that are not over yet count for nothing.
    """
    sites = sites_of(session, caller)
    if site_id is not None:
        sites = [site for site in sites if site.id == site_id]
        if not sites:
            raise NotFound(
                worded("there is no such site"), advice=worded("Look for it in the tree.")
            )
    days = days or days_asked(None, None, today_of(sites, now))
    found = []
    for site in sites:
        span = span_of(days, zone(site.time_zone), now)
        if span is not None:
            found.append(figures_of_site(session, site, span, now, with_visits=len(sites) == 1))
    by_day = [
        sum((line.by_day[number] for line in found), RoundSums()) for number in range(days.count)
    ]
    before = _before(session, sites, days, now)
    return PatrolFigures(now, days, sum(by_day, RoundSums()), before, by_day, found)


def _before(session: Session, sites: Sequence[Node], days: Days, now: datetime) -> RoundSums:
    """The sums of as many days before."""
    length = timedelta(days=days.count)
    earlier = Days(days.first - length, days.last - length)
    total = RoundSums()
    for site in sites:
        span = span_of(earlier, zone(site.time_zone), now)
        if span is not None:
            total += sum((each for *_, each in _rounds(session, site.id, span, now)), RoundSums())
    return total


def sites_of(session: Session, caller: Caller) -> list[Node]:
    """The sites whose rounds the caller may read, by path."""
    statement = select(Node).where(Node.id.in_(caller.sites_for(READ))).order_by(Node.path)
    return list(session.scalars(statement))


def figures_of_site(
    session: Session, site: Node, span: SiteSpan, now: datetime, *, with_visits: bool = False
) -> SiteFigures:
    """The figures of some days of a site. with_visits: with where somebody was when, too."""
    by_day = [RoundSums() for _ in span.days]
    by_route = defaultdict[UUID, RoundSums](RoundSums)
    for route_id, planned_at, sums in _rounds(session, site.id, span, now):
        day = (planned_at.astimezone(span.zone).date() - span.days.first).days
        by_day[day] += sums
        by_route[route_id] += sums
    routes = session.scalars(select(Route).where(Route.id.in_(by_route)).order_by(Route.code))
    lines = [RouteLine(one.id, one.code, one.name, by_route[one.id]) for one in routes]
    visits = _visits(session, site.id, span) if with_visits else ()
    return SiteFigures(site, span, sum(by_day, RoundSums()), lines, by_day, visits)


def _rounds(
    session: Session, site_id: UUID, span: SiteSpan, now: datetime
) -> list[tuple[UUID, datetime, RoundSums]]:
    """Each round of the days whose time is over, with its route, its plan, and its sums."""
    within = and_(
        Round.site_id == site_id,
        Round.planned_at >= from_micros(span.start),
        Round.planned_at < from_micros(span.end),
    )
    counted = _points(session, within)
    rows = session.execute(
        select(
            Round.id,
            Round.route_id,
            Round.planned_at,
            Round.state,
            Round.ends_at,
            Round.begin_by,
            Round.began_at,
        ).where(within)
    )
    found = []
    for row in rows:
        if row.state in OPEN and row.ends_at > now:
            continue
        whole = _whole(row.state, row.began_at, row.begin_by)
        # What was called off owes nobody a scan.
        points = RoundSums() if row.state == "cancelled" else counted[row.id]
        found.append((row.route_id, row.planned_at, whole + points))
    return found


def _whole(state: str, began_at: datetime | None, begin_by: datetime) -> RoundSums:
    name = {"missed": "missed_whole"}.get(state, "unsettled" if state in OPEN else state)
    if state == "cancelled" or began_at is None:
        return RoundSums(**{name: 1})
    return RoundSums(begun=1, in_time=int(began_at <= begin_by), **{name: 1})


def _points(session: Session, within: object) -> Mapping[UUID, RoundSums]:
    inside = RoundPoint.scanned_at.between(RoundPoint.opens_at, RoundPoint.closes_at)
    statement = (
        select(RoundPoint.round_id, RoundPoint.state, RoundPoint.annexed, inside, func.count())
        .join(Round, Round.id == RoundPoint.round_id)
        .where(within)  # type: ignore[arg-type]
        .group_by(RoundPoint.round_id, RoundPoint.state, RoundPoint.annexed, inside)
    )
    found = defaultdict[UUID, RoundSums](RoundSums)
    for round_id, state, annexed, is_inside, count in session.execute(statement):
        found[round_id] += _of_points(state, count, annexed=annexed, inside=bool(is_inside))
    return found


def _of_points(state: str, count: int, *, annexed: bool, inside: bool) -> RoundSums:
    if state == "scanned":
        return RoundSums(scanned=count, inside=count if inside else 0)
    if state == "missed":
        return RoundSums(missed=count, annexed=count if annexed else 0)
    if state == "excused":
        return RoundSums(excused=count)
    return RoundSums(unknown=count)


@dataclass(slots=True)
class _Seen:
    """What is gathered of a checkpoint, in µs."""

    count: int = 0
    hours: set[tuple[int, int]] = field(default_factory=set)
    last: int | None = None
    gap: int = 0


def _visits(session: Session, site_id: UUID, span: SiteSpan) -> list[Visits]:
    """Every checkpoint of a site that was ever scanned or that a route in use goes to, by code."""
    seen = defaultdict[UUID, _Seen](_Seen)
    firsts = _first_scans(session, site_id)
    statement = (
        select(Scan.checkpoint_id, Scan.occurred_at)
        .where(
            Scan.site_id == site_id,
            Scan.verdict == ACCEPTED,
            Scan.occurred_at >= from_micros(span.start),
            Scan.occurred_at < from_micros(span.end),
        )
        .order_by(Scan.occurred_at)
    )
    for checkpoint_id, moment in session.execute(statement):
        assert checkpoint_id is not None  # An accepted scan is one at a checkpoint.
        _note(seen[checkpoint_id], moment, span, firsts[checkpoint_id])
    ids = firsts.keys() | set(_in_routes(session, site_id))
    assets = session.scalars(select(Asset).where(Asset.id.in_(ids)).order_by(Asset.code))
    return [_told(one, seen[one.id], span, firsts.get(one.id)) for one in assets]


def _first_scans(session: Session, site_id: UUID) -> Mapping[UUID, int]:
    statement = (
        select(Scan.checkpoint_id, func.min(Scan.occurred_at))
        .where(Scan.site_id == site_id, Scan.verdict == ACCEPTED)
        .group_by(Scan.checkpoint_id)
    )
    return {one: to_micros(first) for one, first in session.execute(statement) if one is not None}


def _in_routes(session: Session, site_id: UUID) -> Iterable[UUID]:
    return session.scalars(
        select(RoutePoint.checkpoint_id)
        .join(Route, Route.id == RoutePoint.route_id)
        .where(Route.site_id == site_id, Route.state == "active")
    )


def _note(one: _Seen, moment: datetime, span: SiteSpan, first: int) -> None:
    at, local = to_micros(moment), moment.astimezone(span.zone)
    one.count += 1
    one.hours.add(((local.date() - span.days.first).days, local.hour))
    one.gap = max(one.gap, at - (max(span.start, first) if one.last is None else one.last))
    one.last = at


def _told(asset: Asset, one: _Seen, span: SiteSpan, first: int | None) -> Visits:
    hours = Counter(hour for _, hour in one.hours)
    gap = None
    if first is not None and first < span.end:
        gap = max(one.gap, span.end - (max(span.start, first) if one.last is None else one.last))
    return Visits(
        asset.id,
        asset.code,
        asset.name,
        one.count,
        tuple(hours[hour] for hour in range(HOURS)),
        None if one.last is None else from_micros(one.last),
        None if gap is None else gap // MICROS,
    )
