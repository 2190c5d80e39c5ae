"""Imports over HTTP."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from core.clock import MICROS, to_micros
from core.db import Database
from core.devices import Point
from core.people import Grant
from core.permissions import ROLES
from core.tables import LARGEST_FILE
from core.telemetry.readings import Quality, ReadingBatch
from tests.api.conftest import MakeUser
from tests.api.memory_telemetry import MemoryTelemetry
from tests.fixtures import NOON, SmallSite
from tests.workflows.spreadsheets import workbook
from workflows.intake import read_file

BASE = "/api/v1"
ROOF = b"code,name_en,kind,parent\r\nroof,Roof,,b1\r\n"
DEVICE = workbook(
    {
        "Assets": [["Code", "Type"], ["leak-1", "Water leak sensor"]],
        "Devices": [["Code", "Asset", "All points"], ["leak-1", "leak-1", "Yes"]],
    }
)


def handed_in(client: TestClient, content: bytes = ROOF, name: str = "spaces.csv") -> Any:
    answer = client.post(f"{BASE}/imports?filename={name}", content=content)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{BASE}/imports/{answer.json()['id']}"
    return answer.json()


def act(client: TestClient, shown: Any, action: str) -> Any:
    address = f"{BASE}/imports/{shown['id']}/{action}"
    return client.post(address, headers={"If-Match": f'"{shown["version"]}"'})


def test_a_file_is_handed_in_applied_and_undone(client: TestClient, site: SmallSite) -> None:
    shown = handed_in(client)
    assert (shown["state"], shown["counts"]) == (
        "previewed",
        {"space": {"create": 1, "update": 0, "same": 0}},
    )
    items = client.get(f"{BASE}/imports/{shown['id']}/items?action=create").json()["items"]
    assert [(item["label"], item["row"]) for item in items] == [("riverside / roof", 2)]
    applied = act(client, shown, "apply")
    assert (applied.status_code, applied.json()["state"]) == (200, "applied")
    spaces = client.get(f"{BASE}/tree").json()["spaces"]
    assert "roof" in [space["code"] for space in spaces]
    undone = act(client, applied.json(), "undo")
    assert (undone.json()["state"], undone.json()["kept"]) == ("undone", [])
    listed = client.get(f"{BASE}/imports").json()["items"]
    assert [one["uploaded_by"] for one in listed] == ["Ada Admin"]


def test_every_wrong_cell_comes_at_once_and_nothing_is_applied(
    client: TestClient, site: SmallSite
) -> None:
    wrong = b"code,parent\r\nro of,b1\r\nroof,b9\r\n"
    shown = handed_in(client, wrong)
    assert [(fault["cell"], fault["code"]) for fault in shown["faults"]] == [
        ("A2", "code"),
        ("B3", "unknown"),
    ]
    assert shown["refused"] == 2
    refused = act(client, shown, "apply")
    assert refused.status_code == 422
    assert len(refused.json()["problems"]) == 2


def test_a_dry_run_keeps_nothing(client: TestClient, site: SmallSite) -> None:
    planned = client.post(f"{BASE}/import-plans?filename=spaces.csv", content=ROOF).json()
    assert planned["counts"]["space"]["create"] == 1
    assert [field["after"] for field in planned["items"][0]["fields"]] == ["area", "Roof", "b1"]
    assert client.get(f"{BASE}/imports").json()["items"] == []


def test_the_version_that_was_seen_is_the_one_that_is_applied(
    client: TestClient, site: SmallSite
) -> None:
    shown = handed_in(client)
    address = f"{BASE}/imports/{shown['id']}"
    assert client.post(f"{address}/apply").status_code == 428
    again = client.post(f"{address}/plan")
    assert again.headers["ETag"] == '"2"'
    assert act(client, shown, "apply").status_code == 412
    assert act(client, again.json(), "apply").status_code == 200
    assert act(client, again.json(), "apply").status_code == 409
    assert client.post(f"{address}/plan").status_code == 409
    assert client.post(f"{address}/discard").status_code == 409


def test_a_file_that_became_stale_is_refused_until_it_is_planned_again(
    client: TestClient, site: SmallSite
) -> None:
    shown = handed_in(client, b"code,name_en,criticality\r\npump-1,Booster,\r\n", "assets.csv")
    pump = f"{BASE}/assets/{site.assets['pump-1']}"
    client.patch(pump, json={"name": {"en": "Main"}}, headers={"If-Match": "*"})
    assert act(client, shown, "apply").status_code == 412
    again = client.post(f"{BASE}/imports/{shown['id']}/plan").json()
    assert act(client, again, "apply").status_code == 200
    assert client.get(pump).json()["name"] == {"en": "Booster"}


def test_a_discarded_file_shows_no_more(client: TestClient, site: SmallSite) -> None:
    shown = handed_in(client)
    gone = client.post(f"{BASE}/imports/{shown['id']}/discard").json()
    assert gone["state"] == "discarded"
    assert client.get(f"{BASE}/imports/{shown['id']}/items").json()["items"] == []


def test_what_has_readings_stays(
    client: TestClient, site: SmallSite, database: Database, telemetry: MemoryTelemetry
) -> None:
    applied = act(client, handed_in(client, DEVICE, "new.xlsx"), "apply").json()
    with database.read() as session:
        statement = select(Point.series).where(Point.code == "leak")
        series = session.scalars(statement).one()
    batch = ReadingBatch()
    now = to_micros(NOON)
    batch.append(series, now - MICROS, 0.0, now, Quality.GOOD)
    telemetry.write(batch)
    kept = act(client, applied, "undo").json()["kept"]
    assert sorted((one["kind"], one["reason"]) for one in kept) == [
        ("asset", "used"),
        ("device", "used"),
        ("point", "readings"),
    ]


def test_without_the_store_of_readings_nothing_is_undone(
    client: TestClient, site: SmallSite, telemetry: MemoryTelemetry
) -> None:
    applied = act(client, handed_in(client, DEVICE, "new.xlsx"), "apply").json()
    telemetry.away = True
    assert act(client, applied, "undo").status_code == 503
    telemetry.away = False
    assert act(client, applied, "undo").status_code == 200


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\0", "no Excel or CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "(.xls)"),
    ],
)
def test_what_is_no_spreadsheet_is_refused(client: TestClient, content: bytes, told: str) -> None:
    refused = client.post(f"{BASE}/imports", content=content)
    assert refused.status_code == 422
    assert told in refused.json()["problems"][0]


def test_a_file_of_fifty_megabytes_is_not_even_read(client: TestClient) -> None:
    refused = client.post(f"{BASE}/imports", content=b"x" * (50 << 20))
    assert refused.status_code == 413
    larger = client.post(f"{BASE}/imports", content=b"x" * (LARGEST_FILE + 1))
    assert larger.status_code == 422


def test_who_may_change_nothing_hands_in_nothing(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite
) -> None:
    for role in ("guard", "auditor", "accountant"):
        user = make_user(role, site.id)
        for path in ("imports", "import-plans"):
            refused = anonymous.post(f"{BASE}/{path}", content=ROOF, headers=user.headers)
            assert refused.status_code == 403


def test_a_stranger_hands_in_nothing_about_our_site(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite, other_site: UUID
) -> None:
    stranger = make_user("administrator", other_site)
    content = b"site,code,name_en,kind\r\nriverside,roof,Roof,\r\n"
    answer = anonymous.post(
        f"{BASE}/imports?filename=spaces.csv", content=content, headers=stranger.headers
    )
    assert [fault["code"] for fault in answer.json()["faults"]] == ["no_site"]
    assert "pump" not in answer.text


def test_a_token_limited_to_people_hands_in_people_only(
    client: TestClient, anonymous: TestClient, site: SmallSite
) -> None:
    body = {"label": "staff sync", "days": 1, "scope": [*ROLES["guard"], "people.write"]}
    token = client.post(f"{BASE}/me/tokens", json=body).json()["secret"]
    headers = {"Authorization": f"Bearer {token}"}
    people = b"login,name,role,place\r\nwei,Wei Chen,guard,riverside\r\n"
    planned = client.post(f"{BASE}/import-plans", content=people, headers=headers)
    assert planned.json()["faults"] == []
    planned = client.post(f"{BASE}/import-plans?filename=spaces.csv", content=ROOF, headers=headers)
    assert [fault["code"] for fault in planned.json()["faults"]] == ["no_right"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_templates_are_handed_out_and_a_filled_one_changes_nothing(
    client: TestClient, site: SmallSite, language: str
) -> None:
    address = f"{BASE}/import-template?language={language}"
    assert client.get(address).content[:2] == b"PK"
    filled = client.get(f"{address}&filled=true").content
    planned = client.post(f"{BASE}/import-plans", content=filled).json()
    assert planned["faults"] == []
    assert {tuple(count.values())[:2] for count in planned["counts"].values()} == {(0, 0)}
    assert planned["counts"]["point"]["same"] == len(site.points)
    sheet = client.get(f"{address}&sheet=assets&filled=true").content
    assert len(read_file(sheet, "assets.csv").lines) == len(site.assets)


def test_a_template_holds_only_what_one_may_change(
    anonymous: TestClient, make_user: MakeUser, site: SmallSite, database: Database
) -> None:
    manager = make_user("manager", site.id)
    template = anonymous.get(f"{BASE}/import-template?filled=true", headers=manager.headers)
    said = read_file(template.content, "a.xlsx")
    assert {line.sheet.code for line in said.lines} == {"devices", "points", "teams"}
    with database.read() as session:
        assert session.scalars(select(Grant)).all()
