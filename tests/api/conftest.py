"""The API over a small site, with people who may do more or less on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.context import Parts
from core.clock import SimulatedClock
from core.db import Database
from core.health import Health
from core.ids import new_id
from core.people import Grant, Person, issue
from core.places import Node
from core.settings import load
from tests.api.memory_telemetry import MemoryTelemetry
from tests.fixtures import Administrator, SmallSite


@dataclass(frozen=True)
class User:
    """A person with a token, as the API sees them."""

    person_id: UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


MakeUser = Callable[..., User]


@pytest.fixture
def telemetry() -> MemoryTelemetry:
    return MemoryTelemetry()


@pytest.fixture
def parts(database: Database, clock: SimulatedClock, telemetry: MemoryTelemetry) -> Parts:
    return Parts(load(), clock, database, telemetry, Health(clock))


@pytest.fixture
def app(parts: Parts) -> FastAPI:
    return create_app(parts)


@pytest.fixture
def anonymous(app: FastAPI) -> Iterator[TestClient]:
    """A client without credentials; the answers of failures come back as answers."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(anonymous: TestClient, administrator: Administrator) -> TestClient:
    """The administrator's client."""
    anonymous.headers["Authorization"] = f"Bearer {administrator.token}"
    return anonymous


@pytest.fixture
def make_user(database: Database, clock: SimulatedClock) -> MakeUser:
    """Makes somebody with a role on a node."""

    def make(role: str, node_id: UUID, kind: str = "token") -> User:
        person_id = new_id()
        with database.write() as session:
            session.add(Person(id=person_id, name=f"A {role}", locale="en"))
            session.flush()
            session.add(Grant(id=new_id(), person_id=person_id, node_id=node_id, role=role))
            secret = issue(session, person_id, kind, now=clock.now())
        return User(person_id, secret)

    return make


@pytest.fixture
def other_site(database: Database, site: SmallSite) -> UUID:
    """Another site of the same company, in its own region."""
    region, other = new_id(), new_id()
    with database.write() as session:
        for node_id, parent, kind, path in (
            (region, site.company_id, "region", "acme/west/"),
            (other, region, "site", "acme/west/hillside/"),
        ):
            code = path.split("/")[-2]
            session.add(
                Node(id=node_id, parent_id=parent, kind=kind, code=code, name={}, path=path)
            )
            session.flush()
    return other


@pytest.fixture
def stranger(make_user: MakeUser, other_site: UUID) -> User:
    """Somebody who may do everything, on another site."""
    return make_user("administrator", other_site)


@pytest.fixture
def auditor(make_user: MakeUser, site: SmallSite) -> User:
    """Somebody who may read everything on the site and write nothing."""
    return make_user("auditor", site.id)
