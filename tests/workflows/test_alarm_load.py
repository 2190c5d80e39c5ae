"""The alarm load of sites: figures by hand, of whom, of which days, and of whose sites."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from core import events, rulebook
from core.clock import from_micros
from core.days import Days
from core.db import Database
from core.errors import NotFound
from core.ids import new_id
from core.people import Caller, Grant, Person
from core.rosters import Absence, Shift
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import employ, write_ticket
from tests.workflows.episodes import (
    Put,
    generate,
    put_alarm,
    put_caller,
    put_episodes,
    put_site,
)
from workflows.alarms import Alarm, Withholding
from workflows.alarms.floods import settle_floods
from workflows.alarms.incident_model import SiteFlood
from workflows.alarms.load import AlarmLoad, Withheld, alarm_load
from workflows.tickets import Ticket

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 24)
YESTERDAY = Days(date(2026, 11, 23), date(2026, 11, 23))
# Midnight in Shanghai.
START = datetime(2026, 11, 23, tzinfo=SHANGHAI).astimezone(UTC)
HOUR = timedelta(hours=1)


def put_fact(database: Database, site_id: UUID, at: datetime) -> None:
    with database.write() as session:
        events.append(
            session,
            "site.import",
            ("site", site_id),
            actor=events.SYSTEM,
            learned_at=at,
            site_id=site_id,
        )


@pytest.fixture
def manager(database: Database, site: SmallSite) -> Caller:
    """Somebody of a site that has been with us for long."""
    put_fact(database, site.id, START - timedelta(days=400))
    return put_caller(database, site.id)


def load(
    database: Database,
    caller: Caller,
    days: Days | None = YESTERDAY,
    *,
    site: UUID | None = None,
    now: datetime = NOON,
) -> AlarmLoad:
    with database.read() as session:
        return alarm_load(session, caller, site_id=site, days=days, now=now)


def put(
    database: Database, site: SmallSite, rule: str, *wanted: Put, asset: str = "pump-1"
) -> UUID:
    alarm = put_alarm(database, site.id, site.assets[asset], rule)
    put_episodes(database, site.id, alarm, START, wanted)
    return alarm


def put_shift(
    database: Database,
    site: SmallSite,
    person_id: UUID,
    first: float,
    last: float,
    *,
    kind: str = "duty",
    team: str = "maintenance",
) -> None:
    with database.write() as session:
        session.add(
            Shift(
                site_id=site.id,
                team=team,
                person_id=person_id,
                kind=kind,
                starts_at=START + first * HOUR,
                ends_at=START + last * HOUR,
            )
        )


def test_of_no_alarms_everything_is_nothing(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    found = load(database, manager, None)
    assert found.days == Days(date(2026, 10, 25), TODAY)
    assert found.annunciations == 0
    assert (found.metrics["rate_hour"].value, found.metrics["rate_hour"].verdict) == (0, "good")
    assert found.metrics["top_ten"].value is None
    assert (found.top, found.floods, found.stale, found.advice) == ([], [], [], [])
    assert found.by_day == [0] * 31
    [line] = found.sites
    assert (line.operators, line.load.watch.rostered) == (1.0, False)


def test_rates_are_by_hour_and_operator(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    put(database, site, "hot", *(Put(minute * 10.0, 60) for minute in range(144)))
    found = load(database, manager)
    assert found.annunciations == 144
    assert found.metrics["rate_hour"].value == 6
    assert found.metrics["rate_interval"].value == 1
    assert found.metrics["peak_interval"].value == 1
    # Two on duty for half of the day, and nobody in the roster for the other half.
    for _ in range(2):
        put_shift(database, site, employ(database, site.id, "technician"), 0, 12)
    found = load(database, manager)
    assert found.operators == 1.5
    assert found.unwatched_hours == 12
    assert found.metrics["rate_hour"].value == 4
    # A burst is not shared among them.
    assert found.metrics["peak_interval"].value == 1


def test_on_duty_counts_who_may_act_on_alarms_once_and_their_deputies(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    wei, lin, zhao = (employ(database, site.id, "guard", name) for name in ("Wei", "Lin", "Zhao"))
    accountant = employ(database, site.id, "accountant")
    put_shift(database, site, wei, 0, 24)
    put_shift(database, site, wei, 6, 18, team="security")
    put_shift(database, site, accountant, 0, 24)
    put_shift(database, site, lin, 0, 24, kind="on_call")
    assert load(database, manager).operators == 1
    put_shift(database, site, zhao, -6, 12)
    assert load(database, manager).operators == 1.5
    # Lin stands in for Zhao for six hours; for three more nobody does.
    with database.write() as session:
        for first, last, deputy in ((0, 6, lin), (6, 9, None)):
            session.add(
                Absence(
                    person_id=zhao,
                    deputy_id=deputy,
                    starts_at=START + first * HOUR,
                    ends_at=START + last * HOUR,
                )
            )
    assert load(database, manager).operators == (24 + 9) / 24
    # Whoever left was there all the same.
    with database.write() as session:
        session.query(Grant).filter(Grant.person_id == zhao).delete()
        session.get_one(Person, zhao).left_at = NOON
    assert load(database, manager).operators == (24 + 9) / 24


def test_what_was_over_before_we_learned_of_it_reached_nobody(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    put(database, site, "hot", Put(60, 600, told=70), Put(120, 600, told=129.9), Put(300, None))
    found = load(database, manager)
    assert (found.annunciations, found.unheard) == (2, 1)
    # They count when people learned of them.
    assert found.hours == {(0, 2): 1, (0, 5): 1}


def test_days_are_those_of_each_site(database: Database, site: SmallSite) -> None:
    berlin, pump = put_site(database, site.company_id, "berlin", "Europe/Berlin")
    caller = put_caller(database, site.company_id)
    put(database, site, "hot", Put(-1, 5), Put(0, 5), Put(1439, 5), Put(1440, 5))
    there = put_alarm(database, berlin, pump, "hot")
    # Seven hours behind: its day begins at 7 in Shanghai.
    put_episodes(database, berlin, there, START, [Put(419, 5), Put(420, 5), Put(1859, 5)])
    found = load(database, caller)
    assert found.annunciations == 4
    assert [line.load.annunciations for line in found.sites] == [2, 2]
    assert found.hours == {(0, 0): 2, (0, 23): 2}
    assert load(database, caller, site=berlin).annunciations == 2
    # Noon in Shanghai is 5 in Berlin: both have a part of the day.
    found = load(database, caller, Days(TODAY, TODAY))
    assert found.metrics["rate_hour"].value == 1 / (12 + 5)


def test_a_day_of_25_hours_is_one_day(database: Database, site: SmallSite) -> None:
    berlin, pump = put_site(database, site.company_id, "berlin", "Europe/Berlin")
    there = put_alarm(database, berlin, pump, "hot")
    midnight = datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    put_episodes(database, berlin, there, midnight, [Put(60.0 * hour, 5) for hour in range(-1, 26)])
    caller = put_caller(database, berlin)
    found = load(database, caller, Days(date(2026, 10, 25), date(2026, 10, 25)))
    assert found.annunciations == 25
    assert found.hours[0, 2] == 2
    assert found.metrics["rate_hour"].value == 1


def test_a_site_is_measured_from_when_it_came(database: Database, site: SmallSite) -> None:
    manager = put_caller(database, site.id)
    # It came at noon of today, and nothing happened before.
    assert load(database, manager).sites == []
    put_fact(database, site.id, START + 12 * HOUR)
    put(database, site, "hot", *(Put(1000 + number * 0.8, 40) for number in range(24)))
    [line] = load(database, manager).sites
    assert line.metrics["rate_hour"].value == 2
    assert line.metrics["busy_intervals"].value == pytest.approx(200 / 72)
    # Its trips of before were learned later.
    put(database, site, "old", Put(0, 60, told=1000.5))
    assert load(database, manager).annunciations == 24
    put(database, site, "older", Put(1, None, told=1000.5))
    assert load(database, manager).metrics["rate_hour"].value == 25 / 24


def test_a_flood_names_what_most_of_it_came_from(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    put(database, site, "hot", *(Put(60 + number / 2, 20) for number in range(9)))
    put(database, site, "wet", *(Put(62 + number, None if number else 20) for number in range(2)))
    found = load(database, manager)
    [flood] = found.floods
    assert (flood.count, flood.alarms) == (11, 2)
    assert [(part.alarm.rule_id, part.count) for part in flood.causes] == [("hot", 9), ("wet", 2)]
    # The mark of the live pages is of the same.
    with database.write() as session:
        assert settle_floods(session, [site.id], from_micros(flood.start) + HOUR / 2) == 0
        mark = session.scalars(select(SiteFlood)).one()
        assert (mark.told, mark.peak) == (11, 11)
        assert mark.began_at == from_micros(flood.start)
        assert flood.end is not None
        assert mark.ended_at == from_micros(flood.end)
    # From 1:00 until 1:12:30, when only four are left of the last ten minutes.
    assert found.metrics["flood_time"].value == pytest.approx(12.5 * 100 / 1440)
    assert found.metrics["busy_intervals"].value == pytest.approx(100 / 144)
    assert found.metrics["peak_interval"].value == 11
    advice = next(one for one in found.advice if one.kind == "flood_one_rule")
    assert advice.numbers == {
        "floods": 1,
        "count": 11,
        "largest": 11,
        "alarms": 2,
        "from_first": 9,
    }


def test_the_top_ten_are_named_with_what_a_delay_would_have_left(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    # 190 of one that lasts 20 s, and twenty others that trip once.
    put(database, site, "flutter", *(Put(7 * number, 20) for number in range(190)))
    for number in range(20):
        put(database, site, f"rule-{number:02}", Put(600 + number, 3600))
    found = load(database, manager)
    assert [(one.alarm.rule_id, one.count) for one in found.top[:2]] == [
        ("flutter", 190),
        ("rule-00", 1),
    ]
    assert len(found.top) == 10
    assert found.metrics["top_ten"].value == pytest.approx(199 * 100 / 210)
    assert found.metrics["top_ten"].verdict == "act"
    [first] = [one for one in found.advice if one.kind == "on_delay"]
    assert first.numbers == {"count": 190, "fitting": 190, "delay": 30, "left": 0}


def test_chattering_and_fleeting_alarms_are_named(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    put(database, site, "chatters", *(Put(60 + number / 3, 5) for number in range(3)))
    put(database, site, "flits", Put(100, 3), Put(200, 3))
    put(database, site, "calm", Put(100, 3600))
    found = load(database, manager)
    assert [one.alarm.rule_id for one in found.chattering] == ["chatters"]
    assert [(one.alarm.rule_id, one.fleeting) for one in found.fleeting] == [("flits", 2)]
    assert found.metrics["chattering"].value == found.metrics["fleeting"].value == 1


def test_folded_chatter_counts_its_activations_and_told_people_once(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    put(database, site, "loose", Put(60, 300, trips=40), Put(600, 600))
    now = put(database, site, "now", Put(700, None))
    with database.write() as session:
        alarm = session.get_one(Alarm, now)
        alarm.chatter_since, alarm.chatter_count = START + 12 * HOUR, 9
    found = load(database, manager)
    assert found.annunciations == 3
    assert {one.alarm.rule_id: one.chatter and one.chatter.activations for one in found.top} == {
        "loose": 40,
        "now": 9,
    }
    assert [(one.kind, one.numbers["activations"]) for one in found.advice] == [
        ("chatter", 40),
        ("chatter", 9),
    ]


def test_stale_is_what_stood_for_a_day_also_from_before(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    put(database, site, "old", Put(-5000, 10), Put(-4000, None))
    put(database, site, "gone", Put(-2000, 2500 * 60))
    put(database, site, "yesterday", Put(1, None))
    put(database, site, "over", Put(-5000, 60))
    found = load(database, manager)
    assert [one.alarm.rule_id for one in found.stale] == ["old"]
    assert found.metrics["stale"].value == 2
    now = load(database, manager, Days(YESTERDAY.first, TODAY))
    assert [one.alarm.rule_id for one in now.stale] == ["old", "yesterday"]
    assert now.stale_days == [2, 2]
    # What cleared after the span stood at its end.
    put(database, site, "later", Put(-3000, 86_400 * 9))
    assert [one.alarm.rule_id for one in load(database, manager).stale] == ["old", "later"]


def test_what_stale_alarms_need_depends_on_their_tickets(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    open_one, ended = (write_ticket(database, site, START) for _ in range(2))
    with database.write() as session:
        session.get_one(Ticket, ended).state = "closed"
    put(database, site, "none", Put(-2000, None))
    put(database, site, "unseen", Put(-2000, None, ticket=open_one))
    put(database, site, "seen", Put(-2000, None, ticket=open_one, seen_after=60))
    put(database, site, "ended", Put(-2000, None, ticket=ended))
    kinds = {one.alarm.rule_id: one.kind for one in load(database, manager).advice if one.alarm}
    assert kinds == {
        "none": "stale_bare",
        "unseen": "stale_unseen",
        "seen": "stale_waits",
        "ended": "stale_ended",
    }


def test_priorities_are_those_of_the_rule_when_it_tripped(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    for severity in ("critical", "low"):
        with database.write() as session:
            rulebook.publish(
                session,
                rule_id="hot",
                node_id=site.id,
                title={},
                severity=severity,
                life_safety=False,
                document=severity,
                fingerprint=severity,
                pack="",
                actor=events.SYSTEM,
                now=NOON,
            )
    versions = [1] * 25 + [2] * 75
    alarm = put_alarm(database, site.id, site.assets["pump-1"], "hot", severity="low")
    puts = [Put(10.0 * each, 60, version=version) for each, version in enumerate(versions)]
    put_episodes(database, site.id, alarm, START, puts)
    # Of a rule that the book does not know, the alarm says it.
    other = put_alarm(database, site.id, site.assets["pump-2"], "wet", severity="high")
    put_episodes(database, site.id, other, START, [Put(5, 60)])
    found = load(database, manager)
    assert found.priorities == {"low": 75, "medium": 0, "high": 1, "critical": 25}
    assert found.metrics["critical"].verdict == "act"
    assert found.metrics["high"].verdict == "good"


def test_an_acknowledgement_answers_every_trip_that_waited(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    put(
        database,
        site,
        "hot",
        Put(60, 60),
        Put(65, 60, seen_after=120),
        Put(100, 60, seen_after=30),
        Put(200, 60),
    )
    found = load(database, manager)
    # 7 min, 2 min and 30 s; the last one waits.
    assert found.metrics["acknowledged_half"].value == 120
    assert found.metrics["acknowledged_most"].value == 420
    assert found.metrics["never_acknowledged"].value == 1
    # The day after somebody answered it with another.
    alarm = put(database, site, "wet", Put(300, 60), Put(2000, 60, seen_after=0))
    assert alarm
    found = load(database, manager)
    assert found.metrics["acknowledged_most"].value == 1700 * 60
    assert found.metrics["never_acknowledged"].value == 1


def test_false_ones_are_counted_by_verdict_and_cause_through_merges(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    real, false, target, merged = (write_ticket(database, site, START) for _ in range(4))
    with database.write() as session:
        for ticket, verdict, cause in (
            (real, "real", None),
            (false, "false", "cooking"),
            (target, "nuisance", None),
        ):
            row = session.get_one(Ticket, ticket)
            row.verdict, row.verdict_cause = verdict, cause
        session.get_one(Ticket, target).cause_code = "setting"
        session.get_one(Ticket, merged).merged_into_id = target
    puts = [Put(60.0 * number, 40, ticket=false) for number in range(5)]
    put(database, site, "hot", *puts, Put(400, 600, ticket=real), Put(500, 20, ticket=merged))
    found = load(database, manager)
    assert found.verdicts == {"false": 5, "real": 1, "nuisance": 1}
    assert found.causes == {("false", "cooking"): 5, ("nuisance", "setting"): 1}
    assert found.metrics["false_share"].value == pytest.approx(600 / 7)
    [advice] = [one for one in found.advice if one.kind == "false_delay"]
    assert (advice.cause, advice.numbers) == (
        "cooking",
        {"judged": 7, "needless": 6, "delay": 60, "dropped": 6, "real": 1},
    )
    # Whoever sees the tickets of another team only learns nothing of these.
    gardener = put_caller(database, site.id, "accountant")
    narrowed = Caller(
        gardener.person_id,
        "G",
        "en",
        gardener.sites,
        frozenset(),
        {"tickets.read": {site.id: frozenset({"garden"})}},
    )
    assert load(database, narrowed).verdicts == {}
    assert load(database, narrowed).annunciations == 7


def put_withholding(
    database: Database, alarm: UUID, site: SmallSite, kind: str, first: float, last: float | None
) -> UUID:
    """A withholding of an alarm by hours after the beginning."""
    row = Withholding(
        id=new_id(),
        site_id=site.id,
        alarm_id=alarm,
        kind=kind,
        why="shelved" if kind == "shelved" else "maintenance",
        state="standing" if last is None else "ended",
        since=START + first * HOUR,
        ended_at=None if last is None else START + last * HOUR,
    )
    with database.write() as session:
        session.add(row)
    return row.id


def test_what_was_withheld_is_counted_apart_until_it_is_told(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    alarm = put_alarm(database, site.id, site.assets["pump-1"], "hot")
    before = put_withholding(database, alarm, site, "suppressed", -40, 2)
    within = put_withholding(database, alarm, site, "shelved", 3, 5)
    put_withholding(database, alarm, site, "shelved", -50, -45)
    put_withholding(database, alarm, site, "out_of_service", 20, None)
    put_episodes(
        database,
        site.id,
        alarm,
        START,
        [
            Put(-2400 + 1, 86_400, withheld=before),
            Put(10, 60, withheld=before),
            Put(190, 60, withheld=within),
            # It still stood when the shelving was over.
            Put(200, 3 * 3600, withheld=within, announced=300),
            Put(500, 60),
        ],
    )
    found = load(database, manager)
    assert (found.annunciations, found.unheard) == (2, 0)
    assert found.hours == {(0, 5): 1, (0, 8): 1}
    assert found.metrics["stale"].value == 0
    assert found.withheld == {
        "shelved": Withheld(begun=1, standing=0, trips=1),
        "suppressed": Withheld(begun=0, standing=0, trips=1),
        "out_of_service": Withheld(begun=1, standing=1, trips=0),
    }


def test_strangers_see_nothing_and_no_site_of_others(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    put(database, site, "hot", Put(60, 60))
    berlin, _ = put_site(database, site.company_id, "berlin", "Europe/Berlin")
    stranger = put_caller(database, berlin)
    assert load(database, stranger).annunciations == 0
    assert [line.load.site.code for line in load(database, stranger).sites] == ["berlin"]
    for site_id in (site.id, new_id()):
        with pytest.raises(NotFound):
            load(database, stranger, site=site_id)
    nobody = Caller(new_id(), "N", "en")
    assert load(database, nobody).sites == []
    assert load(database, nobody).metrics["rate_hour"].value is None


def test_generated_episodes_come_out_as_they_went_in(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    days = Days(date(2026, 11, 4), YESTERDAY.last)
    first = START - timedelta(days=19)
    assets = list(site.assets.values())
    known = generate(
        database, site.id, assets, first, seed=7, alarms=30, each=60, minutes=20 * 1440
    )
    found = load(database, manager, days)
    assert (found.annunciations, found.unheard) == (known.annunciations, known.unheard)
    assert found.tripped == len(known.by_rule)
    ranked = Counter(known.by_rule).most_common(10)
    assert [one.count for one in found.top] == [count for _, count in ranked]
    assert {one.alarm.rule_id: one.count for one in found.top}.items() <= known.by_rule.items()
    assert sum(found.by_day) == sum(found.hours.values()) == known.annunciations
    assert found.metrics["rate_hour"].value == pytest.approx(known.annunciations / 480)


def test_very_many_episodes_are_gone_through_once(
    database: Database, site: SmallSite, manager: Caller
) -> None:
    # To write them costs far more than to count them, above all over a network.
    each = 400 if database.is_sqlite else 10
    first = START - timedelta(days=29)
    assets = list(site.assets.values())
    known = generate(
        database, site.id, assets, first, seed=1, alarms=130, each=each, minutes=30 * 1440
    )
    found = load(database, manager, Days(date(2026, 10, 25), YESTERDAY.last))
    assert found.annunciations == known.annunciations
