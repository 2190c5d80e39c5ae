"""The keeper thread: what ingest must do beside deciding.

Renews the lease and the heartbeat on record, keeps how devices were heard, follows the event log
for changes of places, devices and rules, announces on site what nobody accepted, and takes
quarantined messages in again. Telemetry, which may hang for a minute, is asked only beside it.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from core import events, inventory, leases, shards
from core.db import is_unavailable
from core.errors import WatchkeeperError
from core.told_points import told_by
from ingest.announcing import Announcer
from ingest.beside import Beside
from ingest.committing import Tenure
from ingest.looking_back import LookingBack
from ingest.reloading import Reloading
from ingest.replaying import Replays
from ingest.run import Run
from ingest.stores import Stores
from ingest.telling import Telling
from ingest.vitals_kept import VitalsKept

log = structlog.get_logger(__name__)

PART = "ingest keeper"
LEASE = timedelta(seconds=15)
_RENEW_SECONDS = 5.0
_ABSENCE = timedelta(seconds=3 * _RENEW_SECONDS)
_LOOK_SECONDS = 0.25
_CHANGES = (
    "site.", "node.", "space.", "asset.", "device.", "point.", "source.", "rule.", "calendar.",
    "shift_code.", "rule_shadow.",
)  # fmt: skip
# Of these ingest itself is the author, so it knows already.
_OWN = ("device.appear", "device.trust", "device.distrust")


class Keeper(Beside):
    """Runs beside one `Run`; `lost` is set when the lease has gone to another worker."""

    def __init__(self, stores: Stores, tenure: Tenure, run: Run, cursor: events.Cursor) -> None:
        super().__init__(stores, PART, "ingest-keeper")
        self._tenure = tenure
        self._run = run
        self._follower = events.Follower(stores.database, cursor)
        self._next_renewal = 0.0
        self._recorded: datetime | None = None
        self._announcer = Announcer(
            stores.database, stores.clock, self._publish, stores.settings.announce_test
        )
        self._telling = Telling(stores, tenure, run, cursor)
        self._looking_back = LookingBack(stores, tenure, run)
        self._reloading = Reloading(stores, tenure, run)
        self._vitals = VitalsKept(stores.database, tenure)
        self._replays = Replays(stores.database, run)
        self._adopted_due = True
        self._reload_due = False
        self._starting = True
        self._asked: list[UUID] = []
        self._tried: set[UUID] = set()
        self.lost = False

    def start(self) -> None:
        """Start the thread, and those that ask telemetry for it."""
        super().start()
        self._looking_back.start()
        self._reloading.start()

    def stop(self) -> None:
        """End the threads, and keep what would have been kept next."""
        super().stop()
        self._reloading.stop()
        self._looking_back.stop()
        if not self.lost:
            self._keep_vitals()

    def _keep_vitals(self) -> None:
        """What was heard since the last time; while the database is away it is let go."""
        try:
            self._vitals.look(self._run.vitals, now=True)
        except Exception as error:
            if not is_unavailable(error) and not isinstance(error, WatchkeeperError):
                raise

    def _turn(self) -> float:
        if time.monotonic() >= self._next_renewal or self._heard_again():
            self._renew()
            self._next_renewal = time.monotonic() + _RENEW_SECONDS
        facts = self._follower.poll()
        # All of them take note first: facts come once, and a look may fail.
        self._note(facts)
        self._announcer.note(facts)
        self._telling.note(facts)
        self._announcer.look()
        self._telling.look()
        self._catch_up()
        self._vitals.look(self._run.vitals)
        self._stores.health.report(PART, ok=True)
        # Not at each commit: just then the interpreter has answers to give.
        return 0.0 if facts else _LOOK_SECONDS

    def _heard_again(self) -> bool:
        """Whether we listen again after a while in which we did not: those who watch want to know.

        They look at the heartbeat on record.
        """
        beat, recorded = self._run.last_beat, self._recorded
        return beat is not None and (recorded is None or beat - recorded > _ABSENCE)

    def _renew(self) -> None:
        stores, tenure = self._stores, self._tenure
        now = stores.clock.now()
        epoch = leases.claim(stores.database, tenure.lease, tenure.owner, now=now, lifetime=LEASE)
        if epoch != tenure.epoch:
            self.lost = True
            self._run.stop()
            return
        beat = self._run.last_beat
        if beat is not None:
            with stores.database.write() as session:
                shards.beat(session, tenure.shard, beat, clean=False)
            self._recorded = beat

    def _note(self, facts: Sequence[events.Event]) -> None:
        """Keep in mind what the facts ask for, until it is done: they are told only once."""
        self._reload_due |= any(self._changes(fact) for fact in facts)
        self._asked += [UUID(f.subject_id) for f in facts if f.kind == "quarantine.replay"]
        if any(fact.kind in ("alarm.trip", "alarm.clear") for fact in facts):
            self._looking_back.want_charts()

    def _changes(self, fact: events.Event) -> bool:
        """Whether a fact makes the registry in place an old one."""
        if not fact.kind.startswith(_CHANGES) or fact.kind in _OWN:
            return False
        told = told_by(fact)
        # Of what nobody listens to the registry need not know, nor of a further category.
        listens = told in self._run.judge.registry.listens
        return told is None or (listens and fact.kind != "point.update")

    def _catch_up(self) -> None:
        if self._starting:
            self._reload_due |= bool(self._run.judge.registry.untold)
            with self._stores.database.read() as session:
                self._asked += inventory.replays_asked(session)
            self._starting = False
        if self._reload_due:
            self._reloading.want()
            self._reload_due = False
            self._adopted_due = True
        # What a device says is quarantined until the new registry is in place: only then all of
        # it is there to be taken in again, and what was mended takes in what somebody asks for.
        if self._reloading.settled:
            if self._adopted_due:
                self._replay_adopted()
                self._adopted_due = False
            self._replays.ask(self._asked, judged=True)
            self._asked = []
        self._replays.look()

    def _publish(self, topic: str, payload: bytes, retain: bool) -> None:
        session = self._run.session
        self._run.submit(lambda: session.publish(topic, payload, qos=1, retain=retain))

    def _replay_adopted(self) -> None:
        """What devices said while they waited becomes history; judging starts at adoption."""
        with self._stores.database.read() as session:
            waiting = inventory.quarantined_of_adopted(session)
        # What could not be used before adoption and cannot after it is not tried for ever. An
        # adoption newer than the registry in place has its try with the next registry.
        waiting = [row for row in waiting if row[0] not in self._tried]
        known = self._run.judge.registry.device_ids() if waiting else set()
        rows = [row_id for row_id, device_id in waiting if device_id in known]
        self._tried.update(rows)
        self._replays.ask(rows, judged=False)
