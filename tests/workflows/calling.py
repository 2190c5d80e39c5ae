"""What the tests of calls for help share: a site with people, and a guard who calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core import events
from core.db import Database
from core.ids import new_id
from core.people import Caller, Person, caller_for
from tests.fixtures import NOON, SmallSite
from tests.workflows.conftest import employ
from tests.workflows.walked import Walk, make_walk
from workflows.patrol import sos

SECOND = timedelta(seconds=1)
ROLES = ("supervisor", "manager", "administrator", "service_desk", "safety_officer")


@dataclass
class Scene:
    """A walk with everybody of the chain. `people`: ids by role; `guard` calls, `mate` helps."""

    walk: Walk
    people: dict[str, UUID]
    guard: UUID
    mate: UUID

    @property
    def database(self) -> Database:
        """The database of the site."""
        return self.walk.database

    def caller(self, person_id: UUID) -> Caller:
        """Somebody, with the rights that they have."""
        with self.database.read() as session:
            return caller_for(session, session.get_one(Person, person_id))

    def press(
        self, at: datetime = NOON, *, person: UUID | None = None, **more: Any
    ) -> tuple[UUID, sos.Sos]:
        """Somebody presses; returns the id of the press and the call."""
        given = sos.Press(**{"id": new_id(), "site_id": self.walk.site.id, **more})
        caller = self.caller(person or self.guard)
        with self.database.write() as session:
            return given.id, sos.press(session, caller, given, now=at)

    def row(self, sos_id: UUID) -> sos.Sos:
        """A call as it stands."""
        with self.database.read() as session:
            return session.get_one(sos.Sos, sos_id)

    def sender_sees(self, sos_id: UUID) -> dict[str, Any]:
        """What the phone of the guard may know."""
        caller = self.caller(self.guard)
        with self.database.read() as session:
            row = sos.own_call(session, caller, sos_id)
            return sos.show_sender(session, caller, row)

    def step(self, what: str, sos_id: UUID, person: UUID, at: datetime, *more: Any) -> Any:
        """see, acknowledge, come or end a call."""
        caller = self.caller(person)
        with self.database.write() as session:
            row = sos.find_sos(session, caller, sos_id)
            return getattr(sos, what)(session, row, *more, person=person, now=at)

    def standing(self, person: UUID) -> list[dict[str, Any]]:
        """The calls that somebody is shown."""
        caller = self.caller(person)
        with self.database.read() as session:
            return sos.standing_calls(session, caller)

    def climb(self, at: datetime) -> int:
        """Time has passed: do what the sweep does."""
        with self.database.read() as session:
            due = sos.due_calls(session, now=at)
        done = 0
        for one in due:
            with self.database.write() as session:
                done += sos.escalate(session, one, now=at, actor=events.SYSTEM)
        return done


def make_scene(database: Database, site: SmallSite) -> Scene:
    """The chain, and two guards who are on duty."""
    walk = make_walk(database, site)
    people = {role: employ(database, site.id, role, role.title()) for role in ROLES[1:]}
    mate = employ(database, site.id, "guard", "Mate")
    for person in (walk.guard, mate):
        walk.on_duty(person)
    return Scene(walk, {"supervisor": walk.supervisor, **people}, walk.guard, mate)
