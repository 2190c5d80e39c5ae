"""The pipeline on a stage: messages and time in by hand, real stores behind it, no broker."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from core import inventory, leases, shards
from core.clock import MICROS, SimulatedClock, SystemClock, from_micros
from core.db import Database
from core.health import Health
from core.quarantine import Quarantined
from core.settings import load
from core.telemetry.readings import Quality, Reading
from core.vault import Vault
from ingest.baselines import Keeping, Teacher, learners, recall
from ingest.committing import Tenure, commit
from ingest.keeper import LEASE
from ingest.pipeline import Batch, Judge, Taker
from ingest.receipt_clock import ReceiptClock
from ingest.registry import Registry, Stored, Windowed, carry_over, load_registry, restore
from ingest.remembering import remember
from ingest.session import DUPLICATE, Message
from rules.slots import ReceiptNow
from tests.ingest.building import START, Names
from tests.ingest.memory_store import MemoryStore
from workflows import alarms
from workflows.alarms.model import Alarm, Episode
from workflows.tickets import Ticket

SECRET = "the key of the stage, of 32 characters or more"
VAULT = Vault(load(secret_key=SECRET))


@dataclass(frozen=True, slots=True)
class Incident:
    """One episode as a test writes it; seconds since the stage's start."""

    rule: str
    asset: str
    tripped: float
    cleared: float | None


@dataclass
class Stage:
    """What a Run does, step by step. `now` is wall time in µs; `second` counts from START."""

    database: Database
    store: MemoryStore = field(default_factory=MemoryStore)
    now: int = START
    # Rules whose windows could not be built, in words.
    blind: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = Names(self.database)
        epoch = leases.claim(
            self.database, "ingest:main", "stage", now=from_micros(START), lifetime=LEASE
        )
        assert epoch is not None
        self.tenure = Tenure("main", "stage", epoch)
        self.start()

    # What a process does.

    def start(self, last_beat: int | None = None) -> None:
        """Begin as a fresh process does: all that is known comes from the stores."""
        with self.database.read() as session:
            memory = shards.recall(session, "main")
        self.clock = ReceiptClock(memory.gaps, memory.stopped_before_gaps)
        if last_beat is None:
            self.clock.begin(self.now)
        else:
            self.clock.resume_from(last_beat)
        self.receipt = ReceiptNow(self.clock.now())
        self.keeping = Keeping(self.database, self.tenure, Health(SystemClock()))
        self.judge = Judge(self._registry(), self.clock, self.receipt)
        self.taker = Taker(self.judge, lambda payload: None, lambda payload: None)

    def restart(self) -> None:
        """Die with whatever was not committed, and begin again."""
        self.start(self.clock.last_beat)

    def reload(self) -> None:
        """Read places, devices and rules anew, as after a change of them."""
        with self.database.read() as session:
            registry = load_registry(session, self.receipt)
        restore(registry, self._stored(), self.clock, self.clock.now())
        self.blind = remember(self.store, carry_over(self.judge.registry, registry))
        self.judge.replace(registry)

    def _registry(self) -> Registry:
        with self.database.read() as session:
            registry = load_registry(session, self.receipt)

        def build(these: list[Windowed]) -> None:
            self.blind = recall(self.database, self.store, registry)
            self.blind += remember(self.store, these)

        restore(registry, self._stored(), self.clock, self.clock.now(), build)
        return registry

    def teach(self) -> None:
        """Have baselines that begin learn what is stored, as the keeper does."""
        registry = self.judge.registry
        clock = SimulatedClock(self.now)
        teacher = Teacher(self.database, self.store, self.tenure, clock, self._adopt)
        for _ in learners(registry):
            teacher.look(registry)

    def _adopt(self, series: Collection[int]) -> None:
        self.blind = recall(self.database, self.store, self.judge.registry, series)
        for instance in self.judge.registry.bindings:
            if instance.past is not None:
                instance.past.look_again()

    def _stored(self) -> Stored:
        with self.database.read() as session:
            return Stored(
                last=self.store.last(),
                present=inventory.present_values(session),
                alarms=alarms.standing_states(session),
            )

    def commit(self) -> Batch:
        """Make the decisions durable, and forget the batch; returns it."""
        batch, self.judge.batch = self.judge.batch, Batch()
        commit(self.database, self.tenure, batch, from_micros(self.now), vault=VAULT)
        return batch

    def finish(self) -> Batch:
        """Decisions, then readings, as in the contract."""
        batch = self.commit()
        kept = self.keeping.due(self.judge.registry, self.now)
        self.write(batch)
        if kept is not None:
            kept()
        self.taker.retained.settle()
        return batch

    def write(self, batch: Batch) -> None:
        """Make the readings of a batch durable."""
        self.store.write(batch.rows, batch.odd)

    # What the world does.

    def say(
        self,
        device: str,
        payload: Any,
        *,
        kind: str = "readings",
        flags: int = 0,
        site: str = "riverside",
    ) -> None:
        """A message arrives now; anything but bytes is sent as JSON."""
        topic = f"wk/v1/{site}/{device}/{kind}"
        self.hear(topic.encode(), payload, flags)

    def say_again(self, messages: Sequence[tuple[str, Any]]) -> None:
        """What was sent before the death is sent again, and taken in together."""
        sent: list[Message] = []
        for device, fields in messages:
            topic = f"wk/v1/riverside/{device}/readings".encode()
            sent.append((topic, json.dumps(fields).encode(), 7, DUPLICATE))
        self.taker.take(sent, self.now)

    def hear(self, topic: bytes, payload: Any, flags: int = 0) -> None:
        """A message on any topic arrives now."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.taker.take([(topic, body, 7, flags)], self.now)

    def at(self, second: float, **values: Any) -> dict[str, Any]:
        """The object of a message stamped `second` seconds after the start."""
        return {"ts": round(START / MICROS + second, 6), **values}

    def wait(self, seconds: float, step: float = 1.0) -> None:
        """Time passes, with a heartbeat each `step` seconds."""
        end = self.now + round(seconds * MICROS)
        while self.now < end:
            self.now = min(end, self.now + round(step * MICROS))
            self.tick()

    def sleep(self, seconds: float) -> None:
        """Time passes while no heartbeat comes back."""
        self.now += round(seconds * MICROS)

    def tick(self) -> None:
        """A heartbeat that was sent now comes back at once."""
        gap = self.clock.beat(self.now)
        if gap is not None:
            self.judge.batch.gaps.append(gap)
        self.receipt.now = self.clock.now()
        self.taker.retained.release(self.now)
        self.judge.turn()

    # What came of it.

    @property
    def second(self) -> float:
        """Seconds since the start."""
        return (self.now - START) / MICROS

    def readings(self, point: str) -> list[tuple[float, float, Quality]]:
        """What is stored of a point: (second, value, quality), in order of time."""
        rows = [row for row in self.store.rows.values() if row.series == self.names.series[point]]
        return [
            ((row.at - START) / MICROS, row.value, row.quality)
            for row in sorted(rows, key=lambda reading: reading.at)
        ]

    def stored(self) -> set[tuple[str, int, float]]:
        """Every stored reading as (point, µs, value)."""
        return {
            (self.names.point_of[row.series], row.at, row.value) for row in self.store.rows.values()
        }

    def rows(self) -> list[Reading]:
        """Every stored reading."""
        return list(self.store.rows.values())

    def reasons(self) -> dict[str, int]:
        """What is in quarantine: reason and how often."""
        found: dict[str, int] = {}
        with self.database.read() as session:
            for row in session.scalars(select(Quarantined)):
                found[row.reason] = found.get(row.reason, 0) + row.count
        return found

    def quarantined(self) -> list[Quarantined]:
        """The rows of quarantine."""
        with self.database.read() as session:
            return list(session.scalars(select(Quarantined)))

    def incidents(self) -> list[Incident]:
        """Every episode, in order of time."""
        with self.database.read() as session:
            rows = session.execute(
                select(Alarm, Episode)
                .join(Episode, Episode.alarm_id == Alarm.id)
                .order_by(Episode.tripped_micros, Alarm.rule_id, Alarm.asset_id)
            ).all()
        return [
            Incident(
                alarm.rule_id,
                self.names.asset_codes[alarm.asset_id],
                (episode.tripped_micros - START) / MICROS,
                None
                if episode.cleared_micros is None
                else (episode.cleared_micros - START) / MICROS,
            )
            for alarm, episode in rows
        ]

    def tickets(self) -> list[Ticket]:
        """Every ticket."""
        with self.database.read() as session:
            return list(session.scalars(select(Ticket).order_by(Ticket.number)))
