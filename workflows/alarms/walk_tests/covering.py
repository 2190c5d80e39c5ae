"""Whether an alarm trips in a walk test, so that it is written down and calls nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from core.clock import from_micros
from core.places import Space, is_within
from workflows.alarms.finding import Faulty
from workflows.alarms.model import Alarm
from workflows.alarms.walk_tests.model import CAUSE, WalkTest
from workflows.alarms.withheld import Withheld

# History that comes later than this is told: its test is long forgotten.
_LOOKS_BACK = timedelta(days=7)
_KEPT = "walk tests"
_TESTS = (
    select(WalkTest.id, WalkTest.space_id, WalkTest.starts_at, WalkTest.ends_at, WalkTest.reason)
    .where(WalkTest.site_id == bindparam("of_site"), WalkTest.ends_at > bindparam("since"))
    .order_by(WalkTest.ends_at.desc())
    # Somebody may be ending it right now: then it is over for this trip, or this trip is among
    # those that its end lets speak.
    .with_for_update(read=True, of=WalkTest)
)


@dataclass(slots=True)
class _Known:
    """The tests of a site as one transaction sees them, and how its places lie in each other."""

    at: datetime
    tests: Sequence[tuple[UUID, UUID, datetime, datetime, str]]
    parents: Mapping[UUID, UUID | None] = field(default_factory=dict)


def walk_test(
    session: Session, fault: Faulty, alarm: Alarm | None, learned_at: datetime
) -> Withheld | None:
    """The asset of a fault stands where a walk test was going on when it tripped.

    By the time of the trip, as with planned work. Of every rule but those about lives, which are
    not asked here.
    """
    del alarm
    if fault.space_id is None:
        return None
    known = _known(session, fault.site_id, learned_at)
    at = from_micros(fault.at)
    for test_id, space_id, starts_at, ends_at, reason in known.tests:
        if starts_at <= at < ends_at and is_within(fault.space_id, space_id, known.parents):
            return Withheld(
                "suppressed", "walk_test", ends_at, cause=(CAUSE, test_id), reason=reason
            )
    return None


def _known(session: Session, site_id: UUID, learned_at: datetime) -> _Known:
    """One question a transaction and site: a flood of first trips goes through here."""
    kept: dict[UUID, _Known] = session.info.setdefault(_KEPT, {})
    known = kept.get(site_id)
    if known is None or known.at != learned_at:
        given = {"of_site": site_id, "since": learned_at - _LOOKS_BACK}
        rows = [
            (test, space, start, end, reason)
            for test, space, start, end, reason in session.execute(_TESTS, given)
        ]
        known = kept[site_id] = _Known(learned_at, rows)
        if rows:
            places = select(Space.id, Space.parent_id).where(Space.site_id == site_id)
            known.parents = {space: parent for space, parent in session.execute(places)}
    return known
