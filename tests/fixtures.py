"""The product's own fixtures: what stands on `database_url` and the servers."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest
from pwdlib import PasswordHash
from sqlalchemy import Dialect, select
from sqlalchemy.engine.interfaces import CompiledCacheType

from core import accounts, events, pins, sos_phrases
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.db import sqlite_url as sqlite_url_of
from core.devices import Device, Point
from core.ids import new_id
from core.people import Grant, Person, issue
from core.places import Asset, Node
from core.schema import migrate
from core.site_file import import_site, read_site_file
from core.slow_hash import FewAtOnce
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


# The dialect of each engine that all tests of a process share, with the statements compiled for it.
DIALECTS: dict[str, tuple[Dialect, CompiledCacheType]] = {}
# What the small site of each engine's template is.
SITES: dict[str, SmallSite] = {}


# By which the product makes the hashes of passwords, PINs and phrases for calls for help.
HASHERS: dict[ModuleType, PasswordHash] = {
    module: module._hasher for module in (accounts, pins, sos_phrases)
}


@pytest.fixture(scope="session", autouse=True)
def _cheap_hashes() -> Iterator[None]:
    """Let hashes be made at once: what they cost a guesser is the subject of one test alone.

    Each takes a tenth of a second else, which is more than most tests that sign somebody in take.
    """
    cheap = PasswordHash((FewAtOnce(time_cost=1, memory_cost=8, parallelism=1),))
    with pytest.MonkeyPatch.context() as patch:
        for module in HASHERS:
            patch.setattr(module, "_hasher", cheap)
        yield


def _build(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


def _add_site(url: str) -> None:
    database = Database(url)
    SITES[database.engine.dialect.name] = import_small_site(database)
    database.close()


def opened(url: str) -> Database:
    """A database as the product opens it, but for what an engine has to compile.

    A product compiles each statement once in its life; each test would compile them anew.
    """
    database = Database(url)
    name = database.engine.dialect.name
    if name not in DIALECTS:
        # Used once, for only then it knows its server.
        database.check()
        DIALECTS[name] = database.engine.dialect, {}
    for engine in (database.engine, database._writer):
        engine.dialect, cache = DIALECTS[name]
        engine.update_execution_options(compiled_cache=cache)
    return database


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied: migrating for every test would take minutes."""
    path = tmp_path_factory.mktemp("migrated") / "watchkeeper.sqlite"
    _build(sqlite_url_of(path))
    return path


@pytest.fixture(scope="session")
def file_with_site(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Path:
    """A migrated SQLite file with the small site."""
    path = tmp_path_factory.mktemp("site") / "watchkeeper.sqlite"
    shutil.copyfile(migrated_file, path)
    _add_site(sqlite_url_of(path))
    return path


@pytest.fixture
def migrated_sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database of the test's own; with `site` if that is asked for."""
    path = tmp_path / "watchkeeper.sqlite"
    template = "file_with_site" if "site" in request.fixturenames else "migrated_file"
    shutil.copyfile(request.getfixturevalue(template), path)
    return sqlite_url_of(path)


@pytest.fixture
def migrated_postgres_url(
    request: pytest.FixtureRequest, postgres: PostgresServer
) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database of the test's own; with a site if one is asked."""
    template = postgres.template("migrated", _build)
    if {"site", "postgres_site"} & set(request.fixturenames):
        template = postgres.template("with_site", _add_site, template)
    name = postgres.create_database(template)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A migrated database; the test runs once on each engine."""
    name = "sqlite" if request.param == "sqlite" else "postgres"
    database = opened(request.getfixturevalue(f"migrated_{name}_url"))
    yield database
    database.close()


@pytest.fixture
def postgres_database(migrated_postgres_url: str) -> Iterator[Database]:
    """A migrated PostgreSQL database: for what only transactions side by side can show."""
    database = opened(migrated_postgres_url)
    yield database
    database.close()


@pytest.fixture
def clock() -> SimulatedClock:
    """A clock that stands at noon of a working day, until the test moves it."""
    return SimulatedClock(to_micros(NOON))


@pytest.fixture
def site(database: Database) -> SmallSite:
    """The small site, which `database` was made with."""
    return _own(SITES[database.engine.dialect.name])


@pytest.fixture
def postgres_site(postgres_database: Database) -> SmallSite:
    """The small site, which `postgres_database` was made with."""
    return _own(SITES[postgres_database.engine.dialect.name])


def _own(site: SmallSite) -> SmallSite:
    """A copy: tests add what they create."""
    return SmallSite(
        site.id,
        site.company_id,
        dict(site.assets),
        dict(site.devices),
        dict(site.points),
        dict(site.series),
    )


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
