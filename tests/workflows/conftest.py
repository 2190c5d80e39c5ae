"""What the tests of the business share: findings of the engine, and tickets by hand."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import events
from core.clock import to_micros
from core.db import Database
from core.events import Event
from core.ids import new_id
from core.people import Grant, Person
from rules.engine import AlarmState, Phase, Transition, TransitionKind
from rules.states import Input
from tests.fixtures import SmallSite
from workflows.alarms import Finding, Opened, PointFacts, RuleFacts, record
from workflows.tickets import Draft, Step, Ticket, act, open_ticket

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

OVERHEATING = RuleFacts(
    rule_id="pump-motor-overheating",
    version=3,
    title={"en": "Pump motor overheating", "zh": "水泵电机过热"},
    severity="high",
    life_safety=False,
    condition="motor_temperature > 75 °C",
    kind="repair",
    category="electrical",
    team="maintenance",
    respond_within=30 * MINUTE,
    resolve_within=240 * MINUTE,
    reopen_within=7 * DAY,
    realarm_after=60 * MINUTE,
)


def finding(
    site: SmallSite,
    kind: TransitionKind,
    at: datetime,
    *,
    asset: str = "pump-1",
    rule: RuleFacts = OVERHEATING,
    value: float = 82.1,
) -> Finding:
    """One transition of one alarm at a moment."""
    micros = to_micros(at)
    active = kind is TransitionKind.TRIPPED
    after = AlarmState(
        phase=Phase.ACTIVE if active else Phase.NORMAL,
        changed_at=micros,
        tripped_at=micros if active else None,
        cleared_at=None if active else micros,
    )
    return Finding(
        site_id=site.id,
        asset_id=site.assets[asset],
        space_id=None,
        rule=rule,
        transition=Transition(
            kind=kind,
            at=micros,
            before=AlarmState(),
            after=after,
            inputs=(Input("motor_temperature", value, micros),),
            reason=f"motor_temperature {value} °C > 75 °C held 2m",
        ),
        at=micros,
        points={"motor_temperature": PointFacts(site.series["pump-1/motor_temperature"], "°C")},
    )


def trip(
    database: Database,
    site: SmallSite,
    at: datetime,
    *,
    learned_at: datetime | None = None,
    asset: str = "pump-1",
    rule: RuleFacts = OVERHEATING,
) -> Opened:
    """Record that the rule tripped; returns what became of its ticket."""
    one = finding(site, TransitionKind.TRIPPED, at, asset=asset, rule=rule)
    with database.write() as session:
        [opened] = record(session, [one], learned_at=learned_at or at)
    return opened


def clear(
    database: Database,
    site: SmallSite,
    at: datetime,
    *,
    asset: str = "pump-1",
    rule: RuleFacts = OVERHEATING,
) -> None:
    """Record that the condition is gone."""
    one = finding(site, TransitionKind.CLEARED, at, asset=asset, rule=rule, value=61.0)
    with database.write() as session:
        assert record(session, [one], learned_at=at) == []


def other_rule(rule_id: str) -> RuleFacts:
    """The same rule under another name."""
    return replace(OVERHEATING, rule_id=rule_id)


def write_ticket(
    database: Database,
    site: SmallSite,
    at: datetime,
    *,
    respond: timedelta | None = 30 * MINUTE,
    resolve: timedelta | None = 240 * MINUTE,
) -> UUID:
    """A ticket that somebody wrote."""
    draft = Draft(
        site_id=site.id,
        kind="repair",
        priority="high",
        title={"und": "The door squeaks"},
        team="maintenance",
        happened_at=at,
        learned_at=at,
        respond_within=respond,
        resolve_within=resolve,
    )
    with database.write() as session:
        return open_ticket(session, draft, actor=events.SYSTEM).id


def do(
    database: Database, ticket_id: UUID, person: UUID, now: datetime, action: str, **more: Any
) -> None:
    """Take one action on a ticket, in a transaction of its own."""
    if action == "hold":
        more.setdefault("until", now + DAY)
    with database.write() as session:
        ticket = session.get_one(Ticket, ticket_id)
        act(session, ticket, Step(action, **{"note": "because", **more}), person=person, now=now)


def ticket_of(database: Database, ticket_id: UUID) -> Ticket:
    """The ticket as it stands now."""
    with database.read() as session:
        return session.get_one(Ticket, ticket_id)


def facts_of(database: Database, prefix: str) -> list[Event]:
    """Events of a kind, oldest first."""
    with database.read() as session:
        statement = select(Event).where(Event.kind.startswith(prefix)).order_by(Event.seq)
        return list(session.scalars(statement))


def employ(database: Database, node_id: UUID, role: str, name: str = "Wei") -> UUID:
    """Somebody with a role on a node; returns their id."""
    person = Person(id=new_id(), name=name, locale="zh")
    with database.write() as session:
        session.add(person)
        session.flush()
        session.add(Grant(id=new_id(), person_id=person.id, node_id=node_id, role=role))
    return person.id
