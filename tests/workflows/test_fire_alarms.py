"""Fire alarms: seen, looked at on the spot, or a fire; by one press, or because a clock ran out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from core import events
from core.clock import SimulatedClock
from core.db import Database, Session
from core.errors import Conflict, Invalid, NotAllowed, WatchkeeperError
from core.files import FileStore
from core.health import Health
from core.people import Caller, Person, caller_for
from core.places import Node
from core.rosters import DutyPhone, set_duty_phone
from core.settings import load
from jobs.fire_alarms import pass_on_as_fire
from jobs.work import Work
from tests.fixtures import NOON, SmallSite
from tests.pictures import photo
from tests.workflows.conftest import (
    DAY,
    MINUTE,
    OVERHEATING,
    clear,
    do,
    employ,
    facts_of,
    ticket_of,
    trip,
)
from workflows import notifications
from workflows.alarms.fire import call_it_no_fire, send_to_look, take_fire_on
from workflows.notifications import Notice
from workflows.tickets import (
    Step,
    Ticket,
    act,
    edit,
    fire_climbing,
    fire_watch,
    unanswered_critical,
)
from workflows.tickets.fire_alarms import CAUSES, FIRE_ALARM, FireAlarm
from workflows.tickets.fire_watch import Look
from workflows.tickets.fires import standing_fires
from workflows.tickets.photos import add_photo, store_photo
from workflows.tickets.promises import FireTerms, read_terms, service_grades

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
SMOKE = replace(
    OVERHEATING,
    rule_id="smoke-detected",
    title={"en": "Smoke detected", "zh": "烟雾报警"},
    severity="critical",
    life_safety=True,
    kind="hazard",
    category="fire_alarm",
    team="security",
)


class House:
    """The site with a guard, somebody at the desk and a safety officer."""

    def __init__(self, database: Database, site: SmallSite, folder: Path) -> None:
        self.database, self.site = database, site
        self.files = FileStore(str(folder))
        self._taken, self.folder = 0, folder
        roles = ("guard", "service_desk", "safety_officer", "supervisor", "manager")
        self.people = {role: employ(database, site.id, role, role.title()) for role in roles}

    def caller(self, role: str) -> Caller:
        """Somebody by their role."""
        with self.database.read() as session:
            return caller_for(session, session.get_one(Person, self.people[role]))

    def ring(self, at: datetime = NOON) -> UUID:
        """The smoke detector goes off."""
        return trip(self.database, self.site, at, rule=SMOKE).ticket_id

    def photograph(self, ticket_id: UUID, role: str, at: datetime) -> UUID:
        """Somebody takes a photo for the ticket."""
        self._taken += 1
        stored = store_photo(self.files, photo(64 + self._taken, 48))
        with self.database.write() as session:
            ticket = session.get_one(Ticket, ticket_id)
            return add_photo(session, ticket, stored, author=self.people[role], now=at).id

    def step(self, ticket_id: UUID, what: Callable[[Session, Ticket], None]) -> None:
        """Take a step in a transaction of its own, the ticket locked as every door does it."""
        with self.database.write() as session:
            what(session, session.get_one(Ticket, ticket_id, with_for_update=True))

    def send(self, ticket_id: UUID, at: datetime, *, by: str = "service_desk") -> None:
        """The desk has seen it and sends the guard."""
        caller, guard = self.caller(by), self.people["guard"]
        self.step(
            ticket_id, lambda session, ticket: send_to_look(session, caller, ticket, guard, now=at)
        )

    def no_fire(
        self, ticket_id: UUID, at: datetime, *, cause: str = "cooking", by: str = "guard"
    ) -> None:
        """Somebody looks, takes a photo and says what it was."""
        look, caller = Look(cause, self.photograph(ticket_id, by, at)), self.caller(by)
        self.step(
            ticket_id,
            lambda session, ticket: call_it_no_fire(session, caller, ticket, look, now=at),
        )

    def press(self, ticket_id: UUID, at: datetime, *, by: str = "guard") -> None:
        """FIRE."""
        caller = self.caller(by)
        self.step(
            ticket_id,
            lambda session, ticket: fire_watch.press_fire(session, caller, ticket, now=at),
        )

    def take_on(self, ticket_id: UUID, at: datetime, *, by: str = "manager") -> None:
        """Somebody takes the fire on."""
        caller = self.caller(by)
        self.step(ticket_id, lambda session, ticket: take_fire_on(session, caller, ticket, now=at))

    def pass_time(self, now: datetime) -> int:
        """The sweep looks; a new one each time, as after a restart."""
        clock = SimulatedClock(0)
        work = Work(self.database, None, load(data_dir=self.folder), Health(clock))
        return pass_on_as_fire(work, now)

    def alarm(self, ticket_id: UUID) -> FireAlarm:
        """The short clock as it stands."""
        with self.database.read() as session:
            return session.get_one(FireAlarm, ticket_id)

    def steps(self) -> list[str]:
        """What the log says of the short clock, in order."""
        return [fact.kind.partition(".")[2] for fact in facts_of(self.database, "fire_alarm.")]

    def take_up(self, now: datetime) -> dict[str, tuple[str, str]]:
        """Who was told what, how urgently: by role or phone."""
        with self.database.write() as session:
            facts = events.read_after(self.database, events.START, 1000)
            notifications.take_up(session, facts, now=now)
        roles = {person: role for role, person in self.people.items()}
        with self.database.read() as session:
            return {
                roles.get(one.person_id, one.phone) if one.person_id else one.phone: (
                    one.kind,
                    one.urgency,
                )
                for one in session.query(Notice)
            }


@pytest.fixture
def house(database: Database, site: SmallSite, tmp_path: Path) -> House:
    """Everybody who works there."""
    return House(database, site, tmp_path / "files")


def test_a_smoke_alarm_starts_the_clock_of_its_terms(house: House) -> None:
    ticket = house.ring()
    alarm = house.alarm(ticket)
    assert (alarm.state, alarm.began_at) == ("unseen", NOON)
    assert alarm.due_at == alarm.seen_due == NOON + MINUTE
    assert alarm.confirm_due == NOON + 5 * MINUTE
    [opened] = facts_of(house.database, "ticket.open")
    assert (opened.after or {})["seen_due"] == alarm.seen_due.isoformat()


def test_any_other_ticket_runs_no_such_clock(house: House, database: Database) -> None:
    for rule in (
        replace(SMOKE, life_safety=False, rule_id="a"),
        replace(SMOKE, category="fire", rule_id="b"),
    ):
        trip(database, house.site, NOON, rule=rule)
    with database.read() as session:
        assert session.query(FireAlarm).count() == 0
    assert house.pass_time(NOON + DAY) == 0


def test_seen_and_found_to_be_cooking_it_is_over(house: House, database: Database) -> None:
    ticket = house.ring()
    house.send(ticket, NOON + 20 * SECOND)
    alarm = house.alarm(ticket)
    assert (alarm.state, alarm.due_at) == ("seen", NOON + 5 * MINUTE)
    assert (alarm.seen_by, alarm.sent_id) == (house.people["service_desk"], house.people["guard"])
    assert ticket_of(database, ticket).assignee_id == house.people["guard"]
    house.no_fire(ticket, NOON + 3 * MINUTE)
    row = ticket_of(database, ticket)
    assert (row.state, row.verdict, row.verdict_cause) == ("resolved", "false", "cooking")
    assert house.alarm(ticket).due_at is None
    assert house.steps() == ["see", "clear"]
    assert facts_of(database, "alarm.acknowledge")
    assert house.pass_time(NOON + DAY) == 0


def test_who_takes_the_ticket_has_seen_the_alarm_and_is_on_the_way(
    house: House, database: Database
) -> None:
    ticket = house.ring()
    do(database, ticket, house.people["guard"], NOON + 10 * SECOND, "accept")
    alarm = house.alarm(ticket)
    assert (alarm.state, alarm.sent_id) == ("seen", house.people["guard"])
    # Whoever is sent after them is on the way now; the clock does not begin anew.
    do(
        database,
        ticket,
        house.people["service_desk"],
        NOON + 20 * SECOND,
        "assign",
        assignee_id=house.people["supervisor"],
    )
    alarm = house.alarm(ticket)
    assert (alarm.sent_id, alarm.seen_at) == (house.people["supervisor"], NOON + 10 * SECOND)
    assert alarm.due_at == NOON + 5 * MINUTE


def test_what_nobody_saw_in_time_is_a_fire(house: House, database: Database) -> None:
    with database.write() as session:
        region = session.query(Node).filter_by(kind="region").one()
        boss = caller_for(session, session.get_one(Person, house.people["manager"]))
        site = session.get_one(Node, house.site.id)
        set_duty_phone(session, boss, site, "0574 1190", now=NOON)
        session.add(DutyPhone(node_id=region.id, phone="0574 2290"))
    ticket = house.ring()
    assert house.pass_time(NOON + 59 * SECOND) == 0
    assert house.pass_time(NOON + 63 * SECOND) == 1
    assert house.pass_time(NOON + 64 * SECOND) == 0
    alarm, row = house.alarm(ticket), ticket_of(database, ticket)
    assert (alarm.state, alarm.why, alarm.due_at) == ("fire", "unseen", None)
    assert (row.priority, row.kind) == ("critical", "incident")
    [fact] = facts_of(database, "fire_alarm.lapse")
    # It is dated when it was due, however late we looked.
    assert (fact.happened_at, fact.learned_at) == (NOON + MINUTE, NOON + 63 * SECOND)
    told = house.take_up(NOON + 63 * SECOND)
    assert set(told) >= {"safety_officer", "supervisor", "manager", "05741190", "0574 2290"}
    assert {told[one] for one in ("supervisor", "manager", "0574 2290")} == {
        ("fire_alarm.lapse", "critical")
    }


def test_what_nobody_looked_at_in_time_is_a_fire(house: House) -> None:
    ticket = house.ring()
    house.send(ticket, NOON + 30 * SECOND)
    assert house.pass_time(NOON + 4 * MINUTE) == 0
    assert house.pass_time(NOON + 5 * MINUTE) == 1
    assert house.alarm(ticket).why == "unconfirmed"
    assert house.take_up(NOON + 5 * MINUTE)["guard"] == ("fire_alarm.lapse", "critical")


def test_an_alarm_that_cannot_be_passed_on_holds_no_other_back(
    house: House, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = house.ring()
    second = trip(database, house.site, NOON, rule=replace(SMOKE, rule_id="smoke-2")).ticket_id
    lapse = fire_climbing.lapse_if_due

    def fails(session: Session, ticket: Ticket, **more: Any) -> bool:
        if ticket.id == first:
            raise ValueError("a row that nobody thought of")
        return lapse(session, ticket, **more)

    monkeypatch.setattr(fire_watch, "lapse_if_due", fails)
    with pytest.raises(ValueError, match="nobody thought of"):
        house.pass_time(NOON + 2 * MINUTE)
    assert house.alarm(second).state == "fire"
    monkeypatch.undo()
    assert house.pass_time(NOON + 3 * MINUTE) == 1
    assert house.alarm(first).state == "fire"


def test_a_look_that_comes_too_late_is_a_fire_before_any_sweep(house: House) -> None:
    ticket = house.ring()
    house.send(ticket, NOON + 30 * SECOND)
    with pytest.raises(Conflict, match="fire"):
        house.no_fire(ticket, NOON + 5 * MINUTE)
    # Who presses FIRE after the clock ran out is right all the same.
    house.press(ticket, NOON + 5 * MINUTE + SECOND)
    assert (house.alarm(ticket).state, house.alarm(ticket).why) == ("fire", "unconfirmed")
    assert house.steps() == ["see", "lapse"]


def test_one_press_is_a_fire_and_a_second_one_changes_nothing(
    house: House, database: Database
) -> None:
    ticket = house.ring()
    do(database, ticket, house.people["guard"], NOON + 10 * SECOND, "start")
    house.press(ticket, NOON + MINUTE)
    house.press(ticket, NOON + MINUTE + SECOND)
    assert house.alarm(ticket).why == "pressed"
    assert house.steps() == ["see", "fire"]
    with database.read() as session:
        [loud] = unanswered_critical(session).values()
        assert (loud.fire, loud.number) == (True, ticket_of(database, ticket).number)
        [fire] = standing_fires(session, house.caller("service_desk"), "alarms.act")
        assert (fire.state, fire.why) == ("fire", "pressed")
    house.take_on(ticket, NOON + 2 * MINUTE)
    with pytest.raises(Conflict):
        house.take_on(ticket, NOON + 2 * MINUTE, by="supervisor")
    with database.read() as session:
        assert unanswered_critical(session) == {}
    assert house.alarm(ticket).answered_by == house.people["manager"]
    # The guard who is on the spot keeps the ticket.
    assert ticket_of(database, ticket).assignee_id == house.people["guard"]


def test_a_fire_is_told_until_somebody_takes_it_on(house: House, database: Database) -> None:
    ticket = house.ring()
    do(database, ticket, house.people["guard"], NOON + 10 * SECOND, "accept")
    house.press(ticket, NOON + MINUTE)
    house.take_up(NOON + MINUTE)

    def waiting(now: datetime) -> set[str]:
        with database.write() as session:
            notifications.begin(session, [], base="https://wk.example", now=now)
        with database.read() as session:
            return {one.state for one in session.query(Notice).filter_by(kind="fire_alarm.fire")}

    assert waiting(NOON + 2 * MINUTE) == {"waiting"}
    assert waiting(NOON + 10 * MINUTE) == {"waiting"}
    house.take_on(ticket, NOON + 11 * MINUTE)
    assert waiting(NOON + 20 * MINUTE) == {"settled"}


def test_accepting_the_ticket_of_a_fire_takes_the_fire_on(house: House, database: Database) -> None:
    ticket = house.ring()
    house.pass_time(NOON + MINUTE)
    do(database, ticket, house.people["supervisor"], NOON + 2 * MINUTE, "accept")
    assert house.alarm(ticket).state == "answered"


def test_announced_on_site_until_somebody_is_sent_and_again_when_it_burns(
    house: House, database: Database
) -> None:
    def loud() -> list[bool]:
        with database.read() as session:
            return [one.fire for one in unanswered_critical(session).values()]

    ticket = house.ring()
    assert loud() == [False]
    house.send(ticket, NOON + 10 * SECOND)
    assert loud() == []
    house.pass_time(NOON + 5 * MINUTE)
    assert loud() == [True]


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_is_kept_as_what_it_was(house: House, database: Database, cause: str) -> None:
    ticket = house.ring()
    house.no_fire(ticket, NOON + 30 * SECOND, cause=cause)
    row, alarm = ticket_of(database, ticket), house.alarm(ticket)
    assert (alarm.state, alarm.cause) == ("not_fire", cause)
    assert alarm.photo_id is not None
    if cause == "sensor_fault":
        # The detector has to be mended, so the ticket goes on where that is done.
        assert (row.state, row.team, row.assignee_id) == ("assigned", "maintenance", None)
    elif cause == "test":
        assert (row.state, row.verdict, row.verdict_cause) == ("resolved", "test", None)
    else:
        assert (row.state, row.verdict, row.verdict_cause) == ("resolved", "false", cause)


def test_no_fire_takes_a_photo_of_ones_own_from_after_the_alarm(
    house: House, database: Database
) -> None:
    old = house.ring(NOON - DAY)
    before = house.photograph(old, "guard", NOON - MINUTE)
    house.no_fire(old, NOON - DAY + SECOND)
    clear(database, house.site, NOON - HOUR, rule=SMOKE)
    ticket = house.ring(NOON)
    assert ticket == old
    of_another = house.photograph(
        trip(database, house.site, NOON, rule=replace(SMOKE, rule_id="other")).ticket_id,
        "guard",
        NOON + SECOND,
    )
    of_a_colleague = house.photograph(ticket, "supervisor", NOON + SECOND)
    caller = house.caller("guard")

    def look(photo_id: UUID | None, cause: str = "dust") -> Callable[[Session, Ticket], None]:
        return lambda session, row: call_it_no_fire(
            session, caller, row, Look(cause, photo_id), now=NOON + 2 * SECOND
        )

    for photo_id in (None, before, of_another, of_a_colleague):
        with pytest.raises(Invalid) as refused:
            house.step(ticket, look(photo_id))
        assert list(refused.value.problems) == ["photo: take one there, after the alarm"]
    with pytest.raises(Invalid) as refused:
        house.step(ticket, look(None, "aliens"))
    assert len(refused.value.problems) == 2
    assert house.alarm(ticket).state == "unseen"


def test_strangers_and_readers_are_refused(
    house: House, database: Database, site: SmallSite
) -> None:
    ticket = house.ring()
    house.people["auditor"] = employ(database, site.id, "auditor")
    house.people["accountant"] = employ(database, site.id, "accountant")
    for who in ("auditor", "accountant"):
        for refused in (house.send, house.press, house.no_fire, house.take_on):
            with pytest.raises(NotAllowed):
                refused(ticket, NOON + SECOND, by=who)
    # Only somebody who works there can be sent.
    house.people["guard"] = house.people["accountant"]
    with pytest.raises(Invalid):
        house.send(ticket, NOON + SECOND)
    assert house.steps() == []


@pytest.mark.parametrize("action", ["hold", "resolve", "cancel", "merge"])
@pytest.mark.parametrize("burning", [False, True])
def test_nothing_ends_it_silently(
    house: House, database: Database, action: str, burning: bool
) -> None:
    ticket, person = house.ring(), house.people["manager"]
    other = trip(database, house.site, NOON, rule=replace(SMOKE, rule_id="other")).ticket_id
    do(database, ticket, person, NOON + SECOND, "accept")
    if burning:
        house.press(ticket, NOON + 2 * SECOND)
        house.take_on(ticket, NOON + 2 * SECOND)
    with pytest.raises(Conflict):
        do(database, ticket, person, NOON + 3 * SECOND, action, into_id=other, verdict="false")
    assert ticket_of(database, ticket).state == "assigned"
    if burning:
        less, later = {"priority": "low"}, NOON + 4 * SECOND
        with database.write() as session:
            row = session.get_one(Ticket, ticket)
            with pytest.raises(Conflict):
                edit(session, row, less, person=person, now=later, expected_version=None)
        do(database, ticket, person, NOON + 5 * SECOND, "resolve", verdict="real")
        assert ticket_of(database, ticket).state == "resolved"


def test_a_fire_alarm_is_merged_only_into_another(house: House, database: Database) -> None:
    ticket, person = house.ring(), house.people["manager"]
    house.no_fire(ticket, NOON + SECOND, cause="sensor_fault")
    leak = trip(database, house.site, NOON).ticket_id
    with pytest.raises(Conflict, match="no fire alarm"):
        do(database, ticket, person, NOON + MINUTE, "merge", into_id=leak)


def test_it_is_called_off_by_who_answers_for_the_site(house: House, database: Database) -> None:
    ticket = house.ring()
    house.pass_time(NOON + MINUTE)
    look = Look("joss_paper", house.photograph(ticket, "guard", NOON + 2 * MINUTE))
    for role, allowed in (("guard", False), ("safety_officer", True)):
        caller = house.caller(role)

        def call_off(session: Session, row: Ticket, caller: Caller = caller) -> None:
            fire_watch.stand_down(session, caller, row, look, now=NOON + 3 * MINUTE)

        if allowed:
            house.step(ticket, call_off)
        else:
            with pytest.raises(NotAllowed):
                house.step(ticket, call_off)
    assert house.steps() == ["lapse", "stand_down"]
    assert ticket_of(database, ticket).verdict_cause == "joss_paper"


def test_a_detector_that_goes_off_again_is_looked_at_again(
    house: House, database: Database
) -> None:
    ticket = house.ring()
    house.no_fire(ticket, NOON + SECOND, cause="sensor_fault")
    clear(database, house.site, NOON + MINUTE, rule=SMOKE)
    again = trip(database, house.site, NOON + 10 * MINUTE, rule=SMOKE)
    assert again.ticket_id == ticket
    alarm = house.alarm(ticket)
    assert (alarm.state, alarm.rounds, alarm.due_at) == ("unseen", 2, NOON + 11 * MINUTE)
    assert (alarm.cause, alarm.photo_id, alarm.seen_at) == (None, None, None)
    house.no_fire(ticket, NOON + 10 * MINUTE + SECOND)
    # Also after it was resolved: the ticket opens again, and its clock with it.
    clear(database, house.site, NOON + 12 * MINUTE, rule=SMOKE)
    trip(database, house.site, NOON + 20 * MINUTE, rule=SMOKE)
    assert (house.alarm(ticket).state, house.alarm(ticket).rounds) == ("unseen", 3)
    assert house.pass_time(NOON + 21 * MINUTE) == 1


def test_fire_can_be_pressed_after_somebody_said_that_it_is_none(
    house: House, database: Database
) -> None:
    ticket = house.ring()
    house.no_fire(ticket, NOON + SECOND)
    house.press(ticket, NOON + MINUTE, by="supervisor")
    row = ticket_of(database, ticket)
    assert (house.alarm(ticket).state, row.state, row.kind) == ("fire", "open", "incident")


def at_once(confirm: Callable[[], bool], lapse: Callable[[], int]) -> tuple[bool, int]:
    """Both at the same moment; what came of each."""
    barrier = Barrier(2)

    def after(what: Callable[[], int]) -> int:
        barrier.wait()
        return what()

    with ThreadPoolExecutor(2) as threads:
        confirmed, lapsed = threads.submit(after, confirm), threads.submit(after, lapse)
        return bool(confirmed.result()), lapsed.result()


def test_a_look_and_the_clock_at_the_same_moment_leave_one_of_the_two(
    postgres_database: Database, postgres_site: SmallSite, tmp_path: Path
) -> None:
    house = House(postgres_database, postgres_site, tmp_path)
    due = NOON + MINUTE

    def confirm(ticket: UUID, look: Look) -> bool:
        caller = house.caller("guard")

        def say(session: Session, row: Ticket) -> None:
            # The guard's phone says a moment before the deadline.
            call_it_no_fire(session, caller, row, look, now=due - SECOND)

        try:
            house.step(ticket, say)
        except WatchkeeperError:
            return False
        return True

    for number in range(6):
        rule = replace(SMOKE, rule_id=f"smoke-{number}")
        ticket = trip(postgres_database, postgres_site, NOON, rule=rule).ticket_id
        look = Look("dust", house.photograph(ticket, "guard", NOON + SECOND))
        confirmed, lapsed = at_once(partial(confirm, ticket, look), partial(house.pass_time, due))
        if not confirmed and not lapsed:
            # The sweep left it to who held it; the next look finds it.
            lapsed = house.pass_time(due)
        assert [confirmed, bool(lapsed)].count(True) == 1
        wanted = "not_fire" if confirmed else "fire"
        assert house.alarm(ticket).state == wanted
        # No ticket is left half of either.
        row = ticket_of(postgres_database, ticket)
        assert (row.kind == "incident") is (wanted == "fire")


@pytest.mark.parametrize(
    ("state", "action"), list(product(FIRE_ALARM.statuses, FIRE_ALARM.moves)), ids="-".join
)
def test_the_table_holds_every_move_or_refuses_it(state: str, action: str) -> None:
    if state in FIRE_ALARM.moves[action]:
        assert FIRE_ALARM.target(action, state) in FIRE_ALARM.statuses
    else:
        with pytest.raises(Conflict):
            FIRE_ALARM.target(action, state)


def test_no_action_leads_out_of_a_fire_but_a_person() -> None:
    assert set(FIRE_ALARM.actions("fire")) == {"answer", "stand_down"}


def test_every_grade_says_how_soon_and_terms_check_it() -> None:
    spans = {
        code: (grade.terms.fire_alarm.seen_within, grade.terms.fire_alarm.confirmed_within)
        for code, grade in service_grades().items()
    }
    assert spans == {
        "standard": (MINUTE, 5 * MINUTE),
        "urgent-30": (30 * SECOND, 3 * MINUTE),
        "around-the-clock": (15 * SECOND, 195 * SECOND),
    }
    assert FireTerms() == service_grades()["standard"].terms.fire_alarm
    plain = service_grades()["standard"].terms.model_dump(mode="json")
    wrong = ({"seen_within": "5m", "confirmed_within": "2m"}, {"confirmed_within": "2h"})
    for one in wrong:
        with pytest.raises(Invalid):
            read_terms({**plain, "fire_alarm": one})


def test_a_hold_gives_way_when_the_detector_goes_off(house: House, database: Database) -> None:
    ticket = house.ring()
    house.no_fire(ticket, NOON + SECOND, cause="sensor_fault")
    do(database, ticket, house.people["supervisor"], NOON + MINUTE, "hold")
    clear(database, house.site, NOON + 2 * MINUTE, rule=SMOKE)
    trip(database, house.site, NOON + 3 * MINUTE, rule=SMOKE)
    assert house.pass_time(NOON + 4 * MINUTE) == 1
    assert ticket_of(database, ticket).state == "in_progress"


def test_a_contractor_or_job_that_takes_the_ticket_has_not_seen_it(
    house: House, database: Database
) -> None:
    ticket = house.ring()
    with database.write() as session:
        row = session.get_one(Ticket, ticket)
        contractor = events.Actor("contractor", "x")
        act(session, row, Step("accept"), person=None, now=NOON + SECOND, actor=contractor)
    assert house.alarm(ticket).state == "unseen"
