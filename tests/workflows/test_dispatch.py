"""Dispatch: turns, loads, skills, certificates, rosters, deputies, gaps, hand-over by name."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from core import events
from core.calendars import CalendarDraft, save_calendar
from core.companies import hire_company
from core.db import Database, Session
from core.errors import Conflict, Invalid, NotAllowed, NotFound, Stale
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from core.places import Node
from core.rosters import (
    Shift,
    absences,
    add_shifts,
    end_absence,
    gaps,
    on_duty,
    on_duty_anywhere,
    remove_shift,
    set_absence,
    set_duty_phone,
    who_answers,
)
from core.teams import Member, TeamShown, may_do, save_team, set_certificate, team_at, teams_at
from tests.fixtures import NOON, Administrator, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import DAY, MINUTE, do, employ, facts_of, ticket_of
from workflows import staff
from workflows.dispatch import (
    Handover,
    accept_handover,
    assign_waiting,
    find_handover,
    list_handovers,
    offer_handover,
    open_gaps,
    pass_up,
    set_items,
    watch_rosters,
)
from workflows.dispatch.handover import StandingAlarm, items_of
from workflows.patrol.frozen.audience import Reporting, set_reporting
from workflows.tickets import Draft, Step, Ticket, act, open_ticket
from workflows.tickets.contractors import ContractorLink
from workflows.tickets.promises import save_terms

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)
on_one_engine = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
TEAM = "maintenance"
# The clock of the tests: Tuesday noon in Shanghai.
TODAY = date(2026, 11, 24)


def local(text: str) -> datetime:
    """A moment by the wall clock of the site."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


@pytest.fixture
def boss(database: Database, administrator: Administrator) -> Caller:
    """Somebody who may set up everything."""
    with database.read() as session:
        return caller_for(session, session.get_one(Person, administrator.person_id))


def crew(database: Database, site: SmallSite, *names: str) -> list[UUID]:
    """Technicians of the site."""
    return [employ(database, site.id, "technician", name) for name in names]


def set_up(
    database: Database,
    site: SmallSite,
    boss: Caller,
    people: Sequence[UUID],
    *,
    mode: str = "round_robin",
    cover: str | None = None,
    skills: dict[UUID, list[str]] | None = None,
) -> None:
    """Put people into the team."""
    members = {one: (skills or {}).get(one, []) for one in people}
    with database.write() as session:
        version = team_at(session, site.id, TEAM).version
        team = TeamShown(TEAM, {"en": "Maintenance"}, mode, cover, version)
        save_team(session, boss, session.get_one(Node, site.id), team, members, now=NOON)


def roster(
    database: Database,
    site: SmallSite,
    boss: Caller,
    people: Sequence[UUID],
    *,
    hours: tuple[int, int] = (8, 18),
    days: Sequence[int] = range(7),
    weeks: int = 1,
    kind: str = "duty",
) -> int:
    """Fill the roster."""
    with database.write() as session:
        return add_shifts(
            session,
            boss,
            session.get_one(Node, site.id),
            TEAM,
            people,
            kind=kind,
            weekdays=days,
            hours=(time(hours[0]), time(hours[1])),
            first=TODAY,
            weeks=weeks,
            now=NOON,
        )


def reported(database: Database, site: SmallSite, category: str = "plumbing") -> UUID:
    """An open ticket of the team."""
    draft = Draft(
        site_id=site.id,
        kind="repair",
        priority="high",
        title={"und": "It drips"},
        team=TEAM,
        category=category,
        happened_at=NOON,
        learned_at=NOON,
    )
    with database.write() as session:
        return open_ticket(session, draft, actor=events.SYSTEM).id


def give_out(database: Database, now: datetime = NOON) -> int:
    """Let tickets find their people."""
    with database.write() as session:
        return assign_waiting(session, now=now, actor=events.SYSTEM)


def test_a_team_that_grabs_is_left_to_grab(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An")
    roster(database, site, boss, people)
    ticket_id = reported(database, site)
    assert give_out(database) == 0
    set_up(database, site, boss, people, mode="grab")
    assert give_out(database) == 0
    assert ticket_of(database, ticket_id).assignee_id is None


def test_turns_go_round(database: Database, site: SmallSite, boss: Caller) -> None:
    people = crew(database, site, "An", "Bo", "Cai")
    for one in people:
        roster(database, site, boss, [one])
    set_up(database, site, boss, people)
    given = []
    for step in range(6):
        ticket_id = reported(database, site)
        assert give_out(database, NOON + step * MINUTE) == 1
        ticket = ticket_of(database, ticket_id)
        assert ticket.state == "assigned"
        given.append(ticket.assignee_id)
    assert set(given[:3]) == set(people)
    assert given[:3] == given[3:]
    assert {(fact.after or {})["by"] for fact in facts_of(database, "ticket.assign")} == {
        "round_robin"
    }


def test_the_least_loaded_is_next(database: Database, site: SmallSite, boss: Caller) -> None:
    people = crew(database, site, "An", "Bo")
    for one in people:
        roster(database, site, boss, [one])
    busy = reported(database, site)
    do(database, busy, boss.person_id, NOON, "assign", assignee_id=people[0])
    set_up(database, site, boss, people, mode="load")
    ticket_id = reported(database, site)
    give_out(database)
    assert ticket_of(database, ticket_id).assignee_id == people[1]


def test_only_the_skilled_on_duty_are_asked(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    plumber, electrician, at_home = crew(database, site, "An", "Bo", "Cai")
    for one in (plumber, electrician):
        roster(database, site, boss, [one])
    skills = {plumber: ["plumbing"], electrician: ["electrical"], at_home: ["lift"]}
    set_up(database, site, boss, [plumber, electrician, at_home], skills=skills)
    wanted = {"plumbing": plumber, "electrical": electrician, "lift": None}
    tickets = {category: reported(database, site, category) for category in wanted}
    assert give_out(database) == 2
    found = {name: ticket_of(database, one).assignee_id for name, one in tickets.items()}
    assert found == wanted


@on_one_engine
def test_what_waits_for_somebody_to_come_holds_back_nobody_elses(
    database: Database, site: SmallSite, boss: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflows.dispatch.assigning.AT_ONCE", 3)
    people = crew(database, site, "An", "Bo")
    for one in people:
        roster(database, site, boss, [one])
    set_up(database, site, boss, people, skills={one: ["plumbing"] for one in people})
    # Nobody here can do these, and they are older than all that somebody can.
    for _ in range(4):
        reported(database, site, "lift")
    found = [reported(database, site) for _ in range(4)]
    assert [give_out(database), give_out(database, NOON + MINUTE)] == [3, 1]
    # Several that come in the same second are shared as well.
    shared = [ticket_of(database, one).assignee_id for one in found]
    assert sorted(shared, key=str) == sorted([*people, *people], key=str)


@on_one_engine
def test_who_is_on_call_is_asked_where_nobody_on_duty_can(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    here, at_home = crew(database, site, "An", "Bo")
    roster(database, site, boss, [here])
    roster(database, site, boss, [at_home], kind="on_call")
    set_up(database, site, boss, [here, at_home], skills={here: ["plumbing"]})
    wanted = [reported(database, site) for _ in range(3)]
    beyond = reported(database, site, "lift")
    assert give_out(database) == 4
    assert {ticket_of(database, one).assignee_id for one in wanted} == {here}
    assert ticket_of(database, beyond).assignee_id == at_home


def test_an_expired_certificate_blocks_the_assignment(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    expired, valid = crew(database, site, "An", "Bo")
    ticket_id = reported(database, site, "electrical")
    # As long as nobody's is recorded nobody is stopped.
    with database.read() as session:
        assert may_do(session, expired, "electrical", TODAY)
    _certify(database, site, boss, expired, TODAY - DAY)
    _certify(database, site, boss, valid, TODAY)
    with pytest.raises(Conflict, match="certificate"):
        do(database, ticket_id, boss.person_id, NOON, "assign", assignee_id=expired)
    with pytest.raises(Conflict, match="certificate"):
        do(database, ticket_id, expired, NOON, "accept")
    for one in (expired, valid):
        roster(database, site, boss, [one])
    set_up(database, site, boss, [expired, valid])
    assert give_out(database) == 1
    assert ticket_of(database, ticket_id).assignee_id == valid
    _certify(database, site, boss, expired, TODAY + DAY)
    do(database, ticket_id, boss.person_id, NOON, "assign", assignee_id=expired)
    assert len(facts_of(database, "person.certificate")) == 3


def _certify(
    database: Database, site: SmallSite, boss: Caller, person: UUID, until: date | None
) -> None:
    with database.write() as session:
        set_certificate(session, boss, site.id, person, "electrician", until, now=NOON)


def test_a_certificate_is_of_a_known_kind_and_of_somebody_here(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    [person] = crew(database, site, "An")
    for who, kind in ((person, "juggler"), (new_id(), "electrician")):
        with database.write() as session, pytest.raises(Invalid):
            set_certificate(session, boss, site.id, who, kind, TODAY, now=NOON)
    _certify(database, site, boss, person, TODAY)
    _certify(database, site, boss, person, None)
    with database.read() as session:
        assert may_do(session, person, "electrical", TODAY)


def test_a_night_shift_ends_the_next_morning(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    [guard] = crew(database, site, "An")
    assert roster(database, site, boss, [guard], hours=(20, 8), days=[1]) == 1
    with database.read() as session:
        [found] = on_duty(session, site.id, TEAM, local("2026-11-25 03:10"))
        assert (found.person_id, found.until) == (guard, local("2026-11-25 08:00"))
        assert on_duty(session, site.id, TEAM, local("2026-11-25 08:00")) == []


def test_on_call_rotates_by_the_week(database: Database, site: SmallSite, boss: Caller) -> None:
    people = crew(database, site, "An", "Bo")
    made = roster(database, site, boss, people, hours=(0, 0), weeks=3, kind="on_call")
    # From Tuesday on, so the first week lacks its Monday.
    assert made == 6 + 7 + 7
    with database.read() as session:
        answers = [
            on_duty(session, site.id, TEAM, NOON + week * 7 * DAY)[0].person_id for week in range(3)
        ]
    assert answers == [people[0], people[1], people[0]]


@pytest.mark.parametrize(
    "wrong", [{"kind": "party"}, {"days": []}, {"days": [7]}, {"weeks": 0}, {"weeks": 27}]
)
def test_a_roster_that_makes_no_sense_is_refused(
    database: Database, site: SmallSite, boss: Caller, wrong: dict[str, object]
) -> None:
    people = crew(database, site, "An")
    with pytest.raises(Invalid):
        roster(database, site, boss, people, **wrong)  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        roster(database, site, boss, [])
    with pytest.raises(Invalid):
        roster(database, site, boss, [new_id()])


def test_nobody_is_in_two_places_at_once(database: Database, site: SmallSite, boss: Caller) -> None:
    people = crew(database, site, "An")
    roster(database, site, boss, people)
    with pytest.raises(Conflict, match="another shift"):
        roster(database, site, boss, people, hours=(12, 20))
    assert roster(database, site, boss, people, hours=(18, 20)) == 6


@pytest.mark.parametrize("_again", range(3))
def test_of_two_who_fill_a_roster_or_hire_at_once_one_is_told(
    database: Database, site: SmallSite, boss: Caller, _again: int
) -> None:
    people = crew(database, site, "An")

    def fill(number: int) -> bool:
        try:
            roster(database, site, boss, people, hours=(8 + number, 18))
        except Conflict:
            return False
        return True

    def hire(number: int) -> bool:
        try:
            with database.write() as session:
                hire_company(session, boss, site.id, ("Lift Co", "LIFT CO")[number], now=NOON)
        except Conflict:
            return False
        return True

    assert sorted(in_threads(2, fill)) == [False, True]
    assert sorted(in_threads(2, hire)) == [False, True]


def test_a_deputy_stands_in(database: Database, site: SmallSite, boss: Caller) -> None:
    person, deputy = crew(database, site, "An", "Bo")
    roster(database, site, boss, [person])
    span = (NOON - HOUR, NOON + DAY)
    with database.write() as session:
        set_absence(session, boss, site.id, person, span, deputy, now=NOON)
    with database.write() as session:
        [found] = on_duty(session, site.id, TEAM, NOON)
        assert (found.person_id, found.for_id) == (deputy, person)
        # The deputy falls ill, too.
        set_absence(session, boss, site.id, deputy, span, None, now=NOON)
        assert on_duty(session, site.id, TEAM, NOON) == []


def test_who_is_away_says_so_themselves_and_leads_for_others(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    person, other = crew(database, site, "An", "Bo")
    with database.read() as session:
        own = caller_for(session, session.get_one(Person, person))
    span = (NOON, NOON + DAY)
    with database.write() as session:
        set_absence(session, own, site.id, person, span, None, now=NOON)
        with pytest.raises(NotAllowed):
            set_absence(session, own, site.id, other, span, None, now=NOON)
        for wrong_span, deputy in ((span[::-1], None), (span, person), (span, new_id())):
            with pytest.raises(Invalid):
                set_absence(session, own, site.id, person, wrong_span, deputy, now=NOON)
        with pytest.raises(NotFound):
            end_absence(session, own, site.id, new_id(), now=NOON)
        [row] = absences(session, [person], NOON)
        end_absence(session, own, site.id, row.id, now=NOON + MINUTE)
        assert absences(session, [person], NOON) == []
    begun, ended = facts_of(database, "person.absence")
    assert (ended.kind, ended.subject_id) == ("person.absence_end", str(person))
    assert (ended.actor_id, ended.learned_at) == (str(person), NOON + MINUTE)
    assert (ended.before, ended.after) == (begun.after, None)


def test_a_ticket_never_rests_with_nobody(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An")
    supervisor = employ(database, site.id, "supervisor")
    roster(database, site, boss, people)
    night = local("2026-11-24 23:00")
    with database.write() as session:
        assert who_answers(session, site.id, TEAM, NOON).people == people
        nobody = who_answers(session, site.id, TEAM, night)
        assert (nobody.level, nobody.people, nobody.phones) == ("supervisor", [supervisor], [])
        company, own = session.get_one(Node, site.company_id), session.get_one(Node, site.id)
        region = session.get_one(Node, own.parent_id)
        set_duty_phone(session, boss, company, "+86 400-000", now=NOON)
        assert who_answers(session, site.id, TEAM, night).level == "company"
        set_duty_phone(session, boss, region, "021-5550000", now=NOON)
        assert who_answers(session, site.id, TEAM, night).phones == ["021-5550000"]
        set_duty_phone(session, boss, own, "021-5551111", now=NOON)
        answer = who_answers(session, site.id, TEAM, night)
        assert (answer.level, answer.phones) == ("site", ["021-5551111"])
        with pytest.raises(Invalid):
            set_duty_phone(session, boss, own, "call me", now=NOON)
        set_duty_phone(session, boss, own, "", now=NOON)
        assert who_answers(session, site.id, TEAM, night).level == "region"


def test_who_sees_no_ticket_of_a_team_does_not_answer_for_it(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    """A role for another team alone: the ticket would rest with somebody who can't open it."""
    people = crew(database, site, "An")
    supervisor = employ(database, site.id, "supervisor")
    set_up(database, site, boss, people, cover="office")
    roster(database, site, boss, people)
    with database.write() as session:
        session.scalars(select(Grant).where(Grant.person_id == people[0])).one().team = "lift"
    start, end = local("2026-11-25 09:00"), local("2026-11-25 10:00")
    with database.read() as session:
        assert on_duty(session, site.id, TEAM, NOON) == []
        assert who_answers(session, site.id, TEAM, NOON).people == [supervisor]
        assert gaps(session, session.get_one(Node, site.id), TEAM, start, end) == [(start, end)]
    with pytest.raises(Invalid, match="roster"):
        roster(database, site, boss, people, hours=(18, 20))


def test_a_gap_is_an_alarm_the_day_before_and_told_once(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An", "Bo")
    set_up(database, site, boss, people, cover="always")
    roster(database, site, boss, [people[0]], hours=(0, 0))
    day_after = local("2026-11-30 12:00")
    assert _watch(database, local("2026-11-29 12:00")) == 1
    assert _watch(database, local("2026-11-29 12:05")) == 0
    [gap] = facts_of(database, "roster.gap")
    assert (gap.after or {})["from"] == local("2026-11-30 00:00").isoformat()
    with database.read() as session:
        [standing] = open_gaps(session, frozenset({site.id}))
    assert standing.ends_at == local("2026-11-30 12:05")
    with database.write() as session:
        add_shifts(
            session,
            boss,
            session.get_one(Node, site.id),
            TEAM,
            [people[1]],
            kind="on_call",
            weekdays=range(7),
            hours=(time(0), time(0)),
            first=date(2026, 11, 30),
            weeks=2,
            now=NOON,
        )
    assert _watch(database, local("2026-11-29 12:10")) == 1
    assert len(facts_of(database, "roster.mended")) == 1
    assert _watch(database, day_after) == 0


@on_one_engine
def test_a_gap_whose_beginning_is_filled_begins_later(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An", "Bo")
    set_up(database, site, boss, people, cover="always")
    roster(database, site, boss, [people[0]], hours=(0, 20), days=[1])
    assert _watch(database, NOON) == 1
    roster(database, site, boss, [people[1]], hours=(20, 23), days=[1])
    assert _watch(database, NOON + MINUTE) == 0
    with database.read() as session:
        [standing] = open_gaps(session, frozenset({site.id}))
    assert standing.starts_at == local("2026-11-24 23:00")
    # Once it has begun its beginning stays.
    _watch(database, local("2026-11-24 23:30"))
    with database.read() as session:
        [standing] = open_gaps(session, frozenset({site.id}))
    assert standing.starts_at == local("2026-11-24 23:00")


def _watch(database: Database, now: datetime) -> int:
    with database.write() as session:
        return watch_rosters(session, now=now, actor=events.SYSTEM)


def test_an_absence_without_deputy_makes_a_gap(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An")
    set_up(database, site, boss, people, cover="office")
    roster(database, site, boss, people)
    start, end = local("2026-11-25 00:00"), local("2026-11-26 00:00")
    with database.write() as session:
        node = session.get_one(Node, site.id)
        # The office opens at half past eight, and somebody is there.
        assert gaps(session, node, TEAM, start, end) == []
        away = (local("2026-11-25 10:00"), local("2026-11-25 12:00"))
        set_absence(session, boss, site.id, people[0], away, None, now=NOON)
        assert gaps(session, node, TEAM, start, end) == [away]
        assert gaps(session, node, "security", start, end) == []


@on_one_engine
def test_a_deputy_who_does_not_answer_covers_nothing(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    person, deputy = crew(database, site, "An", "Bo")
    set_up(database, site, boss, [person], cover="office")
    roster(database, site, boss, [person])
    start, end = local("2026-11-25 09:00"), local("2026-11-25 17:00")
    half = local("2026-11-25 13:00")

    def uncovered() -> list[tuple[datetime, datetime]]:
        with database.read() as session:
            found = gaps(session, session.get_one(Node, site.id), TEAM, start, end)
            asked = [bool(on_duty(session, site.id, TEAM, one)) for one in (start, half)]
            assert asked == [not any(a <= one < b for a, b in found) for one in (start, half)]
            return found

    with database.write() as session:
        set_absence(session, boss, site.id, person, (NOON, end + DAY), deputy, now=NOON)
    assert uncovered() == []
    with database.write() as session:
        set_absence(session, boss, site.id, deputy, (half, end + DAY), None, now=NOON)
    assert uncovered() == [(half, end)]
    # A role for another team alone.
    with database.write() as session:
        session.scalars(select(Grant).where(Grant.person_id == deputy)).one().team = "lift"
    assert uncovered() == [(start, end)]


@on_one_engine
def test_who_is_away_is_not_on_duty_by_their_own_shift(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    person, deputy = crew(database, site, "An", "Bo")
    roster(database, site, boss, [person])

    def on_duty_now() -> list[bool]:
        with database.read() as session:
            return [on_duty_anywhere(session, one, NOON) for one in (person, deputy)]

    assert on_duty_now() == [True, False]
    with database.write() as session:
        span = (NOON - HOUR, NOON + HOUR)
        set_absence(session, boss, site.id, person, span, deputy, now=NOON)
    assert on_duty_now() == [False, True]
    with database.write() as session:
        set_absence(session, boss, site.id, deputy, span, None, now=NOON)
    assert on_duty_now() == [False, False]


def test_a_team_is_set_up_once_and_of_people_who_can(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An")
    set_up(database, site, boss, people)
    with database.write() as session:
        node = session.get_one(Node, site.id)
        old = TeamShown(TEAM, {"en": "x"}, "grab", None, 0)
        with pytest.raises(Stale):
            save_team(session, boss, node, old, {}, now=NOON)
        for wrong, members in (
            (TeamShown(TEAM, {}, "lottery", None, 1), {}),
            (TeamShown(TEAM, {}, "grab", "nights", 1), {}),
            (TeamShown(" ", {}, "grab", None, 0), {}),
            (TeamShown(TEAM, {}, "grab", None, 1), {new_id(): list[str]()}),
        ):
            with pytest.raises(Invalid):
                save_team(session, boss, node, wrong, members, now=NOON)
        own = TeamShown("gardens", {"en": "Gardens"}, "grab", None, 0)
        save_team(session, boss, node, own, {people[0]: ["trees"]}, now=NOON)
        codes = [team.code for team in teams_at(session, site.id)]
    assert codes == ["maintenance", "security", "service", "gardens"]


def test_a_shift_is_taken_away_by_who_may(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An")
    roster(database, site, boss, people, days=[2])
    with database.write() as session:
        shift = session.scalars(select(Shift)).one()
        own = caller_for(session, session.get_one(Person, people[0]))
        with pytest.raises(NotAllowed):
            remove_shift(session, own, shift.id, now=NOON)
        stranger = Caller(new_id(), "x", "en", {})
        with pytest.raises(NotFound):
            remove_shift(session, stranger, shift.id, now=NOON)
        remove_shift(session, boss, shift.id, now=NOON)
        assert session.scalars(select(Shift)).all() == []


def test_who_leaves_leaves_the_roster_and_the_teams(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An")
    set_up(database, site, boss, people, cover="always")
    roster(database, site, boss, people, hours=(0, 0))
    with database.write() as session:
        staff.leave(session, session.get_one(Person, people[0]), caller=boss, now=NOON)
        assert session.scalars(select(Member)).all() == []
        assert on_duty(session, site.id, TEAM, NOON + DAY) == []
    [fact] = facts_of(database, "person.leave")
    assert (fact.after or {})["shifts_to_fill"] == 6


@on_one_engine
def test_what_somebody_leaves_behind_finds_the_next_and_its_clocks_go_on(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    person, colleague = crew(database, site, "An", "Bo")
    for one in (person, colleague):
        roster(database, site, boss, [one])
    held = reported(database, site)
    do(database, held, boss.person_id, NOON, "assign", assignee_id=person)
    due = ticket_of(database, held).resolve_due
    assert due is not None
    do(database, held, person, NOON, "hold")
    set_up(database, site, boss, [person, colleague])
    with database.write() as session:
        staff.leave(session, session.get_one(Person, person), caller=boss, now=NOON + HOUR)
    found = ticket_of(database, held)
    assert (found.state, found.assignee_id, found.held_at) == ("assigned", None, None)
    assert found.resolve_due == due + HOUR
    assert give_out(database, NOON + HOUR) == 1
    assert ticket_of(database, held).assignee_id == colleague


@on_one_engine
def test_what_a_contractor_has_accepted_is_given_to_nobody_of_ours(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    people = crew(database, site, "An")
    roster(database, site, boss, people)
    ticket_id = reported(database, site)
    with database.write() as session:
        link = ContractorLink(
            site_id=site.id, ticket_id=ticket_id, chain_id=new_id(), rank=1, secret_hash="0",
            state="accepted", version=1, company="Lift Co", name="", phone="", task="",
            urgent=False, made_by=boss.person_id, created_at=NOON, expires_at=NOON + DAY,
        )  # fmt: skip
        session.add(link)
        ticket = session.get_one(Ticket, ticket_id)
        act(session, ticket, Step("accept"), person=None, now=NOON, actor=events.SYSTEM)
    set_up(database, site, boss, people)
    assert give_out(database) == 0
    with database.write() as session:
        session.get_one(ContractorLink, link.id).state = "withdrawn"
    assert give_out(database) == 1


def alarm() -> StandingAlarm:
    """An alarm that nobody has acknowledged."""
    return StandingAlarm(new_id(), {"en": "Overheating"}, "unacknowledged", {"en": "Pump"}, NOON)


def test_a_hand_over_is_accepted_by_name(database: Database, site: SmallSite, boss: Caller) -> None:
    day, night = crew(database, site, "An", "Bo")
    reported(database, site)
    with database.write() as session:
        leaving = caller_for(session, session.get_one(Person, day))
        coming = caller_for(session, session.get_one(Person, night))
        set_items(session, boss, site.id, TEAM, [("key", "Roof"), ("equipment", "Torch")], now=NOON)
        missing = [item.id for item in items_of(session, site.id, TEAM) if item.name == "Torch"]
        given = offer_handover(
            session,
            leaving,
            site.id,
            TEAM,
            note="Lift 2 is noisy",
            missing=missing,
            alarms=[alarm()],
            now=NOON,
        )
        with pytest.raises(Conflict, match="waits to be accepted"):
            offer(session, leaving, site)
        with pytest.raises(Conflict, match="does not accept it"):
            accept(session, leaving, given)
        with pytest.raises(NotFound):
            find_handover(session, Caller(new_id(), "x", "en", {}), given.id)
        accept_handover(session, coming, given.id, remark="Torch is at the gate", now=NOON + MINUTE)
        with pytest.raises(Conflict):
            accept_handover(session, boss, given.id, remark="", now=NOON + MINUTE)
        [row] = list_handovers(session, site.id, TEAM)
    assert (row.state, row.accepted_by) == ("accepted", night)
    lists = row.lists
    assert [len(lists[name]) for name in ("tickets", "alarms", "items")] == [1, 1, 2]
    assert [item["name"] for item in lists["items"] if item["missing"]] == ["Torch"]
    # What people wrote stands in the row and not in the log.
    [fact] = facts_of(database, "handover.offer")
    assert "noisy" not in str(fact.after)


def offer(session: Session, caller: Caller, site: SmallSite) -> None:
    """Offer an empty hand-over."""
    offer_handover(session, caller, site.id, TEAM, note="", missing=[], alarms=[], now=NOON)


def accept(session: Session, caller: Caller, row: Handover) -> None:
    """Accept a hand-over."""
    accept_handover(session, caller, row.id, remark="", now=NOON)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_of_two_who_hand_over_or_set_up_a_team_at_once_one_is_told(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    def offer(_: int) -> bool:
        try:
            with database.write() as session:
                more: dict[str, Any] = {"note": "", "missing": [], "alarms": [], "now": NOON}
                offer_handover(session, boss, site.id, TEAM, **more)
        except Conflict:
            return False
        return True

    def save(_: int) -> bool:
        team = TeamShown(TEAM, {"en": "Maintenance"}, "load", None, 0)
        try:
            with database.write() as session:
                save_team(session, boss, session.get_one(Node, site.id), team, {}, now=NOON)
        except Stale:
            return False
        return True

    assert sorted(in_threads(2, offer)) == [False, True]
    assert sorted(in_threads(2, save)) == [False, True]


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_of_two_who_make_the_first_of_something_at_once_each_gets_it_or_is_told(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    [person] = crew(database, site, "An")
    week = [*[[["08:00", "18:00"]]] * 5, [], []]
    day = CalendarDraft("day", {"en": "Day"}, week, "", {})
    until = date(2027, 6, 30)

    kept: list[Callable[[Session, Node], object]] = [
        lambda session, node: set_duty_phone(session, boss, node, "0574 8800", now=NOON),
        lambda session, node: set_certificate(
            session, boss, node.id, person, "electrician", until, now=NOON
        ),
    ]
    more: dict[str, Any] = {"now": NOON, "expected_version": 0}
    made: list[Callable[[Session, Node], object]] = [
        lambda session, node: save_calendar(session, boss, node, day, **more),
        lambda session, node: save_terms(session, boss, node, grade="standard", own=None, **more),
        lambda session, node: set_reporting(session, boss, node, Reporting(), **more),
    ]

    def at_once(make: Callable[[Session, Node], object]) -> list[bool]:
        def once(_: int) -> bool:
            try:
                with database.write() as session:
                    make(session, session.get_one(Node, site.id))
            except Stale:
                return False
            return True

        return sorted(in_threads(3, once))

    for make in kept:
        assert at_once(make) == [True] * 3
    for make in made:
        assert at_once(make) == [False, False, True]


def test_what_nobody_accepts_goes_to_the_supervisor(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    [day] = crew(database, site, "An")
    supervisor = employ(database, site.id, "supervisor")
    with database.write() as session:
        offer(session, caller_for(session, session.get_one(Person, day)), site)
    for later, expected in ((29, 0), (30, 1), (60, 0)):
        with database.write() as session:
            assert pass_up(session, now=NOON + later * MINUTE, actor=events.SYSTEM) == expected
    [fact] = facts_of(database, "handover.pass_up")
    assert (fact.after or {})["people"] == [str(supervisor)]
    with database.write() as session:
        [row] = list_handovers(session, site.id, TEAM)
        accept(session, caller_for(session, session.get_one(Person, supervisor)), row)
        assert row.state == "accepted"
    del boss


def test_a_list_of_keys_is_kept_by_who_makes_rosters(
    database: Database, site: SmallSite, boss: Caller
) -> None:
    [person] = crew(database, site, "An")
    with database.write() as session:
        own = caller_for(session, session.get_one(Person, person))
        with pytest.raises(NotAllowed):
            set_items(session, own, site.id, TEAM, [("key", "Roof")], now=NOON)
        for wrong in (("car", "Van"), ("key", "x" * 81)):
            with pytest.raises(Invalid):
                set_items(session, boss, site.id, TEAM, [wrong], now=NOON)
        set_items(session, boss, site.id, TEAM, [("key", "Roof"), ("key", " ")], now=NOON)
        set_items(session, boss, site.id, TEAM, [("key", "Gate")], now=NOON)
        assert [item.name for item in items_of(session, site.id, TEAM)] == ["Gate"]
