"""Who devices are on the broker, in the console."""

import csv
import re

from fastapi.testclient import TestClient
from sqlalchemy import select

from core.device_credentials import DeviceIdentity
from core.devices import Device
from tests.web.conftest import client_of
from tests.web.identifying import put_identities
from tests.web.stage import Stage
from tests.web.test_work import post


def secret_in(text: str) -> str:
    found = re.findall(r"<code>([A-Za-z2-9]{24})</code>", text)
    assert len(found) == 1
    return str(found[0])


def test_a_credential_is_shown_once_replaced_and_revoked(stage: Stage, client: TestClient) -> None:
    with stage.parts.database.read() as session:
        device = session.scalars(select(Device).where(Device.state == "active")).first()
    assert device is not None
    at = f"/device-identities/{device.id}"
    assert "It has none." in client.get(at).text
    token = client.get(at).text.partition('name="csrf" value="')[2].partition('"')[0]
    made = client.post(f"{at}/credential", data={"csrf": token})
    assert made.headers["Cache-Control"] == "no-store"
    secret = secret_in(made.text)
    assert "data:image/svg+xml" in made.text
    shown = client.get(at).text
    assert secret not in shown
    assert "Not on the broker yet" in shown
    assert post(client, f"{at}/credential") == 409
    newer = client.post(f"{at}/replace", data={"csrf": token, "overlap": "1"}).text
    assert secret_in(newer) != secret
    assert "Being replaced" in client.get(at).text
    assert post(client, f"{at}/replace", overlap="400") == 422
    assert post(client, f"{at}/revoke") == 303
    assert client.get(at).text.count("Revoked") == 2


def test_what_is_wrong_is_seen_in_the_list_and_mended(stage: Stage, client: TestClient) -> None:
    bridge, misused = put_identities(stage)
    listed = client.get(f"/device-identities?site={stage.site_id}").text
    for seen in ("Used twice at once", "Bridge", "Being replaced", "shelly-4f2a", "grafana"):
        assert seen in listed
    one = client.get(f"/device-identities/{misused}").text
    assert "python-1c" in one
    assert "Source zigbee · through bridge-2" in one
    assert post(client, f"/device-identities/{misused}/accept-way") == 303
    at = f"/device-identities/{bridge}"
    with stage.parts.database.read() as session:
        other = session.get_one(Device, misused).code
    assert post(client, at, speaks_for=f"{other}\n") == 303
    with stage.parts.database.read() as session:
        identity = session.get_one(DeviceIdentity, bridge)
        assert (identity.speaks_for, identity.sources) == ([str(misused)], [])
    assert post(client, at, speaks_for="nobody") == 422
    assert post(client, at, topics="wk/v1/other/#") == 422


def test_all_of_a_site_are_made_at_once_as_a_sheet(stage: Stage, client: TestClient) -> None:
    put_identities(stage)
    page = client.get("/device-identities").text
    token = page.partition('name="csrf" value="')[2].partition('"')[0]
    answer = client.post(
        "/device-identities/export", data={"csrf": token, "site": str(stage.site_id)}
    )
    rows = list(csv.DictReader(answer.text.removeprefix("\ufeff").splitlines()))
    assert len(rows) > 2
    assert all(len(row["secret"]) == 24 for row in rows)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    again = client.post(
        "/device-identities/export", data={"csrf": token, "site": str(stage.site_id)}
    )
    assert len(again.text.splitlines()) == 1


def test_who_may_not_change_devices_makes_no_credentials(stage: Stage) -> None:
    put_identities(stage)
    guard = client_of(stage, "guard")
    seen = guard.get("/device-identities").text
    assert "Used twice at once" in seen
    assert "Make one for each" not in seen
    # Who is signed in without a name may be of any site.
    assert "shelly-4f2a" not in seen
    assert post(guard, "/device-identities/export", site=str(stage.site_id)) in (403, 404)
