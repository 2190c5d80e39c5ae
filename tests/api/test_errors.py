"""Every failure leaves as a problem document that says what to do and shows no internals."""

from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from api import app as application
from core.db import Database
from core.ids import new_id
from tests.fixtures import SmallSite


def problem_of(answer: httpx2.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    return document


def test_an_unknown_address_is_a_problem(client: TestClient) -> None:
    problem_of(client.get("/api/v1/nothing"), 404)


def test_a_wrong_method_names_the_right_ones(client: TestClient) -> None:
    answer = client.put("/api/v1/tickets")
    problem_of(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_every_wrong_field_is_listed(client: TestClient, site: SmallSite) -> None:
    body = {"site_id": str(site.id), "title": "", "kind": "wish", "colour": "red"}
    document = problem_of(client.post("/api/v1/tickets", json=body), 422)
    assert {line.split(":")[0] for line in document["problems"]} == {"title", "kind", "colour"}


BROKEN = [b"{", b"[]", b"null", b"\xff\xfe", b'{"site_id": NaN}', b"[" * 100_000]


def test_broken_bodies_are_refused(client: TestClient) -> None:
    headers = {"Content-Type": "application/json"}
    for body in BROKEN:
        answer = client.post("/api/v1/tickets", content=body, headers=headers)
        problem_of(answer, 400 if answer.status_code == 400 else 422)


def test_text_that_no_database_keeps_is_refused(client: TestClient, site: SmallSite) -> None:
    headers = {"Content-Type": "application/json"}
    for escaped in (r"a\u0000b", r"\ud800"):
        body = f'{{"site_id": "{site.id}", "title": "{escaped}"}}'
        problem_of(client.post("/api/v1/tickets", content=body, headers=headers), 422)
    # A text without bounds of its own is looked at by nobody else.
    body = r'{"label": "report", "scope": ["\ud800"]}'
    problem_of(client.post("/api/v1/me/tokens", content=body, headers=headers), 422)


SENSELESS = [
    "/api/v1/tickets?q=%00",
    "/api/v1/rules/a%00b",
    "/api/v1/tickets?limit=0",
    "/api/v1/tickets?limit=201",
    "/api/v1/tickets?state=happy",
    "/api/v1/tickets?cursor=nonsense",
    "/api/v1/tickets?cursor=WzFd",
    "/api/v1/tickets?cursor=WzFlOTksICJ4Il0",
    # A number beyond 64 bits.
    "/api/v1/episodes?cursor=WzFlMzAsIjAxYTIyMzg3LTExMjUtNzA4Mi05ZGNkLTcyZjYwODdmMDk4NiJd",
    "/api/v1/tickets?site=here",
    "/api/v1/alarms?state=happy",
    "/api/v1/devices?state=happy",
]


def test_a_senseless_question_is_refused(client: TestClient) -> None:
    for url in SENSELESS:
        problem_of(client.get(url), 400 if "%00" in url else 422)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_no_calendar_has_is_refused(
    client: TestClient, site: SmallSite, moment: str
) -> None:
    body = {"site_id": str(site.id), "title": "It drips", "happened_at": moment}
    problem_of(client.post("/api/v1/tickets", json=body), 422)
    point = client.get("/api/v1/points").json()["items"][0]["id"]
    problem_of(client.get(f"/api/v1/points/{point}/series", params={"end": moment}), 422)


def test_a_body_over_the_limit_is_refused_before_it_is_read(client: TestClient) -> None:
    problem_of(client.post("/api/v1/tickets", content=b" " * (application.BODY_LIMIT + 1)), 413)


def test_a_body_that_grows_over_the_limit_is_refused(client: TestClient) -> None:
    pieces = (b" " * 65536 for _ in range(application.BODY_LIMIT // 65536 + 1))
    problem_of(client.post("/api/v1/tickets", content=pieces), 413)


def test_what_should_not_happen_shows_no_internals(
    app: FastAPI, client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the password is swordfish")

    answer = client.get("/broken")
    document = problem_of(answer, 500)
    assert "swordfish" not in answer.text
    assert document["advice"]
    assert "RuntimeError" in capsys.readouterr().out


def test_an_absent_database_is_unavailable(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise OperationalError("SELECT 1", None, Exception("connection refused at 10.1.2.3"))

    assert client.get("/api/v1/me").status_code == 200
    monkeypatch.setattr(database, "read", away)
    answer = client.get("/api/v1/tickets")
    assert problem_of(answer, 503)["advice"]
    assert "10.1.2.3" not in answer.text
    # Nor can anybody be identified who was not known a moment ago.
    unknown = {"Authorization": "Bearer wkt_somebody"}
    problem_of(client.get("/api/v1/tickets", headers=unknown), 503)


def test_two_who_make_the_same_thing_at_once_get_one(client: TestClient, site: SmallSite) -> None:
    body = {"id": str(new_id()), "site_id": str(site.id), "title": "It drips"}
    assert client.post("/api/v1/tickets", json=body).status_code == 201
    problem_of(client.post("/api/v1/tickets", json=body), 409)


def test_every_answer_carries_security_headers(client: TestClient) -> None:
    for url in ("/healthz", "/api/v1/me", "/api/v1/nothing", "/api/v1/tickets?q=%00"):
        headers = client.get(url).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers
        assert "Strict-Transport-Security" not in headers


def test_https_is_to_stay_https(app: FastAPI) -> None:
    with TestClient(app, base_url="https://testserver") as client:
        assert "max-age" in client.get("/healthz").headers["Strict-Transport-Security"]
