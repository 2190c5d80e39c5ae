"""Profiles in the console: looked for, copied, written after a device, changed and deleted."""

import html

from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from core.adoption import suggest
from core.devices import Device
from core.expected_devices import Announced, expect
from core.people import Person, caller_for
from core.profile_drafts import as_profile_yaml, document_of
from core.profiles import read_profile, shipped_profiles
from core.profiles.own import OwnProfile, load_profiles, own_versions
from rules.catalog import shipped_catalog
from tests.web.conftest import signed_in
from tests.web.stage import Stage
from tests.web.test_alarm_pages import send, somebody

WET = """name: {en: Cellar box, zh: 地下室水箱}
asset: water_leak
points:
  leak: {keys: [wet]}
interval: 1d
"""


def keeper(stage: Stage) -> TestClient:
    """Somebody who administers the whole company."""
    person = stage.person("Wei Chen", "administrator")
    return signed_in(stage, stage.secret(person, "session"))


def written(page: str) -> str:
    """What stands in the editor."""
    return html.unescape(page.partition("data-lines>")[2].partition("</textarea>")[0])


def post(client: TestClient, address: str, **form: str) -> tuple[int, str]:
    csrf = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": csrf, **form}, follow_redirects=False)
    return answer.status_code, answer.headers.get("location") or answer.text


def test_every_shipped_profile_is_the_same_when_it_is_copied() -> None:
    catalog = shipped_catalog()
    for code, profile in shipped_profiles().items():
        text = as_profile_yaml(document_of(profile))
        assert read_profile(text, code, catalog) == profile, text


def test_profiles_are_found_by_name_maker_and_model_in_either_language(stage: Stage) -> None:
    guard = somebody(stage, "guard", "Guard Ma")
    for wanted in ("door contact", "MCCGQ11LM", "门磁", "aqara window"):
        page = guard.get("/device-profiles", params={"q": wanted}).text
        assert "/device-profiles/door-contact" in page, wanted
        assert "/device-profiles/siren" not in page, wanted
    assert "/new-device-profile" not in guard.get("/device-profiles").text
    one = guard.get("/device-profiles/door-contact?lang=zh").text
    for part in ("门磁传感器", "CR1632", "contact (反转)", "door-left-open", "系统自带"):
        assert part in one, part
    assert guard.get("/device-profiles/no-such-kind").status_code == 404


def test_a_working_device_counts_for_its_kind_on_ones_own_sites_alone(stage: Stage) -> None:
    device = stage.unknown_device("leak-9", {"water_leak": False, "battery": 88})
    manager = somebody(stage, "manager", "Manager Ye")
    assert "leak-9" not in manager.get("/device-profiles/water-leak").text
    send(manager, f"/devices/{device}/adopt-proposed", profile="water-leak")
    assert "/device-profiles/water-leak" in manager.get("/device-profiles?whose=used").text
    assert "leak-9" in manager.get("/device-profiles/water-leak").text
    person = stage.person("Stranger", "manager", node=stage.other_site_id)
    stranger = signed_in(stage, stage.secret(person, "session"))
    assert "leak-9" not in stranger.get("/device-profiles/water-leak").text


def test_a_copy_is_written_checked_changed_and_deleted(stage: Stage) -> None:
    client = keeper(stage)
    text = written(client.get("/new-device-profile?copy=water-leak").text)
    status, shown = post(client, "/new-device-profile/check", code="x", document=text)
    assert (status, "Water leak" in shown) == (200, True)
    made = post(client, "/new-device-profile", code="cellar", document=text.replace("\n", "\r\n"))
    assert made == (303, "/device-profiles/cellar")
    status, again = post(client, "/new-device-profile", code="cellar", document=text)
    assert status == 422
    assert "is called &#39;cellar&#39; already" in again
    changed = written(client.get("/device-profiles/cellar/edit").text) + "needs: 2\n"
    assert post(client, "/device-profiles/cellar", document=changed, version="1")[0] == 303
    assert post(client, "/device-profiles/cellar", document=changed, version="1")[0] == 412
    with stage.parts.database.read() as session:
        assert load_profiles(session)["cellar"].needs == 2
    assert post(client, "/device-profiles/cellar/delete")[0] == 303
    assert post(client, "/device-profiles/cellar/delete")[0] == 404
    assert post(client, "/device-profiles/siren", document=text, version="1")[0] == 404


def test_faults_stand_beside_what_was_written_with_their_line_in_either_language(
    stage: Stage,
) -> None:
    client = keeper(stage)
    wrong = WET.replace("water_leak", "watr_leak").replace("interval", "intervall")
    status, page = post(client, "/new-device-profile", code="cellar", document=wrong)
    assert status == 422
    assert written(page) == wrong
    for part in ('data-line="2"', 'data-line="5"', "did you mean &#39;water_leak&#39;"):
        assert part in page, part
    client.get("/account?lang=zh")
    page = post(client, "/new-device-profile/check", document=wrong)[1]
    assert "未知的设备类型“watr_leak”" in page
    with stage.parts.database.read() as session:
        assert own_versions(session) == {}


def test_a_profile_is_written_after_a_device_that_waits_or_works(stage: Stage) -> None:
    client = keeper(stage)
    device_id = stage.unknown_device("box-7", {"magnet_status": "close", "battery": 74})
    page = client.get(f"/new-device-profile?device={device_id}").text
    waiting = written(page)
    assert "magnet_status" in waiting
    assert "On box-7" in page
    send(client, f"/devices/{device_id}/adopt-proposed", profile="door-contact")
    working = written(client.get(f"/new-device-profile?device={device_id}").text)
    catalog = shipped_catalog()
    for text in (waiting, working):
        profile = read_profile(text, "box", catalog)
        assert profile.asset_type == "door"
        point = profile.points["open"]
        assert (point.keys[0].pattern, point.words) == ("magnet_status", (("close", "open"),))
        assert profile.rules == shipped_profiles()["door-contact"].rules
    assert post(client, "/new-device-profile", code="box", document=working)[0] == 303
    other = stage.unknown_device("box-8", {"magnet_status": "open", "battery": 70})
    with stage.parts.database.read() as session:
        assert suggest(session, session.get_one(Device, other)).profile == "box"


def test_one_by_which_alone_a_device_is_known_is_not_deleted(stage: Stage) -> None:
    client = keeper(stage)
    post(client, "/new-device-profile", code="cellar", document=WET)
    device = stage.unknown_device("box-1", {"wet": True})
    send(client, f"/devices/{device}/adopt-proposed", profile="cellar")
    assert post(client, "/device-profiles/cellar/delete")[0] == 409
    # Until another knows it as well.
    post(client, "/new-device-profile", code="other", document=WET)
    assert post(client, "/device-profiles/cellar/delete")[0] == 303


def test_one_that_is_announced_is_not_deleted(stage: Stage) -> None:
    client = keeper(stage)
    for code in ("cellar", "water-leak"):
        post(client, "/new-device-profile", code=code, document=WET)
    assert "/device-profiles/cellar/delete" in client.get("/device-profiles/cellar").text
    manager = stage.person("Manager Ye", "manager", node=stage.site_id)
    with stage.parts.database.write() as session:
        caller = caller_for(session, session.get_one(Person, manager))
        coming = [Announced(f"24e124136b32000{n}", {}, None, code) for n, code in
                  enumerate(("cellar", "water-leak"))]  # fmt: skip
        expect(session, caller, stage.site_id, coming, now=stage.parts.clock.now())
    page = client.get("/device-profiles/cellar").text
    assert "1 announced" in page
    assert "/device-profiles/cellar/delete" not in page
    assert post(client, "/device-profiles/cellar/delete")[0] == 409
    # A shipped one takes the place of the other.
    assert post(client, "/device-profiles/water-leak/delete")[0] == 303


def test_who_administers_one_site_alone_writes_nothing_for_all(stage: Stage) -> None:
    post(keeper(stage), "/new-device-profile", code="cellar", document=WET)
    local = somebody(stage, "administrator", "Admin Li")
    assert local.get("/new-device-profile").status_code == 403
    assert local.get("/device-profiles/cellar/edit").status_code == 403
    for address in ("/new-device-profile", "/new-device-profile/check", "/device-profiles/cellar",
                    "/device-profiles/cellar/delete"):  # fmt: skip
        assert post(local, address, code="other", document=WET)[0] == 403, address
    shown = local.get("/device-profiles/cellar").text
    assert "Cellar box" in shown
    assert "/device-profiles/cellar/edit" not in shown


def test_one_whose_equipment_is_gone_is_shown_and_can_be_mended(stage: Stage) -> None:
    client = keeper(stage)
    post(client, "/new-device-profile", code="cellar", document=WET)
    with stage.parts.database.write() as session:
        row = session.get_one(OwnProfile, "cellar")
        row.document = {**row.document, "asset": "gone"}
    assert "can't be used any more" in client.get("/device-profiles/cellar").text
    assert "asset: gone" in written(client.get("/device-profiles/cellar/edit").text)
    listed = client.get("/device-profiles?whose=own").text
    assert "/device-profiles/cellar" in listed
