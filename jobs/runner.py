"""Time passes: the sweeps, and the one runner of all processes that makes them."""

import os
import secrets
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from core import leases, runs
from core.clock import Clock
from core.db import Database, Session, is_unavailable
from core.health import Health
from core.leases import LeaseLost
from core.settings import Settings
from core.telemetry.influx_reader import InfluxReader
from core.telemetry.remote import RemoteStore
from core.telemetry.store import TelemetryStore
from jobs.alarms import look_after_alarms
from jobs.batteries import JudgingBatteries, make_battery_rounds
from jobs.customers import end_homes, forget_guests, pass_jobs_on
from jobs.deadlines import mark_deadlines
from jobs.dispatch import give_out, look_for_gaps, pass_hand_overs_up
from jobs.expected_devices import adopt_expected
from jobs.fire_alarms import pass_on_as_fire
from jobs.guard_tasks import send_guards
from jobs.ingest_watch import IngestWatch
from jobs.lone_workers import begin_watches, look_after_lone_workers
from jobs.outbox import send_facts
from jobs.patrol import (
    SWEEP,
    check_rounds,
    learn_ways,
    look_at_rounds,
    make_rounds_ahead,
    note_statutes,
)
from jobs.posts import look_at_posts
from jobs.reports import Sending, annex_days, close_days
from jobs.retention import (
    bound_quarantine,
    forget_credentials,
    forget_imports,
    forget_tracks,
    keep_up_telemetry,
)
from jobs.sos import pass_calls_on
from jobs.telling import GROUP_EVERY, Telling, TellingGroups
from jobs.walk_tests import hear_walk_tests
from jobs.work import Sweep, Work

log = structlog.get_logger(__name__)

LEASE = "jobs"
LEASE_LIFETIME = timedelta(seconds=20)
# Under a simulated clock minutes pass in a second, so looks must be closer together.
LOOK_WHEN_SIMULATED = 1.0
THREADS = 6
PART = "jobs"
# A sweep that failed is tried again so soon, however rarely it looks otherwise: whoever mended the
# cause wants to see that it was the cause.
RETRY_SECONDS = 2.0


def telemetry_sweeps() -> list[Sweep]:
    """The upkeep of the telemetry store, which only the process that owns it can do."""
    return [Sweep("telemetry", 60.0, keep_up_telemetry, every=timedelta(minutes=15))]


def standard_sweeps(settings: Settings, clock: Clock) -> list[Sweep]:
    """Every sweep on the relational database."""
    sweeps = [
        Sweep("dispatch", 1.0, give_out),
        Sweep("deadlines", 5.0, mark_deadlines),
        # Its deadlines are seconds apart.
        Sweep("fire alarms", 1.0, pass_on_as_fire),
        Sweep("calls for help", 1.0, pass_calls_on),
        Sweep("guard tasks", 1.0, send_guards),
        Sweep("lone workers begin", 10.0, begin_watches),
        Sweep("lone workers", 1.0, look_after_lone_workers),
        Sweep("alarms", 1.0, look_after_alarms),
        Sweep("walk tests", 2.0, hear_walk_tests),
        Sweep("expected devices", 2.0, adopt_expected),
        Sweep("rounds ahead", 5.0, make_rounds_ahead),
        Sweep(SWEEP, 1.0, look_at_rounds),
        Sweep("statutes", 60.0, note_statutes, every=timedelta(hours=1)),
        Sweep("ways", 60.0, learn_ways, every=timedelta(hours=24)),
        Sweep("posts", 5.0, look_at_posts),
        Sweep("honesty", 5.0, check_rounds),
        Sweep("reports close", 30.0, close_days),
        Sweep("reports annexed", 60.0, annex_days, every=timedelta(minutes=5)),
        Sweep("reports sent", 15.0, Sending(settings).send),
        Sweep("contractors", 5.0, pass_jobs_on),
        Sweep("homes", 60.0, end_homes, every=timedelta(minutes=10)),
        Sweep("guests", 60.0, forget_guests, every=timedelta(hours=1)),
        Sweep("hand-overs", 30.0, pass_hand_overs_up),
        Sweep("rosters", 60.0, look_for_gaps, every=timedelta(minutes=5)),
        Sweep("batteries", 60.0, JudgingBatteries().judge, every=timedelta(minutes=5)),
        Sweep("battery rounds", 60.0, make_battery_rounds, every=timedelta(hours=1)),
        Sweep("quarantine", 30.0, bound_quarantine, every=timedelta(minutes=1)),
        Sweep("credentials", 60.0, forget_credentials, every=timedelta(hours=6)),
        Sweep("imports", 60.0, forget_imports, every=timedelta(hours=1)),
        Sweep("tracks", 60.0, forget_tracks, every=timedelta(hours=6)),
    ]
    sweeps.append(Sweep("telling", 1.0, Telling(settings, clock).tell))
    if settings.group_urls.strip():
        groups = TellingGroups(settings)
        sweeps.append(Sweep("groups", 10.0, groups.tell, every=GROUP_EVERY))
    if settings.webhook_url:
        sweeps.append(Sweep("outbox", 2.0, send_facts))
    if not clock.simulated:
        # A simulated clock runs ahead of the heartbeat, which is real.
        sweeps.append(Sweep("ingest-watch", 2.0, IngestWatch().look))
    return sweeps


def owns(telemetry: TelemetryStore | None) -> bool:
    """Whether the store is this process's own, rather than a window on another's."""
    return telemetry is not None and not isinstance(telemetry, RemoteStore | InfluxReader)


@dataclass(frozen=True, slots=True)
class _Tenure:
    epoch: int


class JobsRunner:
    """Runs the sweeps while it holds the lease; of any number of runners one works.

    A sweep asks the database what is due, so nothing is lost while none runs. The triggers are
    real time, what is due is judged by the injected clock.
    """

    def __init__(
        self,
        database: Database,
        telemetry: TelemetryStore | None,
        clock: Clock,
        settings: Settings,
        health: Health,
        *,
        sweeps: Sequence[Sweep] | None = None,
        lease: str = LEASE,
        lifetime: timedelta = LEASE_LIFETIME,
    ) -> None:
        self._database = database
        self._clock = clock
        self._health = health
        self._lease = lease
        self._lifetime = lifetime
        self._owner = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self._tenure: _Tenure | None = None
        self._stopping = threading.Event()
        self._failing: dict[str, str] = {}
        self._telemetry = telemetry
        self._settings = settings
        if sweeps is None:
            sweeps = standard_sweeps(settings, clock)
            sweeps += telemetry_sweeps() if owns(telemetry) else []
        self._sweeps = list(sweeps)
        self._at_work = {sweep.name: threading.Lock() for sweep in self._sweeps}
        self._scheduler = self._make_scheduler()

    def _make_scheduler(self) -> BackgroundScheduler:
        # A late or skipped look costs nothing: the next one finds the same things due.
        scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={
                "default": ThreadPoolExecutor(THREADS),
                # Sweeps that hang at servers of others must not let the lease run out.
                "lease": ThreadPoolExecutor(1),
            },
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600},
        )
        renewal = self._lifetime.total_seconds() / 4
        scheduler.add_job(self._renew, id="first claim", executor="lease")
        scheduler.add_job(self._renew, "interval", seconds=renewal, id="lease", executor="lease")
        scheduler.add_job(self._try_again, "interval", seconds=RETRY_SECONDS, id="next tries")
        for sweep in self._sweeps:
            look = min(sweep.look, LOOK_WHEN_SIMULATED) if self._clock.simulated else sweep.look
            run, name = partial(self._look, sweep), f"sweep {sweep.name}"
            # The scheduler's warnings speak of the name.
            scheduler.add_job(run, "interval", seconds=look, id=name, name=name)
        return scheduler

    def start(self) -> None:
        """Start contending for the lease; returns at once."""
        self._scheduler.start()

    def stop(self) -> None:
        """End the running sweeps in order and give the lease back; safe to repeat."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        if self._tenure is None:
            return
        self._tenure = None
        try:
            leases.release(self._database, self._lease, self._owner, now=self._clock.now())
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("the lease of the jobs runs out by itself", error=str(error)[:200])

    @property
    def failing(self) -> dict[str, str]:
        """What failed last, by the name of its sweep."""
        return dict(self._failing)

    def look_now(self, name: str) -> None:
        """Let a sweep look out of turn. KeyError when there is none of this name."""
        sweep = {sweep.name: sweep for sweep in self._sweeps}[name]
        self._look(sweep)

    @property
    def leading(self) -> bool:
        """Whether this runner holds the lease, as far as it knows."""
        return self._tenure is not None

    def _renew(self) -> None:
        now = self._clock.now()
        try:
            epoch = leases.claim(
                self._database, self._lease, self._owner, now=now, lifetime=self._lifetime
            )
        except Exception as error:
            if not is_unavailable(error):
                raise
            self._note(LEASE, f"{type(error).__name__}: {error}")
            return
        self._note(LEASE, "")
        if epoch is None:
            self._lose()
        elif self._tenure is None or self._tenure.epoch != epoch:
            log.info("this process runs the jobs", epoch=epoch)
            self._tenure = _Tenure(epoch)
        self._report()

    def _lose(self) -> None:
        if self._tenure is not None:
            log.warning("another process runs the jobs now")
        self._tenure = None

    def _look(self, sweep: Sweep) -> None:
        tenure = self._tenure
        if tenure is None or self._stopping.is_set():
            return
        # Its usual turn and its next try may fall together.
        if not self._at_work[sweep.name].acquire(blocking=False):
            return
        try:
            self._sweep_once(sweep, tenure)
        finally:
            self._at_work[sweep.name].release()

    def _sweep_once(self, sweep: Sweep, tenure: _Tenure) -> None:
        now = self._clock.now()
        try:
            self._run_if_due(sweep, tenure, now)
        except LeaseLost:
            if self._tenure is tenure:
                self._lose()
        except Exception as error:  # noqa: BLE001 - the scheduler's edge: one sweep must not end the others
            self._failed(sweep, tenure, error, now)
        else:
            self._note(sweep.name, "")
        self._report()

    def _try_again(self) -> None:
        for sweep in self._sweeps:
            if sweep.name in self._failing:
                self._look(sweep)

    def _run_if_due(self, sweep: Sweep, tenure: _Tenure, now: datetime) -> None:
        if sweep.every:
            with self._database.read() as session:
                last = runs.last_success(session, sweep.name)
            if last is not None and last <= now < last + sweep.every:
                return
        work = self._work(tenure)
        done = sweep.run(work, now)
        if done:
            log.debug("sweep", name=sweep.name, done=done)
        with work.transaction() as session:
            runs.succeeded(session, sweep.name, now)

    def _work(self, tenure: _Tenure) -> Work:
        def guard(session: Session) -> None:
            leases.require(session, self._lease, self._owner, tenure.epoch)

        return Work(
            database=self._database,
            telemetry=self._telemetry,
            settings=self._settings,
            health=self._health,
            guard=guard,
            stopping=self._stopping,
        )

    def _failed(self, sweep: Sweep, tenure: _Tenure, error: Exception, now: datetime) -> None:
        text = f"{type(error).__name__}: {error}"[:300]
        self._note(sweep.name, text)
        if is_unavailable(error):
            return
        with self._work(tenure).transaction() as session:
            runs.failed(session, sweep.name, text, now)

    def _note(self, name: str, error: str) -> None:
        # Logged when it changes: a sweep that fails each five seconds must not flood the log.
        before = self._failing.get(name, "")
        if error and error != before:
            log.error("a sweep failed", name=name, error=error)
        if error:
            self._failing[name] = error
        else:
            self._failing.pop(name, None)
        self._report()

    def _report(self) -> None:
        failing = dict(self._failing)
        if failing:
            detail = "; ".join(f"{name}: {error}" for name, error in sorted(failing.items()))
            self._health.report(PART, ok=False, detail=detail[:500], faults=len(failing))
        else:
            detail = "runs here" if self.leading else "another process runs them"
            self._health.report(PART, ok=True, detail=detail)
