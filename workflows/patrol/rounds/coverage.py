"""Whether the plans of a route do what their statute asks for, now and for four weeks ahead."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.clock import from_micros
from core.local_time import resolve, zone
from core.people import Caller, scoped
from core.places import Asset, Node
from core.site_hours import SiteHours, hours_at
from workflows.patrol.checkpoints import READ
from workflows.patrol.model import ASSET_TYPE, Checkpoint
from workflows.patrol.rounds.model import EVERYWHERE, RoundPlan, Route, RoutePoint
from workflows.patrol.rounds.times import starts_of
from workflows.patrol.statutes import STATUTES, Statute

# So far ahead plans are judged: every weekday four times, and the holidays that fall into it.
AHEAD = timedelta(days=28)
# What counts as a round at the end of business. The order names no minutes; these are ours.
BEFORE_CLOSING, AFTER_CLOSING = timedelta(minutes=30), timedelta(minutes=60)
# What only warns: the plan does what the statute asks, whoever walks it may not.
WARNINGS = ("tolerance",)
BREAK, MEND = "statute.break", "statute.mend"
_DAY = timedelta(days=1)
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a plan lacks, or that is to be known of it.

    code: gap (the longest time without a round, of `count`), closing, day (the first of `count`),
    items (those missing), hours (a calendar that is not there any more), drawn (rounds draw only
    some of the checkpoints), no_plan, or of WARNINGS. minutes: how long a gap is.
    """

    code: str
    count: int = 0
    minutes: int = 0
    at: datetime | None = None
    day: date | None = None
    items: Sequence[str] = ()


def judge(
    session: Session, route: Route, statute: Statute, plans: Sequence[RoundPlan], *, now: datetime
) -> list[Finding]:
    """What the plans in use of a route lack of what a statute asks for; nothing for what keeps it.

    Judged by their planned begins on the whole days of AHEAD from tomorrow on.
    """
    if not plans or route.state != "active":
        return [Finding("no_plan")]
    site = session.get_one(Node, route.site_id)
    span = _days(site, now)
    around = (span[0] - _DAY, span[1] + _DAY)
    starts = sorted({start for plan in plans for start in starts_of(session, plan, *around)})
    findings = list[Finding]()
    if statute.times_a_day:
        findings += _of_days(starts, statute.times_a_day, span, site)
    if statute.every_min:
        findings += _of_hours(session, site, statute, plans, starts, span)
    return [*findings, *_of_places(session, route, statute, plans)]


def is_kept(findings: Iterable[Finding]) -> bool:
    """Whether nothing is lacking; what only warns is left out."""
    return all(finding.code in WARNINGS for finding in findings)


def _days(site: Node, now: datetime) -> Span:
    """From the next midnight of a site to that of AHEAD later."""
    where = zone(site.time_zone)
    first = now.astimezone(where).date() + _DAY
    begin, end = (datetime.combine(day, time()) for day in (first, first + AHEAD))
    return from_micros(resolve(begin, where)), from_micros(resolve(end, where))


def _of_days(starts: Sequence[datetime], wanted: int, span: Span, site: Node) -> Iterable[Finding]:
    where = zone(site.time_zone)
    begun = Counter(start.astimezone(where).date() for start in starts)
    first = span[0].astimezone(where).date()
    days = [first + number * _DAY for number in range(AHEAD.days)]
    lacking = [day for day in days if begun[day] < wanted]
    if lacking:
        yield Finding("day", len(lacking), day=lacking[0])


def _of_hours(
    session: Session,
    site: Node,
    statute: Statute,
    plans: Sequence[RoundPlan],
    starts: Sequence[datetime],
    span: Span,
) -> Iterable[Finding]:
    assert statute.every_min is not None
    codes = frozenset((plan.statute or {})["hours"] for plan in plans) - {""}
    hours = hours_at(session, site, codes)
    if len(hours) < len(codes):
        yield Finding("hours")
    gaps = _gaps(_spans(hours.values(), span), starts, span)
    if not gaps:
        return
    # Of several that are equal the first.
    longest = max(gaps, key=lambda gap: (gap[0], span[1] - gap[1]))
    long = [gap for gap in gaps if gap[0] > statute.every_min]
    looser = longest[0] + 2 * max(plan.tolerance_min for plan in plans)
    if long:
        yield Finding("gap", len(long), minutes=longest[0], at=longest[1])
    elif looser > statute.every_min:
        yield Finding("tolerance", minutes=looser)
    if statute.at_closing:
        ends = [end for _, end in _spans(hours.values(), span) if span[0] <= end < span[1]]
        left = [end for end in ends if not _is_closed_by(end, starts)]
        if left:
            yield Finding("closing", len(left), at=left[0])


def _spans(hours: Collection[SiteHours], span: Span) -> list[Span]:
    """The hours that count, a day around included; without any named, all of the time."""
    around = (span[0] - _DAY, span[1] + _DAY)
    if not hours:
        return [around]
    return sorted({one for each in hours for one in each.spans(*around)})


def _gaps(
    spans: Sequence[Span], starts: Sequence[datetime], span: Span
) -> list[tuple[int, datetime]]:
    """Every time without a round that begins, in minutes, and when it began."""
    found = []
    for first, last in spans:
        moments = [first, *(start for start in starts if first < start < last), last]
        for begin, end in pairwise(moments):
            if begin < span[1] and end > span[0]:
                found.append((int((end - begin).total_seconds() // 60), begin))
    return found


def _is_closed_by(end: datetime, starts: Sequence[datetime]) -> bool:
    return any(end - BEFORE_CLOSING <= start <= end + AFTER_CLOSING for start in starts)


def _of_places(
    session: Session, route: Route, statute: Statute, plans: Sequence[RoundPlan]
) -> Iterable[Finding]:
    """What has to be looked at, and where on the route that is done."""
    there = {str(one) for one in _points(session, route.id)}
    at = defaultdict[str, set[str]](set)
    for plan in plans:
        for item, points in (plan.statute or {})["items"].items():
            at[item] |= set(points)
    missing = [
        item.code
        for item in statute.items
        if not there or not (EVERYWHERE in at[item.code] or at[item.code] & there)
    ]
    if missing:
        yield Finding("items", len(missing), items=missing)
    if route.take is not None and route.take < len(there):
        yield Finding("drawn")


def _points(session: Session, route_id: UUID) -> Sequence[UUID]:
    """The checkpoints in use of a route."""
    statement = (
        select(RoutePoint.checkpoint_id)
        .join(Checkpoint, Checkpoint.id == RoutePoint.checkpoint_id)
        .join(Asset, Asset.id == RoutePoint.checkpoint_id)
        .where(
            RoutePoint.route_id == route_id,
            Checkpoint.state == "active",
            Asset.type == ASSET_TYPE,
        )
    )
    return session.scalars(statement).all()


def coverage(
    session: Session,
    caller: Caller,
    *,
    now: datetime,
    site_id: UUID | None = None,
    route_id: UUID | None = None,
) -> list[dict[str, Any]]:
    """Each route and statute that plans in use name, with what they lack; what is broken first.

    Of a site, of a route, or of all that the caller may read.
    """
    statement = scoped(
        select(RoundPlan, Route)
        .join(Route, Route.id == RoundPlan.route_id)
        .where(RoundPlan.state == "active", Route.state == "active", RoundPlan.statute.is_not(None))
        .order_by(RoundPlan.id),
        RoundPlan.site_id,
        caller,
        READ,
    )
    if site_id is not None:
        statement = statement.where(RoundPlan.site_id == site_id)
    if route_id is not None:
        statement = statement.where(RoundPlan.route_id == route_id)
    groups = defaultdict[tuple[UUID, str], list[RoundPlan]](list)
    routes = dict[UUID, Route]()
    for plan, route in session.execute(statement):
        groups[route.id, (plan.statute or {})["code"]].append(plan)
        routes[route.id] = route
    rows = [
        _row(session, routes[route_id], code, plans, now)
        for (route_id, code), plans in groups.items()
        if code in STATUTES
    ]
    return sorted(rows, key=lambda row: (row["kept"], row["route_code"], row["statute"]))


def _row(
    session: Session, route: Route, code: str, plans: Sequence[RoundPlan], now: datetime
) -> dict[str, Any]:
    findings = judge(session, route, STATUTES[code], plans, now=now)
    return {
        "site_id": route.site_id,
        "route_id": route.id,
        "route_code": route.code,
        "route_name": route.name,
        "statute": code,
        "plan_ids": [plan.id for plan in plans],
        "kept": is_kept(findings),
        "findings": findings,
    }


def note_coverage(
    session: Session,
    route: Route,
    *,
    actor: events.Actor,
    now: datetime,
    also: Collection[str] = (),
) -> int:
    """Put on record which statutes a route does not keep any more, and which it keeps again.

    To be called after whatever may have changed that. also: codes that plans of it had before.
    """
    plans = session.scalars(
        select(RoundPlan).where(RoundPlan.route_id == route.id, RoundPlan.state == "active")
    ).all()
    told = 0
    for code in sorted({*also, *codes_of(plans)} & set(STATUTES)):
        under = [plan for plan in plans if code in codes_of([plan])]
        findings = judge(session, route, STATUTES[code], under, now=now)
        subject = ("statute", f"{route.id}/{code}")
        was_broken = events.latest_kind(session, subject, (BREAK, MEND)) == BREAK
        if is_kept(findings) is not was_broken:
            continue
        lacking = [each.code for each in findings if each.code not in WARNINGS]
        after = {"route": str(route.id), "route_code": route.code, "statute": code}
        told_of = {"about": dict(route.name), "lacking": lacking}
        events.append(
            session,
            BREAK if lacking else MEND,
            subject,
            actor=actor,
            learned_at=now,
            site_id=route.site_id,
            after={**after, **told_of},
        )
        told += 1
    return told


def routes_under_statutes(session: Session) -> list[UUID]:
    """The routes that plans in use name a statute for."""
    statement = select(RoundPlan.route_id).where(
        RoundPlan.state == "active", RoundPlan.statute.is_not(None)
    )
    return sorted(set(session.scalars(statement)))


def codes_of(plans: Iterable[RoundPlan]) -> set[str]:
    """The statutes that plans are made under."""
    return {plan.statute["code"] for plan in plans if plan.statute}


def proposed_times(
    session: Session, site: Node, statute: Statute, hours: str, *, now: datetime
) -> list[str]:
    """Times of day at which rounds would begin often enough, as `22:00`.

    From the first opening of the next days to the last closing, every `every_min`; with a round at
    the closing where that is asked for. Of a statute that counts days, one at 09:00 for each round.
    """
    if statute.every_min is None:
        return [f"{9 + number:02}:00" for number in range(statute.times_a_day or 1)]
    where = zone(site.time_zone)
    known = hours_at(session, site, frozenset({hours} - {""}))
    found = set[str]()
    span = _days(site, now)
    inside = [one for one in _spans(known.values(), span) if span[0] <= one[0] < span[1]]
    # Who never closes has no closing.
    closes = statute.at_closing and bool(inside)
    for first, last in inside or [(span[0], span[0] + _DAY)]:
        at = first
        while at < last:
            found.add(at.astimezone(where).strftime("%H:%M"))
            at += timedelta(minutes=statute.every_min)
        if closes:
            found.add((last - timedelta(minutes=15)).astimezone(where).strftime("%H:%M"))
    return sorted(found)
