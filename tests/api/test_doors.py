"""Every route declares what it needs, and keeps to it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from api.reference import OPEN, operation_id, permission_of, routes_of
from core import events
from core.clock import SimulatedClock
from core.db import Database
from core.ids import new_id
from core.people import Grant
from tests.api.conftest import MakeUser, User
from tests.fixtures import SITE_FILE, SmallSite
from workflows.tickets import TICKET

WRITES = frozenset({"post", "patch", "put", "delete"})


def operations(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in app.openapi()["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def undeclared(app: FastAPI) -> list[str]:
    return [
        route.path
        for route in routes_of(app.routes)
        if permission_of(route) is None and route.path not in OPEN
    ]


def concrete(path: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, f"{path}: the walk has no example for a parameter"
    return path


def test_every_route_declares_a_permission(app: FastAPI) -> None:
    assert undeclared(app) == []


def test_a_route_without_a_permission_is_seen(app: FastAPI) -> None:
    router = APIRouter()

    @router.get("/secret")
    def secret() -> str:
        return "everything"

    app.include_router(router, prefix="/api/v1")
    assert undeclared(app) == ["/secret"]


def test_only_the_probes_are_open(app: FastAPI) -> None:
    assert {p for _, p, operation in operations(app) if operation["security"] == []} == OPEN


def test_every_operation_has_its_own_name(app: FastAPI) -> None:
    names = [operation_id(route) for route in routes_of(app.routes)]
    assert len(names) == len(set(names))


def test_nobody_gets_in_without_credentials(
    app: FastAPI, anonymous: TestClient, site: SmallSite
) -> None:
    for method, path, operation in operations(app):
        if path not in OPEN:
            url = concrete(path, dict.fromkeys(_parameters(operation), str(new_id())))
            answer = anonymous.request(method, url)
            assert answer.status_code == 401, (method, path, answer.text)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert answer.headers["Content-Type"] == "application/problem+json"


def _parameters(operation: dict[str, Any]) -> list[str]:
    return [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]


@pytest.mark.parametrize(
    "header", ["Bearer wkt_unknown", "Bearer", "Basic YTpi", "wkt_unknown", "Bearer wks_x y"]
)
def test_unknown_credentials_are_refused(anonymous: TestClient, header: str) -> None:
    answer = anonymous.get("/api/v1/me", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_stranger_finds_nothing_of_ours(
    app: FastAPI, anonymous: TestClient, theirs: dict[str, str], stranger: User, site: SmallSite
) -> None:
    walked = 0
    for method, path, operation in operations(app):
        if method != "get" or not path.startswith("/api/v1/") or "openapi" in path:
            continue
        url = concrete(path, {name: theirs[name] for name in _parameters(operation)})
        answer = anonymous.get(url, headers=stranger.headers)
        walked += 1
        if "{" in path:
            assert answer.status_code == 404, (path, answer.text)
        else:
            assert answer.status_code == 200, (path, answer.text)
        for ours in (str(site.id), *theirs.values()):
            assert ours not in answer.text, path
    assert walked > 20


def test_a_stranger_changes_nothing_of_ours(
    app: FastAPI,
    anonymous: TestClient,
    theirs: dict[str, str],
    stranger: User,
    site: SmallSite,
    database: Database,
) -> None:
    before = events.newest(database)
    for method, path, operation in operations(app):
        if method in WRITES and operation["operationId"] not in OWN_AFFAIRS:
            refused = _write(anonymous, method, path, operation, theirs, site, stranger)
            wanted = {404} if "{" in path else {403}
            assert refused.status_code in wanted, (method, path, refused.text)
    assert events.newest(database) == before


def test_who_may_only_read_writes_nothing(
    app: FastAPI,
    anonymous: TestClient,
    theirs: dict[str, str],
    auditor: User,
    site: SmallSite,
    database: Database,
) -> None:
    before = events.newest(database)
    for method, path, operation in operations(app):
        if method in WRITES and operation["operationId"] not in OWN_AFFAIRS:
            refused = _write(anonymous, method, path, operation, theirs, site, auditor)
            assert refused.status_code == 403, (method, path, refused.text)
    assert events.newest(database) == before


def test_who_may_write_elsewhere_only_reads_here(
    app: FastAPI,
    anonymous: TestClient,
    theirs: dict[str, str],
    make_user: MakeUser,
    site: SmallSite,
    other_site: UUID,
    database: Database,
    clock: SimulatedClock,
) -> None:
    both = make_user("auditor", site.id)
    with database.write() as session:
        session.add(Grant(person_id=both.person_id, node_id=other_site, role="administrator"))
    before = events.newest(database)
    for method, path, operation in operations(app):
        if method in WRITES and operation["operationId"] not in OWN_AFFAIRS:
            refused = _write(anonymous, method, path, operation, theirs, site, both)
            assert refused.status_code == 403, (method, path, refused.text)
    assert events.newest(database) == before


# One's own tokens need no permission on any site.
OWN_AFFAIRS = frozenset({"post_token", "delete_token"})


def _write(
    client: TestClient,
    method: str,
    path: str,
    operation: dict[str, Any],
    theirs: dict[str, str],
    site: SmallSite,
    user: User,
) -> httpx2.Response:
    url = concrete(path, {name: theirs[name] for name in _parameters(operation)})
    headers = {**user.headers, "If-Match": "*"}
    body = _bodies(site)[operation["operationId"]] if "requestBody" in operation else None
    if isinstance(body, str):
        return client.request(method, url, headers=headers, content=body)
    return client.request(method, url, headers=headers, json=body)


def _bodies(site: SmallSite) -> dict[str, Any]:
    """A body that would be accepted, for each operation that takes one."""
    name = {"en": "A thing"}
    on_site = {"site_id": str(site.id), "code": "thing-1"}
    pump = {"code": "pump-9", "type": "pump", "name": name}
    adoption = {"new_asset": pump, "points": [{"key": "running", "code": "running"}]}
    actions = {f"{action}_ticket": {"note": "Because"} for action in TICKET.moves}
    return {
        **actions,
        "post_site_file": SITE_FILE,
        "post_asset": {**on_site, "type": "pump", "name": name},
        "patch_asset": {"criticality": "low"},
        "post_device": on_site,
        "patch_device": {"name": name},
        "adopt_device": adoption,
        "post_source": {**on_site, "topic_filter": "y/#"},
        "patch_source": {"enabled": False},
        "post_ticket": {"site_id": str(site.id), "title": "It drips"},
        "patch_ticket": {"priority": "low"},
        "post_note": {"body": "Hello"},
        "post_role": {"role": "guard", "node_id": str(site.id)},
        "post_invitation": {"role": "guard", "node_id": str(site.id)},
    }
