"""Every route declares what it needs, and keeps to it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from api.context import Parts
from api.deps import CSRF_HEADER, SESSION_COOKIE, csrf_token
from api.reference import OPEN, operation_id, permission_of, routes_of
from core.clock import MICROS, SimulatedClock
from core.db import Database
from core.ids import new_id
from core.people import Grant, end_credential
from sqlalchemy import delete
from tests.api.conftest import MakeUser, User
from tests.fixtures import Administrator, SmallSite

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


@pytest.fixture
def theirs(client: TestClient, site: SmallSite) -> dict[str, str]:
    """An id that exists on the small site for each path parameter."""
    body = {"site_id": str(site.id), "asset_id": str(site.assets["pump-1"]), "title": "It drips"}
    ticket = client.post("/api/v1/tickets", json=body).json()
    return {"ticket_id": ticket["id"], "token_id": str(new_id())}


def test_every_route_declares_a_permission(app: FastAPI) -> None:
    assert undeclared(app) == []


def test_a_route_without_a_permission_is_seen(app: FastAPI) -> None:
    router = APIRouter()
    router.add_api_route("/secret", lambda: {})
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
    app: FastAPI, client: TestClient, theirs: dict[str, str], stranger: User
) -> None:
    for method, path, operation in operations(app):
        url = concrete(path, {name: theirs[name] for name in _parameters(operation)})
        if method != "get" or not path.startswith("/api/v1/") or "openapi" in path:
            continue
        answer = client.get(url, headers=stranger.headers)
        if "{" in path:
            assert answer.status_code == 404, (path, answer.text)
        else:
            assert answer.status_code == 200, (path, answer.text)
            for identifier in theirs.values():
                assert identifier not in answer.text, path


def test_a_stranger_changes_nothing_of_ours(
    app: FastAPI, client: TestClient, theirs: dict[str, str], stranger: User
) -> None:
    for method, path, operation in operations(app):
        if method in WRITES and "{" in path:
            url = concrete(path, {name: theirs[name] for name in _parameters(operation)})
            answer = client.request(
                method, url, headers={**stranger.headers, "If-Match": "*"}, json=example(operation)
            )
            assert answer.status_code == 404, (method, path, answer.text)


BODIES = {
    "patch_ticket": {"priority": "low"},
    "post_note": {"body": "Hello"},
}


def example(operation: dict[str, Any]) -> Any:
    return BODIES.get(operation["operationId"], {})
