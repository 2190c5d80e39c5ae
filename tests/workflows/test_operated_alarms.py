"""Readings, clocks, restarts and what people do, through engine and tables and a slow model."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.clock import to_micros
from core.db import Database, Session
from core.errors import Conflict
from core.events import SYSTEM, Event
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from rules.engine import AlarmState, ReceiptNow, Slot, bind, fire, next_wake, restore, step
from tests.fixtures import NOON, SmallSite, import_small_site
from tests.rules.building import rule
from tests.workflows.conftest import OVERHEATING
from tests.workflows.operated_model import MINUTE_US, OperatedModel, Terms
from tests.workflows.test_withholding import sweep
from workflows.alarms import (
    SETTLE_AFTER,
    Alarm,
    Episode,
    Finding,
    PointFacts,
    acknowledge,
    record,
)
from workflows.alarms.chatter import settle_chatter
from workflows.alarms.planning import Plan, find_work, finish_work, plan_work
from workflows.alarms.realarming import due_realarms, realarm
from workflows.alarms.recording import standing_states
from workflows.alarms.shelving import (
    OutOfService,
    confirm_out_of_service,
    find_request,
    reset,
    return_to_service,
    shelve,
    take_out_of_service,
    unshelve,
)
from workflows.tickets import Ticket

POINT = "motor_temperature"
WITHIN = {"when": f"{POINT} > 50", "clear_when": f"{POINT} < 50"}
HOT = {delay: rule("pump", **WITHIN, for_=f"{delay}m") for delay in (0, 2)}
QUIET = replace(OVERHEATING, suppress_while=("maintenance",))
SMOKE = replace(OVERHEATING, life_safety=True, severity="critical")
_numbers = count()


@dataclass
class Ward:
    """The tables that all examples share, and who acts."""

    database: Database
    site: SmallSite
    first: Caller
    second: Caller


@pytest.fixture
def ward(migrated_sqlite_url: str) -> Iterator[Ward]:
    database = Database(migrated_sqlite_url)
    site = import_small_site(database)
    people = [new_id(), new_id()]
    with database.write() as session:
        for person in people:
            session.add(Person(id=person, name="Ada", locale="en"))
            session.flush()
            session.add(
                Grant(id=new_id(), person_id=person, node_id=site.company_id, role="administrator")
            )
        session.flush()
        callers = [caller_for(session, session.get_one(Person, person)) for person in people]
    yield Ward(database, site, *callers)
    database.close()


class Alarmed:
    """One alarm as the product has it: an engine as ingest drives it, and the tables."""

    def __init__(self, ward: Ward, terms: Terms) -> None:
        number = next(_numbers)
        self.ward, self.rule = ward, HOT[terms.delay]
        self.facts = replace(
            SMOKE if terms.lives else QUIET,
            rule_id=f"operated-{number}",
            latch=terms.latch,
            realarm_standing=timedelta(minutes=terms.standing) if terms.standing else None,
        )
        # Each example has days of its own, so that work planned in another covers nothing.
        self.begin = NOON + timedelta(days=2 * number)
        self.slot = Slot()
        self._start(AlarmState())

    def moment(self, minutes: float) -> datetime:
        return self.begin + timedelta(minutes=minutes)

    def micros(self, minutes: float) -> int:
        return to_micros(self.begin) + round(minutes * MINUTE_US)

    def _start(self, state: AlarmState) -> None:
        self.now = ReceiptNow()
        slot = Slot(self.slot.value, self.slot.at, self.slot.heard)
        self.slot = slot
        self.instance = bind(self.rule, "pump-1", {POINT: slot}, self.now)
        restore(self.instance, state)

    def restart(self) -> None:
        with self.ward.database.read() as session:
            states = standing_states(session)
        asset = self.ward.site.assets["pump-1"]
        _, state = states.get((self.facts.rule_id, asset), (0, AlarmState()))
        self._start(state)

    def read(self, at: float, value: float, now: float) -> None:
        self.now.now = self.micros(now)
        self.slot.value, self.slot.at, self.slot.heard = value, self.micros(at), self.micros(now)
        if self.instance.test():
            self._keep(step(self.instance, self.micros(at), self.micros(now)), now)

    def pass_time(self, now: float) -> None:
        self.now.now = self.micros(now)
        wake = next_wake(self.instance)
        if wake is not None and wake <= self.micros(now):
            self._keep(fire(self.instance, self.micros(now)), now)
        self._settle_chatter(now)
        sweep(self.ward.database, self.moment(now))
        self._tell_what_stands(self.moment(now))

    def _settle_chatter(self, now: float) -> None:
        moment = self.moment(now)
        with self.ward.database.write() as session:
            settle_chatter(
                session,
                [self.ward.site.id],
                moment - timedelta(microseconds=SETTLE_AFTER),
                learned_at=moment,
            )

    def _tell_what_stands(self, moment: datetime) -> None:
        with self.ward.database.read() as session:
            due = due_realarms(session, now=moment)
        for one in due:
            with self.ward.database.write() as session:
                realarm(session, one, now=moment, actor=SYSTEM)

    def _keep(self, transitions: list[Any], now: float) -> None:
        site = self.ward.site
        points = {POINT: PointFacts(site.series["pump-1/motor_temperature"], "°C")}
        found = [
            Finding(site.id, site.assets["pump-1"], None, self.facts, each, each.at, points=points)
            for each in transitions
        ]
        with self.ward.database.write() as session:
            record(session, found, learned_at=self.moment(now))

    def alarm(self, session: Session) -> Alarm | None:
        return session.scalars(select(Alarm).where(Alarm.rule_id == self.facts.rule_id)).first()

    def told(self) -> dict[str, Any]:
        """What the tables say, in the model's terms."""
        with self.ward.database.read() as session:
            alarm = self.alarm(session)
            if alarm is None:
                return NOTHING
            rows = session.scalars(
                select(Episode).where(Episode.alarm_id == alarm.id).order_by(Episode.tripped_micros)
            ).all()
            tickets = session.scalars(
                select(Ticket).where(Ticket.rule_id == self.facts.rule_id)
            ).all()
            ticket = tickets[0].id if tickets else None
            zero = to_micros(self.begin)
            return {
                "state": alarm.state,
                "chatter": alarm.chatter_count if alarm.chatter_since else None,
                "episodes": [
                    (one.tripped_micros - zero, one.cleared_micros and one.cleared_micros - zero)
                    for one in rows
                ],
                "told": self._when(session, alarm.id, "alarm.trip"),
                "announced": self._when(session, ticket, "ticket.announce"),
                "still": self._when(session, ticket, "ticket.still"),
                "repeats": [one.repeats for one in tickets],
            }

    def _when(self, session: Session, subject: UUID | None, kind: str) -> list[float]:
        found = session.scalars(
            select(Event.learned_at)
            .where(Event.subject_id == str(subject), Event.kind == kind)
            .order_by(Event.seq)
        )
        return [(moment - self.begin) / timedelta(minutes=1) for moment in found]


class Operators:
    """People at the alarm; each action returns whether they could."""

    def __init__(self, alarmed: Alarmed) -> None:
        self.alarmed, self.ward = alarmed, alarmed.ward
        self.works: list[tuple[UUID, float]] = []

    def _do(self, how: Any) -> bool:
        try:
            with self.ward.database.write() as session:
                alarm = self.alarmed.alarm(session)
                if alarm is None:
                    return False
                how(session, alarm)
        except Conflict:
            return False
        return True

    def acknowledge(self, now: float) -> bool:
        person, moment = self.ward.first.person_id, self.alarmed.moment(now)
        return self._do(
            lambda session, alarm: acknowledge(session, alarm, person=person, now=moment)
        )

    def reset(self, now: float) -> bool:
        moment = self.alarmed.moment(now)
        return self._do(lambda session, alarm: reset(session, self.ward.first, alarm, now=moment))

    def shelve(self, now: float, minutes: int | None) -> bool:
        moment = self.alarmed.moment
        until = None if minutes is None else moment(now + minutes)
        return self._do(
            lambda session, alarm: shelve(
                session, self.ward.first, alarm, until=until, reason="noise", now=moment(now)
            )
        )

    def take_out(self, now: float, minutes: int) -> bool:
        moment, ward = self.alarmed.moment(now), self.ward
        wanted = OutOfService(self.alarmed.moment(now + minutes), "hot work", "Wei")
        asked: list[UUID] = []
        done = self._do(
            lambda session, alarm: asked.append(
                take_out_of_service(session, ward.first, alarm, wanted, now=moment).id
            )
        )
        if done and self.alarmed.facts.life_safety:
            with ward.database.write() as session:
                row, alarm = find_request(session, ward.second, asked[0])
                confirm_out_of_service(session, ward.second, row, alarm, now=moment)
        return done

    def bring_back(self, now: float, kind: str) -> bool:
        how = unshelve if kind == "shelved" else return_to_service
        moment = self.alarmed.moment(now)
        return self._do(lambda session, alarm: how(session, self.ward.first, alarm, now=moment))

    def plan(self, now: float, minutes: int) -> bool:
        site, moment = self.ward.site, self.alarmed.moment
        plan = Plan(
            site_id=site.id,
            kind="maintenance",
            starts_at=moment(now),
            ends_at=moment(now + minutes),
            reason="bearings",
            asset_ids=[site.assets["pump-1"]],
        )
        with self.ward.database.write() as session:
            work = plan_work(session, self.ward.first, plan, now=moment(now))
            self.works.append((work.id, now + minutes))
        return True

    def finish(self, now: float) -> bool:
        for place in reversed(range(len(self.works))):
            work, end = self.works[place]
            if end > now:
                with self.ward.database.write() as session:
                    row = find_work(session, self.ward.first, work, to_change=True)
                    finish_work(session, self.ward.first, row, now=self.alarmed.moment(now))
                self.works[place] = (work, now)
                return True
        return False


# Minutes are such that binary fractions add them up exactly.
# Of what happens, most often a fault or its end: people only matter where there is something.
HAPPENINGS = [
    *[("read", 2, 70.0)] * 4,
    *[("read", 3, 30.0)] * 2,
    *[("flutter", gap, trips) for gap, trips in ((0.125, 2), (0.25, 3), (0.5, 3), (1.25, 2))],
    *[("seen", 3, 70.0)] * 2,
    *[("wait", minutes, None) for minutes in (3, 6, 12, 17, 50)],
    *[("clock", 1, ahead) for ahead in (-7.5, -2.5, 3.5)],
    *[("acknowledge", 1, None)] * 3,
    *[("reset", 1, None)] * 2,
    *[("shelve", 1, minutes) for minutes in (10, 45)],
    ("shelve until clear", 1, None),
    ("unshelve", 1, None),
    ("take out", 1, 45),
    ("return", 1, None),
    *[("plan", 1, minutes) for minutes in (10, 40)],
    ("finish", 1, None),
    ("restart", 1, None),
]
histories = st.lists(st.sampled_from(HAPPENINGS), min_size=10, max_size=40)
terms = st.builds(
    Terms,
    lives=st.booleans(),
    delay=st.sampled_from([0, 2]),
    latch=st.booleans(),
    standing=st.sampled_from([None, 15]),
)
History = list[tuple[str, float, Any]]


def one_by_one(history: History) -> Iterator[tuple[str, float, Any]]:
    """What flutters is so many readings above and below; what is seen stands, and is seen."""
    for what, minutes, given_ in history:
        if what == "flutter":
            yield from [("read", minutes, 70.0), ("read", minutes, 30.0)] * given_
        elif what == "seen":
            yield from [("read", minutes, given_), ("acknowledge", minutes, None)]
        else:
            yield what, minutes, given_


def people_do(
    what: str, minutes: int, now: float, model: OperatedModel, people: Operators
) -> tuple[bool, bool]:
    """One action of people on the model and on the product: whether each let them."""
    match what:
        case "acknowledge":
            return model.acknowledge(now), people.acknowledge(now)
        case "reset":
            return model.reset(), people.reset(now)
        case "shelve":
            return model.shelve(now, minutes), people.shelve(now, minutes)
        case "shelve until clear":
            return model.shelve(now, None), people.shelve(now, None)
        case "unshelve":
            return model.bring_back(now, "shelved"), people.bring_back(now, "shelved")
        case "take out":
            return model.take_out(now, minutes), people.take_out(now, minutes)
        case "return":
            return model.bring_back(now, "out_of_service"), people.bring_back(now, "out_of_service")
        case "plan":
            return model.plan(now, minutes), people.plan(now, minutes)
        case _:
            return model.finish(now), people.finish(now)


NOTHING: dict[str, Any] = {
    "state": "normal", "chatter": None, "episodes": [], "told": [], "announced": [], "still": [],
    "repeats": [],
}  # fmt: skip


def as_told(model: OperatedModel) -> dict[str, Any]:
    """What the model says, in the words of `Alarmed.told`."""
    return {
        "state": model.state,
        "chatter": model.chatter and model.chatter.trips,
        "episodes": [(one.trip, one.clear) for one in model.episodes],
        "told": model.told,
        "announced": model.announced,
        "still": model.still,
        "repeats": [model.repeats] if model.told else [],
    }


ONE_SILENCE_AFTER_ANOTHER: History = [
    ("read", 2, 70.0), ("shelve", 1, 10), ("plan", 1, 40), ("wait", 12, None), ("read", 1, 30.0),
    ("wait", 50, None),
]  # fmt: skip
RESET_BEFORE_ITS_CHATTER_ENDED: History = [
    ("read", 2, 70.0), ("take out", 1, 45), ("read", 1.25, 30.0), ("flutter", 0.5, 3),
    ("return", 1, None), ("reset", 1, None), ("wait", 6, None),
]  # fmt: skip
WORK_FINISHED_EARLY: History = [
    ("seen", 3, 70.0), ("plan", 1, 40), ("wait", 17, None), ("finish", 1, None), ("wait", 3, None),
]  # fmt: skip


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(terms=terms, history=histories)
@example(terms=Terms(delay=0, latch=True), history=ONE_SILENCE_AFTER_ANOTHER)
@example(terms=Terms(delay=0, latch=True), history=RESET_BEFORE_ITS_CHATTER_ENDED)
@example(terms=Terms(delay=0, standing=15), history=WORK_FINISHED_EARLY)
def test_what_people_are_told_is_as_the_obvious_model_says(
    ward: Ward, terms: Terms, history: History
) -> None:
    model = OperatedModel(terms)
    alarmed = Alarmed(ward, terms)
    people = Operators(alarmed)
    now, ahead, last = 10.0, 0.0, 0.0
    for what, minutes, given_ in one_by_one(history):
        now += minutes
        match what:
            case "read":
                # One that is older than the last is late, and judged by nobody.
                if now + ahead > last:
                    last = now + ahead
                    model.read(last, given_, now)
                    alarmed.read(last, given_, now)
            case "clock":
                ahead = given_
            case "restart":
                alarmed.restart()
            case "wait":
                pass
            case _:
                ours, theirs = people_do(what, given_, now, model, people)
                assert ours == theirs, what
        model.pass_time(now)
        alarmed.pass_time(now)
        assert alarmed.told() == as_told(model)
