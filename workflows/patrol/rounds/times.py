"""When rounds of a plan begin: local times of day, on weekdays, within hours or outside of them."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core.clock import from_micros, to_micros
from core.local_time import resolve, zone
from core.places import Node
from core.site_hours import hours_at
from workflows.patrol.rounds.model import RoundPlan


def starts_of(
    session: Session, plan: RoundPlan, after: datetime, until: datetime
) -> Iterator[datetime]:
    """The planned starts of a plan behind `after`, up to `until`, in order.

    Times are those of the site's clock. One that the clock skips is moved forward by the jump, one
    that it has twice is the earlier.
    """
    site = session.get_one(Node, plan.site_id)
    where = zone(site.time_zone)
    hours = hours_at(session, site, frozenset({plan.hours} - {""})).get(plan.hours)
    day, last = after.astimezone(where).date(), until.astimezone(where).date()
    found = set()
    while day <= last:
        if day.isoweekday() in plan.weekdays:
            found |= {_instant(day, text, where) for text in plan.times}
        day += timedelta(days=1)
    for start in sorted(found):
        within = hours is None or hours.at(to_micros(start))[0] is not plan.outside
        # Hours whose calendar was taken away hold no round back.
        if after < start <= until and within:
            yield start


def _instant(day: date, text: str, where: ZoneInfo) -> datetime:
    local = datetime.combine(day, time.fromisoformat(text))
    return from_micros(resolve(local, where))
