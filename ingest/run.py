"""One life of ingest: from taking the shard over to giving it back."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from core import quarantine, shards
from core.clock import Clock, SimulatedClock, from_micros, to_micros
from core.db import is_unavailable
from core.http_ingest import Waiting
from core.leases import LeaseLost
from core.telemetry.readings import ReadingBatch
from core.vault import Vault
from ingest import metrics
from ingest.baselines import Keeping, recall
from ingest.committing import Tenure, commit
from ingest.dialects import Answer
from ingest.heartbeat import HOLE, Heartbeat
from ingest.isolation import Isolation, Stopped
from ingest.pipeline import Batch, Judge, Taker
from ingest.pipeline.vitals import Vitals
from ingest.quieting import Quieting
from ingest.receipt_clock import ReceiptClock
from ingest.registry import Moment, Registry, Stored, carry_over, restore
from ingest.restoring import (
    build_windows,
    fresh_registry,
    give_heap_back,
    load,
    report_problems,
    set_heap_aside,
)
from ingest.session import DUPLICATE, Message, Phase, Session, SessionState
from ingest.settling import Settling
from ingest.stores import Stores
from ingest.subscribing import Subscribing
from ingest.writer import Work, Writer
from rules.slots import ReceiptNow

log = structlog.get_logger(__name__)

_POLL_SECONDS = 0.1
_MOST_PAUSE = 2.0
# For so long tasks go on at once: after a few seconds without a heartbeat nobody listened.
_TASKS_SECONDS = 0.5
_PORTION = 250
_MOST_FINDINGS = 200


class Run:
    """Takes messages in, judges, commits, hands over to the writer. `run` blocks until stopped."""

    def __init__(self, stores: Stores, tenure: Tenure, session_of: Callable[..., Session]) -> None:
        self._stores = stores
        self._clock: Clock = stores.clock
        self._tenure = tenure
        self._vault = Vault(stores.settings)
        self._now = ReceiptNow()
        self._tasks: deque[Callable[[], None]] = deque()
        self._stop = threading.Event()
        self._cut_off = False
        self._heartbeat = Heartbeat(tenure.shard, stores.clock)
        with stores.database.read() as session:
            memory = shards.recall(session, tenure.shard)
        self.receipt_clock = ReceiptClock(memory.gaps, memory.stopped_before_gaps)
        self._recorded_beat: int | None = None
        self.listened_until: datetime | None = None
        self._start_clock(memory.last_beat)
        self._now.now = self.receipt_clock.now()
        registry = fresh_registry(stores, self._now, self.receipt_clock)
        self.judge = Judge(registry, self.receipt_clock, self._now)
        set_heap_aside()
        self._taker = Taker(self.judge, self._beat_came, self._clock_came)
        self._isolation = Isolation(
            self.judge, stores.health, attempt=self._attempt, start_over=self._start_over
        )
        self._keeping = Keeping(stores.database, tenure, stores.health)
        self._settling: Settling | None = None
        self._quieting = Quieting(self.receipt_clock)
        self._generation = 0
        # Whether a broker has kept a session for us already.
        self._kept = bool(memory.filters)
        self._subscribing = Subscribing(stores.database, tenure, memory.filters)
        self.session = session_of(on_state=self._connection_changed, former=memory.filters)
        self._subscribe()
        self.writer = Writer(
            stores.telemetry,
            self.session.acknowledge,
            stores.health,
            flush_rows=stores.settings.flush_rows,
            flush_seconds=stores.settings.flush_seconds,
        )

    def _start_clock(self, last_beat: datetime | None) -> None:
        """Set the receipt clock to when we last listened, or to now if we never did.

        The latter is remembered at once: a process that dies before its first heartbeat was
        recorded must not begin anew, since delays may be running on the clock of this one.
        """
        if last_beat is not None:
            self.receipt_clock.resume_from(to_micros(last_beat))
            return
        now = self._clock.now()
        self.receipt_clock.begin(to_micros(now))
        with self._stores.database.write() as session:
            shards.beat(session, self._tenure.shard, now, clean=False)

    # Called by other threads.

    def submit(self, task: Callable[[], None]) -> None:
        """Have `task` run on the ingest thread, between two batches."""
        self._tasks.append(task)

    def used_twice(self, device_id: UUID, who: list[dict[str, Any]] | None) -> None:
        """Have it judged that a device's credential is used by several; None: no longer."""
        self.submit(lambda: self._taker.conducts.twice(device_id, who, self._clock.micros()))

    def stop(self) -> None:
        """Ask `run` to drain and return."""
        self._stop.set()

    # The ingest thread.

    def run(self) -> bool:
        """Work until stopped; returns whether everything taken in is durable and acknowledged."""
        self.writer.start()
        drained = False
        try:
            while not self._stop.is_set():
                self._round()
            self._finish_batch()
            drained = True
        except Stopped:
            log.info("stopped while a store was away; what is uncommitted comes again")
        finally:
            drained = self.writer.stop(drain=drained) and drained
            self.listened_until = self.last_beat
            self._subscribing.end(self.judge.registry, self.session)
            self.session.close()
            give_heap_back()
        return drained

    def _round(self) -> None:
        self._wait_for_writer(lambda: not self.writer.full)
        if self._cut_off:
            self._require_lease()
        messages = self.session.poll(0 if self._tasks else _POLL_SECONDS)
        self._send_beat()
        self._do_tasks()
        if self._settling is not None:
            messages = self._settled(self._settling, messages)
        self._take(messages)

    def _do_tasks(self) -> None:
        """Those that were submitted; what a platform pushes may be hundreds of transactions."""
        end = time.monotonic() + _TASKS_SECONDS
        while self._tasks:
            self._tasks.popleft()()
            if time.monotonic() >= end:
                return

    def _take(self, messages: list[Message]) -> None:
        """Take messages in; where they decide much, in several transactions.

        A backlog full of faults would otherwise hold the database, our lease and the broker's
        patience for as long as it takes to write them all down.
        """
        begun = 0
        for start in range(0, max(len(messages), 1), _PORTION):
            end = start + _PORTION
            if self._take_portion(messages[begun:end], start - begun, last=end >= len(messages)):
                self.session.keep_alive()
                begun = end

    def _take_portion(self, uncommitted: list[Message], begin: int, *, last: bool) -> bool:
        """Take in what is new in `uncommitted`; returns whether all of it is committed now."""
        try:
            self._taker.take(uncommitted[begin:], self._clock.micros())
            if not last and len(self.judge.batch.findings) < _MOST_FINDINGS:
                return False
            self._finish_batch()
        except (LeaseLost, Stopped):
            raise
        except Exception as error:
            if not uncommitted:
                raise
            log.warning("a batch failed; looking for the message it failed for", error=repr(error))
            self._isolation.isolate(uncommitted, self._clock.micros())
        return True

    def _attempt(self, messages: list[Message]) -> None:
        self._taker.take(messages, self._clock.micros())
        self._finish_batch()

    def _wait_for_writer(self, ready: Callable[[], bool]) -> None:
        while True:
            if self.writer.failure is not None:
                raise RuntimeError("the writer has failed") from self.writer.failure
            if ready():
                return
            self._pause(0.02)

    def _require_lease(self) -> None:
        """Before a reconnect: whoever took the shard over has taken the session over too.

        To connect again would throw it out. While the database is away nobody can take over.
        """
        try:
            with self._stores.database.write() as session:
                self._tenure.require(session)
        except Exception as error:
            if not is_unavailable(error):
                raise
        self._cut_off = False

    def _settled(self, settling: Settling, messages: list[Message]) -> list[Message]:
        early = settling.add(messages, time.monotonic())
        if early:
            self.session.acknowledge(self.session.generation, early)
        if not settling.over(time.monotonic()):
            return []
        self._settling = None
        return settling.release()

    def _finish_batch(self) -> None:
        batch = self.judge.batch
        if batch.empty:
            self._note_beat()
            return
        self._commit(batch)
        self._hand_over(batch)

    def _note_beat(self) -> None:
        """The gap that the newest heartbeat ended is committed, so the heartbeat may be recorded.

        The other way round, a kill in between would make the gap a time in which we listened.
        """
        clock = self.receipt_clock
        self._recorded_beat = clock.last_beat if clock.running else None

    def _hand_over(self, batch: Batch, then: Callable[[], None] | None = None) -> None:
        self._note_beat()
        self._taker.retained.settle()
        self.judge.batch = Batch()
        metrics.MESSAGES.inc(batch.messages)
        metrics.READINGS.labels("new").inc(len(batch.rows))
        metrics.READINGS.labels("odd").inc(len(batch.odd))
        for rejected in batch.rejected:
            metrics.QUARANTINED.labels(rejected.reason).inc()
        for finding in batch.findings:
            metrics.DECISIONS.labels(finding.transition.kind.value).inc()
        kept = self._keeping.due(self.judge.registry, self._clock.micros())
        follow_ups = [each for each in (then, kept) if each is not None]
        for answer in batch.answers:
            self._answer(answer)
        if self.judge.registry.follows_anew:
            self._subscribe()
        generation = self.session.generation
        self.writer.put(Work(batch.rows, batch.odd, generation, batch.mids, follow_ups))

    def _commit(self, batch: Batch) -> None:
        """Commit, waiting as long as the database is away: nothing is acknowledged meanwhile."""
        if not batch.decided:
            return
        pause = 0.1
        while True:
            started = time.perf_counter()
            try:
                sites = [site.site_id for site in self.judge.registry.sites.values()]
                done = commit(
                    self._stores.database,
                    self._tenure,
                    batch,
                    self._clock.now(),
                    sites,
                    vault=self._vault,
                )
            except Exception as error:
                if not is_unavailable(error):
                    raise
                self._stores.health.report("database", ok=False, detail=str(error)[:300])
                self._pause(pause)
                pause = min(2 * pause, _MOST_PAUSE)
                continue
            self._stores.health.report("database", ok=True)
            metrics.COMMIT_SECONDS.observe(time.perf_counter() - started)
            metrics.TICKETS.inc(done.tickets)
            self._quieting.committed(batch, done)
            return

    def _pause(self, seconds: float) -> None:
        if self._stop.is_set():
            raise Stopped
        self.session.keep_alive()
        self._stop.wait(seconds)

    # A batch that fails.

    def _start_over(self) -> None:
        """Take every state from the stores again, as a restart would.

        What only this process knows stays: gaps in our listening, and what retained messages said.
        """
        self._wait_for_writer(lambda: self.writer.idle)
        gaps = self.judge.batch.gaps
        self._taker.retained.take_back()
        self._taker.start_over()
        self._adopt_registry(fresh_registry(self._stores, self._now, self.receipt_clock))
        self.judge.batch = Batch(gaps=gaps)

    # What is listened to, and what is said.

    def _subscribe(self) -> None:
        self._subscribing.follow(self.judge.registry, self.session)

    @property
    def filters(self) -> list[str]:
        """Every topic filter that the broker's session may hold."""
        return self._subscribing.held

    def _answer(self, answer: Answer) -> None:
        try:
            self.session.publish(answer.topic, answer.payload)
        except ValueError as error:
            log.warning("an answer to a device can't be sent", topic=answer.topic, error=str(error))

    @property
    def vitals(self) -> Vitals:
        """How devices were heard since these were last collected; any thread may collect."""
        return self._taker.vitals

    # The registry.

    def load(self) -> Registry:
        """Read places, devices and rules; may be called by another thread."""
        return load(self._stores, self._now)

    def replace_registry(self, registry: Registry, stored: Stored) -> None:
        """Go on with a registry loaded meanwhile; running states are carried over."""
        restore(registry, stored, self.receipt_clock, self.receipt_clock.now())
        fresh = carry_over(self.judge.registry, registry)
        if fresh:
            # What was judged a moment ago belongs to their windows, too.
            self._wait_for_writer(lambda: self.writer.idle)
            build_windows(self._stores, registry, fresh)
        self._adopt_registry(registry)

    def adopt_taught(self, series: Collection[int]) -> None:
        """Go on with baselines that were taught meanwhile, and are kept."""
        # What came since they were taught must be stored to be taken in.
        self._wait_for_writer(lambda: self.writer.idle)
        registry = self.judge.registry
        registry.problems += recall(self._stores.database, self._stores.telemetry, registry, series)
        for instance in registry.bindings:
            if instance.past is not None:
                instance.past.look_again()
        report_problems(self._stores, registry)

    def _adopt_registry(self, registry: Registry) -> None:
        batch = self.judge.batch
        self.judge.replace(registry)
        self.judge.batch = batch
        set_heap_aside()
        self._subscribe()

    def replay(
        self, rows: list[tuple[UUID, list[tuple[str, bytes, int]]]], *, judged: bool
    ) -> None:
        """Take quarantined messages in again; rows whose messages all pass are marked replayed.

        They are marked after their readings are durable, so a crash in between only repeats it.
        """
        try:
            self._replay(rows, judged=judged)
        except (LeaseLost, Stopped):
            raise
        except Exception:
            log.exception("quarantined messages could not be taken in again; they stay there")
            self._start_over()

    def tell(self, moments: Sequence[Moment], then: Callable[[bool], None]) -> None:
        """Take in what we tell ourselves; `then` learns whether it is durable, once it is."""
        try:
            for moment in moments:
                self._taker.tell(moment, self._clock.micros())
            batch = self.judge.batch
            self._commit(batch)
            self._hand_over(batch, then=lambda: then(True))
        except (LeaseLost, Stopped):
            raise
        except Exception:
            log.exception("what we know ourselves could not be judged")
            self._start_over()
            then(False)

    def take_pushed(self, message: Waiting) -> None:
        """Take in what came over HTTP and make its decisions durable; `settled` tells the rest.

        Whatever it fails for, it is quarantined, so that those behind it go on.
        """
        topic, received = message.topic.encode(), to_micros(message.received_at)
        flags = DUPLICATE if message.again else 0
        try:
            self._taker.take_pushed(topic, message.body, flags, received)
            self._commit(self.judge.batch)
        except (LeaseLost, Stopped):
            raise
        except Exception as error:  # noqa: BLE001 - the edge of one message
            self._start_over()
            self._isolation.give_up((topic, message.body, 0, flags), error, received)
            return
        self._hand_over(self.judge.batch)

    def settled(self, then: Callable[[], None]) -> None:
        """Call `then` once all that was taken in until now is durable."""
        # Other tasks may have decided something before this one.
        self._commit(self.judge.batch)
        self._hand_over(self.judge.batch, then=then)

    def _replay(
        self, rows: list[tuple[UUID, list[tuple[str, bytes, int]]]], *, judged: bool
    ) -> None:
        passed = []
        for row_id, bodies in rows:
            reasons = [] if bodies else ["too_large"]
            for topic, payload, received in bodies:
                reasons += self._taker.replay(topic, payload, received, judged=judged)
            if not reasons:
                passed.append(row_id)
        batch = self.judge.batch
        # What was quarantined may be stored already, if an earlier replay was cut short.
        batch.odd.extend(batch.rows)
        batch.rows = ReadingBatch()
        self._commit(batch)
        self._hand_over(batch, then=lambda: self._mark_replayed(passed))

    def _mark_replayed(self, row_ids: list[UUID]) -> None:
        if row_ids:
            with self._stores.database.write() as session:
                quarantine.mark(session, row_ids, "replayed")

    # Time.

    def _send_beat(self) -> None:
        if self._heartbeat.send(self.session):
            newest = self.receipt_clock.last_beat
            if newest is not None:
                metrics.LAG.set((self._clock.micros() - newest) / 1e6)

    def _beat_came(self, payload: bytes) -> None:
        at = self._heartbeat.sent_at(payload)
        if at is None:
            return
        newest = self.receipt_clock.last_beat
        if newest is not None and at - newest > HOLE:
            # What queued meanwhile counts as heard at the newest heartbeat before it.
            self.receipt_clock.freeze()
        self._tick(at)

    def _clock_came(self, payload: bytes) -> int | None:
        """A simulator moves the clock; everything it published before has been taken in."""
        if not isinstance(self._clock, SimulatedClock):
            return None
        try:
            now = round(float(json.loads(payload)["now"]) * 1e6)
        except (ValueError, KeyError, TypeError, OverflowError):
            return None
        self._clock.advance_to(now)
        self._tick(now)
        return now

    def _tick(self, wall: int) -> None:
        gap = self.receipt_clock.beat(wall)
        if gap is not None:
            self.judge.batch.gaps.append(gap)
        self._now.now = self.receipt_clock.now()
        self._taker.retained.release(wall)
        self.judge.turn()
        self._quieting.look(self.judge.batch, self._now.now)

    def _connection_changed(self, state: SessionState) -> None:
        connected = state.phase is Phase.CONNECTED
        refused = f"the broker refuses {', '.join(state.refused)}" if state.refused else ""
        detail = refused or state.error or state.phase.value
        self._stores.health.report("broker", ok=connected and not refused, detail=detail)
        if not connected:
            self.receipt_clock.freeze()
            self._recorded_beat = None
            self._cut_off = True
            # What was held back is not acknowledged, so it comes again.
            self._settling = None
        elif self._generation != self.session.generation:
            self._begin_connection()

    def _begin_connection(self) -> None:
        """Settle once a connection: to begin again within one would drop what is held back."""
        self._generation = self.session.generation
        if self.session.session_present:
            # Even after a clean stop the broker may have had messages on their way to us.
            self._settling = Settling(time.monotonic(), self._stores.settings.settle_seconds)
        elif self._kept:
            # Killed without a snapshot, begun anew, or another one than before.
            log.warning("the broker kept no session for us: what was said meanwhile is lost")
        self._kept = True

    @property
    def last_beat(self) -> datetime | None:
        """When the newest heartbeat came back whose gap is committed; None while we are cut off."""
        beat = self._recorded_beat
        return from_micros(beat) if beat is not None else None
