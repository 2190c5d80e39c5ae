"""The product's own fixtures: what stands on `database_url` and the servers."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from core import events
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.db import sqlite_url as sqlite_url_of
from core.devices import Device, Point
from core.ids import new_id
from core.people import Grant, Person, issue
from core.places import Asset, Node
from core.schema import migrate
from core.site_file import import_site, read_site_file
from tests.servers.postgres import PostgresServer

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)

SITE_FILE = """\
company: {code: acme, name: {en: Acme Property, zh: 安居物业}}
region: {code: east, name: {en: East, zh: 华东}}
site: {code: riverside, name: {en: Riverside Court, zh: 滨江苑}, time_zone: Asia/Shanghai}
spaces:
  - code: b1
    kind: building
    name: {en: Building 1, zh: 1号楼}
    spaces:
      - {code: b1-pumproom, kind: room, name: {en: Pump room, zh: 水泵房}}
assets:
  - {code: pump-1, type: pump, space: b1-pumproom, name: {en: Pump 1, zh: 1号泵}, criticality: high}
  - {code: pump-2, type: pump, space: b1-pumproom, name: {en: Pump 2, zh: 2号泵}}
  - {code: board-1, type: distribution_board, space: b1, name: {en: Board 1, zh: 1号配电箱}}
  - {code: gateway-1, type: gateway, space: b1, name: {en: Gateway 1, zh: 1号网关}}
supplies:
  - {from: board-1, to: [pump-1, pump-2], medium: power}
sources:
  - {code: own, topic: wk/v1/riverside/#, dialect: wk}
devices:
  - {code: gw-1, asset: gateway-1, gateway: true, interval: 30s}
  - code: pump-1
    asset: pump-1
    via: gw-1
    interval: 10s
    points: {temp: motor_temperature, run: running}
  - {code: pump-2, asset: pump-2, via: gw-1, interval: 10s}
"""


@dataclass(frozen=True, slots=True)
class SmallSite:
    """A small imported site; ids by code, points by "asset/point"."""

    id: UUID
    company_id: UUID
    assets: dict[str, UUID]
    devices: dict[str, UUID]
    points: dict[str, UUID]
    series: dict[str, int]


@dataclass(frozen=True, slots=True)
class Administrator:
    """An administrator of the whole company, with an API token."""

    person_id: UUID
    token: str


def _build(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied: migrating for every test would take minutes."""
    path = tmp_path_factory.mktemp("migrated") / "watchkeeper.sqlite"
    _build(sqlite_url_of(path))
    return path


@pytest.fixture
def migrated_sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database of the test's own."""
    path = tmp_path / "watchkeeper.sqlite"
    shutil.copyfile(migrated_file, path)
    return sqlite_url_of(path)


@pytest.fixture
def migrated_postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database of the test's own."""
    name = postgres.create_database(postgres.template("migrated", _build))
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database; the test runs once on each engine."""
    name = "sqlite" if request.param == "sqlite" else "postgres"
    database = Database(request.getfixturevalue(f"migrated_{name}_url"))
    yield database
    database.close()


@pytest.fixture
def postgres_database(migrated_postgres_url: str) -> Iterator[Database]:
    """A migrated PostgreSQL database: for what only transactions side by side can show."""
    database = Database(migrated_postgres_url)
    yield database
    database.close()


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands at noon of a working day, until the test moves it."""
    return SimulatedClock(to_micros(NOON))


@pytest.fixture
def site(database: Database) -> SmallSite:
    """The small site, imported."""
    return import_small_site(database)


@pytest.fixture
def postgres_site(postgres_database: Database) -> SmallSite:
    """The small site, imported into `postgres_database`."""
    return import_small_site(postgres_database)


def import_small_site(database: Database) -> SmallSite:
    """Import the small site and read what became of it."""
    site_file = read_site_file(SITE_FILE, "site.yaml")
    with database.write() as session:
        import_site(session, site_file, actor=events.SYSTEM, now=NOON)
    with database.read() as session:
        nodes = {node.kind: node.id for node in session.scalars(select(Node))}
        assets = {asset.code: asset.id for asset in session.scalars(select(Asset))}
        codes = {asset_id: code for code, asset_id in assets.items()}
        return SmallSite(
            id=nodes["site"],
            company_id=nodes["company"],
            assets=assets,
            devices={device.code: device.id for device in session.scalars(select(Device))},
            points={
                f"{codes[point.asset_id]}/{point.code}": point.id
                for point in session.scalars(select(Point))
            },
            series={
                f"{codes[point.asset_id]}/{point.code}": point.series
                for point in session.scalars(select(Point))
            },
        )


@pytest.fixture
def administrator(database: Database, site: SmallSite, clock: SimulatedClock) -> Administrator:
    """Somebody who may do everything everywhere."""
    person_id = new_id()
    with database.write() as session:
        session.add(Person(id=person_id, name="Ada Admin", locale="en"))
        session.flush()
        session.add(
            Grant(id=new_id(), person_id=person_id, node_id=site.company_id, role="administrator")
        )
        token = issue(session, person_id, "token", now=clock.now())
    return Administrator(person_id, token)
