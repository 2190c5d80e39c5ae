"""Frozen reports over HTTP: closed once, read and taken along by whoever may, checked."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from core.clock import SimulatedClock, to_micros
from core.db import Database
from tests.api.conftest import MakeUser, User
from tests.api.guarded import put_patrol
from tests.fixtures import NOON, SmallSite

API = "/api/v1"
LATER = NOON + timedelta(days=2)


@pytest.fixture
def supervisor(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("supervisor", site.id)


def ask(client: TestClient, user: User, method: str, path: str, **more: Any) -> Any:
    headers = {**user.headers, **more.pop("headers", {})}
    return client.request(method, f"{API}{path}", headers=headers, **more)


def take_along(client: TestClient, user: User, report: dict[str, Any], url: str) -> None:
    """Every file is the same however often, has the digest that is told, and is known by it."""
    told = {one["name"]: one["sha256"] for one in report["editions"][0]["files"]}
    for name, sha256 in told.items():
        form, _, language = name.partition("-")
        params = {"form": form, "language": language}
        files = [ask(client, user, "GET", url, params=params).content for _ in range(2)]
        assert files[0] == files[1]
        digest = hashlib.sha256(files[0]).hexdigest()
        assert digest == sha256
        found = ask(client, user, "GET", "/patrol-report-check", params={"digest": digest})
        assert (found.json()["number"], found.json()["what"]) == (report["number"], name)


def test_a_day_is_closed_taken_along_and_checked(
    anonymous: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    supervisor: User,
    make_user: MakeUser,
) -> None:
    put_patrol(database, site, NOON)
    clock.advance_to(to_micros(LATER))
    made = ask(
        anonymous,
        supervisor,
        "POST",
        "/report-clients",
        json={"site_id": str(site.id), "name": "Quay Tower", "parts": ["photos", "reports"]}
        | {"addresses": ["desk@quay.example"]},
    )
    assert made.status_code == 201, made.text
    assert made.json()["parts"] == ["reports", "photos"]
    body = {"site_id": str(site.id), "day": "2026-11-24"}
    preview = ask(
        anonymous, supervisor, "GET", f"/sites/{site.id}/patrol-report-preview?day=2026-11-24"
    )
    assert preview.json()["content"]["rounds"]
    key = {"Idempotency-Key": "close it"}
    first = ask(anonymous, supervisor, "POST", "/patrol-reports/days", json=body, headers=key)
    assert first.status_code == 201, first.text
    again = ask(anonymous, supervisor, "POST", "/patrol-reports/days", json=body, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert ask(anonymous, supervisor, "POST", "/patrol-reports/days", json=body).status_code == 409
    report = first.json()
    names = [one["client_name"] for one in report["editions"]]
    assert names == [None, "Harbour Offices", "Quay Tower"]
    url = f"/patrol-report-editions/{report['editions'][0]['id']}/file"
    assert len(report["editions"][0]["files"]) == 4
    take_along(anonymous, supervisor, report, url)
    strange = {"digest": "f" * 64}
    found = ask(anonymous, supervisor, "GET", "/patrol-report-check", params=strange)
    assert found.json()["genuine"] is False
    days = ask(anonymous, supervisor, "GET", f"/sites/{site.id}/patrol-report-days?days=2").json()
    assert [(one["day"], one["state"]) for one in days["items"]] == [
        ("2026-11-25", "open"),
        ("2026-11-24", "closed"),
    ]
    read = ask(anonymous, supervisor, "GET", f"/patrol-reports/{report['id']}").json()
    assert [one["person_id"] for one in read["readers"]] == [str(supervisor.person_id)]
    nothing = ask(anonymous, supervisor, "POST", f"/patrol-reports/{report['id']}/annex")
    assert nothing.status_code == 409
    path = f"/patrol-reports/{report['id']}/clients/{made.json()['id']}/revoke-links"
    for revoked in (1, 0):
        assert ask(anonymous, supervisor, "POST", path).json() == {"revoked": revoked}
    guard, auditor = make_user("guard", site.id), make_user("auditor", site.id)
    assert ask(anonymous, guard, "GET", url).status_code == 403
    assert ask(anonymous, auditor, "POST", path).status_code == 403


def test_clients_and_settings_are_changed_by_version(
    anonymous: TestClient, site: SmallSite, supervisor: User
) -> None:
    path = f"/sites/{site.id}/report-settings"
    settings = ask(anonymous, supervisor, "GET", path)
    assert settings.json()["closes_after_min"] is None
    body = {"closes_after_min": 600, "naming": "initials"}
    assert ask(anonymous, supervisor, "PUT", path, json=body).status_code == 428
    tag = {"If-Match": settings.headers["ETag"]}
    kept = ask(anonymous, supervisor, "PUT", path, json=body, headers=tag)
    assert (kept.status_code, kept.json()["version"]) == (200, 1)
    assert ask(anonymous, supervisor, "PUT", path, json=body, headers=tag).status_code == 412
    new = {"site_id": str(site.id), "name": "Quay Tower"}
    made = ask(anonymous, supervisor, "POST", "/report-clients", json=new)
    one, tag = f"/report-clients/{made.json()['id']}", {"If-Match": made.headers["ETag"]}
    changed = {"name": "Quay Tower North", "naming": "badges", "parts": []}
    answer = ask(anonymous, supervisor, "PUT", one, json=changed, headers=tag)
    assert (answer.status_code, answer.json()["naming"]) == (200, "badges")
    assert ask(anonymous, supervisor, "PUT", one, json=changed, headers=tag).status_code == 412
    assert ask(anonymous, supervisor, "POST", f"{one}/end").json()["state"] == "ended"
    assert ask(anonymous, supervisor, "POST", f"{one}/end").status_code == 409
    assert ask(anonymous, supervisor, "POST", f"{one}/resume").json()["state"] == "active"
    assert (
        ask(anonymous, supervisor, "PUT", one, json={"name": "x", "parts": ["names"]}).status_code
        == 422
    )
