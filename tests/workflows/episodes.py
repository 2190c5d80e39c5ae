"""Alarms and their episodes as rows, for tests that count them."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from core.clock import to_micros
from core.db import Database
from core.ids import new_id
from core.people import Caller, Grant, Person, caller_for
from core.places import Asset, Node
from workflows.alarms import Alarm, Episode
from workflows.alarms.load.counting import Trip

SECOND = timedelta(seconds=1)


def micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


def trip(
    at: float, lasted: float | None = 3600, *, told: float | None = None, seen: float | None = None
) -> Trip:
    """A trip by seconds: when it tripped and how long it lasted."""
    return Trip(
        micros(at),
        None if lasted is None else micros(at + lasted),
        micros(at if told is None else told),
        None if seen is None else micros(seen),
        1,
        None,
    )


@dataclass(frozen=True)
class Put:
    """An episode to write: minutes after the beginning, and how many seconds it lasted.

    told, announced: in minutes as well. withheld: what kept it silent when it tripped. trips: in
    it, by chatter.
    """

    minute: float
    lasted: float | None = 3600
    told: float | None = None
    seen_after: float | None = None
    ticket: UUID | None = None
    version: int = 1
    withheld: UUID | None = None
    announced: float | None = None
    trips: int = 1


def put_alarm(
    database: Database,
    site_id: UUID,
    asset_id: UUID,
    rule_id: str,
    *,
    severity: str = "low",
    life_safety: bool = False,
) -> UUID:
    """An alarm that is normal, without any episode."""
    alarm = Alarm(
        id=new_id(),
        site_id=site_id,
        asset_id=asset_id,
        rule_id=rule_id,
        rule_version=1,
        title={"en": rule_id},
        severity=severity,
        life_safety=life_safety,
    )
    with database.write() as session:
        session.add(alarm)
    return alarm.id


def put_episodes(
    database: Database, site_id: UUID, alarm_id: UUID, start: datetime, wanted: Iterable[Put]
) -> None:
    """Episodes of an alarm. told: minutes after `start`; seen_after: seconds after that."""
    rows = []
    for one in wanted:
        tripped = start + timedelta(minutes=one.minute)
        told = tripped if one.told is None else start + timedelta(minutes=one.told)
        seen = None if one.seen_after is None else told + one.seen_after * SECOND
        cleared = None if one.lasted is None else to_micros(tripped + one.lasted * SECOND)
        rows.append(
            {
                "id": new_id(),
                "alarm_id": alarm_id,
                "site_id": site_id,
                "rule_version": one.version,
                "tripped_micros": to_micros(tripped),
                "cleared_micros": cleared,
                "learned_at": told,
                "acknowledged_at": seen,
                "reason": "because",
                "ticket_id": one.ticket,
                "withholding_id": one.withheld,
                "trips": one.trips,
                "announced_at": None
                if one.announced is None
                else start + timedelta(minutes=one.announced),
            }
        )
    with database.write() as session:
        for begin in range(0, len(rows), 5000):
            session.execute(insert(Episode), rows[begin : begin + 5000])


def put_site(database: Database, company_id: UUID, code: str, time_zone: str) -> tuple[UUID, UUID]:
    """Another site right below the company, with one asset; returns both ids."""
    node, asset = new_id(), new_id()
    with database.write() as session:
        session.add(
            Node(
                id=node,
                parent_id=company_id,
                kind="site",
                code=code,
                name={"en": code},
                path=f"acme/{code}/",
                time_zone=time_zone,
            )
        )
        session.flush()
        session.add(Asset(id=asset, site_id=node, type="pump", code="p-1", name={"en": "P 1"}))
    return node, asset


def put_caller(database: Database, node_id: UUID, role: str = "manager") -> Caller:
    """Somebody with a role on a node."""
    person = Person(id=new_id(), name="Wei", locale="en")
    with database.write() as session:
        session.add(person)
        session.flush()
        session.add(Grant(id=new_id(), person_id=person.id, node_id=node_id, role=role))
        session.flush()
        return caller_for(session, person)


@dataclass
class Known:
    """What a generated site must come out as. by_rule: how often each tripped."""

    annunciations: int = 0
    unheard: int = 0
    by_rule: dict[str, int] = field(default_factory=dict)
    moments: list[int] = field(default_factory=list)


def generate(
    database: Database,
    site_id: UUID,
    assets: Sequence[UUID],
    start: datetime,
    *,
    seed: int,
    alarms: int,
    each: int,
    minutes: int,
) -> Known:
    """Seeded episodes of many alarms over some minutes; says what must be counted of them."""
    chance, known = random.Random(seed), Known()
    for number in range(alarms):
        rule = f"rule-{number}"
        alarm = put_alarm(database, site_id, assets[number % len(assets)], rule)
        at, puts = 0.0, []
        for _ in range(chance.randint(each // 2, each)):
            at += chance.expovariate(each / minutes)
            if at >= minutes:
                break
            lasted = chance.choice([4.0, 30.0, 300.0])
            told = at + lasted / 60 if chance.random() < 0.05 else None
            puts.append(Put(at, lasted, told))
            known.unheard += told is not None
            if told is None:
                known.moments.append(to_micros(start + timedelta(minutes=at)))
                known.by_rule[rule] = known.by_rule.get(rule, 0) + 1
            at += lasted / 60
        put_episodes(database, site_id, alarm, start, puts)
    known.moments.sort()
    known.annunciations = len(known.moments)
    return known


def utc(*parts: int) -> datetime:
    """A moment by its parts."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]
