"""Return visits on pages: due on the desk's first screen, written down on the ticket."""

from uuid import UUID

import pytest
from fastapi.testclient import TestClient

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from tests.web.conftest import signed_in
from tests.web.stage import Stage
from workflows.tickets import Draft, Step, act, open_ticket

HOME = "/live?site=riverside"
ASKED = {"way": "phone", "satisfied": "yes", "rating": "4", "words": "All good"}


def post(client: TestClient, address: str, **form: object) -> tuple[int, str]:
    """Send a form; the status, and the page or where it leads."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": token, **form})
    return answer.status_code, answer.headers.get("location", answer.text)


def done(stage: Stage, reporter: UUID, doer: UUID) -> int:
    """A ticket that somebody reported and somebody else did; returns its number."""
    now = stage.parts.clock.now()
    draft = Draft(
        site_id=stage.site_id,
        kind="repair",
        priority="low",
        title={"und": "The tap drips"},
        team="maintenance",
        happened_at=now,
        learned_at=now,
        reporter_id=reporter,
    )
    with stage.parts.database.write() as session:
        ticket = open_ticket(session, draft, actor=events.SYSTEM)
        for action in ("start", "resolve"):
            act(session, ticket, Step(action), person=doer, now=now)
        return ticket.number


def client_as(stage: Stage, role: str, locale: str = "en") -> tuple[UUID, TestClient]:
    """Somebody of our site with their browser."""
    person = stage.person(f"A {role}", role, node=stage.site_id, locale=locale)
    return person, signed_in(stage, stage.secret(person, "session"))


def test_the_desk_sees_whom_to_ask_and_writes_down_what_they_said(stage: Stage) -> None:
    desk, client = client_as(stage, "service_desk")
    technician, _ = client_as(stage, "technician")
    assert "Nobody waits to be asked." in client.get(HOME).text
    number = done(stage, desk, technician)
    page = client.get(HOME).text
    assert f'href="/tickets/{number}#return-visits"' in page
    assert "Write the return visit down" in client.get(f"/tickets/{number}").text
    address = f"/tickets/{number}/return-visits"
    assert post(client, address, **{**ASKED, "rating": "9"})[0] == 422
    assert post(client, address, **{**ASKED, "satisfied": "no", "words": ""})[0] == 422
    assert post(client, address, **ASKED) == (303, f"/tickets/{number}")
    assert stage.ticket(number).state == "verified"
    shown = client.get(f"/tickets/{number}").text
    assert "All good" in shown
    assert "by a return visit" in shown
    assert f"/tickets/{number}#return-visits" not in client.get(HOME).text


def test_who_is_not_satisfied_opens_it_again(stage: Stage) -> None:
    desk, client = client_as(stage, "service_desk")
    technician, _ = client_as(stage, "technician")
    number = done(stage, desk, technician)
    form = {**ASKED, "satisfied": "no", "rating": "1", "words": "Still drips"}
    assert post(client, f"/tickets/{number}/return-visits", **form)[0] == 303
    assert stage.ticket(number).state == "open"
    assert "Still drips" in client.get(f"/tickets/{number}").text


def test_who_did_the_work_is_told_why_they_may_not(stage: Stage) -> None:
    desk, _ = client_as(stage, "service_desk")
    doer, client = client_as(stage, "supervisor")
    number = done(stage, desk, doer)
    page = client.get(f"/tickets/{number}").text
    assert "You had a hand in the work" in page
    assert "Write the return visit down" not in page
    assert post(client, f"/tickets/{number}/return-visits", **ASKED)[0] == 403


@pytest.mark.parametrize("role", ["technician", "guard", "auditor", "accountant"])
def test_who_may_not_ask_has_no_such_list_and_no_form(stage: Stage, role: str) -> None:
    desk, _ = client_as(stage, "service_desk")
    technician, _ = client_as(stage, "technician")
    number = done(stage, desk, technician)
    _, client = client_as(stage, role)
    assert "Return visits due" not in client.get(HOME).text
    assert "Write the return visit down" not in client.get(f"/tickets/{number}").text
    assert post(client, f"/tickets/{number}/return-visits", **ASKED)[0] == 403
    part = client.get(f"/live/{stage.site_id}/visits").text
    assert "The tap drips" not in part
