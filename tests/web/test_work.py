"""The work on a ticket in the console."""

import re
from decimal import InvalidOperation

import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from core.errors import Invalid
from tests.web.conftest import client_of
from tests.web.stage import OVERHEATING, Stage
from web.pages.checklist import ItemForm
from web.pages.claims import number_in


def post(client: TestClient, address: str, **form: object) -> int:
    """Send a form; the status."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    return client.post(address, data={"csrf": token, **form}).status_code


def test_labour_parts_and_findings_are_written_down(stage: Stage, client: TestClient) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    page = f"/tickets/{number}"
    labour = {"kind": "labour", "what": "Changed the bearing", "amount": "90", "cost": "1,180.50"}
    assert post(client, f"{page}/work", **labour) == 303
    assert post(client, f"{page}/work", kind="part", what="Bearing 6204", amount="2") == 303
    text = client.get(page).text
    assert "Labour · 90 minutes · 1180.50 · Wei Chen" in text
    assert "Part · × 2 · Wei Chen" in text
    # A comma is no point: 1,5 would be fifteen.
    no_costs = ({"cost": cost} for cost in ("-1", "1,5", "1,18,050"))
    for wrong in ({"amount": "some"}, {"amount": ""}, {"amount": "NaN"}, *no_costs):
        assert post(client, f"{page}/work", **{**labour, **wrong}) == 422, wrong
    line = re.search(rf"{page}/work/([^/]+)/remove", text)
    assert line is not None
    assert post(client, f"{page}/work/{line[1]}/remove") == 303
    assert "Changed the bearing" not in client.get(page).text
    assert post(client, f"{page}/findings", faults="overheating", causes="bearing") == 303
    assert re.search(r"<dt>Cause</dt><dd>Bearing</dd>", client.get(page).text)
    assert post(client, f"{page}/findings", faults="entrapment") == 422


def test_who_does_not_work_tickets_writes_nothing_down(stage: Stage) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    client = client_of(stage, "auditor")
    assert "Work and parts" not in client.get(f"/tickets/{number}").text
    form = {"kind": "labour", "what": "Nothing", "amount": "5"}
    assert post(client, f"/tickets/{number}/work", **form) == 403
    assert post(client, f"/tickets/{number}/findings", faults="leak") == 403


@pytest.mark.parametrize("written", ["1e21", "1e-21", "1e5000000", "NaN", "two"])
def test_a_number_that_nobody_means_is_none(written: str) -> None:
    with pytest.raises(InvalidOperation):
        number_in(written)
    with pytest.raises(Invalid, match="nothing was put"):
        ItemForm(text="Pressure", kind="number", low=written).item()
