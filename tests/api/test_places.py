"""The tree, assets, devices, sources and site files over HTTP."""

from datetime import timedelta
from uuid import UUID

import pytest
from starlette.testclient import TestClient

from api.app import BODY_LIMIT
from core import events
from core.clock import SimulatedClock, to_micros
from core.db import Database
from core.devices import Point
from core.ids import new_id
from core.telemetry.readings import Quality, Reading
from tests.api.building import put_alarm, put_source, put_ticket, put_waiting_device
from tests.api.conftest import MakeUser, User
from tests.api.memory_telemetry import MemoryTelemetry
from tests.fixtures import SITE_FILE, SmallSite

API = "/api/v1"


def kinds(database: Database) -> list[str]:
    return [fact.kind for fact in events.read_after(database, events.START)]


def put_reading(
    database: Database, telemetry: MemoryTelemetry, point_id: UUID, at: int, value: float
) -> None:
    with database.read() as session:
        series = session.get_one(Point, point_id).series
    telemetry.readings.append(Reading(series, at, value, at, Quality.GOOD))


def test_the_tree_shows_health_where_it_is(
    client: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    telemetry: MemoryTelemetry,
) -> None:
    put_alarm(database, site, clock.now())
    put_ticket(database, site, clock.now())
    an_hour_ago = to_micros(clock.now() - timedelta(hours=1))
    put_reading(database, telemetry, site.points["pump-2/running"], an_hour_ago, 1.0)
    tree = client.get(f"{API}/tree").json()
    assert [node["kind"] for node in tree["nodes"]] == ["company", "region", "site"]
    health = {asset["code"]: asset["health"] for asset in tree["assets"]}
    assert health["pump-1"] == {
        "worst": "high",
        "open_alarms": 1,
        "open_tickets": 1,
        "silent": False,
        "withheld": 0,
    }
    assert health["pump-2"]["silent"] is True
    assert health["board-1"]["worst"] == "ok"
    assert tree["nodes"][0]["health"]["worst"] == "high"


def test_the_tree_does_not_claim_that_all_speak_while_telemetry_is_away(
    client: TestClient, site: SmallSite, telemetry: MemoryTelemetry
) -> None:
    telemetry.away = True
    assets = client.get(f"{API}/tree?site={site.id}").json()["assets"]
    assert {asset["health"]["silent"] for asset in assets} == {None}
    telemetry.away = False
    assets = client.get(f"{API}/tree?silence=false").json()["assets"]
    assert {asset["health"]["silent"] for asset in assets} == {None}


def test_an_asset_comes_with_what_happens_on_it(
    client: TestClient,
    database: Database,
    site: SmallSite,
    clock: SimulatedClock,
    telemetry: MemoryTelemetry,
) -> None:
    ticket_id = put_ticket(database, site, clock.now())
    alarm_id = put_alarm(database, site, clock.now())
    point_id = site.points["pump-1/motor_temperature"]
    put_reading(database, telemetry, point_id, clock.micros(), 82.1)
    asset = client.get(f"{API}/assets/{site.assets['pump-1']}").json()
    assert [alarm["id"] for alarm in asset["alarms"]] == [str(alarm_id)]
    assert [ticket["id"] for ticket in asset["tickets"]] == [str(ticket_id)]
    lasts = {point["code"]: point["last"] for point in asset["points"]}
    assert lasts["motor_temperature"] == {
        "at": "2026-11-24T04:00:00.000000Z",
        "value": 82.1,
        "received": "2026-11-24T04:00:00.000000Z",
        "quality": "good",
        "state": None,
    }
    assert lasts["running"] is None
    telemetry.away = True
    asset = client.get(f"{API}/assets/{site.assets['pump-1']}").json()
    assert {point["last"] for point in asset["points"]} == {None}


def test_assets_are_found_by_type_and_name(client: TestClient, site: SmallSite) -> None:
    expected = {
        "": set(site.assets),
        "?type=pump": {"pump-1", "pump-2"},
        "?q=2号": {"pump-2"},
        "?q=BOARD": {"board-1"},
        f"?site={new_id()}": set(),
    }
    for query, codes in expected.items():
        items = client.get(f"{API}/assets{query}").json()["items"]
        assert {item["code"] for item in items} == codes, query


def test_an_asset_is_created_once_and_changed_by_version(
    client: TestClient, site: SmallSite, database: Database
) -> None:
    body = {
        "site_id": str(site.id),
        "code": "fan-1",
        "type": "fan",
        "name": {"en": "Fan 1", "zh": ""},
    }
    key = {"Idempotency-Key": "f1"}
    made = [client.post(f"{API}/assets", json=body, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json() == made[1].json()
    assert made[0].json()["name"] == {"en": "Fan 1"}
    again = client.post(f"{API}/assets", json={**body, "type": "fann"})
    assert again.status_code == 422
    assert len(again.json()["problems"]) == 2
    url = f"{API}/assets/{made[0].json()['id']}"
    tag = client.get(url).headers["ETag"]
    change = {"criticality": "high", "name": {"zh": "1号风机"}}
    assert client.patch(url, json=change).status_code == 428
    changed = client.patch(url, json=change, headers={"If-Match": tag})
    assert changed.json()["criticality"] == "high"
    assert changed.json()["name"] == {"zh": "1号风机"}
    assert client.patch(url, json=change, headers={"If-Match": tag}).status_code == 412
    newer = changed.headers["ETag"]
    assert client.patch(url, json={"space_id": None}, headers={"If-Match": newer}).is_success
    assert kinds(database).count("asset.create") >= 1
    assert "asset.update" in kinds(database)


def test_a_waiting_device_is_adopted_with_a_new_asset(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    device_id = put_waiting_device(database, site, clock.now())
    waiting = client.get(f"{API}/devices?state=waiting").json()["items"]
    assert [device["id"] for device in waiting] == [str(device_id)]
    assert waiting[0]["last_sample"] == {"motor_temperature": 41.5, "running": True}
    suggestion = client.get(f"{API}/devices/{device_id}/suggestion").json()
    assert suggestion["asset_type"] == "pump"
    points = [
        {"key": point["key"], "code": point["code"], "unit": point["unit"], "kind": point["kind"]}
        for point in suggestion["points"]
    ]
    asset = {"code": suggestion["asset_code"], "type": "pump", "name": {"en": "Pump 9"}}
    url = f"{API}/devices/{device_id}/adopt"
    adopted = client.post(url, json={"new_asset": asset, "points": points})
    assert adopted.status_code == 200, adopted.text
    assert adopted.json()["state"] == "active"
    found = client.get(f"{API}/points?asset={adopted.json()['asset_id']}").json()["items"]
    assert {point["code"] for point in found} == {"motor_temperature", "running"}
    assert client.post(url, json={"new_asset": asset, "points": points}).status_code == 409
    assert "device.adopt" in kinds(database)


def test_adoption_takes_one_asset_of_the_same_site(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock
) -> None:
    url = f"{API}/devices/{put_waiting_device(database, site, clock.now())}/adopt"
    points = [{"key": "vib", "code": "vibration"}]
    standing = str(site.assets["pump-1"])
    asset = {"code": "x", "type": "pump", "name": {"en": "X"}}
    assert client.post(url, json={"points": points}).status_code == 422
    both = {"points": points, "asset_id": standing, "new_asset": asset}
    assert client.post(url, json=both).status_code == 422
    assert client.post(url, json={"points": points, "asset_id": str(new_id())}).status_code == 404
    assert client.post(url, json={"points": points, "asset_id": standing}).status_code == 200


def test_a_device_is_created_changed_retired_and_put_back(
    client: TestClient, site: SmallSite
) -> None:
    made = client.post(f"{API}/devices", json={"site_id": str(site.id), "code": "gw-2"})
    assert made.status_code == 201, made.text
    url = f"{API}/devices/{made.json()['id']}"
    tag = client.get(url).headers["ETag"]
    change = {"path_id": str(site.devices["gw-1"])}
    assert client.patch(url, json=change, headers={"If-Match": tag}).is_success
    assert client.patch(url, json=change, headers={"If-Match": tag}).status_code == 412
    assert client.post(f"{url}/retire").json()["state"] == "retired"
    assert client.post(f"{url}/retire").status_code == 409
    assert client.post(f"{url}/reactivate").json()["state"] == "active"


def test_a_source_is_created_changed_and_deleted(
    client: TestClient, site: SmallSite, database: Database
) -> None:
    body = {"site_id": str(site.id), "code": "legacy", "topic_filter": "plant/#/x"}
    assert client.post(f"{API}/sources", json=body).status_code == 422
    made = client.post(f"{API}/sources", json={**body, "topic_filter": "plant/#"})
    assert made.status_code == 201
    url = f"{API}/sources/{made.json()['id']}"
    tag = client.get(url).headers["ETag"]
    off = client.patch(url, json={"enabled": False}, headers={"If-Match": tag})
    assert off.json()["enabled"] is False
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    assert [k for k in kinds(database) if k.startswith("source.")][-3:] == [
        "source.create",
        "source.update",
        "source.delete",
    ]


def test_a_source_that_devices_belong_to_stays(
    client: TestClient, site: SmallSite, database: Database
) -> None:
    source_id = put_source(database, site)
    body = {"site_id": str(site.id), "code": "d-1", "source_id": str(source_id)}
    assert client.post(f"{API}/devices", json=body).status_code == 201
    assert client.delete(f"{API}/sources/{source_id}").status_code == 409


def test_a_site_file_is_imported_and_again_changes_nothing(
    client: TestClient, database: Database, site: SmallSite
) -> None:
    del site
    more = SITE_FILE + "  - {code: pump-3, asset: pump-1, via: gw-1, points: {f: flow}}\n"
    headers = {"Content-Type": "application/yaml"}
    first = client.post(f"{API}/site-files", content=more, headers=headers)
    assert first.status_code == 200, first.text
    assert first.json()["created"]["device"] == 1
    before = events.newest(database)
    again = client.post(f"{API}/site-files", content=more, headers=headers).json()
    assert (again["created"], again["changed"]) == ({}, {})
    assert events.newest(database) == before


def test_a_broken_site_file_lists_every_problem_with_its_place(client: TestClient) -> None:
    broken = SITE_FILE.replace("type: pump,", "type: pumpe,").replace("via: gw-1", "via: gw-9")
    answer = client.post(f"{API}/site-files", content=broken)
    assert answer.status_code == 422
    problems = answer.json()["problems"]
    assert len(problems) >= 4
    assert all(line.startswith("site.yaml:") for line in problems)
    assert client.post(f"{API}/site-files", content=b"\xff\xfe\x00").status_code == 422


def test_a_large_site_file_is_read_only_of_who_may_send_it(
    client: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    large = SITE_FILE + "#" * (BODY_LIMIT + 1)
    assert client.post(f"{API}/site-files", content=large).status_code == 200
    local = make_user("administrator", site.id)
    refused = client.post(f"{API}/site-files", content=large, headers=local.headers)
    assert refused.status_code == 403


@pytest.mark.parametrize("state", ["waiting", "active", "retired"])
def test_devices_are_listed_by_state(
    client: TestClient, database: Database, site: SmallSite, clock: SimulatedClock, state: str
) -> None:
    put_waiting_device(database, site, clock.now())
    items = client.get(f"{API}/devices?state={state}").json()["items"]
    assert {item["state"] for item in items} <= {state}
    assert len(items) == {"waiting": 1, "active": 3, "retired": 0}[state]


def test_topics_of_another_site_s_source_are_taken_by_nobody_without_rights_there(
    client: TestClient, stranger: User, site: SmallSite, other_site: UUID
) -> None:
    ours = {"site_id": str(site.id), "code": "z2m", "topic_filter": "zigbee2mqtt/#"}
    made = client.post(f"{API}/sources", json={**ours, "dialect": "zigbee2mqtt"})
    assert made.status_code == 201
    theirs = {"site_id": str(other_site), "code": "theirs", "topic_filter": "+/pump/availability"}
    refused = client.post(f"{API}/sources", json=theirs, headers=stranger.headers)
    assert refused.status_code == 403
    assert "of another site" in refused.json()["detail"]
    assert "z2m" not in refused.text
    theirs["topic_filter"] = "hillside/#"
    own = client.post(f"{API}/sources", json=theirs, headers=stranger.headers)
    assert own.status_code == 201
    url = f"{API}/sources/{own.json()['id']}"
    tag = client.get(url, headers=stranger.headers).headers["ETag"]
    wide = {"topic_filter": "#"}
    headers = {**stranger.headers, "If-Match": tag}
    assert client.patch(url, json=wide, headers=headers).status_code == 403
    # Who may change the devices of both may let both hear the same: a network server is shared.
    shared = {**ours, "code": "both", "topic_filter": "hillside/+"}
    assert client.post(f"{API}/sources", json=shared).status_code == 201
