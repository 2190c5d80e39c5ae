"""The reference: valid, complete, and true of what the API answers."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel
from starlette.testclient import TestClient

from api.app import create_app
from api.context import Parts
from api.directory import routes_of
from api.reference import OPEN, operation_id, permission_of
from core.clock import SimulatedClock
from core.permissions import PERMISSIONS
from tests.api.conftest import MakeUser
from tests.api.memory_telemetry import MemoryTelemetry
from tests.api.test_doors import TRIED
from tests.fixtures import SmallSite
from workflows.tickets import TICKET

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


# What only a phone asks, which signs each request.
OF_PHONES: list[dict[str, list[str]]] = [{"phone": []}]
# What only a platform asks, by the key of a source (tests/api/test_http_ingest.py).
OF_PLATFORMS: list[dict[str, list[str]]] = [{"platform": []}]


def operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)
    schemas = document["components"]["schemas"]
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in schemas, reference


def test_path_parameters_are_described(document: dict[str, Any]) -> None:
    for _method, path, operation in operations(document):
        described = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path)), path


def test_every_operation_says_what_it_does_and_what_it_needs(document: dict[str, Any]) -> None:
    for _method, path, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        needed = operation["x-permission"]
        if path in OPEN:
            assert (needed, operation["security"]) == ("open", [])
        elif operation["security"] == OF_PHONES:
            assert needed == "a known phone"
            assert path.startswith("/api/v1/guard/")
        elif operation["security"] == OF_PLATFORMS:
            assert needed == "a platform with the key of the source"
            assert path.startswith("/api/v1/ingest/")
        else:
            assert needed == "signed in" or needed in PERMISSIONS, path
            assert operation["description"].count("Needs ") >= 1, path
            assert operation["security"] == [{"token": []}, {"session": []}]


def test_every_operation_documents_the_errors_it_may_answer(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        statuses = set(operation["responses"])
        assert "503" in statuses, path
        if path not in OPEN:
            assert {"401", "403"} <= statuses, path
        if "{" in path:
            assert "404" in statuses, path
        if operation.get("parameters") or "requestBody" in operation:
            assert "422" in statuses, path
        if method == "post" and "/actions/" in path:
            assert {"409", "412"} <= statuses, path
        if method == "patch":
            assert {"412", "428"} <= statuses, path
        for status, answer in operation["responses"].items():
            if status >= "400" and path not in OPEN:
                assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_the_text_of_an_action_comes_from_the_table(document: dict[str, Any]) -> None:
    for action, moves in TICKET.moves.items():
        path = f"/api/v1/tickets/{{ticket_id}}/actions/{action}"
        text = document["paths"][path]["post"]["description"]
        assert all(f"{source} → {target}" in text for source, target in moves.items()), action


def test_the_document_is_for_members_only(anonymous: TestClient, client: TestClient) -> None:
    assert client.get("/api/v1/openapi.json").json()["info"]["title"] == "Watchkeeper"
    del anonymous.headers["Authorization"]
    for url in ("/api/v1/openapi.json", "/openapi.json", "/docs", "/redoc"):
        assert anonymous.get(url).status_code in (401, 404), url


def keys(value: Any) -> Any:
    """The shape of a JSON value: names of fields, without their values."""
    if isinstance(value, dict):
        return {key: keys(part) for key, part in value.items()}
    if isinstance(value, list):
        return [keys(part) for part in value]
    return None


def test_every_answer_has_exactly_the_documented_shape(
    app: FastAPI,
    client: TestClient,
    theirs: dict[str, str],
    telemetry: MemoryTelemetry,
    clock: SimulatedClock,
    make_user: MakeUser,
    site: SmallSite,
) -> None:
    del telemetry, clock
    models = {operation_id(route): route.response_model for route in routes_of(app.routes)}
    checked = set()
    # Only who changed many tickets at once reads what became of them.
    many = {"action": "note", "note": "Seen", "tickets": [{"id": theirs["ticket_id"]}]}
    theirs = {**theirs, "batch_id": client.post("/api/v1/tickets/bulk", json=many).json()["id"]}
    # And only who began a back-test, while its process lives.
    tried = {"document": TRIED, "days": 1}
    theirs["run_id"] = client.post("/api/v1/rules/backtest", json=tried).json()["id"]
    # Only data protection reads who looked where somebody was.
    scan = client.get(f"/api/v1/scans/{theirs['scan_id']}").json()
    client.get("/api/v1/scans", params={"person": scan["person_id"], "why": "pay"})
    protector = make_user("data_protection", site.id).headers
    # A credential is shown once, so that only who made it has it.
    client.post(f"/api/v1/devices/{theirs['device_id']}/credential")
    for method, path, operation in operations(app.openapi()):
        model = models[operation["operationId"]]
        if method != "get" or not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        if operation["security"] in (OF_PHONES, OF_PLATFORMS):
            # Only a phone that proves itself is answered (tests/api/test_guard_phones.py).
            continue
        # A request that waits for a second person withholds nothing yet.
        url = path.format_map(theirs) + ("?state=all" if path.endswith("/withholdings") else "")
        url += f"?old={site.devices['pump-1']}" if path.endswith("/replacement") else ""
        answer = client.get(url, headers=protector if path.endswith("/track-looks") else None)
        if answer.status_code == 404 and url.endswith("/last"):
            continue
        assert answer.status_code == 200, (url, answer.text)
        content = answer.json()
        told = model.model_validate(content).model_dump(mode="json")
        assert keys(told) == keys(content), url
        checked.add(path)
        if "items" in content:
            assert content["items"], f"{url}: an empty list proves nothing"
    assert len(checked) > 20


def test_what_a_route_declares_is_in_its_text(app: FastAPI, document: dict[str, Any]) -> None:
    texts = {op["operationId"]: op["description"] for _m, _p, op in operations(document)}
    for route in routes_of(app.routes):
        needed = permission_of(route)
        if needed is not None and needed.name:
            assert f"`{needed.name}`" in texts[operation_id(route)]


def test_two_applications_do_not_disturb_each_other(parts: Parts) -> None:
    create_app(parts)
    assert create_app(parts).openapi()["paths"]
