"""Shift codes in the console."""

from fastapi.testclient import TestClient

from tests.web.conftest import client_of
from tests.web.stage import Stage
from tests.web.test_work import post

FORM = {
    "version": "0",
    "code": "split",
    "name_en": "Split shift",
    "name_zh": "两头班",
    "starts": "06:00",
    "ends": "10:00",
    "written": "两，S",
}


def test_a_shift_code_is_kept_inherited_and_retired(stage: Stage, client: TestClient) -> None:
    assert post(client, f"/shift-codes/{stage.company_id}", **FORM) == 303
    listed = client.get(f"/shift-codes?node={stage.site_id}").text
    assert "Split shift" in listed
    assert "06:00–10:00" in listed
    assert "两, S" in listed
    assert "Inherited from" in listed
    assert 'value="两, S"' in client.get(f"/shift-codes/{stage.site_id}/split").text
    assert post(client, f"/shift-codes/{stage.site_id}", **FORM, retired="yes") == 303
    assert "Retired" in client.get(f"/shift-codes?node={stage.site_id}").text


def test_a_wrong_or_stale_shift_code_is_refused_with_reasons(
    stage: Stage, client: TestClient
) -> None:
    address = f"/shift-codes/{stage.site_id}"
    assert post(client, address, **{**FORM, "written": "早"}) == 422
    assert post(client, address, **FORM) == 303
    assert post(client, address, **FORM) == 412
    assert client.get(f"{address}/nothing").status_code == 404


def test_who_makes_no_rosters_keeps_no_shift_codes(stage: Stage) -> None:
    technician = client_of(stage, "technician")
    assert technician.get("/shift-codes").status_code == 403
    assert post(technician, f"/shift-codes/{stage.site_id}", **FORM) in (403, 404)
    lead = client_of(stage, "supervisor")
    assert 'href="/imports"' in lead.get("/shift-codes").text
    assert lead.get("/imports").status_code == 200
