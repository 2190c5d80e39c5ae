"""Withheld alarms and planned work, by programs."""

from collections.abc import Mapping
from typing import Any

import pytest
from starlette.testclient import TestClient

from core import events, rulebook
from core.clock import SimulatedClock
from core.db import Database
from tests.api.building import put_alarm, put_request
from tests.api.conftest import MakeUser, User
from tests.fixtures import SmallSite

RULE = """\
id: pump-hot
title: Pump hot
applies_to: {asset_type: pump}
when: motor_temperature > 75 °C
severity: high
ticket: {kind: repair, category: electrical, team: maintenance}
"""


@pytest.fixture
def supervisor(make_user: MakeUser, site: SmallSite) -> User:
    return make_user("supervisor", site.id)


def post(client: TestClient, user: User, path: str, body: Mapping[str, Any] | None = None) -> Any:
    return client.post(f"/api/v1{path}", headers=user.headers, json=body)


def test_an_alarm_is_shelved_seen_as_such_and_given_back(
    anonymous: TestClient, database: Database, site: SmallSite, supervisor: User
) -> None:
    alarm = put_alarm(database, site, supervisor_now(anonymous, supervisor))
    bodies: tuple[dict[str, Any], ...] = (
        {"reason": "x"},
        {"reason": "x", "minutes": 5, "until_cleared": True},
    )
    for wrong in bodies:
        assert post(anonymous, supervisor, f"/alarms/{alarm}/shelve", wrong).status_code == 422
    shelved = post(
        anonymous, supervisor, f"/alarms/{alarm}/shelve", {"minutes": 60, "reason": "It flaps"}
    ).json()
    assert shelved["state"] == "shelved"
    assert shelved["withheld"]["reason"] == "It flaps"
    listed = anonymous.get(
        "/api/v1/alarms", params={"state": "withheld"}, headers=supervisor.headers
    ).json()["items"]
    assert [one["id"] for one in listed] == [str(alarm)]
    [row] = anonymous.get("/api/v1/withholdings", headers=supervisor.headers).json()["items"]
    assert (row["kind"], row["stands"], row["until"]) == (
        "shelved",
        False,
        shelved["withheld"]["until"],
    )
    back = post(anonymous, supervisor, f"/alarms/{alarm}/unshelve").json()
    assert (back["state"], back["withheld"]) == ("normal", None)
    again = post(anonymous, supervisor, f"/alarms/{alarm}/unshelve")
    assert again.status_code == 409


def supervisor_now(client: TestClient, user: User) -> Any:
    """The moment at which the product stands."""
    return client.app.state.parts.clock.now()  # type: ignore[attr-defined]


def test_a_request_is_confirmed_by_somebody_else_only(
    anonymous: TestClient,
    database: Database,
    site: SmallSite,
    supervisor: User,
    make_user: MakeUser,
    clock: SimulatedClock,
) -> None:
    alarm = put_alarm(database, site, clock.now())
    asked = put_request(database, site, alarm, clock.now(), by=supervisor.person_id)
    waiting = anonymous.get(
        "/api/v1/withholdings", params={"state": "asked"}, headers=supervisor.headers
    ).json()["items"]
    assert [one["patrol"] for one in waiting] == ["Post 3"]
    own = post(anonymous, supervisor, f"/withholdings/{asked}/confirm")
    assert own.status_code == 409
    officer = make_user("safety_officer", site.id)
    done = post(anonymous, officer, f"/withholdings/{asked}/confirm").json()
    assert (done["state"], done["confirmed_by"]) == ("standing", str(officer.person_id))
    shown = anonymous.get(f"/api/v1/alarms/{alarm}", headers=supervisor.headers).json()
    assert (shown["state"], shown["withheld"]["patrol"]) == ("out_of_service", "Post 3")
    assert post(anonymous, supervisor, f"/alarms/{alarm}/return-to-service").status_code == 200


def test_an_alarm_that_never_tripped_can_be_taken_out_of_service(
    anonymous: TestClient,
    database: Database,
    site: SmallSite,
    supervisor: User,
    clock: SimulatedClock,
) -> None:
    with database.write() as session:
        rulebook.publish(
            session,
            rule_id="pump-hot",
            node_id=site.company_id,
            title={"en": "Pump hot"},
            severity="high",
            life_safety=False,
            document=RULE,
            fingerprint="1",
            pack="test",
            actor=events.SYSTEM,
            now=clock.now(),
        )
    path = f"/api/v1/assets/{site.assets['pump-2']}/alarms"
    known = anonymous.put(f"{path}/pump-hot", headers=supervisor.headers).json()
    assert (known["state"], known["raised_at"]) == ("normal", None)
    assert anonymous.put(f"{path}/pump-hot", headers=supervisor.headers).json() == known
    assert anonymous.put(f"{path}/pump-cold", headers=supervisor.headers).status_code == 404
    board = f"/api/v1/assets/{site.assets['board-1']}/alarms/pump-hot"
    assert anonymous.put(board, headers=supervisor.headers).status_code == 404
    out = post(
        anonymous,
        supervisor,
        f"/alarms/{known['id']}/out-of-service",
        {"until": "2026-11-26T04:00:00Z", "reason": "The sensor is away"},
    ).json()
    assert out["state"] == "standing"


def test_work_is_planned_once_moved_and_finished(
    anonymous: TestClient, site: SmallSite, supervisor: User
) -> None:
    body = {
        "site_id": str(site.id),
        "kind": "maintenance",
        "starts_at": "2026-11-24T04:00:00Z",
        "ends_at": "2026-11-24T06:00:00Z",
        "reason": "bearings",
        "asset_ids": [str(site.assets["pump-1"])],
    }
    headers = {**supervisor.headers, "Idempotency-Key": "plan-1"}
    made = [anonymous.post("/api/v1/planned-work", headers=headers, json=body) for _ in range(2)]
    assert [one.status_code for one in made] == [201, 201]
    work = made[0].json()
    assert made[1].json()["id"] == work["id"]
    assert (work["phase"], [one["code"] for one in work["targets"]]) == ("current", ["pump-1"])
    path = f"/api/v1/planned-work/{work['id']}"
    later = {"ends_at": "2026-11-24T09:00:00Z"}
    assert anonymous.patch(path, headers=supervisor.headers, json=later).status_code == 428
    tag = {**supervisor.headers, "If-Match": made[0].headers["ETag"]}
    moved = anonymous.patch(path, headers=tag, json=later)
    assert (moved.status_code, moved.json()["reason"]) == (200, "bearings")
    assert anonymous.patch(path, headers=tag, json=later).status_code == 412
    listed = anonymous.get(
        "/api/v1/planned-work", params={"when": "current"}, headers=supervisor.headers
    ).json()["items"]
    assert [one["id"] for one in listed] == [work["id"]]
    assert (
        post(anonymous, supervisor, f"/planned-work/{work['id']}/finish").json()["phase"]
        == "finished"
    )
    assert post(anonymous, supervisor, f"/planned-work/{work['id']}/cancel").status_code == 409
