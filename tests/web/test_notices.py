"""The inbox, the link that accepts by one tap, receipts of calls, and how one is reached."""

import re
from dataclasses import replace
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from api.deps import SESSION_COOKIE, csrf_token
from core import events
from core.contacts import contacts_of
from tests.web.conftest import client_of, signed_in
from tests.web.stage import OVERHEATING, Stage
from web.pages.notices import respond
from workflows import notifications
from workflows.notifications import Notice

PUMP = "b1-pump-1"
HOOK = "r3ceipts"


def post(client: TestClient, address: str, **form: object) -> tuple[int, str]:
    """Send a form; the status, and the page or where it leads."""
    token = csrf_token(client.cookies[SESSION_COOKIE])
    answer = client.post(address, data={"csrf": token, **form})
    return answer.status_code, answer.headers.get("location", answer.text)


@pytest.fixture
def supervisor(stage: Stage) -> UUID:
    """Whom everything falls through to, since nobody is on duty."""
    return stage.person("Lin Hua", "supervisor", node=stage.site_id)


@pytest.fixture
def own(stage: Stage, supervisor: UUID) -> TestClient:
    """The supervisor's browser."""
    return signed_in(stage, stage.secret(supervisor, "session"))


def tell(stage: Stage) -> list[Notice]:
    """Turn what happened into notices."""
    facts = events.read_after(stage.parts.database, events.START, 2000)
    with stage.parts.database.write() as session:
        notifications.take_up(session, facts, now=stage.parts.clock.now())
    with stage.parts.database.read() as session:
        return list(session.scalars(select(Notice)))


def guest(stage: Stage) -> TestClient:
    """A phone on which nobody is signed in."""
    client = TestClient(stage.app, follow_redirects=False)
    client.headers["accept"] = "text/html"
    return client


def test_one_tap_in_the_inbox_accepts_the_ticket_and_its_alarm(
    stage: Stage, own: TestClient, supervisor: UUID
) -> None:
    assert "You were told" not in own.get("/account/inbox").text
    number = stage.trip(PUMP, OVERHEATING)
    [notice] = tell(stage)
    page = own.get("/account/inbox").text
    assert f"#{number}" in page
    assert "New ticket" in page
    status, there = post(own, f"/account/inbox/{notice.id}/answer")
    assert (status, there) == (303, f"/tickets/{number}")
    ticket = stage.ticket(number)
    assert (ticket.assignee_id, ticket.state) == (supervisor, "assigned")
    assert "Alarm acknowledged" in own.get("/live").text
    assert "You were told" not in own.get("/account/inbox").text


def test_looking_at_a_link_changes_nothing_and_a_tap_accepts(
    stage: Stage, own: TestClient, supervisor: UUID
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    [notice] = tell(stage)
    phone = guest(stage)
    before = events.newest(stage.parts.database)
    for _ in range(2):
        page = phone.get(f"/n/{notice.code}").text
    assert events.newest(stage.parts.database) == before
    assert f"#{number} Pump motor overheating" in page
    assert "Lin Hua" not in page
    assert "It is yours." in phone.post(f"/n/{notice.code}").text
    assert stage.ticket(number).assignee_id == supervisor
    assert "It is yours." in phone.post(f"/n/{notice.code}").text
    assert "answered already" in phone.get(f"/n/{notice.code}").text
    assert phone.get("/n/nonsense").status_code == 404
    del own


@pytest.mark.parametrize("where", ["link", "inbox"])
def test_what_says_that_a_deadline_comes_near_can_be_accepted_while_nobody_has(
    stage: Stage, own: TestClient, supervisor: UUID, where: str
) -> None:
    """A ticket is one notice, which says the latest: at 3 a.m. its link is all there is."""
    number = stage.trip(PUMP, OVERHEATING)
    [notice] = tell(stage)
    with stage.parts.database.write() as session:
        session.get_one(Notice, notice.id).kind = "ticket.warn"
    phone = guest(stage)
    for page in (phone.get(f"/n/{notice.code}").text, own.get("/account/inbox").text):
        assert re.search(r'name="take" value="1"><button class="btn[^"]*">Accept</button>', page)
    if where == "link":
        assert "It is yours." in phone.post(f"/n/{notice.code}", data={"take": "1"}).text
    else:
        assert post(own, f"/account/inbox/{notice.id}/answer", take="1")[1] == f"/tickets/{number}"
    assert stage.ticket(number).assignee_id == supervisor
    # Whoever took it hears of its deadlines, and has read them.
    with stage.parts.database.write() as session:
        session.get_one(Notice, notice.id).state = "waiting"
    assert "Seen</button>" in phone.get(f"/n/{notice.code}").text


def test_a_press_of_what_says_seen_accepts_nothing(
    stage: Stage, own: TestClient, supervisor: UUID
) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    [notice] = tell(stage)
    with stage.parts.database.write() as session:
        kept = session.get_one(Notice, notice.id)
        kept.kind = "ticket.warn"
        assert respond(session, kept, by="button", now=stage.parts.clock.now()) == "seen"
    assert stage.ticket(number).assignee_id is None
    del own, supervisor


def test_who_comes_second_is_told_so(stage: Stage, own: TestClient) -> None:
    other = stage.person("Bo", "supervisor", node=stage.site_id)
    number = stage.trip(PUMP, OVERHEATING)
    notices = {notice.person_id: notice for notice in tell(stage)}
    assert len(notices) == 2
    second = notices.pop(other)
    [first] = notices.values()
    guest(stage).post(f"/n/{first.code}")
    assert "Somebody else has taken it already." in guest(stage).post(f"/n/{second.code}").text
    assert stage.ticket(number).assignee_id == first.person_id
    del own


def test_the_key_of_a_call_accepts(stage: Stage, own: TestClient, supervisor: UUID) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    [notice] = tell(stage)
    reports = [
        {"out_id": "nonsense", "dtmf": "1"},
        {"out_id": notice.code, "call_id": "1", "dtmf": "1", "status_code": "300000"},
    ]
    phone = guest(stage)
    # Nobody posts receipts where no address for them is set, nor to a wrong one.
    assert phone.post(f"/n/voice/{HOOK}", json=reports).status_code == 404
    parts = stage.parts
    settings = parts.settings.model_copy(update={"voice_hook_secret": HOOK})
    stage.app.state.parts = replace(parts, settings=settings)
    assert phone.post("/n/voice/wrong", json=reports).status_code == 404
    answer = phone.post(f"/n/voice/{HOOK}", json=reports)
    assert (answer.status_code, answer.json()["code"]) == (200, 0)
    assert phone.post(f"/n/voice/{HOOK}", json=reports).status_code == 200
    assert stage.ticket(number).assignee_id == supervisor
    del own


def test_somebody_elses_notice_is_not_answered(stage: Stage, own: TestClient) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    [notice] = tell(stage)
    stranger = stage.person("Bo", "technician", node=stage.site_id)
    client = signed_in(stage, stage.secret(stranger, "session"))
    assert post(client, f"/account/inbox/{notice.id}/answer")[0] == 404
    assert stage.ticket(number).assignee_id is None
    del own


def test_how_one_is_reached_is_set_in_ones_account(
    stage: Stage, own: TestClient, supervisor: UUID
) -> None:
    form = {
        "phone": "138 0013 8000",
        "wecom": "lin.hua",
        "quiet_from": "22:00",
        "quiet_to": "07:00",
    }
    assert post(own, "/account/reaching", **form) == (303, "/account?done=reaching")
    page = own.get("/account?done=reaching").text
    assert 'value="13800138000"' in page
    assert 'value="22:00"' in page
    status, text = post(own, "/account/reaching", **{**form, "phone": "call me"})
    assert status == 422
    assert "phone" in text
    assert post(own, "/account/reaching")[0] == 303
    with stage.parts.database.read() as session:
        assert contacts_of(session, supervisor) == {}


def test_the_test_of_a_shift_is_answered_in_the_inbox(stage: Stage, own: TestClient) -> None:
    assert post(own, "/account/reaching/test") == (303, "/account/inbox")
    page = own.get("/account/inbox").text
    assert "Test: can we reach you?" in page
    found = re.search(r"/account/inbox/([^/]+)/answer", page)
    assert found is not None
    assert post(own, f"/account/inbox/{found[1]}/answer") == (303, "/account/inbox")
    assert "You were told" not in own.get("/account/inbox").text
    del stage


def test_who_was_told_stands_on_the_ticket(stage: Stage, own: TestClient) -> None:
    number = stage.trip(PUMP, OVERHEATING)
    [notice] = tell(stage)
    now = stage.parts.clock.now()
    with stage.parts.database.write() as session:
        attempt = notifications.Attempt(
            notice_id=notice.id, channel="sms", state="failed", begun_at=now, result="busy"
        )
        session.add(attempt)
    page = own.get(f"/tickets/{number}").text
    assert "Who was told" in page
    assert re.search(r"Lin Hua · SMS", page)
    assert "busy" in page


def test_a_test_goes_out_so_often_and_to_nobody_outside(stage: Stage) -> None:
    """Each is an SMS to whatever number somebody wrote: no way to flood one that is not theirs."""
    own = client_of(stage, "technician")
    answers = [post(own, "/account/reaching/test")[0] for _ in range(8)]
    assert answers[:6] == [303] * 6
    assert answers[6:] == [429] * 2
    for role in ("resident", "contractor"):
        outside = client_of(stage, role)
        assert post(outside, "/account/reaching/test")[0] == 403
    with stage.parts.database.read() as session:
        assert session.scalar(select(func.count()).where(Notice.kind == "test")) == 6
