"""Ingest as a whole: takes its shard's lease, lives one run after another, stops cleanly."""

import threading
from collections.abc import Callable
from functools import partial

import structlog

from core import events, leases, shards
from core.db import is_unavailable
from core.errors import WatchkeeperError
from ingest import metrics
from ingest.accounts import AccountKeeper, Door
from ingest.committing import Tenure
from ingest.draining import Draining
from ingest.hosting import Hosts
from ingest.keeper import LEASE, Keeper
from ingest.pushed import Inbox
from ingest.run import Run
from ingest.session import BrokerAddress, Session
from ingest.stores import Stores
from ingest.subscribing import OWN_TOPICS

log = structlog.get_logger(__name__)

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 15.0
# How often a worker in waiting asks whether the shard is free.
_ASK_AGAIN = 2.0


class IngestService:
    """Supervises the ingest threads of one shard. A run that dies is followed by a fresh one."""

    def __init__(
        self,
        stores: Stores,
        address: BrokerAddress,
        *,
        open_session: Callable[..., Session] = Session,
        door: Door | None = None,
    ) -> None:
        """`open_session` is called like `Session` itself. `door`: whose accounts are ours to keep;
        None where somebody else makes them."""
        self._stores = stores
        self._address = address
        self._open_session = open_session
        self._door = door
        self._draining = Draining(stores)
        self._stop = threading.Event()
        self._run: Run | None = None
        self._thread = threading.Thread(target=self._live, name="ingest", daemon=False)
        self.ready = threading.Event()

    def start(self) -> None:
        """Start; returns at once."""
        self._draining.start()
        self._thread.start()

    def stop(self, timeout: float = 30.0) -> bool:
        """Drain and end; returns whether the thread has ended in time."""
        self._stop.set()
        run = self._run
        if run is not None:
            run.stop()
        self._thread.join(timeout)
        self._draining.stop()
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether the supervising thread lives."""
        return self._thread.is_alive()

    def _live(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            try:
                worked = self._one_run()
            except Exception as error:  # noqa: BLE001 - the supervisor's edge: report, start again
                self._say_ill(error)
                metrics.RESTARTS.inc()
                self._stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE
                self._stop.wait(0 if worked else _ASK_AGAIN)

    def _say_ill(self, error: Exception) -> None:
        self._stores.health.report(
            "ingest", ok=False, detail=f"{type(error).__name__}: {error}"[:300]
        )
        if isinstance(error, WatchkeeperError):
            log.warning("ingest has to start again", error=error.detail)
        elif is_unavailable(error):
            log.warning("ingest has to start again", error=str(error).partition("\n")[0])
        else:
            log.exception("ingest has died and starts again")

    def _one_run(self) -> bool:
        """Hold the shard for one run; returns whether it was ours at all."""
        stores = self._stores
        shard = stores.settings.shard
        now = stores.clock.now()
        epoch = leases.claim(
            stores.database, f"ingest:{shard}", stores.owner, now=now, lifetime=LEASE
        )
        if epoch is None:
            stores.health.report("ingest", ok=True, detail="another worker holds this shard")
            return False
        tenure = Tenure(shard, stores.owner, epoch)
        cursor = events.newest(stores.database)
        run = Run(stores, tenure, self._session_factory(shard))
        keeper = Keeper(stores, tenure, run, cursor)
        accounts = AccountKeeper(stores, self._door, run.used_twice) if self._door else None
        inbox = Inbox(stores, run)
        hosts = Hosts(stores, run, self._address)
        self._run = run
        if self._stop.is_set():
            run.stop()
        keeper.start()
        if accounts is not None:
            accounts.start()
        inbox.start()
        hosts.start()
        stores.health.report("ingest", ok=True, detail=f"shard {shard}")
        self.ready.set()
        try:
            drained = run.run()
        finally:
            hosts.stop()
            if accounts is not None:
                accounts.stop()
            inbox.stop()
            keeper.stop()
            self._run = None
        if not keeper.lost:
            self._give_back(run, tenure, drained=drained)
        return True

    def _session_factory(self, shard: str) -> Callable[..., Session]:
        return partial(
            self._open_session,
            self._address,
            f"wk-ingest-{shard}",
            [OWN_TOPICS],
            fast=self._stores.settings.mqtt_fast,
        )

    def _give_back(self, run: Run, tenure: Tenure, *, drained: bool) -> None:
        beat = run.listened_until
        if beat is not None:
            with self._stores.database.write() as session:
                shards.beat(session, tenure.shard, beat, clean=drained)
                shards.note_filters(session, tenure.shard, run.filters)
        leases.release(
            self._stores.database, tenure.lease, tenure.owner, now=self._stores.clock.now()
        )
