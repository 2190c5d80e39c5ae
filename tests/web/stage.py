"""A running console for tests: the demo compound, real stores, and a real web server."""

import math
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from fastapi import FastAPI
from psycopg import sql
from sqlalchemy import select

from api.app import create_app
from api.context import Parts
from core import events, people
from core.clock import MICROS, Clock, SystemClock
from core.db import Database, sqlite_url
from core.devices import Device, Point
from core.health import Health
from core.ids import new_id
from core.places import Asset, Node
from core.schema import migrate
from core.settings import load
from core.site_file import import_site, read_site_file
from core.telemetry.duckdb_store import DuckDBStore
from core.telemetry.readings import Quality, ReadingBatch
from rules.states import AlarmState, Input, Phase, Transition, TransitionKind
from tests.fixtures import opened
from tests.servers import free_port
from tests.servers.postgres import PostgresServer
from watchkeeper import serving as product_serving
from watchkeeper.first_run import publish_packs
from web.app import mount
from web.live import LiveFeed
from workflows import alarms, tickets

ROOT = Path(__file__).resolve().parents[2]
SQLITE = "watchkeeper.sqlite"
TELEMETRY = "telemetry.duckdb"
# Names a template on a PostgreSQL server, where the tables are there.
ELSEWHERE = "postgresql"
DEMO = ROOT / "simulators" / "demo" / "site.yaml"
STRANGERS_SITE = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
region: {code: west, name: {en: West region, zh: 华西区域}}
site: {code: hillside, name: {en: Hillside Park, zh: 山景园}, time_zone: Asia/Shanghai}
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A rule as tests trip it."""

    rule_id: str
    title: Mapping[str, str]
    severity: str
    condition: str
    reason: str
    inputs: Mapping[str, float]
    life_safety: bool = False
    category: str = "electrical"
    family: str | None = None


OVERHEATING = Fault(
    "pump-motor-overheating",
    {"en": "Pump motor overheating", "zh": "水泵电机过热"},
    "high",
    "motor_temperature > 75 °C",
    "motor_temperature 82.4 °C > 75 °C held 2m",
    {"motor_temperature": 82.4},
)


@dataclass
class Stage:
    """The product without its broker: what pages stand on."""

    parts: Parts
    app: FastAPI
    live: LiveFeed
    assets: dict[str, UUID]
    points: dict[tuple[str, str], Point]
    site_id: UUID
    company_id: UUID
    other_site_id: UUID
    url: str = ""
    _phases: dict[tuple[str, str], AlarmState] = field(default_factory=dict)

    @property
    def now(self) -> int:
        """Now, in µs."""
        return self.parts.clock.micros()

    def person(self, name: str, role: str, *, node: UUID | None = None, locale: str = "en") -> UUID:
        """Somebody with a role, on the whole company unless told otherwise."""
        person_id = new_id()
        with self.parts.database.write() as session:
            session.add(people.Person(id=person_id, name=name, locale=locale))
            session.flush()
            session.add(
                people.Grant(person_id=person_id, node_id=node or self.company_id, role=role)
            )
        return person_id

    def region_without_sites(self) -> UUID:
        """A node of the tree below which there is nothing."""
        node_id = new_id()
        with self.parts.database.write() as session:
            session.add(
                Node(
                    id=node_id,
                    parent_id=self.company_id,
                    kind="region",
                    code="empty",
                    name={"en": "Empty"},
                    path="acme/empty/",
                )
            )
        return node_id

    def secret(self, person_id: UUID, kind: str) -> str:
        """A session or a one-time link."""
        with self.parts.database.write() as session:
            return people.issue(session, person_id, kind, now=self.parts.clock.now())

    def say(self, asset: str, values: Mapping[str, float], *, at: int | None = None) -> None:
        """Store readings of an asset as of a moment, now unless told otherwise."""
        moment = self.now if at is None else at
        batch = ReadingBatch()
        for code, value in values.items():
            series = self.points[asset, code].series
            batch.append(series, moment, value, moment, Quality.GOOD)
        self.parts.telemetry.write(batch)

    def trip(self, asset: str, fault: Fault, *, at: int | None = None) -> int:
        """Let a rule trip on an asset; returns the number of its ticket."""
        return self._record(asset, fault, TransitionKind.TRIPPED, Phase.ACTIVE, at)

    def clear(self, asset: str, fault: Fault, *, at: int | None = None) -> None:
        """Let the alarm clear."""
        self._record(asset, fault, TransitionKind.CLEARED, Phase.NORMAL, at)

    def _record(
        self, code: str, fault: Fault, kind: TransitionKind, phase: Phase, at: int | None
    ) -> int:
        moment = self.now if at is None else at
        before = self._phases.get((code, fault.rule_id), AlarmState())
        after = AlarmState(phase=phase, changed_at=moment, tripped_at=moment)
        self._phases[code, fault.rule_id] = after
        inputs = tuple(Input(point, value, moment) for point, value in fault.inputs.items())
        finding = self._finding(
            code, fault, Transition(kind, moment, before, after, inputs, fault.reason)
        )
        with self.parts.database.write() as session:
            opened = alarms.record(session, [finding], learned_at=self.parts.clock.now())
        return opened[0].number if opened else 0

    def _finding(self, code: str, fault: Fault, transition: Transition) -> alarms.Finding:
        with self.parts.database.read() as session:
            asset = session.get_one(Asset, self.assets[code])
        facts = {
            name: alarms.PointFacts(point.series, point.unit)
            for name in fault.inputs
            if (point := self.points.get((code, name)))
        }
        rule = alarms.RuleFacts(
            rule_id=fault.rule_id,
            version=1,
            title=fault.title,
            severity=fault.severity,
            life_safety=fault.life_safety,
            condition=fault.condition,
            kind="repair",
            category=fault.category,
            team="maintenance",
            respond_within=timedelta(minutes=30),
            resolve_within=timedelta(hours=4),
            reopen_within=timedelta(days=7),
            realarm_after=timedelta(hours=1),
            family=fault.family,
        )
        return alarms.Finding(
            asset.site_id, asset.id, asset.space_id, rule, transition, transition.at, facts
        )

    def unknown_device(self, code: str, sample: dict[str, Any]) -> UUID:
        """A device that nobody has adopted yet."""
        device_id = new_id()
        now = self.parts.clock.now()
        with self.parts.database.write() as session:
            session.add(
                Device(
                    id=device_id,
                    site_id=self.site_id,
                    code=code,
                    state="waiting",
                    first_seen=now,
                    last_sample=sample,
                )
            )
            events.append(
                session,
                "device.appear",
                ("device", device_id),
                actor=events.Actor("device", code),
                learned_at=now,
                site_id=self.site_id,
            )
        return device_id

    def ticket(self, number: int) -> tickets.Ticket:
        """A ticket as it stands."""
        with self.parts.database.read() as session:
            return session.scalars(
                select(tickets.Ticket).where(tickets.Ticket.number == number)
            ).one()


def lay_foundation(
    folder: Path, postgres: PostgresServer | None = None, migrated: Path | None = None
) -> None:
    """The demo compound, another site that only strangers see, and no readings yet.

    In SQLite, or in a template on a PostgreSQL server, of which the folder then knows.
    migrated: an SQLite file with the tables, so that they needn't be made.
    """
    url = sqlite_url(folder / SQLITE)
    if postgres is None and migrated is not None:
        shutil.copyfile(migrated, folder / SQLITE)
    if postgres is not None:
        url = postgres.url(postgres.create_database())
        (folder / ELSEWHERE).write_text(url)
    database = Database(url)
    migrate(database)
    now = SystemClock().now()
    for text in (DEMO.read_text(encoding="utf-8"), STRANGERS_SITE):
        site_file = read_site_file(text, "site.yaml")
        with database.write() as session:
            import_site(session, site_file, actor=events.SYSTEM, now=now)
    publish_packs(database, now)
    database.close()
    DuckDBStore(folder / TELEMETRY).close()


def _address(folder: Path) -> str:
    """Where the database of a copied foundation is; on a server a copy is made at the first use."""
    elsewhere, own = folder / ELSEWHERE, folder / f"{ELSEWHERE}.own"
    if not elsewhere.exists():
        return sqlite_url(folder / SQLITE)
    if not own.exists():
        server, _, template = elsewhere.read_text().rpartition("/")
        name = f"stage_{new_id().hex}"
        copying = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        _on_server(server, copying.format(sql.Identifier(name), sql.Identifier(template)))
        own.write_text(f"{server}/{name}")
    return own.read_text()


def _on_server(server: str, statement: sql.Composed) -> None:
    address = f"{server}/postgres".replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as session:
        session.execute(statement)


def let_go(folder: Path) -> None:
    """Drop the database that a server keeps for a folder; nothing for one in the folder itself."""
    own = folder / f"{ELSEWHERE}.own"
    if own.exists():
        server, _, name = own.read_text().rpartition("/")
        dropping = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        _on_server(server, dropping.format(sql.Identifier(name)))


def build(folder: Path, clock: Clock | None = None, **chosen: Any) -> Stage:
    """The product on what `lay_foundation` laid in this folder, with DuckDB beside it.

    chosen: settings; nobody needs a second factor unless they say so.
    """
    clock = clock or SystemClock()
    database = opened(_address(folder))
    store = DuckDBStore(folder / TELEMETRY)
    parts = Parts(
        load(data_dir=folder, **{"require_second_factor": "nobody", **chosen}),
        clock,
        database,
        store,
        Health(clock),
    )
    app = create_app(parts)
    live = LiveFeed(parts)
    mount(app, parts, live)
    with database.read() as session:
        assets = {asset.code: asset.id for asset in session.scalars(select(Asset))}
        codes = {asset_id: code for code, asset_id in assets.items()}
        points = {(codes[p.asset_id], p.code): p for p in session.scalars(select(Point))}
        nodes = {node.code: node.id for node in session.scalars(select(Node))}
    return Stage(
        parts, app, live, assets, points, nodes["riverside"], nodes["acme"], nodes["hillside"]
    )


def everyday_values(stage: Stage, *, hours: float = 3.0, step: int = 60) -> None:
    """A plausible stretch of readings for every point, up to now."""
    batch = ReadingBatch()
    now = stage.now
    begin = now - int(hours * 3600) * MICROS
    for number, ((_asset, code), point) in enumerate(stage.points.items()):
        if point.kind == "event":
            continue
        for at in range(begin, now + 1, step * MICROS):
            value = _plausible(point, code, (at // MICROS) / 3600 + number)
            batch.append(point.series, at, value, at, Quality.GOOD)
    stage.parts.telemetry.write(batch)


USUAL = {
    "motor_temperature": 52.0,
    "vibration": 1.8,
    "current": 14.0,
    "outlet_pressure": 0.42,
    "flow": 36.0,
    "pressure": 0.31,
    "tank_level": 3.2,
    "voltage": 398.0,
    "power": 42.0,
    "busbar_temperature": 38.0,
    "residual_current": 12.0,
    "temperature": 23.4,
    "humidity": 51.0,
    "co2": 620.0,
    "battery": 87.0,
    "level": 0.8,
    "floor": 6.0,
    "rssi": -61.0,
    "speed": 1450.0,
}


def _plausible(point: Point, code: str, phase: float) -> float:
    if point.kind == "boolean":
        return 1.0 if code in ("running", "online", "supply") else 0.0
    if point.kind == "state":
        return float(int(phase * 3) % 2)
    usual = USUAL.get(code, 1.0)
    if code == "floor":
        return float(int(phase * 7) % 9 + 1)
    return usual * (1 + 0.03 * math.sin(phase * 2.1) + 0.01 * math.sin(phase * 17))


class WebServer:
    """The stage behind the product's own web server; `stop` ends it as the product does."""

    def __init__(self, stage: Stage, port: int) -> None:
        self._stage = stage
        settings = stage.parts.settings.model_copy(update={"http_port": port})
        folder, now = stage.parts.settings.data_dir, stage.parts.clock.now()
        self._server = product_serving.WebServer(stage.app, settings, folder, now)

    def start(self) -> None:
        """Start and wait until it answers."""
        self._stage.live.start()
        self._server.start()

    def stop(self) -> None:
        """End it as the product does, and wait until it has ended.

        Answers have as long as they want: what doesn't end by itself fails, on a slow machine
        nothing is cut off.
        """
        self._server._server.config.timeout_graceful_shutdown = None
        self._stage.live.stop()
        self._server.stop()
        ends = time.monotonic() + 60
        while self._server.alive:
            assert time.monotonic() < ends, "an answer under way keeps the web server from ending"
            time.sleep(0.05)


@contextmanager
def serving(stage: Stage, port: int = 0) -> Iterator[WebServer]:
    """Serve a stage on a port, a free one unless told otherwise."""
    port = port or free_port()
    server = WebServer(stage, port)
    stage.url = f"http://127.0.0.1:{port}"
    server.start()
    yield server
    server.stop()
