"""Signatures on tickets in the console."""

import re
from base64 import b64encode

from fastapi.testclient import TestClient

from tests.pictures import signature
from tests.web.conftest import client_of
from tests.web.stage import OVERHEATING, Stage
from tests.web.test_work import post


def picture() -> str:
    """A drawn signature as a canvas gives it."""
    return "data:image/png;base64," + b64encode(signature()).decode()


def test_the_work_is_signed_on_the_phone(stage: Stage, client: TestClient) -> None:
    number = stage.trip("b1-pump-1", OVERHEATING)
    page = f"/tickets/{number}"
    assert "Have the work signed" not in client.get(page).text
    assert post(client, f"{page}/sign", name="Mrs Wang", signature=picture()) == 409
    assert post(client, f"{page}/start", version=1) == 303
    assert "Have the work signed" in client.get(page).text
    assert "Name of who signs" in client.get(f"{page}/sign").text
    for wrong in ({"signature": ""}, {"signature": "data:image/png;base64,?"}, {"name": ""}):
        form = {"name": "Mrs Wang", "signature": picture(), **wrong}
        assert post(client, f"{page}/sign", **form) == 422, wrong
    assert post(client, f"{page}/sign", name="Mrs Wang", signature=picture()) == 303
    text = client.get(page).text
    assert "<strong>Mrs Wang</strong>" in text
    assert "on the phone of Wei Chen" in text
    found = re.search(r'src="(/signatures/[^"]+)"', text)
    assert found is not None
    shown = client.get(found[1])
    assert shown.content == signature()
    assert shown.headers["Content-Type"] == "image/png"
    accountant = client_of(stage, "accountant")
    assert "Mrs Wang" not in accountant.get(page).text
    assert accountant.get(found[1]).status_code == 404
    assert accountant.get(f"{page}/sign").status_code == 403
