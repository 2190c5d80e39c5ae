"""Working time: office hours, holidays, days made up for, nights, pauses, clocks that jump."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from core import calendars
from core.calendars import ALWAYS, OFFICE, CalendarDraft, find_calendar, save_calendar
from core.db import Database
from core.errors import Invalid, NotAllowed, NotFound, Stale
from core.events import Event
from core.people import Caller, Person, caller_for
from core.places import Node
from core.working_time import RoundTheClock, WorkingTime, knows_year
from tests.fixtures import NOON, Administrator, SmallSite

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY_HOURS = ((8 * 60 + 30, 17 * 60 + 30),)
WEEK = (DAY_HOURS,) * 5 + ((), ())
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def local(text: str) -> datetime:
    """A moment by the wall clock of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def in_china(**exceptions: tuple[tuple[int, int], ...]) -> WorkingTime:
    """Office hours with the holidays of China."""
    days = {date.fromisoformat(day.removeprefix("d").replace("_", "-")): hours
            for day, hours in exceptions.items()}  # fmt: skip
    return WorkingTime(SHANGHAI, WEEK, "CN", days)


@pytest.mark.parametrize(
    ("start", "span", "end"),
    [
        # A Tuesday: within the day, over the evening, from before opening, over a weekend.
        ("2026-11-24 09:00", 4 * HOUR, "2026-11-24 13:00"),
        ("2026-11-24 16:30", 4 * HOUR, "2026-11-25 11:30"),
        ("2026-11-24 03:00", HOUR, "2026-11-24 09:30"),
        ("2026-11-27 17:00", HOUR, "2026-11-30 09:00"),
        # The National Day week; Saturday 10 October makes up for the 7th.
        ("2026-09-30 17:00", HOUR, "2026-10-08 09:00"),
        ("2026-10-09 17:00", HOUR, "2026-10-10 09:00"),
        # Sunday 20 September is worked for 6 October.
        ("2026-09-20 08:00", HOUR, "2026-09-20 09:30"),
        # Spring Festival from the 15th (a Sunday) to the 23rd.
        ("2026-02-14 17:00", HOUR, "2026-02-24 09:00"),
    ],
)
def test_a_span_runs_while_the_office_is_open(start: str, span: timedelta, end: str) -> None:
    assert in_china().after(local(start), span) == local(end)
    assert in_china().between(local(start), local(end)) == span


def test_a_single_day_can_differ_from_all_rules() -> None:
    closed = in_china(d2026_11_25=())
    assert closed.after(local("2026-11-24 17:00"), HOUR) == local("2026-11-26 09:00")
    opened = in_china(d2026_10_01=((600, 720),))
    assert opened.after(local("2026-09-30 17:00"), HOUR) == local("2026-10-01 10:30")


def test_whole_days_are_working_days_and_hours_are_hours() -> None:
    office = in_china()
    assert office.span(2 * DAY) == 18 * HOUR
    assert office.span(10 * HOUR) == 10 * HOUR
    assert RoundTheClock().span(2 * DAY) == 2 * DAY
    assert office.after(local("2026-11-24 10:00"), office.span(DAY)) == local("2026-11-25 10:00")


def test_a_night_shift_goes_over_midnight() -> None:
    night = WorkingTime(SHANGHAI, (((22 * 60, 6 * 60),),) * 7)
    assert night.after(local("2026-11-24 23:00"), 8 * HOUR) == local("2026-11-25 23:00")
    assert night.after(local("2026-11-25 05:00"), HOUR) == local("2026-11-25 06:00")
    assert night.between(local("2026-11-24 12:00"), local("2026-11-25 12:00")) == 8 * HOUR


def test_hours_of_two_days_that_overlap_count_once() -> None:
    late = WorkingTime(SHANGHAI, (((20 * 60, 8 * 60),), ((6 * 60, 18 * 60),), (), (), (), (), ()))
    monday, tuesday = local("2026-11-23 12:00"), local("2026-11-24 20:00")
    assert late.between(monday, tuesday) == 22 * HOUR
    assert late.after(local("2026-11-24 05:00"), 4 * HOUR) == local("2026-11-24 09:00")


def test_clocks_that_jump_shorten_and_lengthen_a_night() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    all_day = WorkingTime(berlin, (((0, 24 * 60),),) * 7)
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        begin = datetime(day.year, day.month, day.day, tzinfo=berlin)
        following = day + timedelta(days=1)
        end = datetime(following.year, following.month, following.day, tzinfo=berlin)
        assert all_day.between(begin.astimezone(UTC), end.astimezone(UTC)) == hours * HOUR


def test_a_pause_does_not_count() -> None:
    pause = (local("2026-11-24 10:00"), local("2026-11-25 10:00"))
    assert in_china().after(local("2026-11-24 09:00"), 2 * HOUR, [pause]) == local(
        "2026-11-25 11:00"
    )
    assert RoundTheClock().after(local("2026-11-24 09:00"), 2 * HOUR, [pause]) == local(
        "2026-11-25 11:00"
    )


def test_a_calendar_that_never_opens_is_refused_and_not_waited_for() -> None:
    with pytest.raises(Invalid, match="longer than three years"):
        WorkingTime(SHANGHAI, ((),) * 7).after(NOON, HOUR)


def test_a_year_that_is_not_announced_counts_as_plain_weekdays() -> None:
    assert knows_year("CN", 2026)
    assert not knows_year("CN", 2099)
    assert in_china().after(local("2099-10-01 09:00"), HOUR) == local("2099-10-01 10:00")


def test_other_countries_have_their_own_holidays() -> None:
    german = WorkingTime(ZoneInfo("Europe/Berlin"), WEEK, "DE")
    eve = datetime(2026, 10, 2, 15, 0, tzinfo=UTC)
    # 3 October 2026 is a Saturday; Christmas Day a Friday.
    assert german.after(eve, HOUR) == datetime(2026, 10, 5, 7, 0, tzinfo=UTC)
    christmas = datetime(2026, 12, 25, 9, 0, tzinfo=UTC)
    assert german.after(christmas, HOUR) == datetime(2026, 12, 28, 8, 30, tzinfo=UTC)


MOMENTS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis puts the zone on
    max_value=datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
SPANS = st.timedeltas(min_value=timedelta(minutes=1), max_value=timedelta(hours=100))


@given(MOMENTS, SPANS, st.lists(st.tuples(MOMENTS, SPANS), max_size=3))
def test_what_lies_between_is_what_was_added(
    start: datetime, span: timedelta, pauses: list[tuple[datetime, timedelta]]
) -> None:
    stops = [(begin, begin + length) for begin, length in pauses]
    for calendar in (in_china(), RoundTheClock()):
        end = calendar.after(start, span, stops)
        assert calendar.between(start, end, stops) == span
        # It is the first such moment: a moment earlier less has passed.
        assert calendar.between(start, end - timedelta(seconds=1), stops) < span


def draft(**changes: object) -> CalendarDraft:
    """A calendar of a site, with something changed."""
    values: dict[str, object] = {
        "code": OFFICE,
        "name": {"en": "Our office", "zh": "办公室"},
        "week": [*[[["09:00", "12:00"], ["13:00", "18:00"]]] * 6, []],
        "country": None,
        "exceptions": {"2026-11-24": []},
    }
    return CalendarDraft(**{**values, **changes})  # type: ignore[arg-type]


def caller(database: Database, administrator: Administrator) -> Caller:
    """The administrator as a caller."""
    with database.read() as session:
        return caller_for(session, session.get_one(Person, administrator.person_id))


def test_a_site_takes_the_nearest_calendar(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    asking = caller(database, administrator)
    with database.write() as session:
        node, company = session.get_one(Node, site.id), session.get_one(Node, site.company_id)
        shipped = find_calendar(session, node.id, OFFICE)
        save_calendar(session, asking, company, draft(), now=NOON, expected_version=0)
        above = find_calendar(session, node.id, OFFICE)
        closer = draft(exceptions={})
        save_calendar(session, asking, node, closer, now=NOON, expected_version=0)
        own = find_calendar(session, node.id, OFFICE)
        assert isinstance(find_calendar(session, node.id, ALWAYS), RoundTheClock)
        with pytest.raises(NotFound):
            find_calendar(session, node.id, "lifts")
        assert calendars.codes_at(session, node) == [ALWAYS, OFFICE]
        shown = calendars.describe_calendar(session, node, OFFICE, now=NOON)
        facts = session.scalars(select(Event).where(Event.kind == "calendar.add")).all()
    assert isinstance(shipped, WorkingTime)
    assert isinstance(above, WorkingTime)
    assert isinstance(own, WorkingTime)
    assert len(shipped.hours_on(date(2026, 11, 24))) == 1
    assert above.hours_on(date(2026, 11, 24)) == ()
    assert own.hours_on(date(2026, 11, 24)) == ((540, 720), (780, 1080))
    assert (shown["node_id"], shown["version"]) == (site.id, 1)
    assert len(facts) == 2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"code": "Always!"}, "code"),
        ({"code": ALWAYS}, "code"),
        ({"name": {"en": " "}}, "name"),
        ({"week": [[]] * 7}, "week: give hours"),
        ({"week": [[["09:00", "18:00"]]] * 6}, "week: seven"),
        ({"week": [[["9", "18:00"]]] * 7}, "no time of day"),
        ({"week": [[["09:00", "24:30"]]] * 7}, "no time of day"),
        ({"week": [[["09:00", "12:00"], ["11:00", "13:00"]]] * 7}, "overlap"),
        ({"country": "XX"}, "country"),
        ({"exceptions": {"2026-13-01": []}}, "no date"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused(
    database: Database,
    site: SmallSite,
    administrator: Administrator,
    changes: dict[str, object],
    problem: str,
) -> None:
    asking = caller(database, administrator)
    with database.write() as session:
        node = session.get_one(Node, site.id)
        with pytest.raises(Invalid) as caught:
            save_calendar(session, asking, node, draft(**changes), now=NOON, expected_version=0)
    assert problem in " ".join(caught.value.problems)


def test_of_two_who_change_a_calendar_the_second_is_told(
    database: Database, site: SmallSite, administrator: Administrator
) -> None:
    asking = caller(database, administrator)
    with database.write() as session:
        node = session.get_one(Node, site.id)
        save_calendar(session, asking, node, draft(), now=NOON, expected_version=0)
        with pytest.raises(Stale):
            save_calendar(session, asking, node, draft(), now=NOON, expected_version=0)
        nobody = Caller(asking.person_id, "x", "en", {})
        with pytest.raises(NotAllowed):
            save_calendar(session, nobody, node, draft(), now=NOON, expected_version=1)
