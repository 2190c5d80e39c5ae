"""What happened at a site on a day, gathered as it is known now."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.clock import from_micros
from core.days import Days, span_of
from core.local_time import resolve, zone
from core.paging import rows_of
from core.personal import keys_of, unseal
from core.places import Asset, Node
from workflows.patrol.frozen.canon import plain
from workflows.patrol.frozen.happenings import alarms_of, calls_of, hand_overs_of, tickets_of
from workflows.patrol.frozen.naming import people_named
from workflows.patrol.frozen.stood import posts_of
from workflows.patrol.frozen.told import reports_of
from workflows.patrol.honesty.model import PatrolMark
from workflows.patrol.model import ACCEPTED, Scan
from workflows.patrol.rounds.figures import HOURS, RoundSums, figures_of_site
from workflows.patrol.rounds.model import OPEN, Round, RoundPoint, Route

FORMAT = 1
# The day and the six before it, to see which way it goes.
TREND_DAYS = 7
_ROUNDS = rows_of(
    Round.id,
    Route.code.label("route_code"),
    Route.name.label("route_name"),
    Round.state,
    Round.planned_at,
    Round.ends_at,
    Round.begin_by,
    Round.began_at,
    Round.person_id,
    Round.reason,
).join(Route, Route.id == Round.route_id)
_POINTS = (
    rows_of(
        RoundPoint.round_id,
        RoundPoint.position,
        RoundPoint.checkpoint_id,
        Asset.code,
        Asset.name,
        RoundPoint.state,
        RoundPoint.opens_at,
        RoundPoint.closes_at,
        RoundPoint.scanned_at,
        RoundPoint.annexed,
        RoundPoint.reason,
        Scan.grade,
        Scan.kind,
        Scan.channel,
    )
    .join(Asset, Asset.id == RoundPoint.checkpoint_id)
    .outerjoin(Scan, Scan.id == RoundPoint.scan_id)
)


@dataclass(frozen=True, slots=True)
class SiteDay:
    """A day of a site's clock: from when to when; a day of a clock that changes is not 24 hours."""

    site: Node
    day: date
    start: datetime
    end: datetime

    @property
    def hours(self) -> int:
        """How long it is: 23, 24 or 25."""
        return round((self.end - self.start) / timedelta(hours=1))


def day_at(site: Node, day: date) -> SiteDay:
    """A day of a site. Invalid as `resolve`."""
    where = zone(site.time_zone)
    start, end = (
        from_micros(resolve(datetime.combine(one, time()), where))
        for one in (day, day + timedelta(days=1))
    )
    return SiteDay(site, day, start, end)


def gather_day(session: Session, asked: SiteDay, *, now: datetime) -> dict[str, Any]:
    """All that a daily report says, as JSON has it, with ids of people; `people` names them.

    Silent calls for help are none of it, whoever reads it. Figures are of the day as it is known.
    """
    site, start, end = asked.site, asked.start, asked.end
    rounds = _rounds(session, site.id, start, end)
    reports = reports_of(session, site.id, start, end)
    content = {
        "format": FORMAT,
        "kind": "daily",
        "site": described_site(site),
        "day": asked.day.isoformat(),
        "from": start,
        "until": end,
        "hours": asked.hours,
        "posts": posts_of(session, site, start, end),
        "rounds": rounds,
        "reports": reports,
        "marks": _marks(session, [one["id"] for one in rounds]),
        "alarms": alarms_of(session, site.id, start, end),
        "tickets": tickets_of(session, site.id, start, end),
        "calls": calls_of(session, site.id, start, end),
        "hand_overs": hand_overs_of(session, site.id, start, end),
        "figures": _figures(session, asked, now),
    }
    content["people"] = people_named(session, people_in(content), start)
    found: dict[str, Any] = plain(content)
    return found


def described_site(site: Node) -> dict[str, Any]:
    """What a report says of its site."""
    name = dict(site.name)
    return {"id": site.id, "code": site.code, "name": name, "time_zone": site.time_zone}


# Where an id of a person stands in what was gathered.
OF_PEOPLE = ("person_id", "decided_by", "closed_by", "answered_by", "came_by", "to_id", "from_id")


def people_in(content: Any) -> set[UUID]:
    """The ids of people in what was gathered, before it is JSON."""
    if isinstance(content, Mapping):
        here = {content[key] for key in OF_PEOPLE if isinstance(content.get(key), UUID)}
        return here.union(*(people_in(one) for one in content.values()))
    if isinstance(content, list | tuple):
        return set().union(*(people_in(one) for one in content))
    return set()


def _rounds(
    session: Session, site_id: UUID, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    statement = _ROUNDS.where(
        Round.site_id == site_id, Round.planned_at >= start, Round.planned_at < end
    )
    rows = session.execute(statement.order_by(Round.planned_at, Round.id)).mappings().all()
    points = _points(session, [row["id"] for row in rows])
    return [{**row, "points": points[row["id"]]} for row in rows]


def _points(session: Session, ids: Collection[UUID]) -> Mapping[UUID, Sequence[dict[str, Any]]]:
    statement = _POINTS.where(RoundPoint.round_id.in_(ids)).order_by(RoundPoint.position)
    found = defaultdict[UUID, list[dict[str, Any]]](list)
    for row in session.execute(statement).mappings():
        point = dict(row)
        inside = (
            point["scanned_at"] is not None
            and point["opens_at"] <= point["scanned_at"] <= point["closes_at"]
        )
        found[point.pop("round_id")].append({**point, "inside": inside})
    return found


def _marks(session: Session, rounds: Collection[UUID]) -> list[dict[str, Any]]:
    statement = (
        select(PatrolMark)
        .where(PatrolMark.round_id.in_(rounds))
        .order_by(PatrolMark.made_at, PatrolMark.id)
    )
    rows = session.scalars(statement).all()
    keys = keys_of(session, {row.person_id or row.decided_by for row in rows} - {None})  # type: ignore[arg-type]
    found = []
    for row in rows:
        about = row.person_id or row.decided_by
        key = None if about is None else keys.get(about)
        found.append(
            {
                "id": row.id,
                "round_id": row.round_id,
                "kind": row.kind,
                "state": row.state,
                "person_id": row.person_id,
                "made_at": row.made_at,
                "answer": None if row.answer is None else unseal(key, row.answer),
                "answered_at": row.answered_at,
                "decided_by": row.decided_by,
                "decided_at": row.decided_at,
                "reason": None if row.reason is None else unseal(key, row.reason),
            }
        )
    return found


def _figures(session: Session, asked: SiteDay, now: datetime) -> dict[str, Any]:
    """What is counted of the day and of the days before it, and where somebody was when."""
    first = asked.day - timedelta(days=TREND_DAYS - 1)
    where = zone(asked.site.time_zone)
    week = span_of(Days(first, asked.day), where, max(now, asked.end))
    today = span_of(Days(asked.day, asked.day), where, max(now, asked.end))
    assert week is not None
    assert today is not None
    over = figures_of_site(session, asked.site, week, now)
    visits = figures_of_site(session, asked.site, today, now, with_visits=True).checkpoints
    by_hour = _by_hour(session, asked)
    return {
        "sums": asdict(over.by_day[-1]),
        "trend": [
            {"day": day.isoformat(), **_shares(sums)}
            for day, sums in zip(week.days, over.by_day, strict=True)
        ],
        "visits": [
            {
                "checkpoint_id": one.checkpoint_id,
                "code": one.code,
                "name": dict(one.name),
                "by_hour": by_hour[one.checkpoint_id],
            }
            for one in visits
        ],
    }


def _by_hour(session: Session, asked: SiteDay) -> Mapping[UUID, list[int]]:
    """How often each checkpoint was scanned in each hour of the site's clock, in a round or not.

    Where the clock shows an hour twice both count for it.
    """
    where = zone(asked.site.time_zone)
    statement = select(Scan.checkpoint_id, Scan.occurred_at).where(
        Scan.site_id == asked.site.id,
        Scan.verdict == ACCEPTED,
        Scan.occurred_at >= asked.start,
        Scan.occurred_at < asked.end,
    )
    found = defaultdict[UUID, list[int]](lambda: [0] * HOURS)
    for checkpoint_id, at in session.execute(statement):
        if checkpoint_id is not None:
            found[checkpoint_id][at.astimezone(where).hour] += 1
    return found


def _shares(sums: RoundSums) -> dict[str, int]:
    """Scanned of due, and what is complete of what is closed, as whole numbers."""
    return {
        "due": sums.scanned + sums.missed + sums.unknown,
        "scanned": sums.scanned,
        "closed": sums.closed,
        "complete": sums.complete,
    }


def is_settled(content: Mapping[str, Any]) -> bool:
    """Whether no round of a day is still waiting for a phone."""
    return all(one["state"] not in OPEN for one in content["rounds"])
