"""Links between tickets in the console."""

import re

from fastapi.testclient import TestClient

from tests.web.conftest import client_of
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_work import post


def test_tickets_are_linked_by_number_and_shown_from_both_ends(
    stage: Stage, client: TestClient
) -> None:
    first, second = (stage.trip(f"b1-pump-{one}", OVERHEATING) for one in (1, 2))
    page = f"/tickets/{first}"
    assert post(client, f"{page}/links", kind="caused_by", other=f"#{second}") == 303
    assert "Caused by</span>" in client.get(page).text
    text = client.get(f"/tickets/{second}").text
    assert "Cause of</span>" in text
    found = re.search(rf"/tickets/{second}/links/([^/]+)/remove", text)
    assert found is not None
    assert post(client, f"{page}/links", kind="caused_by", other=second) == 409
    for wrong in ({"other": "some"}, {"other": first}, {"other": second, "kind": "married_to"}):
        assert post(client, f"{page}/links", **{"kind": "related_to", **wrong}) == 422, wrong
    assert post(client, f"{page}/links", kind="related_to", other="999999") == 404
    assert post(client, f"/tickets/{second}/links/{found[1]}/remove") == 303
    assert "Linked tickets" not in client.get(page).text


def test_who_does_not_work_tickets_links_none(stage: Stage) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    auditor = client_of(stage, "auditor")
    assert "Link to another ticket" not in auditor.get(f"/tickets/{number}").text
    assert post(auditor, f"/tickets/{number}/links", kind="related_to", other=number) == 403
