"""The API over a small site, with people who may do more or less on it."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.context import Parts
from core.calendars import CalendarRow
from core.clock import SimulatedClock
from core.db import Database
from core.health import Health
from core.ids import new_id
from core.invitations import Invitation
from core.people import Grant, Person, caller_for, hash_secret, issue
from core.places import Node
from core.rosters import Shift
from core.settings import load
from tests.api.building import (
    RULE,
    put_alarm,
    put_batch,
    put_battery,
    put_closing,
    put_company,
    put_expected,
    put_import,
    put_incident,
    put_outside,
    put_photo,
    put_quarantined,
    put_request,
    put_resident,
    put_rule,
    put_source,
    put_ticket,
    put_tried_draft,
    put_view,
    put_voice,
    put_waiting_device,
    put_walk_test,
    put_work,
    space_of,
)
from tests.api.guarded import put_patrol
from tests.api.memory_telemetry import MemoryTelemetry
from tests.fixtures import Administrator, SmallSite
from workflows.tickets.checklist import NewItem
from workflows.tickets.templates import TemplateDraft, save_template


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
def parts(
    database: Database, clock: SimulatedClock, telemetry: MemoryTelemetry, tmp_path: Path
) -> Parts:
    settings = load(data_dir=tmp_path, require_second_factor="nobody")
    return Parts(settings, clock, database, telemetry, Health(clock))


# The document does not depend on the parts, and making it takes longer than most tests.
DOCUMENTS: list[dict[str, Any]] = []


@pytest.fixture
def app(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    app = create_app(parts)
    if not DOCUMENTS:
        DOCUMENTS.append(_document(app, tmp_path_factory.getbasetemp().parent))
    app.openapi_schema = DOCUMENTS[0]
    return app


def _document(app: FastAPI, folder: Path) -> dict[str, Any]:
    """The OpenAPI document, made by the first of the processes of a run that share the folder."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return app.openapi()
    place = folder / "openapi.json"
    if not place.exists():
        whole = place.with_suffix(f".{os.getpid()}")
        whole.write_text(json.dumps(app.openapi()), encoding="utf-8")
        whole.replace(place)
    found: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
    return found


class Reference:
    """Sees that every answer has a status that the OpenAPI document gives to its operation."""

    def __init__(self, app: FastAPI) -> None:
        self._operations = [
            (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path)), operation)
            for path, methods in app.openapi()["paths"].items()
            for method, operation in methods.items()
        ]

    def __call__(self, response: httpx2.Response) -> None:
        request = response.request
        for method, pattern, operation in self._operations:
            if method == request.method and pattern.fullmatch(request.url.path):
                told = operation["responses"]
                assert str(response.status_code) in told, (method, request.url, told.keys())


@pytest.fixture
def anonymous(app: FastAPI) -> Iterator[TestClient]:
    """A client without credentials; the answers of failures come back as answers.

    Each answer's status must stand in the reference.
    """
    with TestClient(app, raise_server_exceptions=False) as client:
        client.event_hooks = {"response": [Reference(app)]}
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


def put_colleague(database: Database, site: SmallSite, now: datetime) -> dict[str, UUID]:
    """A guard of the small site, with a role, and an invitation that waits there."""
    guard = Person(id=new_id(), name="Guard", locale="zh")
    grant = Grant(id=new_id(), person_id=guard.id, node_id=site.id, role="guard")
    with database.write() as session:
        session.add(guard)
        session.flush()
        session.add(grant)
        invitation = Invitation(
            id=new_id(),
            node_id=site.id,
            role="guard",
            secret_hash=hash_secret("waits"),
            made_by=guard.id,
            created_at=now,
            ends_at=now + timedelta(days=1),
        )
        session.add(invitation)
    return {"person_id": guard.id, "role_id": grant.id, "invitation_id": invitation.id}


def put_shift(database: Database, site: SmallSite, now: datetime) -> UUID:
    """A shift of the small site."""
    with database.write() as session:
        person = Person(name="Shift Wang")
        session.add(person)
        session.flush()
        session.add(Grant(person_id=person.id, node_id=site.id, role="technician"))
        shift = Shift(
            id=new_id(),
            site_id=site.id,
            team="lift-hours",
            person_id=person.id,
            kind="duty",
            starts_at=now,
            ends_at=now + timedelta(hours=8),
        )
        session.add(shift)
        return shift.id


def put_calendar(database: Database, site: SmallSite) -> None:
    """A calendar of the small site."""
    row = CalendarRow(
        node_id=site.id, code="lift-hours", name={"en": "Lifts"}, week=[[]] * 7, exceptions={}
    )
    with database.write() as session:
        session.add(row)


def put_template(database: Database, site: SmallSite, now: datetime) -> None:
    """A template of the small site, with a checklist."""
    kept = TemplateDraft(
        "pump-service", {"en": "Service"}, {"en": "Service"}, items=(NewItem({"en": "Look"}),)
    )
    with database.write() as session:
        person = Person(name="Template Xu")
        session.add(person)
        session.flush()
        session.add(Grant(person_id=person.id, node_id=site.id, role="manager"))
        session.flush()
        node = session.get_one(Node, site.id)
        caller = caller_for(session, person)
        save_template(session, caller, node, kept, now=now, expected_version=None)


@pytest.fixture
def theirs(database: Database, site: SmallSite, clock: SimulatedClock) -> dict[str, str]:
    """Something of the small site for each path parameter of the API."""
    now = clock.now()
    put_rule(database, site.id, now)
    put_calendar(database, site)
    put_template(database, site, now)
    ticket_id = put_ticket(database, site, now)
    put_closing(database, site, ticket_id, now)
    alarm_id = put_alarm(database, site, now, ticket_id=ticket_id)
    put_battery(database, site.devices["pump-1"], site.id, now, percent=80, low=False)
    found = {
        "ticket_id": ticket_id,
        "photo_id": put_photo(database, site, ticket_id, now),
        "voice_id": put_voice(database, site, ticket_id, now),
        "space_id": space_of(database, "b1-pumproom"),
        "resident_id": put_resident(database, "b1-pumproom", now),
        **put_outside(database, site, ticket_id, now),
        "company_id": put_company(database, site, now),
        "alarm_id": alarm_id,
        "withholding_id": put_request(database, site, alarm_id, now),
        "work_id": put_work(database, site, now),
        "test_id": put_walk_test(database, site, now),
        "expected_id": put_expected(database, site, now),
        "incident_id": put_incident(database, site, now, alarm_id, ticket_id),
        "asset_id": site.assets["pump-1"],
        "point_id": site.points["pump-1/motor_temperature"],
        "device_id": put_waiting_device(database, site, now),
        "source_id": put_source(database, site),
        "row_id": put_quarantined(database, site.id, now),
        "token_id": new_id(),
        "node_id": site.id,
        "line_id": new_id(),
        "item_id": new_id(),
        "signature_id": new_id(),
        "run_id": new_id(),
        "site_id": site.id,
        "shift_id": put_shift(database, site, now),
        "batch_id": put_batch(database, site, ticket_id, now),
        "view_id": put_view(database, site, now),
        "import_id": put_import(database, site, now),
        **put_colleague(database, site, now),
        **put_patrol(database, site, now),
        **put_tried_draft(database, site.id, now),
    }
    return {
        **{name: str(value) for name, value in found.items()},
        "rule_id": RULE,
        "profile_id": "mine",
        "code": "lift-hours",
        "position": "0",
        "about": "asset:booster-9",
    }
