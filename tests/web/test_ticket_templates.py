"""Templates of tickets in the console."""

import re

from fastapi.testclient import TestClient
from sqlalchemy import select

from tests.web.conftest import client_of
from tests.web.stage import Stage
from tests.web.test_work import post
from workflows.tickets import Ticket

FORM = {
    "version": "0",
    "code": "pump-service",
    "name_en": "Pump service",
    "name_zh": "水泵保养",
    "title_en": "Service the pump",
    "title_zh": "保养水泵",
    "description_en": "Twice a year",
    "priority": "low",
    "item_en": ["Pressure", "Belt", ""],
    "item_zh": ["压力", "皮带", ""],
    "item_kind": ["number", "choice", "tick"],
    "item_required": ["yes", "no", "yes"],
    "item_unit": ["bar", "", ""],
    "item_low": ["2", "", ""],
    "item_high": ["6", "", ""],
    "item_choices_en": ["", "Good / Worn", ""],
    "item_choices_zh": ["", "良好／磨损", ""],
}


def test_a_template_is_kept_and_fills_a_new_ticket(stage: Stage, client: TestClient) -> None:
    assert post(client, f"/ticket-templates/{stage.company_id}", **FORM) == 303
    listed = client.get(f"/ticket-templates?node={stage.site_id}").text
    assert "Pump service" in listed
    assert "Inherited from" in listed
    shown = client.get(f"/ticket-templates/{stage.site_id}/pump-service").text
    assert 'value="Good / Worn"' in shown
    assert "Kept above" in shown
    where = f"/new-ticket?site={stage.site_id}"
    assert "From a template" in client.get(where).text
    form = client.get(f"{where}&template=pump-service").text
    assert 'value="Service the pump"' in form
    assert "2 items of a checklist come with it" in form
    ticket_id = re.search(r'name="id" value="([^"]+)"', form)
    assert ticket_id is not None
    fields = {"id": ticket_id[1], "title": "Service the pump", "template": "pump-service"}
    assert post(client, where, **fields, priority="low", team="maintenance") == 303
    with stage.parts.database.read() as session:
        ticket = session.scalars(select(Ticket)).one()
        assert ticket.title == {"en": "Service the pump", "zh": "保养水泵"}
        number = ticket.number
    page = client.get(f"/tickets/{number}").text
    assert "Allowed: 2–6 bar" in page
    assert "Good" in page


def test_a_retired_template_is_not_offered(stage: Stage, client: TestClient) -> None:
    assert post(client, f"/ticket-templates/{stage.company_id}", **FORM) == 303
    assert post(client, f"/ticket-templates/{stage.site_id}", **FORM, retired="yes") == 303
    where = f"/new-ticket?site={stage.site_id}"
    assert "Pump service" not in client.get(where).text
    assert client.get(f"{where}&template=pump-service").status_code == 422
    assert "Retired" in client.get(f"/ticket-templates?node={stage.site_id}").text


def test_who_only_works_tickets_keeps_no_templates(stage: Stage) -> None:
    technician = client_of(stage, "technician")
    assert technician.get("/ticket-templates").status_code == 403
    assert post(technician, f"/ticket-templates/{stage.site_id}", **FORM) in (403, 404)


def test_an_older_version_and_a_wrong_code_are_refused(stage: Stage, client: TestClient) -> None:
    address = f"/ticket-templates/{stage.site_id}"
    assert post(client, address, **FORM) == 303
    assert post(client, address, **FORM) == 412
    assert post(client, address, **{**FORM, "code": "Pump Service"}) == 422
    assert client.get(f"{address}/nothing").status_code == 404
