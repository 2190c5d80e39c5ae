"""Categories of tickets in the console."""

import re

from fastapi.testclient import TestClient

from tests.web.conftest import client_of
from tests.web.stage import Stage
from tests.web.test_work import post

POOL = {
    "version": "0",
    "code": "pool",
    "name_en": "Swimming pool",
    "name_zh": "泳池",
    "kinds": ["repair"],
    "team": "service",
    "priority": "high",
}


def test_a_category_is_kept_offered_shown_and_filtered(stage: Stage, client: TestClient) -> None:
    assert post(client, f"/ticket-categories/{stage.company_id}", **POOL) == 303
    listed = client.get(f"/ticket-categories?node={stage.site_id}").text
    assert "Swimming pool" in listed
    assert "Inherited from" in listed
    assert "Kept above" in client.get(f"/ticket-categories/{stage.site_id}/pool").text
    where = f"/new-ticket?site={stage.site_id}"
    form = client.get(where).text
    assert 'value="pool" data-kinds="repair" data-team="service" data-priority="high"' in form
    ticket_id = re.search(r'name="id" value="([^"]+)"', form)
    assert ticket_id is not None
    fields = {"id": ticket_id[1], "title": "It is cold", "team": "service", "category": "pool"}
    assert post(client, where, **fields) == 303
    [address] = set(re.findall(r'href="(/tickets/\d+)"', client.get("/tickets?category=pool").text))
    assert '<span class="chip">Swimming pool</span>' in client.get(address).text
    assert "It is cold" not in client.get("/tickets?category=fire").text
    # Retired it is offered no more, and the old ticket keeps its name.
    assert post(client, f"/ticket-categories/{stage.site_id}", **POOL, retired="yes") == 303
    assert "Swimming pool" not in client.get(where).text
    assert '<span class="chip">Swimming pool</span>' in client.get(address).text


def test_what_is_not_offered_is_refused(stage: Stage, client: TestClient) -> None:
    where = f"/new-ticket?site={stage.site_id}"
    found = re.search(r'name="id" value="([^"]+)"', client.get(where).text)
    assert found is not None
    assert post(client, where, id=found[1], title="It drips", category="sauna") == 422
    assert client.get(f"/ticket-categories/{stage.site_id}/nothing").status_code == 404


def test_who_only_works_tickets_keeps_no_categories(stage: Stage) -> None:
    technician = client_of(stage, "technician")
    assert technician.get("/ticket-categories").status_code == 403
    assert post(technician, f"/ticket-categories/{stage.site_id}", **POOL) in (403, 404)
