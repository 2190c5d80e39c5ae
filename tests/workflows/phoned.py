"""What the tests of journals share: a known phone on the site of a walk, and guards on it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core import events
from core.db import Database
from core.invitations import end_grant
from core.people import Grant, Person
from tests.fixtures import NOON, SmallSite
from tests.guard_phone import GuardPhone
from tests.workflows.conftest import employ
from tests.workflows.walked import Walk, make_walk
from workflows.patrol.journal.model import JournalEntry
from workflows.patrol.journal.taking import Batch, Taken, take_batch
from workflows.patrol.phones.enrolling import NewPhone, NewPlace, enrol, make_place
from workflows.patrol.phones.model import Phone
from workflows.patrol.phones.signing_in import sign_in

SHIFT = timedelta(hours=12)


@dataclass
class Phoned:
    """A walk whose guards carry a phone."""

    walk: Walk
    phone: GuardPhone

    @property
    def database(self) -> Database:
        return self.walk.database

    def enrol(
        self, phone: GuardPhone, *, kind: str = "post", team: str = "", person: UUID | None = None
    ) -> None:
        """Let a supervisor make a place, and the phone take it."""
        new = NewPlace(kind, "Gate phone", person, team)
        supervisor = self.walk.caller(self.walk.supervisor)
        with self.database.write() as session:
            _, code = make_place(
                session, supervisor, self.walk.site.id, new, vault=self.walk.vault, now=NOON
            )
        with self.database.write() as session:
            key = {name: phone.key[name] for name in ("x", "y")}
            enrol(session, NewPhone(phone.id, code, key), vault=self.walk.vault, now=NOON)

    def enter(self, person: UUID, at: datetime, phone: GuardPhone | None = None) -> None:
        """Sign somebody in with signal, and record it."""
        self.online(person, at, phone)
        (phone or self.phone).sign_in(person, at)

    def online(self, person: UUID, at: datetime, phone: GuardPhone | None = None) -> None:
        """Sign somebody in with signal."""
        with self.database.write() as session:
            row = session.get_one(Phone, (phone or self.phone).id)
            sign_in(session, row, person, lasts=SHIFT, now=at)

    def hand_in(
        self,
        now: datetime,
        first: int = 1,
        last: int | None = None,
        phone: GuardPhone | None = None,
        **more: Any,
    ) -> Taken:
        """Hand a batch in, in a transaction of its own."""
        sender = phone or self.phone
        entries, signature = sender.batch(first, last)
        said = {
            "head": sender.head,
            "sent_at": now + sender.clock_ahead,
            "boot": sender.boot,
            "mono_ms": sender.running(now),
            **more,
        }
        batch = Batch(entries, said.pop("signature", signature), **said)
        with self.database.write() as session:
            row = session.get_one(Phone, sender.id, with_for_update=True)
            taken = take_batch(session, row, batch, vault=self.walk.vault, now=now)
            session.expunge_all()
            return taken

    def row(self, phone: GuardPhone | None = None) -> Phone:
        """The phone as it stands."""
        with self.database.read() as session:
            return session.get_one(Phone, (phone or self.phone).id)

    def told(self) -> list[JournalEntry]:
        """Every entry that was taken, in order."""
        with self.database.read() as session:
            return list(session.scalars(select(JournalEntry).order_by(JournalEntry.seq)))

    def verdicts(self) -> list[tuple[str, str, str | None]]:
        """Kind, verdict and reason of every entry."""
        return [(row.kind, row.verdict, row.reason) for row in self.told()]


def make_phoned(database: Database, site: SmallSite) -> Phoned:
    """A post phone on a walk with its route and the round of 22:00."""
    walk = make_walk(database, site)
    walk.route()
    walk.plan()
    walk.on_duty(walk.guard)
    phoned = Phoned(walk, GuardPhone())
    phoned.enrol(phoned.phone)
    return phoned


def colleague(phoned: Phoned, name: str = "Zhou") -> UUID:
    """Another guard of the site."""
    return employ(phoned.database, phoned.walk.site.id, "guard", name)


def lose_roles(phoned: Phoned, person: UUID, at: datetime) -> None:
    """Take every role away from somebody."""
    with phoned.database.write() as session:
        for grant in session.scalars(select(Grant).where(Grant.person_id == person)).all():
            end_grant(session, grant, actor=events.SYSTEM, now=at)


def leave(phoned: Phoned, person: UUID, at: datetime) -> None:
    """Let somebody leave, as `workflows.staff` does it."""
    lose_roles(phoned, person, at)
    with phoned.database.write() as session:
        session.get_one(Person, person).left_at = at
