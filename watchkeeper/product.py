"""Composition: which parts make up each role, in which order they start and stop."""

import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType

import structlog

from api.app import create_app
from api.context import Parts
from core import shards
from core.channels.dingtalk_stream import Application, DingTalkStream
from core.clock import Clock, SimulatedClock, SystemClock
from core.clock_trust import ClockTrust
from core.db import Database
from core.device_credentials import wanted_accounts
from core.device_credentials.dynamic_security import DynamicSecurity
from core.device_credentials.losses import Losses
from core.doorstep import Doorstep
from core.errors import Unavailable
from core.health import Health
from core.schema import migrate
from core.settings import Settings
from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.influx_lines import is_whole
from core.telemetry.influx_reader import InfluxReader
from core.telemetry.influx_store import InfluxStore
from core.telemetry.remote import RemoteStore
from core.telemetry.server import TelemetryServer
from core.telemetry.spool import SpooledStore
from core.telemetry.store import TelemetryError, TelemetryStore
from core.vault import Vault
from ingest.accounts import Door, EmbeddedDoor, MosquittoDoor
from ingest.broker import BrokerConfig, BrokerError, EmbeddedBroker
from ingest.metrics import TELEMETRY_MEMORY
from ingest.service import IngestService
from ingest.session import BrokerAddress, Session
from ingest.stores import Stores
from jobs.runner import JobsRunner, telemetry_sweeps
from watchkeeper import installation, supervision
from watchkeeper.copies import copy_before_migration, prune_copies
from watchkeeper.serving import WebServer
from web.app import mount
from web.doorstep_guard import DoorstepGuard
from web.live import LiveFeed
from web.presses import take

log = structlog.get_logger(__name__)

# Above this fill of the broker's queue somebody must look before it refuses messages.
_QUEUE_WARNING = 0.8
_SWITCH_SECONDS = 0.0005
# Ingest puts its heartbeat on record every five seconds.
_BEAT_SECONDS = 30.0


def make_clock(settings: Settings) -> Clock:
    """The one clock of the process."""
    if settings.clock == "simulated":
        return SimulatedClock(SystemClock().micros())
    return SystemClock()


def open_database(settings: Settings) -> Database:
    """Connect to the database that the settings name."""
    return Database(settings.sql_url, durable_against_power_loss=settings.durability == "power")


class Product:
    """The parts of a running role; `stop` undoes what was started, in reverse order."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = installation.prepare(settings)
        self.clock = make_clock(settings)
        self.health = Health(self.clock)
        self.stopping = threading.Event()
        # A commit gives the interpreter up at each of its statements; with the usual 5 ms it
        # would wait so long for each of them behind any busy thread.
        sys.setswitchinterval(_SWITCH_SECONDS)
        self._stack = ExitStack()
        self.database = open_database(settings)
        self._stack.callback(self.database.close)
        self.telemetry: TelemetryStore | None = None
        self.broker: EmbeddedBroker | None = None
        self.ingest: IngestService | None = None
        self.web: WebServer | None = None
        self.doorstep: Doorstep | None = None
        # Asked again and again until it says that nothing is left to settle.
        self.unsettled: Callable[[], bool] | None = None

    def stop(self) -> None:
        """Stop every part, the last one started first; safe to repeat."""
        self._stack.close()

    def on_stop(self, undo: Callable[[], object]) -> None:
        """Have something undone at `stop`, before all that was started earlier."""
        self._stack.callback(undo)

    def own_folder(self, name: str) -> None:
        """Make sure that no other process owns the same embedded parts."""
        self.on_stop(installation.FolderLock(self.folder, name).release)

    def migrate(self) -> None:
        """Back up, then bring the schema to this version."""
        copy = copy_before_migration(self.database, self.folder)
        migrate(self.database, Vault(self.settings))
        if copy is not None:
            # Only now: until it went well every copy may be wanted.
            prune_copies(self.folder, copy)

    def watch_database(self) -> None:
        """Report the database's health."""
        self.health.watch("database", self.database.check)

    def start_broker(self) -> BrokerAddress:
        """The external broker's address, or start the embedded one."""
        external = installation.external_broker(self.settings)
        if external is not None:
            return external
        settings = self.settings
        with self.database.read() as session:
            # From its first moment on: whoever has a credential finds the door open.
            wanted = wanted_accounts(session, shared=settings.device_sign_in == "shared")
        broker = EmbeddedBroker(
            BrokerConfig(
                directory=(self.folder / "broker").resolve(),
                host=settings.broker_host,
                port=installation.broker_port(settings, self.folder),
                durability=settings.durability,
                max_payload=settings.broker_max_payload,
                store_bytes=settings.broker_queue_bytes,
            ),
            wanted,
        )
        broker.start()
        self.on_stop(broker.stop)
        broker.wait_ready()
        self.broker = broker
        self.health.watch("broker queue", lambda: _queue_detail(broker))
        return broker.address

    def open_telemetry(self) -> SpooledStore:
        """Own the readings with their spool, and answer other processes of the data folder.

        They are in its DuckDB file, or in InfluxDB, whose one writer this process then is.
        """
        influx = installation.influx_address(self.settings)
        path = self.folder / "telemetry.duckdb"
        memory = self.settings.telemetry_memory_bytes
        store = SpooledStore(
            partial(_open_file, path, memory) if influx is None else partial(InfluxStore, influx),
            self.folder / "spool",
            limit_bytes=self.settings.spool_bytes,
            takes_whole=None if influx is None else is_whole,
        )
        self.on_stop(store.close)
        self.health.watch("telemetry", lambda: _telemetry_detail(store))
        self.health.watch("refused readings", lambda: _refused_detail(store))
        server = TelemetryServer(store, self.folder / "telemetry.sock")
        self.on_stop(server.close)
        self.telemetry = store
        return store

    def reach_telemetry(self) -> TelemetryStore:
        """Read from InfluxDB, or through the process that owns the data folder's DuckDB file."""
        influx = installation.influx_address(self.settings)
        store: TelemetryStore = (
            RemoteStore(self.folder / "telemetry.sock") if influx is None else InfluxReader(influx)
        )
        self.on_stop(store.close)
        self.health.watch("telemetry", store.check)
        self.telemetry = store
        return store

    def start_ingest(self, telemetry: SpooledStore, address: BrokerAddress) -> IngestService:
        """Start taking messages in."""
        stores = Stores(
            settings=self.settings,
            clock=self.clock,
            database=self.database,
            telemetry=telemetry,
            health=self.health,
            owner=installation.owner_id(self.folder),
            drain=telemetry.drain,
        )
        # The embedded broker keeps a queue for each filter, and room for few.
        session = partial(Session, together=self.broker is not None)
        service = IngestService(stores, address, open_session=session, door=self._door())
        service.start()
        self.on_stop(service.stop)
        self.ingest = service
        return service

    def _door(self) -> Door | None:
        """Whose accounts are ours to keep, if any are."""
        if self.broker is not None:
            return EmbeddedDoor(self.broker)
        settings = self.settings
        if not settings.mqtt_admin_username:
            return None
        security = DynamicSecurity(
            installation.accounts_control(settings), Vault(settings), self.clock
        )
        self.health.watch("broker queue", partial(_dropped_detail, security.losses, self.clock))
        return MosquittoDoor(security, {settings.mqtt_username, settings.mqtt_admin_username})

    def start_jobs(self, telemetry: TelemetryStore) -> None:
        """Start the sweeps."""
        self._run(JobsRunner(self.database, telemetry, self.clock, self.settings, self.health))
        self._hear_presses()

    def _hear_presses(self) -> None:
        """Where it is set up, keep the connection open by which DingTalk tells of presses."""
        settings = self.settings
        if not settings.dingtalk_card_template or settings.dingtalk_presses != "stream":
            return
        application = Application(
            settings.dingtalk_api_url, settings.dingtalk_key, settings.dingtalk_secret
        )
        stream = DingTalkStream(application, partial(take, self.database, self.clock), self.health)
        stream.start()
        self.on_stop(stream.stop)

    def start_telemetry_upkeep(self, telemetry: TelemetryStore) -> None:
        """Start only the sweeps that nobody but the owner of the telemetry file can do."""
        self._run(
            JobsRunner(
                self.database,
                telemetry,
                self.clock,
                self.settings,
                self.health,
                sweeps=telemetry_sweeps(),
                lease=f"jobs-telemetry:{self.settings.shard}",
            )
        )

    def _run(self, runner: JobsRunner) -> None:
        runner.start()
        self.on_stop(runner.stop)

    def watch_ingest(self) -> None:
        """Report how ingest is, which lives in another process, by its heartbeat on record."""
        self.health.watch("ingest", self._ingest_beats)

    def _ingest_beats(self) -> str:
        with self.database.read() as session:
            beat = shards.recall(session, self.settings.shard).last_beat
        if beat is None:
            raise Unavailable("it has not run yet", advice="Start `watchkeeper ingest`.")
        age = (self.clock.now() - beat).total_seconds()
        if age > _BEAT_SECONDS:
            raise Unavailable(f"no heartbeat for {age:.0f} s", advice="Look at the ingest role.")
        return f"heartbeat {age:.0f} s ago"

    def open_doorstep(self) -> Doorstep:
        """What has to be settled before people can work here; the pages will ask for it."""
        trust = ClockTrust(self.clock, self.database, self.folder, installation.built_at())
        request = self.settings.clock_request
        self.doorstep = Doorstep(self.database, trust, self.folder, request)
        return self.doorstep

    def start_web(self, telemetry: TelemetryStore) -> WebServer:
        """Start API and pages."""
        parts = Parts(self.settings, self.clock, self.database, telemetry, self.health)
        app = create_app(parts)
        feed = LiveFeed(parts)
        mount(app, parts, feed)
        app.state.doorstep = self.doorstep
        guarded = app if self.doorstep is None else DoorstepGuard(app, self.doorstep)
        server = WebServer(guarded, self.settings, self.folder, self.clock.now())
        feed.start()
        server.start()
        self.on_stop(self._warm_up(parts))
        self.on_stop(server.stop)
        self.on_stop(feed.stop)
        self.web = server
        return server

    def _warm_up(self, parts: Parts) -> Callable[[], None]:
        """Read what the search keeps in memory, beside the first requests; returns how to stop."""
        stopping = threading.Event()

        def read() -> None:
            try:
                parts.places.warm_up(stopping)
            except Exception as error:  # noqa: BLE001 - the first search reads it, then
                log.warning("the search did not warm up", error=str(error))

        thread = threading.Thread(target=read, name="search-warm-up", daemon=True)
        thread.start()

        def stop() -> None:
            stopping.set()
            thread.join(10)

        return stop

    def wait(self, look: Callable[[], None] | None = None, *, every: float = 1.0) -> None:
        """Until a signal asks to stop; meanwhile `look` is called so often, in seconds.

        Whoever supervises this process is told how it is.
        """
        supervision.tell(supervision.READY, f"STATUS={self.web.url if self.web else 'up'}")
        due = time.monotonic()
        while not self.stopping.wait(1.0):
            self._look_after()
            if look is not None and time.monotonic() >= due:
                look()
                due = time.monotonic() + every
        supervision.tell(supervision.STOPPING)

    def _look_after(self) -> None:
        if self.unsettled is not None and not self.unsettled():
            self.unsettled = None
        if self.ingest is not None and not self.ingest.alive:
            self.health.report("ingest", ok=False, detail="its thread has ended")
        else:
            # Whoever falls silent is started anew, as WatchdogSec= says.
            supervision.tell(supervision.ALIVE)
        if self.web is not None and not self.web.alive:
            # As a failure, so that whoever supervises this process starts it again.
            raise Unavailable("the web server has ended", advice="See the log above.")

    def heed_signals(self) -> None:
        """SIGINT and SIGTERM ask to stop; a second one is left to the operating system."""

        def ask(number: int, _: FrameType | None) -> None:
            self.stopping.set()
            signal.signal(number, signal.SIG_DFL)

        signal.signal(signal.SIGINT, ask)
        signal.signal(signal.SIGTERM, ask)


def _queue_detail(broker: EmbeddedBroker) -> str:
    state = broker.queue_state()
    detail = f"{state.messages} messages, {state.fill:.0%} full"
    if state.fill > _QUEUE_WARNING:
        raise BrokerError(detail)
    return detail


def _dropped_detail(losses: Losses, clock: Clock) -> str:
    """Raises Unavailable while Mosquitto, which tells nobody else, has dropped messages lately."""
    detail = f"{losses.total} messages dropped since Mosquitto started"
    if losses.told(clock.now()):
        raise Unavailable(f"{detail}: a client's queue was full")
    return detail


def _refused_detail(store: SpooledStore) -> str:
    """Raises Unavailable while readings that the store will never take are set aside, or while
    nobody can say whether any are."""
    try:
        refusals = store.refused.all()
    except OSError as error:
        raise Unavailable(f"their folder cannot be read: {error}") from error
    if refusals:
        count = sum(refusal.readings for refusal in refusals)
        raise Unavailable(f"{count} set aside: {refusals[-1].reason}")
    return ""


def _telemetry_detail(store: SpooledStore) -> str:
    store.check()
    state = store.state()
    return f"spooling, {state.readings_waiting} readings wait" if state.spooling else ""


def _open_file(path: Path, memory_bytes: int) -> DuckDBStore:
    store = DuckDBStore(path, memory_bytes=memory_bytes)
    TELEMETRY_MEMORY.set_function(partial(_memory, store))
    return store


def _memory(store: DuckDBStore) -> float:
    try:
        return store.memory()
    except TelemetryError:
        # Let go of, and not opened anew yet.
        return 0
