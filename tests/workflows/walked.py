"""What the tests of rounds share: a route of three checkpoints, a plan, and a guard on duty."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import events
from core.db import Database
from core.ids import new_id
from core.people import Caller, Person, caller_for
from core.rosters import Shift
from core.vault import Vault
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.patrolled import make_post
from workflows.patrol import (
    Checkpoint,
    NewCheckpoint,
    NewToken,
    Scan,
    StaticTag,
    create_checkpoint,
    present,
    put_token,
)
from workflows.patrol.rounds import (
    PlanDraft,
    Round,
    Route,
    RouteDraft,
    Stop,
    create_plan,
    create_route,
    describe_round,
    look_at,
    note_contact,
    rounds_to_look_at,
)

CODES = ("gate", "garage", "roof")
# 22:00 in Shanghai, on the day of NOON.
TEN = NOON + timedelta(hours=10)
MINUTE = timedelta(minutes=1)
TEAM = "security"


@dataclass
class Walk:
    """A site with a route, and what happens to its rounds. `points`: checkpoint ids by code."""

    database: Database
    site: SmallSite
    vault: Vault
    guard: UUID
    supervisor: UUID
    points: dict[str, UUID]
    route_id: UUID = field(default_factory=new_id)
    plan_id: UUID = field(default_factory=new_id)

    def caller(self, person_id: UUID) -> Caller:
        """Somebody, with the rights that they have."""
        with self.database.read() as session:
            return caller_for(session, session.get_one(Person, person_id))

    def route(self, *, order: str = "ordered", take: int | None = None, **windows: Any) -> None:
        """Make the route. windows: by code (opens_min, closes_min)."""
        stops = [Stop(self.points[code], *windows.get(code, ())) for code in CODES]
        draft = RouteDraft("night", {"en": "Night round", "zh": "夜巡"}, stops, order, take)
        with self.database.write() as session:
            row = create_route(session, self.site.id, draft, actor=events.SYSTEM, now=NOON)
            self.route_id = row.id

    def plan(self, *times: str, now: datetime = NOON, **more: Any) -> None:
        """Plan rounds of an hour, with a tolerance of ten minutes."""
        settings = {"team": TEAM, "duration_min": 60, "tolerance_min": 10, **more}
        draft = PlanDraft(times or ("22:00",), **settings)
        with self.database.write() as session:
            route = session.get_one(Route, self.route_id)
            self.plan_id = create_plan(session, route, draft, actor=events.SYSTEM, now=now).id

    def on_duty(
        self, person_id: UUID, start: datetime = NOON, hours: int = 24, kind: str = "duty"
    ) -> None:
        """Put somebody on duty, or on call."""
        with self.database.write() as session:
            session.add(
                Shift(
                    site_id=self.site.id,
                    team=TEAM,
                    person_id=person_id,
                    kind=kind,
                    starts_at=start,
                    ends_at=start + timedelta(hours=hours),
                )
            )

    def rounds(self) -> list[Round]:
        """All rounds, by their planned start."""
        with self.database.read() as session:
            rows = session.scalars(select(Round).order_by(Round.planned_at)).all()
            session.expunge_all()
            return list(rows)

    @property
    def first(self) -> UUID:
        """The first round."""
        return self.rounds()[0].id

    def scan(
        self,
        code: str,
        at: datetime,
        *,
        person: UUID | None = None,
        told: datetime | None = None,
        channel: str = "online",
        scan_id: UUID | None = None,
    ) -> Scan:
        """Somebody scans the tag of a checkpoint, and we learn it when it is told."""
        presented = StaticTag(
            id=scan_id or new_id(),
            occurred_at=at,
            channel=channel,
            site_id=self.site.id,
            person_id=person or self.guard,
            uid=uid_of(code),
        )
        with self.database.write() as session:
            return present(session, presented, vault=self.vault, now=told or at)

    def heard(self, now: datetime, told_until: datetime | None = None) -> None:
        """The guard's phone is heard, and says up to when it has told everything."""
        with self.database.write() as session:
            note_contact(session, self.guard, now=now, told_until=told_until)

    def look(self, now: datetime) -> int:
        """Time has passed: do what the sweep does."""
        with self.database.read() as session:
            due = rounds_to_look_at(session, now=now)
        made = 0
        for round_id in due:
            with self.database.write() as session:
                made += look_at(session, round_id, now=now, actor=events.SYSTEM)
        return made

    def shown(self, round_id: UUID | None = None, now: datetime = TEN) -> dict[str, Any]:
        """A round as its supervisor sees it."""
        with self.database.read() as session:
            caller = self.caller(self.supervisor)
            return describe_round(session, caller, round_id or self.first, now=now)

    def states(self, round_id: UUID | None = None) -> Sequence[str]:
        """The states of the points of a round, in its order."""
        return [point["state"] for point in self.shown(round_id)["points"]]


def uid_of(code: str) -> str:
    """The number of the tag that hangs at a checkpoint."""
    return f"04AABBCC{CODES.index(code):06X}"


def make_walk(database: Database, site: SmallSite) -> Walk:
    """Three checkpoints with a plain tag each, a guard and a supervisor."""
    post = make_post(database, site)
    points = {"gate": post.checkpoint_id}
    with database.write() as session:
        for code in CODES[1:]:
            new = NewCheckpoint(code, {"en": code.title()})
            row = create_checkpoint(session, site.id, new, actor=events.SYSTEM, now=NOON)
            points[code] = row.id
        for code, point in points.items():
            row = session.get_one(Checkpoint, point)
            new_token = NewToken("static_tag", uid_of(code))
            put_token(session, row, new_token, vault=post.vault, actor=events.SYSTEM, now=NOON)
    supervisor = employ(database, site.id, "supervisor")
    return Walk(database, site, post.vault, post.guard, supervisor, points)
