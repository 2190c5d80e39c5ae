"""What the tests of tasks for guards share: a leak, guards on duty, and where they were seen."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import events
from core.db import Database
from core.ids import new_id
from core.people import Caller
from core.places import space_by_code
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import OVERHEATING, employ, facts_of, trip
from tests.workflows.manned import Guarded, put_post
from tests.workflows.walked import Walk, make_walk
from workflows.patrol import (
    Checkpoint,
    NewCheckpoint,
    NewToken,
    Scan,
    StaticTag,
    create_checkpoint,
    present,
    put_token,
    tasks,
)
from workflows.patrol.tasks import GuardOffer, GuardTask
from workflows.tickets import Ticket

SECOND = timedelta(seconds=1)
ANSWER = timedelta(seconds=45)
LEAK = replace(
    OVERHEATING, rule_id="water-leak", kind="hazard", category="plumbing", severity="high"
)
INTRUSION = replace(
    OVERHEATING, rule_id="door-forced", kind="incident", category="security", team="security"
)
SMOKE = replace(INTRUSION, rule_id="smoke", category="fire", life_safety=True, severity="critical")
# Where the checkpoints stand, by their codes: in the space of the pumps, around it, and nowhere.
STANDING = {"pumps": "b1-pumproom", "hall": "b1", "far": None}


@dataclass
class Sending:
    """A site with a post, two guards, and checkpoints in and around the pump room."""

    guarded: Guarded
    guard: UUID
    mate: UUID
    points: dict[str, UUID] = field(default_factory=dict)

    @property
    def walk(self) -> Walk:
        """The site with its route."""
        return self.guarded.walk

    @property
    def database(self) -> Database:
        """Where it stands."""
        return self.walk.database

    def caller(self, person: UUID) -> Caller:
        """Somebody, with the rights that they have."""
        return self.walk.caller(person)

    def alarm(self, at: datetime = NOON, rule: Any = LEAK, asset: str = "pump-1") -> UUID:
        """An alarm trips; the id of its ticket."""
        return trip(self.database, self.walk.site, at, rule=rule, asset=asset).ticket_id

    def look(self, now: datetime) -> int:
        """What the sweep does."""
        with self.database.read() as session:
            due = tasks.due_tasks(session, now=now)
        done = 0
        for one in due:
            with self.database.write() as session:
                done += tasks.step(session, one, now=now, actor=events.SYSTEM)
        return done

    def do(self, what: str, task: UUID, person: UUID, now: datetime, *more: Any) -> GuardTask:
        """accept, decline, give_back, arrive, finish, send or call_off, each by itself."""
        caller = self.caller(person)
        with self.database.write() as session:
            row: GuardTask = getattr(tasks, what)(session, caller, task, *more, now=now)
            return row

    def row(self, task: UUID) -> GuardTask:
        """A task as it stands."""
        with self.database.read() as session:
            return session.get_one(GuardTask, task)

    def ticket(self, task: UUID) -> Ticket:
        """Its ticket."""
        with self.database.read() as session:
            return session.get_one(Ticket, task)

    def offers(self, task: UUID) -> list[tuple[UUID, str]]:
        """Whom it was offered to in order, and what became of that."""
        statement = select(GuardOffer).where(GuardOffer.task_id == task)
        with self.database.read() as session:
            rows = session.scalars(statement.order_by(GuardOffer.number)).all()
            return [(row.person_id, row.state) for row in rows]

    def seen(self, person: UUID, code: str, at: datetime, told: datetime | None = None) -> Scan:
        """Somebody scans the tag of a checkpoint of these."""
        shown = StaticTag(
            id=new_id(),
            occurred_at=at,
            channel="online" if told is None else "sync",
            site_id=self.walk.site.id,
            person_id=person,
            uid=_uid(code),
        )
        with self.database.write() as session:
            return present(session, shown, vault=self.walk.vault, now=told or at)

    def people_told(self, kind: str) -> list[set[UUID]]:
        """Whom each fact of a kind names."""
        return [
            {UUID(one) for one in (fact.after or {}).get("people", ())}
            for fact in facts_of(self.database, kind)
        ]


def _uid(code: str) -> str:
    return f"04DDEEFF{list(STANDING).index(code):06X}"


def put_checkpoints(database: Database, site: SmallSite, vault: Any) -> dict[str, UUID]:
    """The checkpoints of STANDING, each with a plain tag; their ids by code."""
    found = {}
    with database.write() as session:
        for code, space in STANDING.items():
            where = space_by_code(session, site.id, space) if space else None
            new = NewCheckpoint(code, {"en": code.title(), "zh": code}, space_id=where)
            row = create_checkpoint(session, site.id, new, actor=events.SYSTEM, now=NOON)
            found[code] = row.id
        for code, point in found.items():
            token = NewToken("static_tag", _uid(code))
            put_token(
                session,
                session.get_one(Checkpoint, point),
                token,
                vault=vault,
                actor=events.SYSTEM,
                now=NOON,
            )
    return found


def make_sending(database: Database, site: SmallSite) -> Sending:
    """Both guards are on duty by the roster, and nobody is at the post."""
    walk = make_walk(database, site)
    # Without a checkpoint of its own: the route goes to the gate.
    guarded = Guarded(walk, put_post(walk, "north"))
    mate = employ(database, site.id, "guard", "Mate")
    for person in (walk.guard, mate):
        walk.on_duty(person)
    points = put_checkpoints(database, site, walk.vault)
    return Sending(guarded, walk.guard, mate, points)
