"""Whatever takes a file takes one as cameras and phones make it."""

import re
from inspect import get_annotations
from uuid import uuid4

from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from api.directory import routes_of
from tests.web.stage import Stage

# A picture of a present phone; a recording may be as large.
OF_A_PHONE = 4 * 1024 * 1024


def takers(stage: Stage) -> list[str]:
    """The addresses of every form that takes a file."""
    return [
        route.path
        for route in routes_of(stage.app.routes)
        if isinstance(route, APIRoute)
        and any("UploadFile" in str(said) for said in get_annotations(route.endpoint).values())
    ]


def test_no_form_refuses_a_picture_of_a_phone_for_its_size(
    stage: Stage, client: TestClient
) -> None:
    found = takers(stage)
    assert {"/home/report", "/s/{path}", "/tickets/{number}/photos"} <= set(found)
    form = {"csrf": csrf_token(client.cookies[SESSION_COOKIE])}
    refused = []
    for path in found:
        address = re.sub(r"{\w+}", str(uuid4()), path.replace("{number}", "7"))
        files = {"photo": ("photo.jpg", bytes(OF_A_PHONE), "image/jpeg")}
        if client.post(address, data=form, files=files).status_code == 413:
            refused.append(path)
    assert refused == []
