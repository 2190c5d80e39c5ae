"""Waiting devices in the console: two taps, many at once, announced ones, and replacement."""

import html
import io
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from openpyxl import Workbook
from sqlalchemy import select

from api.deps import SESSION_COOKIE, csrf_token
from core.adoption import NothingFits
from core.devices import Device, Point
from core.errors import Invalid
from core.expected_devices import ExpectedDevice
from core.expected_problems import reason_of
from core.places import Asset
from tests.web.stage import Stage
from tests.web.test_alarm_pages import PUMP, send, somebody

LABEL = "LW:D0:24E124C0002A0001:24E124136B324185:0050001A"


def state_of(stage: Stage, device_id: UUID) -> str:
    with stage.parts.database.read() as session:
        return session.get_one(Device, device_id).state


def test_two_taps_adopt_a_device_with_what_it_calls_itself(stage: Stage) -> None:
    device_id = stage.unknown_device("0x00158d0001", {"contact": True, "battery": 81})
    with stage.parts.database.write() as session:
        device = session.get_one(Device, device_id)
        device.described = {"name": "Roof door", "maker": "Aqara", "model": "MCCGQ11LM"}
    manager = somebody(stage, "manager", "Manager Ye")
    first = manager.get(f"/devices/waiting?site={stage.site_id}&device={device_id}").text
    for part in ("Roof door", "Door or window contact", "CR1632", "door-left-open"):
        assert part in first, part
    # Its contact is closed, so the door is not open.
    assert "Open: <strong>no</strong>" in first
    assert "门磁传感器" in manager.get(f"/devices/waiting?site={stage.site_id}&lang=zh").text
    proposal = {"profile": "door-contact", "name": "Roof door", "space": ""}
    send(manager, f"/devices/{device_id}/adopt-proposed", **proposal)
    with stage.parts.database.read() as session:
        point = session.scalars(
            select(Point).where(Point.device_id == device_id, Point.code == "open")
        ).one()
        asset = session.get_one(Asset, point.asset_id)
    assert (point.scale, point.shift, asset.name["zh"]) == (-1.0, 1.0, "Roof door")
    assert str(device_id) not in manager.get(f"/devices/waiting?site={stage.site_id}").text


def test_what_is_adopted_by_hand_is_read_as_the_device_says_it(stage: Stage) -> None:
    said = {"contact": True, "battery": 81, "temperature": 20.5}
    device_id = stage.unknown_device("0x00158d0002", said)
    with stage.parts.database.write() as session:
        device = session.get_one(Device, device_id)
        device.described = {"name": "Roof door", "maker": "Aqara", "model": "MCCGQ11LM"}
    manager = somebody(stage, "manager", "Manager Ye")
    fields = {
        "belongs": "type:door",
        "code": "roof-door",
        "name_en": "Roof door",
        "point:contact": "open",
        "interval:contact": "",
        "point:battery": "battery",
    }
    csrf = csrf_token(manager.cookies[SESSION_COOKIE])
    wrong = {**fields, "csrf": csrf, "space": "the cellar"}
    assert manager.post(f"/devices/{device_id}/adopt", data=wrong).status_code == 422
    send(manager, f"/devices/{device_id}/adopt", **fields)
    with stage.parts.database.read() as session:
        points = {
            one.code: one
            for one in session.scalars(select(Point).where(Point.device_id == device_id))
        }
    # Its contact is closed, so the door is not open.
    assert (points["open"].scale, points["open"].shift) == (-1.0, 1.0)
    assert (points["battery"].scale, points["battery"].shift) == (None, None)


def test_many_are_adopted_at_once_and_what_fits_nothing_says_so(stage: Stage) -> None:
    good = stage.unknown_device("leak-1", {"water_leak": False})
    odd = stage.unknown_device("odd-1", {"flux_capacitor": 88})
    manager = somebody(stage, "manager", "Manager Ye")
    csrf = csrf_token(manager.cookies[SESSION_COOKIE])
    said = {"csrf": csrf, "site": str(stage.site_id), "device": [str(good), str(odd)]}
    answer = manager.post("/devices/waiting/adopt", data=said)
    assert answer.status_code == 422
    assert "odd-1" in answer.text
    assert (state_of(stage, good), state_of(stage, odd)) == ("active", "waiting")
    # Somebody else's profile may be chosen for it all the same.
    page = f"/devices/waiting?site={stage.site_id}&device={odd}&profile=water-leak"
    assert "Water leak sensor" in manager.get(page).text


def test_of_many_that_are_not_adopted_each_problem_is_told(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise Invalid("device 'odd-1' was not adopted", problems=["points: 400 are too many"])

    monkeypatch.setattr("web.pages.onboarding.adopt_as_proposed", refuse)
    odd = stage.unknown_device("odd-1", {"water_leak": False})
    manager = somebody(stage, "manager", "Manager Ye")
    csrf = csrf_token(manager.cookies[SESSION_COOKIE])
    said = {"csrf": csrf, "site": str(stage.site_id), "device": [str(odd)]}
    answer = manager.post("/devices/waiting/adopt", data=said)
    assert answer.status_code == 422
    assert "points: 400 are too many" in answer.text


def sheet() -> bytes:
    book = Workbook()
    book.active.append(["EUI", "名称", "位置", "类型"])
    book.active.append(["24E124136B320001", "一号水浸", "b1-pumproom", "水浸传感器"])
    book.active.append(["24E124136B320002", "二号水浸", "", ""])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def announce(client: TestClient, stage: Stage, lines: str, content: bytes | None = None) -> int:
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    said = {"csrf": csrf, "site": str(stage.site_id), "lines": lines}
    files = {"sheet": ("devices.xlsx", content or b"", "application/octet-stream")}
    answer = client.post("/devices/expected", data=said, files=files, follow_redirects=False)
    return answer.status_code


def test_devices_are_announced_by_label_and_by_sheet(stage: Stage) -> None:
    manager = somebody(stage, "manager", "Manager Ye")
    assert announce(manager, stage, f"{LABEL},Cellar\n24:E1:24:13:6B:32:99:99", sheet()) == 303
    with stage.parts.database.read() as session:
        rows = {one.key: one for one in session.scalars(select(ExpectedDevice))}
    assert set(rows) == {
        "24E124136B324185",
        "24E124136B329999",
        "24E124136B320001",
        "24E124136B320002",
    }
    assert rows["24E124136B324185"].name["en"] == "Cellar"
    first = rows["24E124136B320001"]
    assert (first.profile, first.name["zh"]) == ("water-leak", "一号水浸")
    assert first.space_id is not None
    page = manager.get(f"/devices/waiting?site={stage.site_id}").text
    assert "二号水浸" in page
    with stage.parts.database.write() as session:
        row = session.get_one(ExpectedDevice, first.id)
        row.problem = reason_of(NothingFits("device 'x' was not adopted"))
    chinese = manager.get(f"/devices/waiting?site={stage.site_id}&lang=zh").text
    assert '<p class="late">上报内容与任何设备类型模板都不符' in chinese
    listed = manager.get("/api/v1/expected-devices", headers={"Accept-Language": "zh"}).json()
    [told] = [one for one in listed["items"] if one["problem"]]
    assert (told["problem"][:4], told["problem_code"]) == ("上报内容", "nothing_fits")
    send(manager, f"/devices/expected/{first.id}/drop")
    assert "一号水浸" not in manager.get(f"/devices/waiting?site={stage.site_id}").text
    assert announce(manager, stage, "MT:Y.K9042C00KA0648G00") == 422
    assert announce(manager, stage, "", b"no sheet at all") == 422


SHEET = """code,name,place,profile
24E124136B320001,Cellar,b1-pumproom,water-leak
24E124136B320002,Roof,nowhere,water-leek
24E124136B320001,Again,,
MT:Y.K9042C00KA0648G00,Matter,,
"""


def preview(client: TestClient, stage: Stage, lines: str, content: bytes, **form: str) -> str:
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    said = {"csrf": csrf, "site": str(stage.site_id), "lines": lines, **form}
    files = {"sheet": ("devices.csv", content, "text/csv")}
    answer = client.post("/devices/expected/preview", data=said, files=files)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_sheet_is_looked_at_with_its_faults_by_line_before_it_is_taken(stage: Stage) -> None:
    manager = somebody(stage, "manager", "Manager Ye")
    page = preview(manager, stage, "", SHEET.encode())
    for part in (
        "Sheet, line 3",
        "there is no place &#39;nowhere&#39; on this site",
        "there is no profile &#39;water-leek&#39;; did you mean &#39;water-leak&#39;?",
        "the same device as line 2",
        "nothing that names a device over MQTT",
    ):
        assert part in page, part
    assert "Announce 4" not in page
    manager.get("/account?lang=zh")
    page = preview(manager, stage, "", SHEET.encode())
    assert "本项目没有位置“nowhere”" in page
    assert "与第2行是同一设备" in page
    # A Chinese full stop brings its own room.
    assert "。 " not in page
    with stage.parts.database.read() as session:
        assert session.scalars(select(ExpectedDevice)).all() == []


def test_what_was_looked_at_is_announced_as_it_was_shown(stage: Stage) -> None:
    manager = somebody(stage, "manager", "Manager Ye")
    announce(manager, stage, LABEL)
    text = "\n".join(SHEET.splitlines()[:2]).encode()
    page = preview(manager, stage, f"{LABEL},Sink", text, profile="door-contact")
    assert "Announce 2 devices" in page
    assert "1 is announced already" in page
    assert "Water leak sensor" in page
    given = html.unescape(page.partition('name="given" value="')[2].partition('"')[0])
    send(manager, "/devices/expected", site=str(stage.site_id), given=given)
    with stage.parts.database.read() as session:
        rows = {one.name.get("en"): one for one in session.scalars(select(ExpectedDevice))}
    assert {name: one.profile for name, one in rows.items()} == {
        "Sink": "door-contact",
        "Cellar": "water-leak",
    }
    assert rows["Cellar"].space_id is not None
    csrf = csrf_token(manager.cookies[SESSION_COOKIE])
    said = {"csrf": csrf, "site": str(stage.site_id), "given": given[:-9]}
    assert manager.post("/devices/expected", data=said).status_code == 422


def test_who_may_not_change_devices_sees_no_preview(stage: Stage) -> None:
    guard = somebody(stage, "guard", "Guard Ma")
    csrf = csrf_token(guard.cookies[SESSION_COOKIE])
    said = {"csrf": csrf, "site": str(stage.site_id), "lines": LABEL}
    assert guard.post("/devices/expected/preview", data=said).status_code == 403


def test_a_new_device_replaces_another_and_gives_it_back(stage: Stage) -> None:
    old = stage.points[PUMP, "running"].device_id
    with stage.parts.database.read() as session:
        keys = session.scalars(select(Point.key).where(Point.device_id == old)).all()
    new = stage.unknown_device("pump-controller-9", dict.fromkeys(keys, 1))
    manager = somebody(stage, "manager", "Manager Ye")
    shown = manager.get(f"/devices/{new}/replace?old={old}").text
    assert "What it takes over" in shown
    assert "Replace it" in shown
    assert send(manager, f"/devices/{new}/replace", old=str(old)) == f"/devices/{new}/replaced"
    assert (state_of(stage, old), state_of(stage, new)) == ("retired", "active")
    assert "Take it back" in manager.get(f"/devices/{new}/replaced").text
    send(manager, f"/devices/{new}/replace/undo")
    assert (state_of(stage, old), state_of(stage, new)) == ("active", "retired")


def test_who_may_not_change_devices_only_looks(stage: Stage) -> None:
    device_id = stage.unknown_device("leak-2", {"leak": False})
    guard = somebody(stage, "guard", "Guard Ma")
    page = guard.get(f"/devices/waiting?site={stage.site_id}")
    assert page.status_code == 200
    assert "adopt-proposed" not in page.text
    csrf = csrf_token(guard.cookies[SESSION_COOKIE])
    answer = guard.post(f"/devices/{device_id}/adopt-proposed", data={"csrf": csrf})
    assert answer.status_code == 403
