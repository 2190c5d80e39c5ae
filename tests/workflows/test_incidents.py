"""Incidents: many alarms of one cause are one ticket, and nothing else ever joins them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select

from core import events
from core.db import Database, Session
from core.errors import Conflict
from core.ids import new_id
from core.paging import Wish
from core.people import Caller, Person, caller_for
from core.places import Asset, Space, Supply
from rules.engine import TransitionKind
from tests.fixtures import NOON, Administrator, SmallSite
from tests.threads import in_threads
from tests.workflows.conftest import (
    DAY,
    MINUTE,
    OVERHEATING,
    do,
    facts_of,
    finding,
    ticket_of,
)
from workflows.alarms import Alarm, RuleFacts, Withheld, accept_ticket, record, release
from workflows.alarms.floods import settle_floods
from workflows.alarms.incident_model import Incident, IncidentChild, SiteFlood
from workflows.alarms.incident_reading import incidents_of as incidents_of_ticket
from workflows.alarms.incident_reading import list_incidents
from workflows.alarms.realarming import due_realarms, realarm
from workflows.alarms.releasing import due_withholdings, release_due
from workflows.alarms.splitting import split
from workflows.alarms.withholding import withhold
from workflows.tickets import Fault, Step, Ticket, TicketEvidence

SECOND = timedelta(seconds=1)
LEAK = replace(
    OVERHEATING,
    rule_id="water-leak",
    title={"en": "Water leak", "zh": "漏水"},
    severity="medium",
    family="water",
)
PIT = replace(LEAK, rule_id="pit-high", title={"en": "Pit high", "zh": "集水井高水位"})
LOST = replace(LEAK, rule_id="mains-lost", family="power")
SMOKE = replace(OVERHEATING, rule_id="smoke", severity="critical", life_safety=True)


class Building:
    """Assets of a building, added to the small site; trips of them, recorded one by one."""

    def __init__(self, database: Database, site: SmallSite) -> None:
        self._database = database
        self._site = site

    def assets(self, number: int, building: str = "b1") -> list[str]:
        """So many sensors, one to a room, in the building of this code."""
        codes = [f"{building}-sensor-{n}" for n in range(number)]
        with self._database.write() as session:
            statement = select(Space).where(Space.code == building)
            house = session.scalars(statement).first()
            if house is None:
                house = Space(
                    id=new_id(), site_id=self._site.id, kind="building", code=building, name={}
                )
                session.add(house)
                session.flush()
            for code in codes:
                room = Space(
                    id=new_id(),
                    site_id=self._site.id,
                    parent_id=house.id,
                    kind="room",
                    code=f"room-{code}",
                    name={},
                )
                session.add(room)
                session.flush()
                asset = Asset(
                    id=new_id(),
                    site_id=self._site.id,
                    space_id=room.id,
                    type="water_leak",
                    code=code,
                    name={"en": code},
                )
                session.add(asset)
                self._site.assets[code] = asset.id
        return codes

    def supply(self, supplier: str, consumers: Iterable[str], medium: str = "power") -> None:
        with self._database.write() as session:
            session.add_all(
                Supply(
                    supplier_id=self._site.assets[supplier],
                    consumer_id=self._site.assets[consumer],
                    site_id=self._site.id,
                    medium=medium,
                )
                for consumer in consumers
            )

    def trip(self, asset: str, at: datetime, rule: RuleFacts = LEAK) -> UUID:
        """The ticket that the trip opened or joined."""
        one = finding(self._site, TransitionKind.TRIPPED, at, asset=asset, rule=rule)
        with self._database.write() as session:
            [opened] = record(session, [one], learned_at=at)
        return opened.ticket_id

    def clear(self, asset: str, at: datetime, rule: RuleFacts = LEAK) -> None:
        one = finding(self._site, TransitionKind.CLEARED, at, asset=asset, rule=rule)
        with self._database.write() as session:
            record(session, [one], learned_at=at)


@pytest.fixture
def house(database: Database, site: SmallSite) -> Building:
    return Building(database, site)


def states_of(database: Database) -> Counter[str]:
    with database.read() as session:
        return Counter(session.scalars(select(Ticket.state)))


def incidents_of(database: Database) -> list[Incident]:
    with database.read() as session:
        return list(session.scalars(select(Incident).order_by(Incident.first_micros)))


def children_of(database: Database, incident: Incident) -> int:
    with database.read() as session:
        statement = select(func.count()).where(IncidentChild.incident_id == incident.id)
        return session.scalar(statement) or 0


@pytest.mark.parametrize("seed", [1, 2])
def test_a_burst_pipe_that_trips_forty_sensors_is_one_incident_and_one_ticket(
    database: Database, house: Building, seed: int
) -> None:
    codes = house.assets(40)
    Random(seed).shuffle(codes)
    first = house.trip(codes[0], NOON)
    for n, code in enumerate(codes[1:], 1):
        house.trip(code, NOON + n * 5 * SECOND, PIT if n % 7 == 0 else LEAK)
    [incident] = incidents_of(database)
    assert (incident.ticket_id, incident.alarms, incident.root_kind) == (first, 40, "space")
    assert children_of(database, incident) == 40
    # The second had opened one before it was known what it was part of.
    assert states_of(database) == {"open": 1, "merged": 1}
    with database.read() as session:
        held = session.scalars(select(Fault.ticket_id).where(Fault.holds)).all()
    assert set(held) == {first}
    assert len(held) == 40
    assert len(facts_of(database, "ticket.incident")) == 1


def test_in_one_batch_as_well(database: Database, site: SmallSite, house: Building) -> None:
    found = [
        finding(site, TransitionKind.TRIPPED, NOON + n * SECOND, asset=code, rule=LEAK)
        for n, code in enumerate(house.assets(40))
    ]
    with database.write() as session:
        record(session, found, learned_at=NOON + MINUTE)
    [incident] = incidents_of(database)
    assert incident.alarms == 40
    assert states_of(database) == {"open": 1, "merged": 1}


def test_smoke_in_the_middle_has_its_own_critical_ticket_at_once(
    database: Database, house: Building
) -> None:
    codes = house.assets(12)
    for n, code in enumerate(codes):
        house.trip(code, NOON + n * SECOND)
        if n == 5:
            own = house.trip("pump-1", NOON + n * SECOND, replace(SMOKE, family="water"))
    ticket = ticket_of(database, own)
    assert (ticket.state, ticket.priority, ticket.life_safety) == ("open", "critical", True)
    [incident] = incidents_of(database)
    assert incident.alarms == 12
    assert incident.ticket_id != own


def test_forty_alarms_with_nothing_in_common_are_forty_tickets_and_a_flood(
    database: Database, house: Building, site: SmallSite
) -> None:
    for n in range(40):
        [code] = house.assets(1, building=f"house-{n}")
        house.trip(code, NOON + n * SECOND)
    assert states_of(database) == {"open": 40}
    assert incidents_of(database) == []
    with database.write() as session:
        assert settle_floods(session, [site.id], NOON + MINUTE) == 1
        flood = session.scalars(select(SiteFlood)).one()
        assert (flood.began_at, flood.told, flood.peak) == (NOON, 40, 40)
    with database.write() as session:
        assert settle_floods(session, [site.id], NOON + 10 * MINUTE) == 1
        assert settle_floods(session, [site.id], NOON + 11 * MINUTE) == 0
    with database.read() as session:
        flood = session.scalars(select(SiteFlood)).one()
    # The fifth from the end fell out of the last ten minutes.
    assert flood.ended_at == NOON + 35 * SECOND + 10 * MINUTE
    assert [each.kind for each in facts_of(database, "flood.")] == ["flood.begin", "flood.end"]


def test_a_flood_that_is_over_before_anybody_looks_is_marked_with_its_own_times(
    database: Database, house: Building, site: SmallSite
) -> None:
    for burst in (0, 25):
        for n in range(11):
            [code] = house.assets(1, building=f"house-{burst + n}")
            house.trip(code, NOON + burst * MINUTE + n * SECOND)
        with database.write() as session:
            settle_floods(session, [site.id], NOON + burst * MINUTE + 24 * MINUTE)
    with database.read() as session:
        floods = session.scalars(select(SiteFlood).order_by(SiteFlood.began_at)).all()
    assert [(each.began_at, each.told, each.peak) for each in floods] == [
        (NOON, 11, 11),
        (NOON + 25 * MINUTE, 11, 11),
    ]
    assert [each.ended_at for each in floods] == [
        NOON + 6 * SECOND + 10 * MINUTE,
        NOON + 35 * MINUTE + 6 * SECOND,
    ]


def test_ten_alarms_in_ten_minutes_are_no_flood(
    database: Database, house: Building, site: SmallSite
) -> None:
    for n in range(20):
        [code] = house.assets(1, building=f"house-{n}")
        house.trip(code, NOON + n * MINUTE)
    with database.write() as session:
        assert settle_floods(session, [site.id], NOON + 20 * MINUTE) == 0
        assert session.scalar(select(func.count(SiteFlood.id))) == 0


@pytest.mark.parametrize("rule", [replace(LEAK, family=None), LOST])
def test_another_family_never_joins(database: Database, house: Building, rule: RuleFacts) -> None:
    codes = house.assets(5)
    for n, code in enumerate(codes[:4]):
        house.trip(code, NOON + n * SECOND)
    own = house.trip(codes[4], NOON + 10 * SECOND, rule)
    [incident] = incidents_of(database)
    assert incident.alarms == 4
    assert own != incident.ticket_id


def test_what_one_board_feeds_is_one_incident_and_another_branch_is_not(
    database: Database, house: Building
) -> None:
    fed = house.assets(3, "west")
    others = house.assets(2, "east")
    house.supply("board-1", fed)
    tickets = [house.trip(code, NOON + n * SECOND, LOST) for n, code in enumerate(fed + others)]
    [incident] = incidents_of(database)
    assert (incident.root_kind, incident.alarms) == ("supply", 3)
    assert len({incident.ticket_id, *tickets[3:]}) == 3


def test_a_second_ticket_that_somebody_accepted_is_theirs(
    database: Database, house: Building, administrator: Administrator
) -> None:
    codes = house.assets(5)
    first = house.trip(codes[0], NOON)
    second = house.trip(codes[1], NOON + SECOND)
    do(database, second, administrator.person_id, NOON + 2 * SECOND, "accept")
    for n, code in enumerate(codes[2:], 3):
        assert house.trip(code, NOON + n * SECOND) == first
    assert ticket_of(database, second).responded_at is not None
    assert ticket_of(database, second).merged_into_id is None
    [incident] = incidents_of(database)
    assert incident.alarms == 4


def test_alarms_that_trip_too_far_apart_are_no_incident(
    database: Database, house: Building
) -> None:
    for n, code in enumerate(house.assets(5)):
        house.trip(code, NOON + n * 6 * MINUTE)
    assert incidents_of(database) == []
    assert states_of(database) == {"open": 5}


def test_an_incident_goes_on_as_long_as_the_next_alarm_is_near(
    database: Database, house: Building
) -> None:
    codes = house.assets(6)
    for n, code in enumerate(codes[:5]):
        house.trip(code, NOON + n * 5 * MINUTE)
    [incident] = incidents_of(database)
    assert incident.alarms == 5
    assert house.trip(codes[5], NOON + 31 * MINUTE) != incident.ticket_id


def test_what_trips_after_the_work_was_done_has_a_ticket_of_its_own(
    database: Database, house: Building, administrator: Administrator
) -> None:
    codes = house.assets(4)
    for n, code in enumerate(codes[:3]):
        ticket = house.trip(code, NOON + n * SECOND)
    for action in ("start", "resolve"):
        do(database, ticket, administrator.person_id, NOON + MINUTE, action)
    assert house.trip(codes[3], NOON + 2 * MINUTE) != ticket


def test_the_ticket_weighs_as_much_as_the_worst_of_its_alarms(
    database: Database, house: Building
) -> None:
    codes = house.assets(5)
    for n, code in enumerate(codes[:4]):
        ticket = house.trip(code, NOON + n * SECOND)
    assert ticket_of(database, ticket).priority == "medium"
    house.trip(codes[4], NOON + 10 * SECOND, replace(PIT, severity="critical"))
    assert ticket_of(database, ticket).priority == "critical"
    # It is told again, for it is more urgent now.
    assert len(facts_of(database, "ticket.incident")) == 2


def test_the_ticket_has_recovered_when_the_last_of_its_alarms_has(
    database: Database, house: Building
) -> None:
    codes = house.assets(4)
    for n, code in enumerate(codes):
        ticket = house.trip(code, NOON + n * SECOND)
    for n, code in enumerate(codes):
        assert ticket_of(database, ticket).recovered_at is None
        house.clear(code, NOON + (n + 1) * MINUTE)
    assert ticket_of(database, ticket).recovered_at == NOON + 4 * MINUTE
    assert len(facts_of(database, "ticket.recovered")) == 1


def test_an_alarm_of_an_incident_that_comes_again_goes_on_with_its_ticket(
    database: Database, house: Building
) -> None:
    codes = house.assets(4)
    for n, code in enumerate(codes):
        ticket = house.trip(code, NOON + n * SECOND)
    house.clear(codes[3], NOON + MINUTE)
    assert house.trip(codes[3], NOON + 40 * MINUTE) == ticket
    [incident] = incidents_of(database)
    assert incident.alarms == 4


def test_accepting_the_ticket_acknowledges_every_alarm_of_the_incident(
    database: Database, house: Building, administrator: Administrator
) -> None:
    for n, code in enumerate(house.assets(5)):
        ticket_id = house.trip(code, NOON + n * SECOND)
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        accept_ticket(
            session, ticket, Step("accept"), person=administrator.person_id, now=NOON + MINUTE
        )
    with database.read() as session:
        assert set(session.scalars(select(Alarm.state))) == {"acknowledged"}


def test_of_acceptance_and_merging_at_once_one_comes_first(
    database: Database, site: SmallSite, house: Building, administrator: Administrator
) -> None:
    codes = house.assets(3)
    first = house.trip(codes[0], NOON)
    second = house.trip(codes[1], NOON + SECOND)

    def act_at_once(number: int) -> str:
        if number == 0:
            house.trip(codes[2], NOON + 2 * SECOND)
            return "joined"
        try:
            with database.write() as session:
                ticket = session.get_one(Ticket, second, with_for_update=True)
                step = Step("accept")
                accept_ticket(session, ticket, step, person=administrator.person_id, now=NOON)
        except Conflict:
            return "refused"
        return "accepted"

    came = set(in_threads(2, act_at_once))
    ticket = ticket_of(database, second)
    if "accepted" in came:
        assert (ticket.merged_into_id, ticket.assignee_id) == (None, administrator.person_id)
    else:
        assert ticket.merged_into_id == first
    [incident] = incidents_of(database)
    assert incident.alarms == (2 if "accepted" in came else 3)


@pytest.mark.parametrize("days", [2, 9])
def test_an_alarm_that_trips_alone_later_is_no_part_of_the_old_incident(
    database: Database, house: Building, administrator: Administrator, days: int
) -> None:
    """Even so soon that a ticket of its own would be re-opened."""
    codes = house.assets(4)
    for n, code in enumerate(codes):
        ticket = house.trip(code, NOON + n * SECOND)
    for code in codes:
        house.clear(code, NOON + MINUTE)
    for action in ("start", "resolve", "verify", "close"):
        do(database, ticket, administrator.person_id, NOON + 2 * MINUTE, action)
    later = NOON + days * DAY
    for code in (codes[0], codes[3]):
        own = house.trip(code, later)
        assert own != ticket
        assert ticket_of(database, own).previous_id == ticket
        house.clear(code, later + MINUTE)
        later += 60 * MINUTE
    with database.read() as session:
        old = select(func.count(Alarm.id)).where(Alarm.incident_id.is_not(None))
        assert session.scalar(old) == 2


def caller_of(session: Session, person_id: UUID) -> Caller:
    return caller_for(session, session.get_one(Person, person_id))


def alarm_on(session: Session, asset: str) -> UUID:
    """The alarm of an asset that has one."""
    of_asset = select(Alarm.id).join(Asset, Asset.id == Alarm.asset_id)
    return session.scalars(of_asset.where(Asset.code == asset)).one()


def test_an_alarm_taken_out_has_its_own_ticket_and_never_comes_back(
    database: Database, house: Building, administrator: Administrator
) -> None:
    codes = house.assets(5)
    for n, code in enumerate(codes[:4]):
        ticket = house.trip(code, NOON + n * SECOND)
    [incident] = incidents_of(database)
    with database.write() as session:
        caller = caller_of(session, administrator.person_id)
        alarm = alarm_on(session, codes[3])
        own = split(session, caller, incident.id, alarm, now=NOON + MINUTE)
        assert (own.number, own.previous_id, own.state) == (3, ticket, "open")
        with pytest.raises(Conflict):
            split(session, caller, incident.id, alarm, now=NOON + MINUTE)
        own_id = own.id
    with database.read() as session:
        [proof] = session.scalars(
            select(TicketEvidence).where(TicketEvidence.ticket_id == own_id)
        ).all()
        assert proof.data["reason"] == "motor_temperature 82.1 °C > 75 °C held 2m"
    house.clear(codes[3], NOON + 2 * MINUTE)
    assert house.trip(codes[3], NOON + 3 * MINUTE) == own_id
    assert house.trip(codes[4], NOON + 4 * MINUTE) == ticket
    with database.read() as session:
        caller = caller_of(session, administrator.person_id)
        [listed] = list_incidents(session, caller, Wish(limit=10), going_on=True).items
        assert list_incidents(session, caller, Wish(limit=10), going_on=False).items == []
        [whole] = incidents_of_ticket(session, caller, ticket)
    assert (listed["alarms"], listed["standing"], listed["ticket_number"]) == (4, 4, 1)
    assert [child["split_at"] is None for child in whole["children"]] == [
        *[True] * 3,
        False,
        True,
    ]
    assert [one["ticket_number"] for one in whole["beside"]] == [3]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_alarm_of_two_incidents_of_one_ticket_is_taken_out_of_both(
    database: Database, house: Building, administrator: Administrator
) -> None:
    wet = replace(LEAK, inhibited_by=("mains-lost",))
    codes = house.assets(3)
    house.supply("board-1", codes)
    for n, code in enumerate(codes):
        house.trip(code, NOON + n * SECOND, wet)
    cause = house.trip("board-1", NOON + MINUTE, LOST)
    assert [(one.root_kind, one.alarms) for one in incidents_of(database)] == [
        ("space", 3),
        ("cause", 4),
    ]
    first, second = incidents_of(database)
    with database.write() as session:
        caller = caller_of(session, administrator.person_id)
        alarm = alarm_on(session, codes[2])
        assert split(session, caller, first.id, alarm, now=NOON + MINUTE).previous_id == cause
        with pytest.raises(Conflict):
            split(session, caller, second.id, alarm, now=NOON + MINUTE)
    assert [one.alarms for one in incidents_of(database)] == [2, 3]
    assert states_of(database)["open"] == 2


def test_what_is_released_together_is_one_incident_as_if_it_had_not_been_withheld(
    database: Database, site: SmallSite, house: Building
) -> None:
    wet = replace(LEAK, inhibited_by=("mains-lost",))
    codes = house.assets(5)
    house.supply("board-1", codes)
    house.trip("board-1", NOON, LOST)
    found = [
        finding(site, TransitionKind.TRIPPED, NOON + (n + 1) * SECOND, asset=code, rule=wet)
        for n, code in enumerate(codes)
    ]
    with database.write() as session:
        assert record(session, found, learned_at=NOON + MINUTE) == []
    house.clear("board-1", NOON + 120 * MINUTE, LOST)
    over = NOON + 120 * MINUTE + 5 * MINUTE
    with database.read() as session:
        due = due_withholdings(session, now=over)
    for n, one in enumerate(due):
        with database.write() as session:
            release_due(session, one, now=over + n * SECOND, actor=events.SYSTEM)
    [incident] = incidents_of(database)
    assert (incident.root_kind, incident.alarms) == ("space", 5)
    # That of the board, and the first two of the leak.
    assert states_of(database) == {"open": 2, "merged": 1}
    with database.read() as session:
        of_whole = TicketEvidence.ticket_id == incident.ticket_id
        proofs = session.scalars(select(TicketEvidence).where(of_whole)).all()
        assert set(session.scalars(select(Alarm.incident_id).where(Alarm.family == "water"))) == {
            incident.id
        }
    # Each says how long nobody was told; that of the second came with its ticket.
    assert sum("withheld" in proof.data for proof in proofs) >= 4
    assert len(facts_of(database, "ticket.incident")) == 1


def test_what_was_taken_out_is_not_put_back_when_it_is_released(
    database: Database, house: Building, administrator: Administrator
) -> None:
    codes = house.assets(4)
    for n, code in enumerate(codes):
        ticket = house.trip(code, NOON + n * SECOND)
    [incident] = incidents_of(database)
    with database.write() as session:
        caller = caller_of(session, administrator.person_id)
        alarm_id = alarm_on(session, codes[3])
        own = split(session, caller, incident.id, alarm_id, now=NOON + MINUTE).id
    do(database, own, administrator.person_id, NOON + MINUTE, "cancel")
    with database.write() as session:
        alarm = session.get_one(Alarm, alarm_id)
        held = Withheld("suppressed", "maintenance", NOON + 4 * MINUTE, None)
        withhold(session, alarm, held, actor=events.SYSTEM, now=NOON + 3 * MINUTE)
    with database.write() as session:
        alarm = session.get_one(Alarm, alarm_id)
        release(session, alarm, "expired", actor=events.SYSTEM, now=NOON + 4 * MINUTE)
    with database.read() as session:
        alarm = session.get_one(Alarm, alarm_id)
        assert alarm.incident_id is None
        assert alarm.ticket_id not in (None, ticket)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("done", [False, True])
def test_an_incident_that_still_stands_is_told_again_once_and_not_for_each_of_its_alarms(
    database: Database, house: Building, administrator: Administrator, done: bool
) -> None:
    lasting = replace(LEAK, realarm_standing=4 * MINUTE)
    for n, code in enumerate(house.assets(4)):
        ticket = house.trip(code, NOON + n * SECOND, lasting)
    with database.write() as session:
        row, step = session.get_one(Ticket, ticket), Step("start")
        accept_ticket(session, row, step, person=administrator.person_id, now=NOON + MINUTE)
    if done:
        do(database, ticket, administrator.person_id, NOON + 2 * MINUTE, "resolve")
    again = NOON + 5 * MINUTE
    with database.write() as session:
        for alarm in due_realarms(session, now=again):
            assert realarm(session, alarm, now=again, actor=events.SYSTEM) == 1
    assert len(facts_of(database, "ticket.still")) == (0 if done else 1)
    assert len(facts_of(database, "ticket.reopen")) == (1 if done else 0)
    assert facts_of(database, "ticket.announce") == []
    with database.read() as session:
        assert set(session.scalars(select(Alarm.state))) == {"unacknowledged"}
